// Command erase is the least that the erasure of one customer can cost: it reads the keys of the collection page by page and
// deletes them over two streams of batches, the next page being read meanwhile. No intent, no tombstone, no counts, no
// second reading; killed in between, it leaves the rest for ever.
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
)

// As many as the product has: shared/store's recordPage, shared/erasure's customerStreams; BatchWriteItem's limit.
const (
	page    = 10_000
	streams = 2
	batch   = 25
)

// command is: erase the first Most items of a collection, or all when it is 0.
type command struct {
	Table, Customer string
	Most            int
}

// answer is what is printed then.
type answer struct{ Deleted int }

func main() {
	db := database.Connect()
	commands.Serve(func(c command) (answer, error) {
		n, err := erase(context.Background(), db, c)
		return answer{n}, err
	})
}

func erase(ctx context.Context, db *dynamodb.Client, c command) (deleted int, err error) {
	group, ctx := errgroup.WithContext(ctx)
	batches := make(chan []types.WriteRequest, page/batch) // one page ahead
	group.Go(func() error {
		defer close(batches)
		return read(ctx, db, c, func(requests []types.WriteRequest) error {
			select {
			case batches <- requests:
				deleted += len(requests)
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	})
	for range streams {
		group.Go(func() error {
			for requests := range batches {
				out, err := db.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{c.Table: requests}})
				if err != nil {
					return err
				}
				if len(out.UnprocessedItems) > 0 {
					return fmt.Errorf("DynamoDB did not take all of a batch")
				}
			}
			return nil
		})
	}
	return deleted, group.Wait()
}

// read gives the keys of the collection to use in batches.
func read(ctx context.Context, db *dynamodb.Client, c command, use func([]types.WriteRequest) error) error {
	in := &dynamodb.QueryInput{
		TableName: &c.Table, ConsistentRead: aws.Bool(true), Limit: aws.Int32(page),
		KeyConditionExpression:    aws.String("customer = :customer"),
		ProjectionExpression:      aws.String("customer, #record"),
		ExpressionAttributeNames:  map[string]string{"#record": "record"},
		ExpressionAttributeValues: map[string]types.AttributeValue{":customer": &types.AttributeValueMemberS{Value: c.Customer}},
	}
	for left := c.Most; ; {
		out, err := db.Query(ctx, in)
		if err != nil {
			return err
		}
		if c.Most > 0 {
			out.Items = out.Items[:min(left, len(out.Items))]
			left -= len(out.Items)
		}
		for len(out.Items) > 0 {
			n := min(batch, len(out.Items))
			requests := make([]types.WriteRequest, n)
			for i, key := range out.Items[:n] {
				requests[i].DeleteRequest = &types.DeleteRequest{Key: key}
			}
			if err := use(requests); err != nil {
				return err
			}
			out.Items = out.Items[n:]
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
		if len(in.ExclusiveStartKey) == 0 || c.Most > 0 && left == 0 {
			return nil
		}
	}
}
