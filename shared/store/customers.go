package store

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Customers is one item collection for each loyalty customer: key customer (CustomerKey),
// sort key record, which is CustomerRecord for the customer itself and TransactionRecord
// for a transaction. Other writers may have put records of their own there, under any
// sort key: they are part of the customer, and go with it.
//
// The customer item may have activeAt (Unix milliseconds), the last activity, which its
// writers keep (docs/data.md).
//
// While a customer is being erased, a tombstone stands in place of its item: {customer,
// record, tombstone (the job's key), at (Unix milliseconds)}. Writers put customers and
// transactions on condition that there is none.
type Customers struct {
	DB      *dynamodb.Client
	Table   string
	Limiter *Limiter // bounds the calls of Delete; jobs share one
}

// CustomerRecord is the sort key of the customer item. It sorts before every transaction,
// but not before every record that another writer may have put there.
const CustomerRecord = "customer"

// CustomerKey is the partition key of the customer with this code in this account.
func CustomerKey(account, code string) string { return JoinKey(account, code) }

// TransactionRecord is the sort key of a transaction in a campaign.
func TransactionRecord(campaign, id string) string { return JoinKey("txn", campaign, id) }

// Campaign is the campaign of a transaction with this sort key. ok is false for every
// other record.
func Campaign(record string) (campaign string, ok bool) {
	parts := SplitKey(record)
	if len(parts) != 3 || parts[0] != "txn" {
		return "", false
	}
	return parts[1], true
}

func recordKey(customer, record string) object {
	return object{"customer": text(customer), "record": text(record)}
}

// Collection is one page of a customer's item collection.
type Collection struct {
	Exists    bool     // the customer item is there, and is no tombstone
	Tombstone string   // the key of the job whose tombstone is in its place, or ""
	Records   []string // sort keys of everything but the customer item, in order
	Next      string   // the record behind which the next page begins, "" after the last

	// foreign is the attribute tombstone of a customer item that is no tombstone: another
	// writer's. nil for none.
	foreign Stored
	cutoff  time.Time // see Inactive; zero for none
}

// Inactive is the page for the opening of an erasure of a customer who has not been
// active since the cutoff: one more condition in the item that the opening looks at
// anyway. The opening gives ErrCustomerActive where it does not hold.
func (c Collection) Inactive(cutoff time.Time) Collection {
	c.cutoff = cutoff
	return c
}

// Tombstone is the key of the job that has put this attribute in a customer's place. It
// is "" for a value that no job puts there: then the item is a customer, whatever its
// writer meant by it.
func Tombstone(value types.AttributeValue) string {
	if s, ok := value.(*types.AttributeValueMemberS); ok && IsCustomerJob(s.Value) && len(s.Value) <= maxKey {
		return s.Value
	}
	return ""
}

// see notes what stands in the customer's place.
func (c *Collection) see(read page, tombstone Stored) {
	c.Tombstone = Tombstone(read.value(tombstone))
	if c.Exists = c.Tombstone == ""; c.Exists {
		c.foreign = tombstone
	}
}

// customers is how many customers are there to be counted: 1 or 0.
func (c Collection) customers() int {
	if c.Exists {
		return 1
	}
	return 0
}

// recordPage is how many records a page has at most; about as many of the smallest
// transactions fill DynamoDB's own bound of 1 MB. DynamoDB Local reads the whole
// collection for a query without a limit: 1.5 s for 400,000 items, 0.03 s with one.
const recordPage = 10_000

// Read is one page of the customer's collection, sort keys only, strongly consistent. It
// begins behind the record after, "" for the start.
//
// The first page always tells of the customer item. Where other records fill the page
// before it, that takes a second call, and what is told is as of that call. OpenCustomer
// compares it with what stands there then.
func (c Customers) Read(ctx context.Context, customer, after string) (Collection, error) {
	found, err := c.read(ctx, customer, after, recordPage)
	if err == nil && after == "" && found.Next != "" && found.Next < CustomerRecord {
		err = c.readCustomer(ctx, customer, &found)
	}
	return found, err
}

// FewItems is how many items of a customer ReadFew gives: the customer's own, and as many
// records as one BatchWriteItem deletes.
const FewItems = 1 + batchSize

// ReadFew is the customer's whole collection, as Read gives it, in one call that is not
// made again when it fails. ok is false where that was not to be had: the call failed, or
// there are more than FewItems. It reads one item more than that at most, however many
// there are.
func (c Customers) ReadFew(ctx context.Context, customer string) (few Collection, ok bool) {
	few, err := c.read(ctx, customer, "", FewItems+1, once)
	return few, err == nil && few.Next == ""
}

