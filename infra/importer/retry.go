package importer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"customercare/shared/store"
)

// A call that DynamoDB may take later is made again, each time after a pause of
// store.Wait, half a second on average. It is given up after about half a minute: tables
// on demand take that long to grow into a sudden load.
const (
	maxRetries        = 60
	maxRetriesUnheard = 15 // when nothing answers at all
)

// errInvalid says that DynamoDB does not take what was asked for, and never will.
var errInvalid = errors.New("DynamoDB does not take the record: it breaks one of its limits")

// persist makes a call until it succeeds or fails for good. Its error is errInvalid, a
// *types.TransactionCanceledException with a reason that stays, the context's, or one
// that ends the load: a sentence without DynamoDB's own words, which may quote keys.
func (l *loader) persist(ctx context.Context, table string, call func() error) error {
	for attempt := 0; ; attempt++ {
		err := call()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
		cause, limit := errors.New("DynamoDB does not answer"), maxRetriesUnheard
		if api, ok := errors.AsType[smithy.APIError](err); ok {
			cancelled, isCancelled := errors.AsType[*types.TransactionCanceledException](err)
			code := api.ErrorCode()
			switch {
			case isCancelled && slices.ContainsFunc(cancelled.CancellationReasons, stays):
				return cancelled
			case code == "ValidationException":
				return errInvalid
			case code == "ResourceNotFoundException":
				return fmt.Errorf("the table %s is not there", table)
			case !isCancelled && !store.Retryable(code) && api.ErrorFault() != smithy.FaultServer:
				return fmt.Errorf("DynamoDB refuses to write to %s: %s", table, code)
			}
			cause, limit = fmt.Errorf("DynamoDB took nothing for too long: %s", code), maxRetries
		}
		switch {
		case attempt >= limit:
			return cause
		case !store.Wait(ctx, l.Client, attempt, err):
			return context.Cause(ctx)
		}
	}
}

const conditionFailed = "ConditionalCheckFailed"

// stays says whether an action cancelled its transaction, and would do so again. DynamoDB
// gives a reason for every action, "None" for one that did not.
func stays(reason types.CancellationReason) bool {
	code := aws.ToString(reason.Code)
	return code != "" && code != "None" && !store.Retryable(code)
}
