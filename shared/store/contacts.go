package store

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Contacts is one copy of a contact under each customer number that takes part in it: key party (PartyKey), sort key
// contact (ContactKey, the same for all copies). Every copy carries parties, the list of all the numbers, so that
// from any copy the others are found without an index.
type Contacts struct {
	DB      *dynamodb.Client
	Table   string
	Limiter *Limiter // that Erase shares with others
}

// PartyKey is the partition key of the contacts in which number takes part, within one tenant.
func PartyKey(tenant, number string) string { return JoinKey(tenant, number) }

// ContactKey is the sort key of a contact: copies of one contact share it, and contacts sort by time.
func ContactKey(at time.Time, id string) string {
	return JoinKey(at.UTC().Format("2006-01-02T15:04:05.000000000Z"), id)
}

// maxKey is the longest partition key that DynamoDB takes, in bytes.
const maxKey = 2048

// CanFile says whether a copy can be filed under this party at all: a foreign writer's list may name what is no number.
func CanFile(tenant, number string) bool { return len(PartyKey(tenant, number)) <= maxKey }

// Copy is a contact as one of its parties has it filed.
type Copy struct {
	Contact string // sort key
	Parties Stored // every number that takes part, this one included; nil where it has none
}

// Filed is what Contacts.Read found under a number.
type Filed struct {
	Copies     []Copy
	KeysBeyond []string // sort keys of copies behind them that stand where the caller wants to look, too
	More       bool     // there may be others behind all of these
	CopyBytes  int64    // about how many bytes a copy takes in the table, 0 when that is not known
	PageBytes  int64    // what Copies take of the share of memory that the reading was given
}

// contactPage bounds a page besides DynamoDB's 1 MB.
const contactPage = 200

// Read is the strongly consistent copies filed under number, from the start: a page of at
// most contactPage of them. Where that does not reach the sort key through, the keys of
// those behind it are read as well, and no more than their keys: they are there to be
// counted. Deleted copies are gone from the next reading, so the start is the only place
// ever needed. ErrNoRoom.
func (c Contacts) Read(ctx context.Context, tenant, number, through string) (Filed, error) {
	in := &dynamodb.QueryInput{
		TableName:                 &c.Table,
		ConsistentRead:            aws.Bool(true),
		Limit:                     aws.Int32(contactPage),
		KeyConditionExpression:    aws.String("party = :party"),
		ProjectionExpression:      aws.String("contact, parties"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":party": text(PartyKey(tenant, number))},
		ReturnConsumedCapacity:    types.ReturnConsumedCapacityTotal,
	}
	read, err := query(ctx, c.DB, in)
	if err != nil {
		return Filed{}, failed("contacts: read party", err)
	}
	filed := Filed{Copies: make([]Copy, 0, len(read.items)), CopyBytes: read.average(), PageBytes: read.size}
	err = read.each("parties", func(item object, parties Stored) {
		filed.Copies = append(filed.Copies, Copy{item.text("contact"), parties})
	})
	if err != nil {
		return Filed{}, failed("contacts: read party", err)
	}
	last := read.rest.LastEvaluatedKey
	if filed.More = last != nil; filed.More && object(last).text("contact") < through {
		filed.KeysBeyond, filed.More, err = c.ReadKeys(ctx, tenant, number, object(last).text("contact"), through)
	}
	return filed, err
}

// ReadKeys is the sort keys of the copies behind after ("" for the start): a page of
// them, or more pages when it takes those to reach the sort key through. more says that
// there may be others behind.
func (c Contacts) ReadKeys(ctx context.Context, tenant, number, after, through string) (keys []string, more bool, err error) {
	in := &dynamodb.QueryInput{
		TableName:                 &c.Table,
		ConsistentRead:            aws.Bool(true),
		Limit:                     aws.Int32(contactPage),
		KeyConditionExpression:    aws.String("party = :party"),
		ProjectionExpression:      aws.String("contact"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":party": text(PartyKey(tenant, number))},
	}
	if after != "" {
		in.ExclusiveStartKey = contactKey(tenant, number, after)
	}
	for {
		read, err := query(unshared(ctx), c.DB, in)
		if err == nil {
			err = read.each("", func(item object, _ Stored) { keys = append(keys, item.text("contact")) })
		}
		if err != nil {
			return nil, false, failed("contacts: read keys", err)
		}
		last := object(read.rest.LastEvaluatedKey).text("contact")
		if last == "" || last >= through {
			return keys, last != "", nil
		}
		in.ExclusiveStartKey = read.rest.LastEvaluatedKey
	}
}

func contactKey(tenant, number, contact string) object {
	return object{"party": text(PartyKey(tenant, number)), "contact": text(contact)}
}
