package store

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"customercare/shared/invocation"
)

// batchSize is BatchWriteItem's limit.
const batchSize = 25

// maxAttempts is how many times in a row DynamoDB may take nothing of a deleting call, down
// to a single deletion, before it counts as stuck: about 20 s. Any progress starts the
// count again. A party that many contacts share takes ten transactions of 100 a second,
// and with 20 times some of the jobs that met there would give up though all was well
// (docs/scale.md).
const maxAttempts = 40

// deleteAll deletes every record of every queue, all of one item collection: the queues
// at the same time, each in order, 25 a call. Keys are made of them call by call: those
// of a whole page would take several times what the page does. It returns nil only when
// DynamoDB has confirmed every single key; BatchWriteItem answers 200 with
// UnprocessedItems when it takes a part only, and the SDK does not retry those. Keys may
// be absent. A batch that fails keeps no other from being deleted, unless the collection
// takes nothing for now. After an error any part may be done: the job's Moved counts what
// was confirmed, and Unsure is set where that may not be all.
func (s *Limiter) deleteAll(ctx context.Context, db *dynamodb.Client, table, collection string, queues [][]string, key func(record string) object, job *Job) error {
	var group errgroup.Group // the first error ends no other queue
	for _, queue := range queues {
		group.Go(func() (err error) {
			defer invocation.Recover("delete batch", &err)
			for batch := range slices.Chunk(queue, batchSize) {
				keys := make([]object, len(batch))
				for i, record := range batch {
					keys[i] = key(record)
				}
				batchErr := s.deleteBatch(ctx, db, table, collection, keys, job)
				switch {
				case batchErr == nil:
				case retryable(batchErr), ended(ctx):
					return batchErr
				case err == nil:
					err = batchErr
				}
			}
			return err
		})
	}
	return group.Wait()
}

// deleteBatch deletes up to 25 keys, again and again whatever DynamoDB left unprocessed.
func (s *Limiter) deleteBatch(ctx context.Context, db *dynamodb.Client, table, collection string, keys []object, job *Job) error {
	const call = "delete batch"
	requests := make([]types.WriteRequest, len(keys))
	for i, key := range keys {
		requests[i].DeleteRequest = &types.DeleteRequest{Key: key}
	}
	sure := true // that what is left has not been deleted
	defer func() {
		if !sure && len(requests) > 0 {
			job.OutcomeUnknown.Store(true)
		}
	}()
	for idle := 0; ; {
		if !s.enter(ctx, collection) {
			return failed(call, ctx.Err())
		}
		out, err := func() (*dynamodb.BatchWriteItemOutput, error) {
			defer s.leave(collection) // after a panic, too: the process lives on
			calls, err := deletion(ctx)
			if err != nil {
				return nil, err
			}
			sent := &tries{}
			defer func() { sure = job.answered(!sent.unknown.Load()) && sure }()
			return db.BatchWriteItem(calls, &dynamodb.BatchWriteItemInput{
				RequestItems: map[string][]types.WriteRequest{table: requests},
			}, sent.option)
		}()
		left := requests
		if err == nil {
			left = out.UnprocessedItems[table]
			job.Confirmed.Add(int64(len(requests) - len(left)))
			if len(left) == 0 {
				requests = nil
				return nil
			}
		} else if e := failed(call, err).(*Error); !e.Retryable() || ended(ctx) {
			return e
		}
		if len(left) < len(requests) {
			idle = 0
		} else if idle++; idle == maxAttempts {
			if err != nil {
				return failed(call, err)
			}
			return &Error{Call: call, Code: "unprocessed"}
		}
		requests = left
		if !Wait(ctx, db, idle, err) {
			return failed(call, ctx.Err())
		}
	}
}
