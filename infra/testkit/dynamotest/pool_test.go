package dynamotest

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func TestMain(m *testing.M) { Run(m) }

// borrower is a test within a test.
type borrower struct {
	testing.TB
	failed bool
	end    []func()
}

func (b *borrower) Failed() bool      { return b.failed }
func (b *borrower) Cleanup(do func()) { b.end = append(b.end, do) }

// user is an item of the users.
func user(id string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"customerId": &types.AttributeValueMemberS{Value: id}}
}

// job is an open job of the ledger.
func job(id string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		"erasureId": &types.AttributeValueMemberS{Value: id}, "openShard": &types.AttributeValueMemberS{Value: "0"},
		"dueAt": &types.AttributeValueMemberN{Value: "1"},
	}
}

// Whatever a test does, the next one gets empty tables: the same ones only where nothing
// can come any more.
func TestTablesOfTheNextTest(t *testing.T) {
	for _, test := range []struct {
		what string
		do   func(b *borrower, kit *Kit)
		kept bool
	}{
		{"nothing", func(*borrower, *Kit) {}, true},
		{"items in two tables and an index", func(_ *borrower, kit *Kit) {
			kit.Put(t, kit.Users.Table, user("a"), user("b"))
			kit.Put(t, kit.Erasures.Table, job("numbers-1"))
		}, true},
		{"a read that was given up", func(_ *borrower, kit *Kit) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, _ = kit.DB.Scan(ctx, &dynamodb.ScanInput{TableName: &kit.Users.Table})
		}, true},
		{"a failure", func(b *borrower, _ *Kit) { b.failed = true }, false},
		{"many items", func(_ *borrower, kit *Kit) {
			var jobs []map[string]types.AttributeValue
			for i := range mostErased + 1 {
				jobs = append(jobs, job("numbers-"+time.Duration(i).String()))
			}
			kit.Put(t, kit.Erasures.Table, jobs...)
		}, false},
		{"a write that was given up", func(_ *borrower, kit *Kit) {
			sent := kit.Plain.Options().HTTPClient.(*http.Client).Transport.(*gate)
			sent.next = givenUp{sent.next}
			_, err := kit.DB.PutItem(t.Context(),
				&dynamodb.PutItemInput{TableName: &kit.Users.Table, Item: user("late")})
			if err == nil {
				t.Error("the write has been answered")
			}
		}, false},
		{"a table dropped", func(_ *borrower, kit *Kit) {
			if _, err := kit.Plain.DeleteTable(t.Context(),
				&dynamodb.DeleteTableInput{TableName: &kit.Users.Table}); err != nil {
				t.Error(err)
			}
		}, false},
	} {
		t.Run(test.what, func(t *testing.T) {
			b := &borrower{TB: t}
			kit := Open(b)
			test.do(b, kit)
			for _, end := range slices.Backward(b.end) {
				end()
			}
			next := Open(t)
			if kept := next.Users.Table == kit.Users.Table; kept != test.kept {
				t.Errorf("the same tables: %t", kept)
			}
			if left := next.Dump(t, next.All()...); len(left) > 0 {
				t.Errorf("left: %s", left)
			}
			jobs, err := next.Erasures.ListOpen(t.Context(), 100)
			if err != nil || len(jobs) > 0 {
				t.Errorf("left in the index: %v, %v", jobs, err)
			}
			if _, err := next.Plain.PutItem(t.Context(),
				&dynamodb.PutItemInput{TableName: &next.Users.Table, Item: user("mine")}); err != nil {
				t.Error(err)
			}
			// A goroutine that the first test left behind.
			_, err = kit.DB.DeleteItem(t.Context(),
				&dynamodb.DeleteItemInput{TableName: &next.Users.Table, Key: user("mine")})
			if !errors.Is(err, errOver) {
				t.Errorf("a call after its test: %v", err)
			}
			if left := next.Dump(t, next.Users.Table); len(left) != 1 {
				t.Errorf("after a call of the test before: %s", left)
			}
		})
	}
}

// Tables that are not empty are not lent, whoever has filled them.
func TestFilledTablesAreNotLent(t *testing.T) {
	b := &borrower{TB: t}
	kit := Open(b)
	for _, end := range b.end {
		end()
	}
	late := Client(aws.ToString(kit.Plain.Options().BaseEndpoint))
	if _, err := late.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &kit.Users.Table,
		Item: user("late")}); err != nil {
		t.Fatal(err)
	}
	next := Open(t)
	if left := next.Dump(t, next.All()...); len(left) > 0 || next.Users.Table == kit.Users.Table {
		t.Errorf("lent with %s", left)
	}
}

// givenUp is a caller who goes away while DynamoDB works.
type givenUp struct{ next http.RoundTripper }

func (g givenUp) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := g.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	answer.Body.Close()
	return nil, context.Canceled
}

// What is due is done within the Advance that comes so far, unless it was stopped.
func TestAlarmsOfTheClock(t *testing.T) {
	clock := &Clock{Time: time.Unix(1, 0)}
	var done []string
	clock.AfterFunc(2*time.Second, func() { done = append(done, "two") })
	stop := clock.AfterFunc(time.Second, func() { done = append(done, "stopped") })
	if !stop() || stop() {
		t.Error("what was stopped once cannot be stopped again")
	}
	clock.Advance(-time.Minute)
	clock.Advance(time.Minute + 1999*time.Millisecond)
	if len(done) > 0 {
		t.Error(done)
	}
	clock.Advance(time.Millisecond)
	clock.Advance(time.Hour)
	if !slices.Equal(done, []string{"two"}) {
		t.Error(done)
	}
}

// What Faults does is tried again at once; what DynamoDB refuses is waited for.
func TestPromptAfterFaults(t *testing.T) {
	kit := Open(t)
	retryer := kit.DB.Options().Retryer.(prompt)
	for _, fault := range []Fault{Before, After, Throttle, Timeout, Refused} {
		kit.Faults.Inject(fault, 1, 100)
		_, err := kit.DB.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &kit.Users.Table, Item: user("u")})
		if delay, _ := retryer.RetryDelay(1, err); err == nil || delay != 0 {
			t.Errorf("%s: %v after %s", fault, err, delay)
		}
		kit.Faults.Calls()
	}
	_, err := kit.DB.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("no-such-table"),
		Item: user("u")})
	if delay, _ := retryer.RetryDelay(1, err); err == nil || delay == 0 {
		t.Errorf("DynamoDB's own refusal: %v after %s", err, delay)
	}
}
