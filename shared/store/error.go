package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// Error is a DynamoDB call that failed. Its text names the call and DynamoDB's code and nothing else: an SDK message
// may quote keys, and keys are personal data.
type Error struct {
	Call  string // e.g. "erasures: acquire"
	Code  string // DynamoDB's error code, or what kept the call from an answer
	cause error
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %s", e.Call, e.Code) }

func (e *Error) Unwrap() error { return e.cause }

// retryableCodes are the codes after which the same call may succeed later.
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
	// Reasons of a cancelled transaction, which are named differently.
	"TransactionConflict":           true,
	"ThrottlingError":               true,
	"ProvisionedThroughputExceeded": true,
	"no answer":                     true,
	"timeout":                       true,
	"unprocessed":                   true,
}

// Retryable says whether the same call may succeed later, after this code of an error or of a cancelled transaction.
func Retryable(code string) bool { return retryableCodes[code] }

// Retryable says whether the same call may succeed later: throttles, timeouts, lost connections, failures on
// DynamoDB's side.
func (e *Error) Retryable() bool { return retryableCodes[e.Code] }

// raced is a condition that the state of the database refused. Trying the whole again may succeed.
type raced struct{ sentence string }

func (r raced) Error() string { return r.sentence }

func (raced) Retryable() bool { return true }

func retryable(err error) bool {
	var failure interface{ Retryable() bool }
	return errors.As(err, &failure) && failure.Retryable()
}

// failed makes an *Error of whatever the SDK returned, nil of nil.
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

// tooLarge says whether a write was refused because the item would become larger than DynamoDB takes.
// There is no code for that: it is a ValidationException, which its message tells from others.
func tooLarge(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	return ok && api.ErrorCode() == "ValidationException" && strings.HasPrefix(api.ErrorMessage(), "Item size ")
}

// conditionFailed reports whether a single-item call was refused by its condition, and the item that stood there,
// nil when there was none (the call must ask for ALL_OLD).
func conditionFailed(err error) (map[string]types.AttributeValue, bool) {
	if e, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return e.Item, true
	}
	return nil, false
}
