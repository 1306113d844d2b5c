// Command numbers is the least that the erasure of all contacts of many numbers can cost: it reads the numbers 16 at a time
// and deletes every copy of what it finds over 8 streams, in batches that span collections, either unconditionally or in
// transactions on condition that the parties are as they were read. No intent, no counts, no second reading.
package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"customercare/infra/bench/floor/commands"
	"customercare/infra/bench/floor/database"
	"customercare/shared/store"
)

// As many as the product has: shared/erasure's numberReads and numberStreams; the limits of DynamoDB.
const (
	reads       = 16
	streams     = 8
	batch       = 25
	transaction = 100
)

// command is: erase the contacts of Numbers. No contact may be one of two of the numbers: it would be deleted twice.
type command struct {
	Table, Tenant string
	Numbers       []string
	Conditional   bool // in transactions
}

// answer is what is printed then: how many copies there were.
type answer struct{ Deleted int }

func main() {
	db := database.Connect()
	commands.Serve(func(c command) (answer, error) {
		n, err := erase(context.Background(), db, c)
		return answer{n}, err
	})
}

// copyOf is the key of a copy, and what its contact's list of parties was.
type copyOf struct {
	key     map[string]types.AttributeValue
	parties types.AttributeValue
}

func erase(ctx context.Context, db *dynamodb.Client, c command) (deleted int, err error) {
	group, ctx := errgroup.WithContext(ctx)
	numbers, found, together := make(chan string), make(chan []copyOf, reads), make(chan []copyOf, streams)
	group.Go(func() error {
		defer close(found)
		readers, ctx := errgroup.WithContext(ctx)
		for range reads {
			readers.Go(func() error {
				for number := range numbers {
					if err := read(ctx, db, c, number, found); err != nil {
						return err
					}
				}
				return nil
			})
		}
		for _, number := range c.Numbers {
			select {
			case numbers <- number:
			case <-ctx.Done():
			}
		}
		close(numbers)
		return readers.Wait()
	})
	group.Go(func() error { // what is deleted in one call need not be of one number
		defer close(together)
		most := batch
		if c.Conditional {
			most = transaction
		}
		var some []copyOf
		send := func(n int) {
			select {
			case together <- some[:n:n]:
				deleted += n
			case <-ctx.Done():
			}
			some = some[n:]
		}
		for copies := range found {
			for some = append(some, copies...); len(some) >= most; {
				send(most)
			}
		}
		if len(some) > 0 {
			send(len(some))
		}
		return ctx.Err()
	})
	for range streams {
		group.Go(func() error {
			for copies := range together {
				remove := removeAll
				if c.Conditional {
					remove = removeUnchanged
				}
				if err := remove(ctx, db, c.Table, copies); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return deleted, group.Wait()
}

// read gives all copies of the contacts of number.
func read(ctx context.Context, db *dynamodb.Client, c command, number string, found chan<- []copyOf) error {
	for pages := dynamodb.NewQueryPaginator(db, &dynamodb.QueryInput{
		TableName: &c.Table, ConsistentRead: aws.Bool(true),
		KeyConditionExpression:    aws.String("party = :party"),
		ProjectionExpression:      aws.String("contact, parties"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":party": text(store.PartyKey(c.Tenant, number))},
	}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		var copies []copyOf
		for _, item := range page.Items {
			parties, ok := item["parties"].(*types.AttributeValueMemberL)
			if !ok {
				return fmt.Errorf("a contact without a list of parties")
			}
			for _, party := range parties.Value {
				party, ok := party.(*types.AttributeValueMemberS)
				if !ok {
					return fmt.Errorf("a contact with a party that is no text")
				}
				key := map[string]types.AttributeValue{"party": text(store.PartyKey(c.Tenant, party.Value)), "contact": item["contact"]}
				copies = append(copies, copyOf{key, parties})
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

func removeAll(ctx context.Context, db *dynamodb.Client, table string, copies []copyOf) error {
	requests := make([]types.WriteRequest, len(copies))
	for i, copy := range copies {
		requests[i].DeleteRequest = &types.DeleteRequest{Key: copy.key}
	}
	out, err := db.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: requests}})
	if err == nil && len(out.UnprocessedItems) > 0 {
		err = fmt.Errorf("DynamoDB did not take all of a batch")
	}
	return err
}

func removeUnchanged(ctx context.Context, db *dynamodb.Client, table string, copies []copyOf) error {
	actions := make([]types.TransactWriteItem, len(copies))
	for i, copy := range copies {
		actions[i].Delete = &types.Delete{
			TableName: &table, Key: copy.key, ConditionExpression: aws.String("parties = :parties"),
			ExpressionAttributeValues: map[string]types.AttributeValue{":parties": copy.parties},
		}
	}
	_, err := db.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: actions})
	return err
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
