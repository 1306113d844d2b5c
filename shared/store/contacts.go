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
	Streams Streams // that Delete shares with others
}

// PartyKey is the partition key of the contacts in which number takes part, within one tenant.
func PartyKey(tenant, number string) string { return JoinKey(tenant, number) }

// ContactKey is the sort key of a contact: copies of one contact share it, and contacts sort by time.
func ContactKey(at time.Time, id string) string {
	return JoinKey(at.UTC().Format("2006-01-02T15:04:05.000000000Z"), id)
}

// Copy is a contact as one of its parties has it filed.
type Copy struct {
	Contact string   // sort key
	Parties []string // every number that takes part, this one included
}

// contactPage bounds a page, and with it the memory of a worker that reads many numbers at once.
const contactPage = 1000

// Read is the strongly consistent copies filed under number, from the start: a page of at most contactPage of them, or more
// pages when it takes those to reach the sort key through. more says that there may be others behind. Deleted copies are
// gone from the next reading, so the start is the only place ever needed.
func (c Contacts) Read(ctx context.Context, tenant, number, through string) (copies []Copy, more bool, err error) {
	in := &dynamodb.QueryInput{
		TableName:                 &c.Table,
		ConsistentRead:            aws.Bool(true),
		Limit:                     aws.Int32(contactPage),
		KeyConditionExpression:    aws.String("party = :party"),
		ProjectionExpression:      aws.String("contact, parties"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":party": text(PartyKey(tenant, number))},
	}
	for {
		out, err := c.DB.Query(ctx, in)
		if err != nil {
			return nil, false, failed("contacts: read party", err)
		}
		for _, item := range out.Items {
			copies = append(copies, Copy{Contact: object(item).text("contact"), Parties: object(item).texts("parties")})
		}
		last := object(out.LastEvaluatedKey).text("contact")
		if last == "" || last >= through {
			return copies, last != "", nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// Filed names one copy of a contact.
type Filed struct{ Number, Contact string }

// Delete removes copies within one tenant over at most streams calls at a time, no two of them on the same number;
// see deleteAll for what it promises.
func (c Contacts) Delete(ctx context.Context, tenant string, copies []Filed, streams int) error {
	queues := make([][]object, streams)
	for _, copy := range copies {
		i := spread(copy.Number, streams)
		queues[i] = append(queues[i], object{"party": text(PartyKey(tenant, copy.Number)), "contact": text(copy.Contact)})
	}
	return c.Streams.deleteAll(ctx, c.DB, c.Table, queues)
}
