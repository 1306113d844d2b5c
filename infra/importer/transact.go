package importer

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/shared/store"
)

// Limits of one transaction. 4 MB is DynamoDB's; the rest is left for keys that are only
// checked.
const (
	maxActions     = 100
	maxTransaction = 4<<20 - 256<<10
)

// action is one of a transaction's, and the records that cannot be written when it is
// refused.
type action struct {
	write   types.TransactWriteItem
	records []*record
}

// transact writes all actions or none; the error is persist's.
func (l *loader) transact(ctx context.Context, table string, actions []action) error {
	return persist(ctx, table, func() error {
		// A fresh input for each call: the SDK leaves its idempotency token in it, and
		// with the same token DynamoDB would repeat a refusal that has passed.
		in := &dynamodb.TransactWriteItemsInput{TransactItems: make([]types.TransactWriteItem, len(actions))}
		for i, a := range actions {
			in.TransactItems[i] = a.write
		}
		_, err := l.Client.TransactWriteItems(ctx, in)
		return err
	})
}

// together writes records, no two of one key, in one transaction made by build. Those
// that DynamoDB refuses are left out and the others written without them; the ones that a
// condition refused are returned, not settled.
func (l *loader) together(ctx context.Context, table string, records []*record,
	build func([]*record) []action) (refused []*record, err error) {
	for len(records) > 0 {
		actions := build(records)
		err := l.transact(ctx, table, actions)
		cancelled, isCancelled := errors.AsType[*types.TransactionCanceledException](err)
		switch {
		case err == nil:
			for _, r := range records {
				l.done(r)
			}
			return refused, nil
		case errors.Is(err, errInvalid) && len(records) == 1:
			l.fail(records[0], err.Error())
			return refused, nil
		case errors.Is(err, errInvalid): // DynamoDB does not say which one: look for it in halves
			half := len(records) / 2
			first, err := l.together(ctx, table, records[:half], build)
			refused = append(refused, first...)
			if err != nil {
				return refused, err
			}
			records = records[half:]
			continue
		case !isCancelled:
			return refused, err
		}
		out := map[*record]bool{}
		for i, reason := range cancelled.CancellationReasons {
			code := reasonCode(reason)
			if code == "" || store.Retryable(code) {
				continue
			}
			for _, r := range actions[i].records {
				if out[r] {
					continue
				}
				out[r] = true
				if code == conditionFailed {
					refused = append(refused, r)
				} else {
					l.fail(r, errInvalid.Error())
				}
			}
		}
		var left []*record
		for _, r := range records {
			if !out[r] {
				left = append(left, r)
			}
		}
		records = left
	}
	return refused, nil
}
