// Command numbers is the least that the erasure of all contacts of many numbers can cost:
// it reads the numbers 16 at a time and deletes every copy of what it finds over 8
// streams, in transactions that span collections, on condition that the parties are as
// they were read. No intent, no counts, no second reading.
package main

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"customercare/infra/attribute"
	"customercare/shared/start"
	"customercare/shared/store"
)

// As many as the product has: shared/erasure's numberReads and numberStreams; the limit
// of DynamoDB.
const (
	reads       = 16
	streams     = 8
	transaction = 100
)

// command is: erase the contacts of Numbers. No contact may be one of two of the numbers:
// it would be deleted twice.
type command struct {
	Table, Tenant string
	Numbers       []string
}

// answer is how many copies were deleted.
type answer struct{ Deleted int64 }

func main() {
	start.Function(func(s store.Settings) (any, error) {
		db, connected := store.Connect(s)
		connected()
		return func(ctx context.Context, c command) (answer, error) { return erase(ctx, db, c) }, nil
	})
}

// actions go together, as far as a transaction has room for them.
type actions []types.TransactWriteItem

func erase(ctx context.Context, db *dynamodb.Client, c command) (answer, error) {
	var deleted atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	found := make(chan actions, reads)
	group.Go(func() error {
		defer close(found)
		readers, ctx := errgroup.WithContext(ctx)
		readers.SetLimit(reads)
		for _, number := range c.Numbers {
			readers.Go(func() error { return read(ctx, db, c, number, found) })
		}
		return readers.Wait()
	})
	for range streams {
		group.Go(func() error {
			var together actions // need not be of one number
			for some := range found {
				together = append(together, some...)
				for ; len(together) >= transaction; together = together[transaction:] {
					if err := remove(ctx, db, together[:transaction], &deleted); err != nil {
						return err
					}
				}
			}
			return remove(ctx, db, together, &deleted)
		})
	}
	err := group.Wait()
	return answer{deleted.Load()}, err
}

func remove(ctx context.Context, db *dynamodb.Client, some actions, deleted *atomic.Int64) error {
	if len(some) == 0 {
		return nil
	}
	_, err := db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: some})
	deleted.Add(int64(len(some)))
	return err
}

// read gives the deletions of all copies of the contacts of number.
func read(ctx context.Context, db *dynamodb.Client, c command, number string, found chan<- actions) error {
	for pages := dynamodb.NewQueryPaginator(db, &dynamodb.QueryInput{
		TableName: &c.Table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression:    aws.String("party = :party"),
		ProjectionExpression:      aws.String("contact, parties"),
		ExpressionAttributeValues: attribute.Item{":party": attribute.Text(store.PartyKey(c.Tenant, number))},
	}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		var copies actions
		for _, item := range page.Items {
			parties, ok := item["parties"].(*types.AttributeValueMemberL)
			if !ok {
				return fmt.Errorf("a contact without a list of parties")
			}
			for _, party := range parties.Value {
				party := attribute.ReadText(attribute.Item{"party": party}, "party")
				copies = append(copies, types.TransactWriteItem{Delete: &types.Delete{
					TableName: &c.Table, ConditionExpression: aws.String("parties = :parties"),
					Key: attribute.Item{
						"party": attribute.Text(store.PartyKey(c.Tenant, party)), "contact": item["contact"],
					},
					ExpressionAttributeValues: attribute.Item{":parties": parties},
				}})
			}
		}
		select {
		case found <- copies:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
