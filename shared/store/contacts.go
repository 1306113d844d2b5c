package store

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Contacts is the records of conversations. A contact has one copy under each customer
// number that takes part in it: key party (PartyKey), sort key contact (ContactKey, the
// same for all copies). Every copy has parties, the list of all the numbers, so that from
// any copy the others are found without an index.
type Contacts struct {
	DB      *dynamodb.Client
	Table   string
	Limiter *Limiter // bounds the calls of Erase; jobs share one
}

// PartyKey is the partition key of the contacts in which number takes part, within one
// tenant.
func PartyKey(tenant, number string) string { return JoinKey(tenant, number) }

// ContactKey is the sort key of a contact: contacts sort by time.
func ContactKey(at time.Time, id string) string {
	return JoinKey(at.UTC().Format("2006-01-02T15:04:05.000000000Z"), id)
}

func contactKey(tenant, number, contact string) object {
	return object{"party": text(PartyKey(tenant, number)), "contact": text(contact)}
}

// maxKey is the longest partition key that DynamoDB takes, in bytes.
const maxKey = 2048

// canFile says whether a copy can stand under this number at all. A list that another
// writer stored may name what is no number.
func canFile(tenant, number string) bool { return len(PartyKey(tenant, number)) <= maxKey }

// Copy is a contact as it stands under one of its numbers.
type Copy struct {
	Contact string // sort key
	Parties Stored // all numbers of the contact as the copy has them; nil where it has none
	Marks   *Marks // of the holds that keep the copy, nil where it has none
}

// Marks are what stands in the attribute held of a copy: the ids of holds.
type Marks struct {
	Holds []string
	// Foreign says that it is no set of ids. Nobody knows then what keeps the copy, or
	// how it could be let go.
	Foreign bool
}

// readMarks reads the attribute held, nil for none.
func readMarks(copy object) *Marks {
	value, there := copy["held"]
	if !there {
		return nil
	}
	ids, ok := value.(*types.AttributeValueMemberSS)
	if !ok {
		return &Marks{Foreign: true}
	}
	return &Marks{Holds: ids.Value}
}

// unmarked is the condition of every deletion of a copy: no hold keeps it.
const unmarked = "attribute_not_exists(held)"

// Filed is what Contacts.Read found under a number.
type Filed struct {
	Copies     []Copy
	KeysBeyond []string // sort keys of the copies behind them, to through at least
	More       bool     // there may be others behind all of these
	CopyBytes  int64    // about how many bytes a copy takes in the table, 0 when that is not known
	PageBytes  int64    // what Copies take of the share of memory that ctx has, see Share.Give
}

// contactPage is how many copies a page has at most. DynamoDB's own bound is 1 MB.
const contactPage = 200

// Read is the first page of the copies under number, strongly consistent. A worker
// deletes what it has read, so the first page is the only one that it ever needs.
//
// Where the page does not reach the sort key through, the sort keys of the copies from
// there to through are read as well: the caller counts those copies. ErrNoRoom when the
// share of memory that ctx has is too small for the page, see Share.On.
func (c Contacts) Read(ctx context.Context, tenant, number, after, through string) (Filed, error) {
	filed, err := c.ReadBehind(ctx, tenant, number, after)
	if n := len(filed.Copies); err == nil && filed.More && n > 0 && filed.Copies[n-1].Contact < through {
		filed.KeysBeyond, filed.More, err = c.ReadKeys(ctx, tenant, number, filed.Copies[n-1].Contact, through)
	}
	return filed, err
}

// ReadBehind is one page of the copies under number, strongly consistent: those behind
// the sort key after, "" for the first. ErrNoRoom as for Read.
func (c Contacts) ReadBehind(ctx context.Context, tenant, number, after string) (Filed, error) {
	in := &dynamodb.QueryInput{
		TableName:                 &c.Table,
		ConsistentRead:            aws.Bool(true),
		Limit:                     aws.Int32(contactPage),
		KeyConditionExpression:    aws.String("party = :party"),
		ProjectionExpression:      aws.String("contact, parties, held"),
		ExpressionAttributeValues: object{":party": text(PartyKey(tenant, number))},
		ReturnConsumedCapacity:    types.ReturnConsumedCapacityTotal, // for itemBytes
	}
	if after != "" {
		in.ExclusiveStartKey = contactKey(tenant, number, after)
	}
	read, err := query(ctx, c.DB, in)
	if err != nil {
		return Filed{}, failed("contacts: read party", err)
	}
	filed := Filed{Copies: make([]Copy, 0, len(read.items)), CopyBytes: read.itemBytes(), PageBytes: read.size}
	err = read.each("parties", func(item object, parties Stored) {
		filed.Copies = append(filed.Copies, Copy{item.text("contact"), parties, readMarks(item)})
	})
	if err != nil {
		return Filed{}, failed("contacts: read party", err)
	}
	filed.More = read.rest.LastEvaluatedKey != nil
	return filed, nil
}

// ReadKeys is the sort keys of the copies behind the sort key after, "" for the first:
// one page of them, or as many pages as it takes to reach through. more says that there
// may be others behind.
func (c Contacts) ReadKeys(ctx context.Context, tenant, number, after, through string) (
	keys []string, more bool, err error,
) {
	in := &dynamodb.QueryInput{
		TableName:                 &c.Table,
		ConsistentRead:            aws.Bool(true),
		Limit:                     aws.Int32(contactPage),
		KeyConditionExpression:    aws.String("party = :party"),
		ProjectionExpression:      aws.String("contact"),
		ExpressionAttributeValues: object{":party": text(PartyKey(tenant, number))},
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
