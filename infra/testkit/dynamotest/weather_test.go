package dynamotest

import (
	"fmt"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Every part of the weather comes, what is said to be left is there, and what is not is
// gone; with the same seed it is the same weather.
func TestWeather(t *testing.T) {
	kit := Open(t)
	table := kit.Customers.Table
	weather := func() map[string]int {
		server, w, err := NewWeather(os.Getenv("DYNAMODB_ENDPOINT"))
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		w.Begin(1)
		client := Client(server.URL, func(o *dynamodb.Options) { o.RetryMaxAttempts = 1 })
		for batch := range 150 {
			var requests []types.WriteRequest
			for i := range 5 {
				key := map[string]types.AttributeValue{
					"customer": &types.AttributeValueMemberS{Value: fmt.Sprint("weather-", batch)},
					"record":   &types.AttributeValueMemberS{Value: fmt.Sprint(i)},
				}
				kit.Put(t, table, key)
				requests = append(requests, types.WriteRequest{DeleteRequest: &types.DeleteRequest{Key: key}})
			}
			out, err := client.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{
				RequestItems: map[string][]types.WriteRequest{table: requests},
			})
			if err != nil {
				continue // before or after the effect
			}
			left, err := kit.Plain.Query(t.Context(), &dynamodb.QueryInput{
				TableName: aws.String(table), ConsistentRead: aws.Bool(true), KeyConditionExpression: aws.String("customer = :c"),
				ExpressionAttributeValues: map[string]types.AttributeValue{
					":c": &types.AttributeValueMemberS{Value: fmt.Sprint("weather-", batch)},
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			if said := len(out.UnprocessedItems[table]); said != len(left.Items) || said == len(requests) {
				t.Errorf("batch %d: %d are said to be left, and %d are", batch, said, len(left.Items))
			}
		}
		return w.Shown()
	}
	first := weather()
	for _, what := range []string{"before", "after", "in part"} {
		if first[what] == 0 {
			t.Errorf("in 150 calls nothing is %s: %v", what, first)
		}
	}
	if second := weather(); fmt.Sprint(first) != fmt.Sprint(second) {
		t.Errorf("%v, and then %v", first, second)
	}
}