// once makes a call only once, so that it takes none of the tries that all calls of the
// client share.
func once(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }

// read is a page of so many items at most.
func (c Customers) read(
	ctx context.Context, customer, after string, most int32, options ...func(*dynamodb.Options),
) (Collection, error) {
	in := &dynamodb.QueryInput{
		TableName:                 &c.Table,
		ConsistentRead:            aws.Bool(true),
		Limit:                     &most,
		KeyConditionExpression:    aws.String("customer = :customer"),
		ProjectionExpression:      aws.String("#record, tombstone"),
		ExpressionAttributeNames:  map[string]string{"#record": "record"},
		ExpressionAttributeValues: object{":customer": text(customer)},
	}
	if after != "" {
		in.ExclusiveStartKey = recordKey(customer, after)
	}
	read, err := query(ctx, c.DB, in, options...)
	if err != nil {
		return Collection{}, failed("customers: read collection", err)
	}
	found := Collection{
		Records: make([]string, 0, len(read.items)), Next: object(read.rest.LastEvaluatedKey).text("record"),
	}
	err = read.each("tombstone", func(item object, tombstone Stored) {
		record := item.text("record")
		if record != CustomerRecord {
			found.Records = append(found.Records, record)
			return
		}
		found.see(read, tombstone)
	})
	if err != nil {
		return Collection{}, failed("customers: read collection", err)
	}
	return found, nil
}

// readCustomer looks for the customer item alone. It is a query, as every other reading
// is: the functions need no right to GetItem.
func (c Customers) readCustomer(ctx context.Context, customer string, into *Collection) error {
	read, err := query(ctx, c.DB, &dynamodb.QueryInput{
		TableName:                &c.Table,
		ConsistentRead:           aws.Bool(true),
		KeyConditionExpression:   aws.String("customer = :customer AND #record = :record"),
		ProjectionExpression:     aws.String("tombstone"),
		ExpressionAttributeNames: map[string]string{"#record": "record"},
		ExpressionAttributeValues: object{
			":customer": text(customer), ":record": text(CustomerRecord),
		},
	})
	if err == nil {
		err = read.each("tombstone", func(_ object, tombstone Stored) { into.see(read, tombstone) })
	}
	return failed("customers: read customer", err)
}

// tombstone is the write that takes the customer away from every reader: it replaces the
// whole item. Its condition is that what stands there is still what was seen: another
// job's tombstone, a customer (with another writer's attribute tombstone or without), or
// nothing, for transactions without their customer.
func (c Customers) tombstone(customer, job string, at time.Time, seen Collection) types.TransactWriteItem {
	put := &types.Put{TableName: &c.Table, Item: recordKey(customer, CustomerRecord)}
	put.Item["tombstone"] = text(job)
	put.Item["at"] = number(at.UnixMilli())
	switch {
	case seen.Tombstone != "":
		put.ConditionExpression = aws.String("tombstone = :seen")
		put.ExpressionAttributeValues = object{":seen": text(seen.Tombstone)}
	case seen.foreign != nil:
		put.ConditionExpression = aws.String("tombstone = :seen")
		put.ExpressionAttributeValues = object{":seen": seen.foreign.Value()}
	case seen.Exists:
		put.ConditionExpression = aws.String("attribute_exists(customer) AND attribute_not_exists(tombstone)")
	default:
		put.ConditionExpression = aws.String("attribute_not_exists(customer)")
	}
	if !seen.cutoff.IsZero() {
		put.ConditionExpression = aws.String(*put.ConditionExpression + " AND " + inactive)
		if put.ExpressionAttributeValues == nil {
			put.ExpressionAttributeValues = object{}
		}
		put.ExpressionAttributeValues[":one"] = one
		put.ExpressionAttributeValues[":cutoff"] = before(seen.cutoff, time.Millisecond)
		put.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
	}
	return types.TransactWriteItem{Put: put}
}

// liftTombstone is the write that removes the job's tombstone, where it is still there.
func (c Customers) liftTombstone(customer, job string) types.TransactWriteItem {
	return types.TransactWriteItem{Delete: &types.Delete{
		TableName:                 &c.Table,
		Key:                       recordKey(customer, CustomerRecord),
		ConditionExpression:       aws.String("attribute_not_exists(customer) OR tombstone = :job"),
		ExpressionAttributeValues: object{":job": text(job)},
	}}
}
