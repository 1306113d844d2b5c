package importer

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"customercare/shared/store"
)

// A call that DynamoDB may take later is made again, with exponential backoff and full
// jitter, for about half a minute: tables on demand take that long to grow into a sudden
// load.
const (
	maxRetries        = 30
	maxRetriesUnheard = 10 // when nothing answers at all
	backoffBase       = 20 * time.Millisecond
	backoffLimit      = 3 * time.Second
)

// errInvalid says that DynamoDB does not take what was asked for, and never will.
var errInvalid = errors.New("DynamoDB does not take the record: it breaks one of its limits")

// persist makes a call until it succeeds or fails for good. Its error is errInvalid, a
// *types.TransactionCanceledException with a reason that stays, the context's, or one
// that ends the load: a sentence without DynamoDB's own words, which may quote keys.
func persist(ctx context.Context, table string, call func() error) error {
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
			case isCancelled && final(cancelled.CancellationReasons):
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
		if attempt >= limit {
			return cause
		}
		wait := time.NewTimer(rand.N(min(backoffLimit, backoffBase<<min(attempt, 10))) + time.Millisecond)
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return context.Cause(ctx)
		}
	}
}

// final says whether any action was refused for a reason that stays, so that trying again
// is no use.
func final(reasons []types.CancellationReason) bool {
	for _, reason := range reasons {
		if code := reasonCode(reason); code != "" && !store.Retryable(code) {
			return true
		}
	}
	return false
}

const conditionFailed = "ConditionalCheckFailed"

// reasonCode is why one action cancelled its transaction, "" when it did not.
func reasonCode(reason types.CancellationReason) string {
	if reason.Code == nil || *reason.Code == "None" {
		return ""
	}
	return *reason.Code
}
