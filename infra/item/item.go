// Package item reads items of the tables for the commands. Its readers take whatever type
// stands there, because other programs write the same tables: what has another type than
// was asked for reads as empty.
package item

import (
	"context"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/deployment"
)

// Item is an item of a table, or a map inside one.
type Item = map[string]types.AttributeValue

// S is a text as an attribute.
func S(text string) types.AttributeValue { return &types.AttributeValueMemberS{Value: text} }

// N is a whole number as an attribute.
func N(number int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(number, 10)}
}

// Text is the attribute's text.
func Text(attribute types.AttributeValue) string {
	if s, ok := attribute.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

// Number is the attribute's whole number.
func Number(attribute types.AttributeValue) int64 {
	if n, ok := attribute.(*types.AttributeValueMemberN); ok {
		number, _ := strconv.ParseInt(n.Value, 10, 64)
		return number
	}
	return 0
}

// Flag says whether the attribute is true.
func Flag(attribute types.AttributeValue) bool {
	b, ok := attribute.(*types.AttributeValueMemberBOOL)
	return ok && b.Value
}

// Millis is the time that the attribute says in Unix milliseconds, nil where it is 0.
func Millis(attribute types.AttributeValue) *time.Time {
	if ms := Number(attribute); ms != 0 {
		at := time.UnixMilli(ms).UTC()
		return &at
	}
	return nil
}

// Get reads the item with this key, strongly consistent; nil where there is none. The error
// is a sentence.
func Get(ctx context.Context, db *dynamodb.Client, table string, key Item) (Item, error) {
	out, err := db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &table, Key: key, ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, deployment.Explain(ctx, "the table "+table, err)
	}
	return out.Item, nil
}

// Scan calls each with every item of a table, until it returns an error. An error of
// DynamoDB's is a sentence.
func Scan(ctx context.Context, db *dynamodb.Client, in *dynamodb.ScanInput, each func(Item) error) error {
	for pages := dynamodb.NewScanPaginator(db, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return deployment.Explain(ctx, "the table "+*in.TableName, err)
		}
		for _, found := range page.Items {
			if err := each(found); err != nil {
				return err
			}
		}
	}
	return nil
}
