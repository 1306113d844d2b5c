package store

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// maxReadKeys is how many keys DynamoDB takes in one BatchGetItem.
const maxReadKeys = 100

// readItems reads the items of a table with the keys that asked names, at most
// maxReadKeys, in no order. A key without an item is left out. What DynamoDB leaves
// unprocessed is asked for again, so many times at most. call is the name in an error.
func readItems(
	ctx context.Context, db *dynamodb.Client, call, table string, asked types.KeysAndAttributes, attempts int,
) (items []map[string]types.AttributeValue, err error) {
	for try := 0; len(asked.Keys) > 0; try++ {
		if try == attempts || try > 0 && !Wait(ctx, db, try, nil) {
			return nil, &Error{Call: call, Code: "unprocessed"}
		}
		out, err := db.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{
			RequestItems: map[string]types.KeysAndAttributes{table: asked},
		})
		if err != nil {
			return nil, failed(call, err)
		}
		items = append(items, out.Responses[table]...)
		asked.Keys = out.UnprocessedKeys[table].Keys
	}
	return items, nil
}
