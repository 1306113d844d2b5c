package e2e

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// userItem is what stands under the id, each attribute as JSON; nil when nothing does.
func userItem(t testing.TB, id string) map[string]string {
	t.Helper()
	out, err := database.GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName: aws.String(running.Table("Users")), ConsistentRead: aws.Bool(true),
		Key: map[string]types.AttributeValue{"customerId": &types.AttributeValueMemberS{Value: id}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if out.Item == nil {
		return nil
	}
	item := map[string]string{}
	for name, value := range out.Item {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		item[name] = string(text)
	}
	return item
}

// without is item without the attributes of these names.
func without(item map[string]string, names ...string) map[string]string {
	rest := map[string]string{}
	for name, value := range item {
		rest[name] = value
	}
	for _, name := range names {
		delete(rest, name)
	}
	return rest
}
