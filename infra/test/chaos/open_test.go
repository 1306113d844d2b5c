package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/repr"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// over says that it is no more.
func (v *victim) over() bool {
	select {
	case <-v.ended:
		return true
	default:
		return false
	}
}

// openJobs are the erasures that are not done.
func (v *victim) openJobs() ([]map[string]types.AttributeValue, error) {
	var all []map[string]types.AttributeValue
	for pages := dynamodb.NewScanPaginator(v.client, &dynamodb.ScanInput{
		TableName: aws.String("Erasures"), ConsistentRead: aws.Bool(true),
		FilterExpression: aws.String("attribute_exists(openShard)"),
	}); pages.HasMorePages(); {
		page, err := pages.NextPage(context.Background())
		if err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
	}
	return all, nil
}

// anyOpen says whether an erasure is, as far as DynamoDB still tells.
func (v *victim) anyOpen() bool {
	jobs, err := v.openJobs()
	return err != nil || len(jobs) > 0
}

// farthest is how far ahead the time may lie at which cleanup takes up a job that is
// left.
const farthest = 3 * time.Minute

// waitUntilClosed waits until no erasure is open. What cleanup would only take up later
// it takes up now: when it would is looked at, and nobody waits for it.
func waitUntilClosed(t *testing.T, v *victim) {
	t.Helper()
	for end := time.Now().Add(generous); ; time.Sleep(50 * time.Millisecond) {
		jobs, err := v.openJobs()
		switch {
		case err != nil:
			t.Fatal(err)
		case len(jobs) == 0:
			return
		case time.Now().After(end):
			t.Fatalf("%d erasures are still open after %s", len(jobs), generous)
		}
		now := time.Now()
		for _, job := range jobs {
			value, _ := job["dueAt"].(*types.AttributeValueMemberN)
			if value == nil {
				t.Fatalf("a job that is never due: %s", repr.String(job))
			}
			due, _ := strconv.ParseInt(value.Value, 10, 64)
			ahead := time.UnixMilli(due).Sub(now)
			if ahead > farthest {
				t.Errorf("a job is due in %s only", ahead)
			}
			if ahead <= 0 {
				continue
			}
			_, err := v.client.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
				TableName: aws.String("Erasures"), Key: map[string]types.AttributeValue{"erasureId": job["erasureId"]},
				ConditionExpression: aws.String("attribute_exists(openShard) AND dueAt = :seen"),
				UpdateExpression:    aws.String("SET dueAt = :now"),
				ExpressionAttributeValues: map[string]types.AttributeValue{
					":seen": value, ":now": &types.AttributeValueMemberN{Value: strconv.FormatInt(now.UnixMilli(), 10)},
				},
			})
			var moved *types.ConditionalCheckFailedException
			if err != nil && !errors.As(err, &moved) {
				t.Fatal(err)
			}
		}
	}
}

// deleted is the count in a finished record, 0 for any other line of the ledger.
func deleted(t *testing.T, line string) int64 {
	var item struct {
		State   struct{ Value string } `json:"state"`
		Deleted struct {
			Value int64 `json:",string"`
		} `json:"deleted"`
	}
	_, text, _ := strings.Cut(line, " ")
	if err := json.Unmarshal([]byte(text), &item); err != nil {
		t.Fatal(err)
	}
	if item.State.Value != "done" {
		return 0
	}
	return item.Deleted.Value
}
