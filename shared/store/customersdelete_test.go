package store_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

// What a job knows of its deletions: how many were confirmed, whether a call went
// unanswered, and whether it is therefore not known what was deleted.
func TestWhatAJobKnowsOfItsDeletions(t *testing.T) {
	t.Parallel()
	const n = 60
	for _, c := range []struct {
		name         string
		inject       func(*dynamotest.Faults) context.Context
		lost, unsure bool
		fails        bool
	}{
		{"all is well", nil, false, false, false},
		{"throttled once", once(dynamotest.Throttle, 1), false, false, false},
		{"done in part", once(dynamotest.Unprocessed, 1), false, false, false},
		{"an answer lost", once(dynamotest.After, 1), true, false, false},
		{"no answer in time, four times", once(dynamotest.Timeout, 4), true, false, false},
		{"a failure of DynamoDB's", once(dynamotest.Before, 1), true, false, false},
		{"refused", func(f *dynamotest.Faults) context.Context {
			f.FailOn("BatchWriteItem")
			return context.Background()
		}, false, false, true},
		{"ended in a call", func(f *dynamotest.Faults) context.Context {
			return f.DieAfter("BatchWriteItem", 1)
		}, true, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			kit := dynamotest.Open(t)
			records := fill(t, kit, n)
			ctx := t.Context()
			if c.inject != nil {
				ctx = c.inject(kit.Faults)
			}
			job := &store.Job{Scope: "shop", Identifiers: []string{"4711"}}
			// As the engine calls it: what one call meets does not end the others.
			ctx = store.DeleteUntil(ctx, time.Now, time.Now().Add(time.Hour))
			err := kit.Customers.Delete(ctx, job, records, 2)
			kit.Faults.Calls()
			left := len(kit.Dump(t, kit.Customers.Table))
			if (err != nil) != c.fails || job.LostAnswer.Load() != c.lost || job.OutcomeUnknown.Load() != c.unsure {
				t.Errorf("%v, lost %v, unsure %v", err, job.LostAnswer.Load(), job.OutcomeUnknown.Load())
			}
			if moved := int(job.Confirmed.Load()); moved > n-left || moved < n-left && !c.unsure {
				t.Errorf("%d confirmed, %d are gone", moved, n-left)
			}
		})
	}
}

// once lets the first calls that delete fail, so many tries of one call.
func once(fault dynamotest.Fault, tries int) func(*dynamotest.Faults) context.Context {
	return func(f *dynamotest.Faults) context.Context {
		f.InjectOn("BatchWriteItem", fault, 1, tries)
		return context.Background()
	}
}

// pauses counts how often a client asks how long to wait.
type pauses struct {
	aws.Retryer
	n *atomic.Int64
}

func (p pauses) RetryDelay(attempt int, err error) (time.Duration, error) {
	p.n.Add(1)
	return p.Retryer.RetryDelay(attempt, err)
}

// What a batch leaves goes at once the first time, and after a pause from then on.
func TestTheRestOfABatchGoesAtOnce(t *testing.T) {
	t.Parallel()
	for parts, want := range []int64{0, 0, 1, 2} {
		kit := dynamotest.Open(t)
		var n atomic.Int64
		kit.Customers.DB = dynamodb.New(kit.DB.Options(), func(o *dynamodb.Options) { o.Retryer = pauses{o.Retryer, &n} })
		records := fill(t, kit, 10)
		if parts > 0 {
			kit.Faults.InjectOn("BatchWriteItem", dynamotest.Unprocessed, 1, parts)
		}
		job := &store.Job{Scope: "shop", Identifiers: []string{"4711"}}
		ctx := store.DeleteUntil(t.Context(), time.Now, time.Now().Add(time.Hour))
		if err := kit.Customers.Delete(ctx, job, records, 2); err != nil {
			t.Error(err)
		}
		if calls := len(kit.Faults.Calls()); n.Load() != want || calls != 1+parts || job.Confirmed.Load() != 10 {
			t.Errorf("%d parts: %d pauses, want %d, in %d calls", parts, n.Load(), want, calls)
		}
	}
}

// Calls take their batches from one list: while one of two is held up, the other does all
// the rest.
func TestCallsShareTheirBatches(t *testing.T) {
	t.Parallel()
	kit := dynamotest.Open(t)
	records := fill(t, kit, 200)
	left := make(chan int, 1)
	kit.Faults.InterruptOn("BatchWriteItem", 1, func() {
		now, hung := 0, time.Now().Add(time.Minute) // for a code in which it would not end
		for {
			now = len(kit.Dump(t, kit.Customers.Table))
			if now <= 25 || time.Now().After(hung) { // its own batch is all that is left
				break
			}
		}
		left <- now
	})
	job := &store.Job{Scope: "shop", Identifiers: []string{"4711"}}
	ctx := store.DeleteUntil(t.Context(), time.Now, time.Now().Add(time.Hour))
	if err := kit.Customers.Delete(ctx, job, records, 2); err != nil {
		t.Error(err)
	}
	if n := <-left; n != 25 || job.Confirmed.Load() != 200 {
		t.Errorf("%d are left while a call is held up, %d confirmed in the end", n, job.Confirmed.Load())
	}
}

// fill puts so many transactions of the customer 4711.
func fill(t *testing.T, kit *dynamotest.Kit, n int) (records []string) {
	t.Helper()
	for i := range n {
		records = append(records, store.TransactionRecord("c", fmt.Sprint(i)))
		kit.Put(t, kit.Customers.Table, item{"customer": text("shop#4711"), "record": text(records[i])})
	}
	return records
}
