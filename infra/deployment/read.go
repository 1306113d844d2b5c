package deployment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"customercare/infra/attribute"
	"customercare/shared/store"
)

// Get reads the item with this key, strongly consistent; nil where there is none. The
// error is a sentence.
func Get(ctx context.Context, db *dynamodb.Client, table string, key attribute.Item) (attribute.Item, error) {
	out, err := db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &table, Key: key, ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, Explain(ctx, "the table "+table, err)
	}
	return out.Item, nil
}

// mostKeys is how many items one call of BatchGetItem reads.
const mostKeys = 100

// GetAll calls each with the items that stand under these keys, strongly consistent, in
// no order. The error is a sentence.
func GetAll(
	ctx context.Context, db *dynamodb.Client, table string, keys []attribute.Item, each func(attribute.Item),
) error {
	for chunk := range slices.Chunk(keys, mostKeys) {
		asked := map[string]types.KeysAndAttributes{table: {Keys: chunk, ConsistentRead: aws.Bool(true)}}
		for len(asked) > 0 { // one call may leave keys over
			out, err := db.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: asked})
			if err != nil {
				return Explain(ctx, "the table "+table, err)
			}
			for _, found := range out.Responses[table] {
				each(found)
			}
			asked = out.UnprocessedKeys
		}
	}
	return nil
}

// Scan calls each with every item of a table, until it returns an error. An error of
// DynamoDB's is a sentence.
func Scan(ctx context.Context, db *dynamodb.Client, in *dynamodb.ScanInput, each func(attribute.Item) error) error {
	for pages := dynamodb.NewScanPaginator(db, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return Explain(ctx, "the table "+*in.TableName, err)
		}
		for _, found := range page.Items {
			if err := each(found); err != nil {
				return err
			}
		}
	}
	return nil
}

// Query calls each with every item that a query finds, page by page, until it returns an
// error. An error of DynamoDB's is a sentence.
func Query(ctx context.Context, db *dynamodb.Client, in *dynamodb.QueryInput, each func(attribute.Item) error) error {
	for pages := dynamodb.NewQueryPaginator(db, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return Explain(ctx, "the table "+*in.TableName, err)
		}
		for _, found := range page.Items {
			if err := each(found); err != nil {
				return err
			}
		}
	}
	return nil
}

// errUnreachable says that a call had no answer.
var errUnreachable = errors.New("cannot be reached: no answer came, or none that can be read")

// Explain makes a sentence of the error of a call to AWS: what names the thing that was
// asked for, for example "the table Erasures". The SDK's own words stay out of it,
// because they may quote keys. A context that ended is its own error.
func Explain(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if errors.Is(err, store.ErrNewer) {
		return fmt.Errorf("%s: %w", what, store.ErrNewer)
	}
	refusal, ok := errors.AsType[smithy.APIError](err)
	switch {
	case !ok:
		return fmt.Errorf("%s %w", what, errUnreachable)
	case refusal.ErrorCode() == "ResourceNotFoundException":
		return fmt.Errorf("%s is not there", what)
	case strings.Contains(refusal.ErrorCode(), "AccessDenied"):
		return fmt.Errorf("%s is closed to these credentials (%s):"+
			" grant them what the command does, or use others (AWS_PROFILE)",
			what, refusal.ErrorCode())
	}
	return fmt.Errorf("%s gave no result: %s", what, refusal.ErrorCode())
}
