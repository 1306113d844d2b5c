package store

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"customercare/shared/invocation"
)

// batchSize is how many items BatchWriteItem takes.
const batchSize = 25

// maxAttempts is how many times in a row DynamoDB may take nothing of a deleting call,
// even of a single deletion, before the call counts as stuck: about 20 s. Any progress
// begins the count again.
//
// A number that many contacts share takes ten transactions of 100 actions a second. With
// 20 attempts some of the jobs that meet there would give up though nothing is wrong
// (docs/scale.md).
const maxAttempts = 40

// Delete removes records of the job's customer, over at most so many calls in parallel.
// The records may be gone already.
//
// It returns nil only when DynamoDB has confirmed every single one. A batch that fails
// keeps no other from being deleted, unless the collection takes nothing for now. After
// an error any part may be done: the job's Confirmed counts what was confirmed, and its
// OutcomeUnknown is set where more may be gone.
func (c Customers) Delete(ctx context.Context, job *Job, records []string, parallel int) error {
	// The calls take their batches from one list, so that none is idle while another has
	// a batch that takes long.
	batches := slices.Collect(slices.Chunk(records, batchSize))
	var taken atomic.Int64
	var group errgroup.Group // the first error ends no other call
	for range min(parallel, len(batches)) {
		group.Go(func() (err error) {
			defer invocation.Recover("delete batch", &err)
			for {
				at := int(taken.Add(1)) - 1
				if at >= len(batches) {
					return err
				}
				batchErr := c.deleteBatch(ctx, job, batches[at])
				switch {
				case batchErr == nil:
				case retryable(batchErr), ended(ctx):
					return batchErr
				case err == nil:
					err = batchErr
				}
			}
		})
	}
	return group.Wait()
}

// deleteBatch deletes up to 25 records. BatchWriteItem answers 200 with UnprocessedItems
// when it takes only a part. The SDK does not try those again, so this does: at once the
// first time, because the call did something, and after a pause from then on.
func (c Customers) deleteBatch(ctx context.Context, job *Job, records []string) error {
	const call = "delete batch"
	customer := job.customer()
	requests := make([]types.WriteRequest, len(records))
	for i, record := range records {
		requests[i].DeleteRequest = &types.DeleteRequest{Key: recordKey(customer, record)}
	}
	certain, asking := true, false // certain: nothing of what is left may have been deleted
	defer func() {
		if (asking || !certain) && len(requests) > 0 { // asking: a panic
			job.OutcomeUnknown.Store(true)
		}
	}()
	// idle is how many tries in a row did nothing, parts how many took only a part.
	for idle, parts := 0, 0; ; {
		asking = true
		unprocessed, answered, err := c.writeBatch(ctx, job, customer, requests)
		asking, certain = false, certain && answered
		if err == nil {
			job.Confirmed.Add(int64(len(requests) - len(unprocessed)))
			if len(unprocessed) == 0 {
				requests = nil
				return nil
			}
		} else if e := failed(call, err).(*Error); !e.Retryable() || ended(ctx) {
			return e
		}
		if len(unprocessed) < len(requests) {
			idle = 0
			parts++
		} else if idle++; idle == maxAttempts {
			if err != nil {
				return failed(call, err)
			}
			return &Error{Call: call, Code: "unprocessed"}
		}
		requests = unprocessed
		if idle == 0 && parts == 1 {
			continue
		}
		if !Wait(ctx, c.DB, idle, err) {
			return failed(call, ctx.Err())
		}
	}
}

// writeBatch makes one call, and returns the requests that are left, with an error all of
// them. answered says that every time the call was sent, its outcome became known.
func (c Customers) writeBatch(ctx context.Context, job *Job, customer string, requests []types.WriteRequest) (
	unprocessed []types.WriteRequest, answered bool, err error,
) {
	if !c.Limiter.enter(ctx, customer) {
		return requests, true, ctx.Err()
	}
	defer c.Limiter.leave(customer) // after a panic, too: the process lives on
	calls, err := deletion(ctx)
	if err != nil {
		return requests, true, err
	}
	sent := &tries{}
	defer func() { answered = job.answered(sent) }() // after a panic, too
	out, err := c.DB.BatchWriteItem(calls, &dynamodb.BatchWriteItemInput{
		RequestItems: map[string][]types.WriteRequest{c.Table: requests},
	}, sent.option)
	if err != nil {
		return requests, false, err
	}
	return out.UnprocessedItems[c.Table], false, nil
}
