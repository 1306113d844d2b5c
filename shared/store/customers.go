package store

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Customers is one item collection per loyalty customer: key customer (CustomerKey), sort key record, which is
// CustomerRecord for the customer itself and TransactionRecord for each transaction.
//
// While a customer is being erased its item is a tombstone: {customer, record, tombstone (the job's key), at (Unix
// milliseconds)}. Writers put customers and transactions on condition that none stands.
//
// Other writers may have put records of their own there, under any sort key: they are part of
// the customer, and go with it.
type Customers struct {
	DB      *dynamodb.Client
	Table   string
	Limiter *Limiter // that Delete shares with others
}

// CustomerRecord is the sort key of the customer item. It sorts before every transaction, but
// not before whatever another writer may have put there.
const CustomerRecord = "customer"

// CustomerKey is the partition key of the customer with this code in this account.
func CustomerKey(account, code string) string { return JoinKey(account, code) }

// TransactionRecord is the sort key of a transaction in a campaign.
func TransactionRecord(campaign, id string) string { return JoinKey("txn", campaign, id) }

// Collection is one consistent look at a customer's item collection.
type Collection struct {
	Exists    bool     // the customer item stands, and is no tombstone
	Tombstone string   // the key of the job whose tombstone stands in its place, or ""
	Records   []string // sort keys of everything but the customer item, in order
	Next      string   // where the following page starts, "" after the last

	marked Stored // what stands as tombstone in a customer item that is none, or nil
}

// Tombstone is the key of the job that has put this attribute in a customer's place, "" when
// it is none that a job puts: then the item is a customer, whatever its writer meant by it.
func Tombstone(value types.AttributeValue) string {
	if s, ok := value.(*types.AttributeValueMemberS); ok && IsCustomerJob(s.Value) && len(s.Value) <= maxKey {
		return s.Value
	}
	return ""
}

// see notes the customer item, or the tombstone in its place.
func (c *Collection) see(read page, tombstone Stored) {
	c.Tombstone = Tombstone(read.value(tombstone))
	if c.Exists = c.Tombstone == ""; c.Exists {
		c.marked = tombstone
	}
}

// recordPage bounds a page besides DynamoDB's 1 MB, which 10,000 of the smallest transactions about fill. DynamoDB Local reads
// a whole collection for every query without a limit: 1.5 s at 400,000 items, 0.03 s with one.
const recordPage = 10_000

// customers is how many there are to be counted: 1 while the customer item stands.
func (c Collection) customers() int {
	if c.Exists {
		return 1
	}
	return 0
}

// Read is one strongly consistent page, keys only, of the collection, beginning behind the record after ("" for the
// start). A page is at most 1 MB of items. The first page always tells of the customer item: where other records fill
// it, that takes a second call, and what is told is as of that call; OpenCustomer holds against it what stands there then.
func (c Customers) Read(ctx context.Context, customer, after string) (Collection, error) {
	in := &dynamodb.QueryInput{
		TableName:                &c.Table,
		ConsistentRead:           aws.Bool(true),
		Limit:                    aws.Int32(recordPage),
		KeyConditionExpression:   aws.String("customer = :customer"),
		ProjectionExpression:     aws.String("#record, tombstone"),
		ExpressionAttributeNames: map[string]string{"#record": "record"},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":customer": text(customer),
		},
	}
	if after != "" {
		in.ExclusiveStartKey = recordKey(customer, after)
	}
	read, err := query(ctx, c.DB, in)
	if err != nil {
		return Collection{}, failed("customers: read collection", err)
	}
	page := Collection{
		Records: make([]string, 0, len(read.items)), Next: object(read.rest.LastEvaluatedKey).text("record"),
	}
	err = read.each("tombstone", func(item object, tombstone Stored) {
		record := item.text("record")
		if record != CustomerRecord {
			page.Records = append(page.Records, record)
			return
		}
		page.see(read, tombstone)
	})
	if err != nil {
		return Collection{}, failed("customers: read collection", err)
	}
	if after == "" && page.Next != "" && page.Next < CustomerRecord {
		err = c.readCustomer(ctx, customer, &page)
	}
	return page, err
}

// readCustomer looks for the customer item alone. It is a query because everything else is:
// the functions need no right to GetItem.
func (c Customers) readCustomer(ctx context.Context, customer string, into *Collection) error {
	read, err := query(ctx, c.DB, &dynamodb.QueryInput{
		TableName:                &c.Table,
		ConsistentRead:           aws.Bool(true),
		KeyConditionExpression:   aws.String("customer = :customer AND #record = :record"),
		ProjectionExpression:     aws.String("tombstone"),
		ExpressionAttributeNames: map[string]string{"#record": "record"},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":customer": text(customer), ":record": text(CustomerRecord),
		},
	})
	if err == nil {
		err = read.each("tombstone", func(_ object, tombstone Stored) { into.see(read, tombstone) })
	}
	return failed("customers: read customer", err)
}

// Delete removes records of the job's customer, over at most streams calls at a time; see deleteAll for what it promises.
func (c Customers) Delete(ctx context.Context, job *Job, records []string, streams int) error {
	customer := CustomerKey(job.Scope, job.Identifiers[0])
	// Whole batches to each stream, so that no call is spent on a part of one.
	batches := (len(records) + batchSize - 1) / batchSize
	var queues [][]string
	for i := range streams {
		from, to := batches*i/streams*batchSize, min(batches*(i+1)/streams*batchSize, len(records))
		if from < to {
			queues = append(queues, records[from:to])
		}
	}
	return c.Limiter.deleteAll(ctx, c.DB, c.Table, customer, queues, func(record string) object { return recordKey(customer, record) }, job)
}

func recordKey(customer, record string) object {
	return object{"customer": text(customer), "record": text(record)}
}

// tombstone is the write that takes the customer away from every reader: the whole item is replaced. On condition that
// what stands there is still what was seen: a live customer, a tombstone without a job, or nothing (transactions
// without their customer).
func (c Customers) tombstone(customer, job string, at time.Time, seen Collection) types.TransactWriteItem {
	put := &types.Put{TableName: &c.Table, Item: recordKey(customer, CustomerRecord)}
	put.Item["tombstone"] = text(job)
	put.Item["at"] = number(at.UnixMilli())
	switch {
	case seen.Tombstone != "":
		put.ConditionExpression = aws.String("tombstone = :seen")
		put.ExpressionAttributeValues = object{":seen": text(seen.Tombstone)}
	case seen.marked != nil:
		put.ConditionExpression = aws.String("tombstone = :seen")
		put.ExpressionAttributeValues = object{":seen": seen.marked.Value()}
	case seen.Exists:
		put.ConditionExpression = aws.String("attribute_exists(customer) AND attribute_not_exists(tombstone)")
	default:
		put.ConditionExpression = aws.String("attribute_not_exists(customer)")
	}
	return types.TransactWriteItem{Put: put}
}

// liftTombstone removes the job's tombstone, or finds it gone already.
func (c Customers) liftTombstone(customer, job string) types.TransactWriteItem {
	return types.TransactWriteItem{Delete: &types.Delete{
		TableName:                 &c.Table,
		Key:                       recordKey(customer, CustomerRecord),
		ConditionExpression:       aws.String("attribute_not_exists(customer) OR tombstone = :job"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":job": text(job)},
	}}
}
