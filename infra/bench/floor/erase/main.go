// Command erase is the least that the erasure of customers can cost: it reads the keys of
// a collection page by page and deletes them over two streams of batches, the next page
// being read meanwhile. No intent, no tombstone, no counts, no second reading; killed in
// between, it leaves the rest for ever.
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

// As many as the product has: shared/store's recordPage, shared/erasure's
// customerStreams; BatchWriteItem's limit.
const (
	page    = 10_000
	streams = 2
	batch   = 25
)

// command is: erase these customers, so many at once.
type command struct {
	Table     string
	Customers []string
	AtOnce    int
}

// answer is how many items were deleted.
type answer struct{ Deleted int64 }

func main() {
	start.Function(func(s store.Settings) (any, error) {
		db, connected := store.Connect(s)
		connected()
		return func(ctx context.Context, c command) (answer, error) { return erase(ctx, db, c) }, nil
	})
}

func erase(ctx context.Context, db *dynamodb.Client, c command) (answer, error) {
	var deleted atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	batches := make(chan []types.WriteRequest, page/batch) // one page ahead
	group.Go(func() error {
		defer close(batches)
		readers, ctx := errgroup.WithContext(ctx)
		readers.SetLimit(c.AtOnce)
		for _, customer := range c.Customers {
			readers.Go(func() error { return read(ctx, db, c.Table, customer, batches) })
		}
		return readers.Wait()
	})
	for range streams * c.AtOnce {
		group.Go(func() error {
			for requests := range batches {
				in := &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{c.Table: requests}}
				out, err := db.BatchWriteItem(ctx, in)
				if err != nil || len(out.UnprocessedItems) > 0 {
					return fmt.Errorf("DynamoDB did not take all of a batch: %w", err)
				}
				deleted.Add(int64(len(requests)))
			}
			return nil
		})
	}
	err := group.Wait()
	return answer{deleted.Load()}, err
}

// read gives the keys of the collection in batches.
func read(ctx context.Context, db *dynamodb.Client, table, customer string, batches chan<- []types.WriteRequest) error {
	for pages := dynamodb.NewQueryPaginator(db, &dynamodb.QueryInput{
		TableName: &table, ConsistentRead: aws.Bool(true), Limit: aws.Int32(page),
		KeyConditionExpression:    aws.String("customer = :customer"),
		ProjectionExpression:      aws.String("customer, #record"),
		ExpressionAttributeNames:  map[string]string{"#record": "record"},
		ExpressionAttributeValues: attribute.Item{":customer": attribute.Text(customer)},
	}); pages.HasMorePages(); {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for len(out.Items) > 0 {
			n := min(batch, len(out.Items))
			requests := make([]types.WriteRequest, n)
			for i, key := range out.Items[:n] {
				requests[i].DeleteRequest = &types.DeleteRequest{Key: key}
			}
			select {
			case batches <- requests:
			case <-ctx.Done():
				return ctx.Err()
			}
			out.Items = out.Items[n:]
		}
	}
	return nil
}
