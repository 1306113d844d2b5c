// Command erase is the least that erasures can cost: it reads collections of items and
// deletes what it finds with a few calls at once, reading on meanwhile. No intent, no
// tombstone, no counts, no second reading; killed in between, it leaves the rest.
package main

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"customercare/infra/attribute"
	"customercare/shared/start"
	"customercare/shared/store"
)

// command is: erase these customers, so many at once; or, where Tenant is set, the
// contacts of these numbers. No contact may be one of two of the numbers: it would be
// deleted twice.
type command struct {
	Table     string
	Customers []string // their keys
	AtOnce    int
	Tenant    string
	Numbers   []string
}

// answer is how many items were deleted.
type answer struct{ Deleted int64 }

func main() {
	start.Function(func(s store.Settings) (any, error) {
		db, connected := store.Connect(s)
		connected()
		return func(ctx context.Context, c command) (answer, error) {
			if c.Tenant != "" {
				return ofNumbers(db, c).run(ctx)
			}
			return ofCustomers(db, c).run(ctx)
		}, nil
	})
}

// erasure is what to read, and how to delete what is found.
type erasure struct {
	db          *dynamodb.Client
	collections []dynamodb.QueryInput
	readers     int // collections read at once
	ahead       int // calls' worth of items that are read and not yet deleted
	calls       int // that delete, at once
	least, most int // items in such a call, the last ones aside
	deletions   func(found attribute.Item) []types.Delete
	remove      func(context.Context, []types.Delete) error
}

func (e erasure) run(ctx context.Context) (answer, error) {
	var deleted atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	found := make(chan []types.Delete, e.ahead)
	group.Go(func() error {
		defer close(found)
		readers, ctx := errgroup.WithContext(ctx)
		readers.SetLimit(e.readers)
		for _, collection := range e.collections {
			readers.Go(func() error { return e.read(ctx, collection, found) })
		}
		return readers.Wait()
	})
	for range e.calls {
		group.Go(func() error {
			var together []types.Delete // need not be of one collection
			remove := func(n int) error {
				err := e.remove(ctx, together[:n])
				deleted.Add(int64(n))
				together = together[n:]
				return err
			}
			for batch := range found {
				together = append(together, batch...)
				for len(together) >= e.least {
					if err := remove(min(e.most, len(together))); err != nil {
						return err
					}
				}
			}
			if len(together) == 0 {
				return nil
			}
			return remove(len(together))
		})
	}
	err := group.Wait()
	return answer{deleted.Load()}, err
}

// read gives the deletions of what is in a collection, as many together as a call takes.
func (e erasure) read(ctx context.Context, collection dynamodb.QueryInput, found chan<- []types.Delete) error {
	for pages := dynamodb.NewQueryPaginator(e.db, &collection); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		var all []types.Delete
		for _, item := range page.Items {
			all = append(all, e.deletions(item)...)
		}
		for batch := range slices.Chunk(all, e.most) {
			select {
			case found <- batch:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return nil
}

// As many as the product has: shared/store's recordPage; shared/erasure's
// customerCalls, numberReads and numberCalls. The others are DynamoDB's limits.
const (
	page          = 10_000
	customerCalls = 2
	numberReads   = 16
	numberCalls   = 8
	batch         = 25
	transaction   = 100
)

// ofCustomers deletes in batches, each of one customer: the product does not span them.
func ofCustomers(db *dynamodb.Client, c command) erasure {
	e := erasure{
		db: db, readers: c.AtOnce, ahead: page / batch, calls: customerCalls * c.AtOnce, least: 1, most: batch,
		deletions: func(key attribute.Item) []types.Delete { return []types.Delete{{Key: key}} },
		remove: func(ctx context.Context, all []types.Delete) error {
			requests := make([]types.WriteRequest, len(all))
			for i, deletion := range all {
				requests[i].DeleteRequest = &types.DeleteRequest{Key: deletion.Key}
			}
			out, err := db.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{
				RequestItems: map[string][]types.WriteRequest{c.Table: requests},
			})
			if err == nil && len(out.UnprocessedItems) > 0 {
				err = errors.New("DynamoDB did not take all of a batch")
			}
			return err
		},
	}
	for _, customer := range c.Customers {
		e.collections = append(e.collections, dynamodb.QueryInput{
			TableName: &c.Table, ConsistentRead: aws.Bool(true), Limit: aws.Int32(page),
			KeyConditionExpression:    aws.String("customer = :customer"),
			ProjectionExpression:      aws.String("customer, #record"),
			ExpressionAttributeNames:  map[string]string{"#record": "record"},
			ExpressionAttributeValues: attribute.Item{":customer": attribute.Text(customer)},
		})
	}
	return e
}

// ofNumbers deletes every copy of each contact in transactions that span collections, on
// condition that the parties are as they were read.
func ofNumbers(db *dynamodb.Client, c command) erasure {
	e := erasure{
		db: db, readers: numberReads, ahead: numberReads, calls: numberCalls, least: transaction, most: transaction,
		deletions: func(contact attribute.Item) (copies []types.Delete) {
			parties := contact["parties"].(*types.AttributeValueMemberL)
			for _, party := range parties.Value {
				partyKey := store.PartyKey(c.Tenant, attribute.ReadText(attribute.Item{"party": party}, "party"))
				key := attribute.Item{"party": attribute.Text(partyKey), "contact": contact["contact"]}
				copies = append(copies, types.Delete{
					TableName: &c.Table, Key: key, ConditionExpression: aws.String("parties = :parties"),
					ExpressionAttributeValues: attribute.Item{":parties": parties},
				})
			}
			return copies
		},
		remove: func(ctx context.Context, all []types.Delete) error {
			actions := make([]types.TransactWriteItem, len(all))
			for i := range all {
				actions[i].Delete = &all[i]
			}
			_, err := db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: actions})
			return err
		},
	}
	for _, number := range c.Numbers {
		e.collections = append(e.collections, dynamodb.QueryInput{
			TableName: &c.Table, ConsistentRead: aws.Bool(true),
			KeyConditionExpression:    aws.String("party = :party"),
			ProjectionExpression:      aws.String("contact, parties"),
			ExpressionAttributeValues: attribute.Item{":party": attribute.Text(store.PartyKey(c.Tenant, number))},
		})
	}
	return e
}
