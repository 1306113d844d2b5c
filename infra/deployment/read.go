package deployment

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/attribute"
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
