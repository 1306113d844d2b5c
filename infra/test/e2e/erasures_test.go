package e2e

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alecthomas/repr"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/local/stack"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

// Time passes in these tests where a test says so: what waits for it has its times in the
// table, and they are moved back. So nothing ends before a test has looked at it, however
// slow the machine is, and nobody waits for what takes long.

// writerLifetime is that of the shared stack, and of those on a faulty database: no
// erasure ends by itself while tests run.
const writerLifetime = 30 * time.Minute

// item is a stored item.
type item = map[string]types.AttributeValue

// cleaningUp is held by who has cleanup run.
var cleaningUp sync.Mutex

// passWriterLifetime lets the time pass in which writers may be late, for the open
// erasures of an account or a tenant, or for all ("*"), and waits until none of them is
// open.
func passWriterLifetime(t testing.TB, scope string) {
	t.Helper()
	passWriterLifetimeOn(t, running, scope)
}

// passWriterLifetimeOn is passWriterLifetime for another stack.
func passWriterLifetimeOn(t testing.TB, s *stack.Stack, scope string) {
	t.Helper()
	event, err := os.ReadFile(filepath.Join(dynamotest.Root(), "infra", "events", "cleanup.json"))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "no open erasure of "+scope, func() bool {
		open := 0
		for _, job := range scan(t, s.Table("Erasures"), "attribute_exists(openShard)") {
			if of, _ := job["scope"].(*types.AttributeValueMemberS); scope == "*" || of != nil && of.Value == scope {
				open++
				elapse(t, s.Table("Erasures"), job)
			}
		}
		if open == 0 {
			return true
		}
		cleaningUp.Lock()
		defer cleaningUp.Unlock()
		if _, err := s.Invoke(t.Context(), "cleanup", event); err != nil {
			t.Logf("cleanup: %v", err)
		}
		return false
	})
}

// elapse moves the requests for a job back by more than they are waited for, lets the
// time of deletions without an answer be over, and makes the job due. A worker that holds
// it may write the old times again.
func elapse(t testing.TB, table string, job item) {
	t.Helper()
	asked, seen := moment(t, job["requestedAt"]), moment(t, job["lastRequestedAt"])
	back := 3 * writerLifetime
	if time.Since(seen) > back {
		back = 0
	}
	_, err := database.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: &table, Key: item{"erasureId": job["erasureId"]},
		ConditionExpression: aws.String("attribute_exists(openShard) AND lastRequestedAt = :seen"),
		UpdateExpression:    aws.String("SET requestedAt = :asked, lastRequestedAt = :last, dueAt = :now REMOVE unanswered"),
		ExpressionAttributeValues: item{
			":seen": job["lastRequestedAt"], ":asked": millis(asked.Add(-back)), ":last": millis(seen.Add(-back)),
			":now": millis(time.Now()),
		},
	})
	var ended *types.ConditionalCheckFailedException
	if err != nil && !errors.As(err, &ended) {
		t.Error(err)
	}
}

// scan is all items of the table that pass the filter.
func scan(t testing.TB, table, filter string) (all []item) {
	t.Helper()
	for pages := dynamodb.NewScanPaginator(database, &dynamodb.ScanInput{
		TableName: &table, ConsistentRead: aws.Bool(true), FilterExpression: &filter,
	}); pages.HasMorePages(); {
		page, err := pages.NextPage(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.Items...)
	}
	return all
}

// replaceItem writes an item as a test wants it.
func replaceItem(t testing.TB, table string, changed item) {
	t.Helper()
	if _, err := database.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: changed}); err != nil {
		t.Fatal(err)
	}
}

// moment is a stored time in milliseconds.
func moment(t testing.TB, value types.AttributeValue) time.Time {
	t.Helper()
	n, ok := value.(*types.AttributeValueMemberN)
	if !ok {
		t.Fatalf("no time: %s", repr.String(value))
	}
	return millisOf(t, n.Value)
}

// millis is a time as it is stored.
func millis(at time.Time) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(at.UnixMilli(), 10)}
}

// endOfLocks lets so much time pass for all failed attempts that are counted in the
// table.
func endOfLocks(t testing.TB, table string, passes time.Duration) {
	t.Helper()
	for _, failures := range scan(t, table, "attribute_exists(principal)") {
		if key := failures["principal"].(*types.AttributeValueMemberS).Value; !strings.HasPrefix(key,
			store.FailuresPrefix) {
			continue
		}
		for name, value := range failures {
			if strings.HasPrefix(name, "last") || strings.HasPrefix(name, "since") {
				failures[name] = millis(moment(t, value).Add(-passes))
			}
		}
		replaceItem(t, table, failures)
	}
}
