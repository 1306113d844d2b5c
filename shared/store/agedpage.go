package store

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/shared/retention"
)

// Ages is a table as a rule of retention goes through it.
type Ages struct {
	DB     *dynamodb.Client
	Table  string
	Rule   retention.Rule
	Cutoff time.Time
}

// Position is where a reading goes on: the key behind which the next page begins. All
// keys are texts. nil is the beginning of the table.
type Position map[string]string

// Due is an item that a rule takes, as it was read.
type Due struct {
	Aged
	item    object
	parties Stored // of a contact
}

// Key is the value of an attribute of the item's key.
func (d Due) Key(name string) string { return d.item.text(name) }

// AgedPage is a page of a table.
type AgedPage struct {
	Read int64    // items of the rule's kind, in any scope
	Due  []Due    // those that the rule takes
	Next Position // nil behind the last page
}

// Swept is what has become of the items of a page.
type Swept struct {
	Found  int64 // items that the rule takes; a contact counts once for each of its copies
	Erased int64
	Kept   int64 // by holds
	Left   int64 // neither erased nor kept: they are still there, and still of the rule's age
}

// Add adds another page's.
func (s *Swept) Add(other Swept) {
	s.Found += other.Found
	s.Erased += other.Erased
	s.Kept += other.Kept
	s.Left += other.Left
}

// Read reads a page, strongly consistent: at most limit items, 0 for as many as DynamoDB
// gives.
func (a Ages) Read(ctx context.Context, from Position, limit int32) (AgedPage, error) {
	projection, names := AgedAttributes(a.Rule.What)
	if a.Rule.What == retention.Contacts {
		projection += ", parties, held"
	}
	in := &dynamodb.ScanInput{
		TableName: &a.Table, ConsistentRead: aws.Bool(true),
		ProjectionExpression: &projection, ExpressionAttributeNames: names,
	}
	if limit > 0 {
		in.Limit = &limit
	}
	if from != nil {
		key := object{}
		for name, value := range from {
			key[name] = text(value)
		}
		in.ExclusiveStartKey = key
	}
	read := &pageReader{}
	out, err := a.DB.Scan(ctx, in, read.option)
	if err != nil {
		return AgedPage{}, failed("retention: read", err)
	}
	var found AgedPage
	err = page{items: read.items, decoder: read.decoder}.each("parties", func(item object, parties Stored) {
		aged, is := AgedItem(a.Rule.What, item)
		if !is {
			return
		}
		found.Read++
		if aged.Due(a.Rule, a.Cutoff) {
			found.Due = append(found.Due, Due{aged, item, parties})
		}
	})
	if err != nil {
		return AgedPage{}, failed("retention: read", err)
	}
	for name := range out.LastEvaluatedKey {
		if found.Next == nil {
			found.Next = Position{}
		}
		found.Next[name] = object(out.LastEvaluatedKey).text(name)
	}
	return found, nil
}

// Again is which of the items with these keys are there, and still of the rule's age or
// of a newer version since, strongly consistent, in no order: what is left after a page.
func (a Ages) Again(ctx context.Context, keys []map[string]types.AttributeValue) (left []Due, err error) {
	projection, names := AgedAttributes(a.Rule.What)
	if a.Rule.What == retention.Contacts {
		projection += ", parties, held"
	}
	for len(keys) > 0 {
		n := min(len(keys), maxReadKeys)
		items, err := readItems(ctx, a.DB, "retention: read again", a.Table, types.KeysAndAttributes{
			Keys: keys[:n], ConsistentRead: aws.Bool(true), ProjectionExpression: &projection,
			ExpressionAttributeNames: names,
		}, readAttempts)
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			if aged, is := AgedItem(a.Rule.What, item); is && (aged.Newer || aged.Due(a.Rule, a.Cutoff)) {
				left = append(left, Due{Aged: aged, item: item})
			}
		}
		keys = keys[n:]
	}
	return left, nil
}
