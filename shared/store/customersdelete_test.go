package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

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
			var records []string
			for i := range n {
				records = append(records, store.TransactionRecord("c", fmt.Sprint(i)))
				kit.Put(t, kit.Customers.Table, item{
					"customer": text("shop#4711"), "record": text(records[i]),
				})
			}
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
