package dynamotest

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/attribute"
)

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
	user := attribute.Item{"customerId": attribute.Text("u")}
	retryer := kit.DB.Options().Retryer.(prompt)
	for _, fault := range []Fault{Before, After, Throttle, Timeout, Refused} {
		kit.Faults.Inject(fault, 1, 100)
		_, err := kit.DB.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &kit.Users.Table, Item: user})
		if delay, _ := retryer.RetryDelay(1, err); err == nil || delay != 0 {
			t.Errorf("%s: %v after %s", fault, err, delay)
		}
		kit.Faults.Calls()
	}
	_, err := kit.DB.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("no-such-table"), Item: user})
	if delay, _ := retryer.RetryDelay(1, err); err == nil || delay == 0 {
		t.Errorf("DynamoDB's own refusal: %v after %s", err, delay)
	}
}
