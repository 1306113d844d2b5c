package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// Error is a DynamoDB call that failed. Its text names the call and DynamoDB's code, and
// nothing else: a message of the SDK may quote keys, and keys are personal data.
type Error struct {
	Call  string // e.g. "erasures: acquire"
	Code  string // DynamoDB's error code, or what kept the call from an answer
	cause error
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %s", e.Call, e.Code) }

func (e *Error) Unwrap() error { return e.cause }

// retryableCodes are the codes after which the same call may succeed later. The last
// three are Error's own.
var retryableCodes = map[string]bool{
	"ProvisionedThroughputExceededException": true,
	"RequestLimitExceeded":                   true,
	"ThrottlingException":                    true,
	"ThrottledException":                     true,
	"LimitExceededException":                 true,
	"InternalServerError":                    true,
	"ServiceUnavailable":                     true,
	"TransactionConflictException":           true,
	"TransactionInProgressException":         true,
	// A cancelled transaction has other names for some of them.
	"TransactionConflict":           true,
	"ThrottlingError":               true,
	"ProvisionedThroughputExceeded": true,
	"no answer":                     true,
	"timeout":                       true,
	"unprocessed":                   true,
}

// Retryable says whether the same call may succeed later. code is that of an error, or of
// a cancelled transaction's reason.
func Retryable(code string) bool { return retryableCodes[code] }

// Retryable says whether the same call may succeed later. It may after a throttle, a
// timeout, a lost connection, and a failure on DynamoDB's side.
func (e *Error) Retryable() bool { return retryableCodes[e.Code] }

// raced is the error of a write whose condition did not hold, because somebody else has
// written since the caller read. To do the whole again, the reading included, may
// succeed.
type raced struct{ sentence string }

func (r raced) Error() string { return r.sentence }

func (raced) Retryable() bool { return true }

// retryable says whether err is one after which trying again may succeed: of Error or
// raced.
func retryable(err error) bool {
	var failure interface{ Retryable() bool }
	return errors.As(err, &failure) && failure.Retryable()
}

// failed makes an *Error of an error of the SDK's, or of a context. It is nil for nil.
func failed(call string, err error) error {
	if err == nil {
		return nil
	}
	code := "no answer"
	var api smithy.APIError
	switch {
	case errors.As(err, &api):
		code = api.ErrorCode()
		if api.ErrorFault() == smithy.FaultServer && !retryableCodes[code] {
			code = "InternalServerError"
		}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		code = "timeout"
	}
	return &Error{Call: call, Code: code, cause: err}
}

// tooLarge says whether a write failed because the item would become larger than DynamoDB
// takes. There is no code for that: it is a ValidationException, and only its message
// tells it from others.
func tooLarge(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && api.ErrorCode() == "ValidationException" && strings.HasPrefix(api.ErrorMessage(), "Item size ")
}

// conditionFailed says whether a write of one item failed because its condition did not
// hold. item is what stands there, nil where nothing does; the call must ask for ALL_OLD.
func conditionFailed(err error) (item map[string]types.AttributeValue, conflict bool) {
	if e, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return e.Item, true
	}
	return nil, false
}
