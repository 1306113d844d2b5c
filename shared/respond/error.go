// Package respond is the one place that writes answers: XML, JSON and JSONP in the three
// shapes that the documented operations have, and the JSON, the texts and the problems of
// what is our own. It knows HTTP and nothing of DynamoDB.
package respond

import (
	"errors"
	"net/http"
	"strconv"
	"time"
)

// Kind says what went wrong, in the caller's terms. The zero Kind is Internal.
type Kind int

const (
	Internal Kind = iota
	Invalid
	Unauthorized
	Forbidden
	NotFound
	Conflict
	Gone
	MethodNotAllowed
	NotAcceptable
	TooLarge
	UnsupportedMedia
	TooManyRequests
	Unavailable
)

// statuses is the one table from kinds to HTTP statuses.
var statuses = map[Kind]int{
	Internal:         http.StatusInternalServerError,
	Invalid:          http.StatusBadRequest,
	Unauthorized:     http.StatusUnauthorized,
	Forbidden:        http.StatusForbidden,
	NotFound:         http.StatusNotFound,
	Conflict:         http.StatusConflict,
	Gone:             http.StatusGone,
	MethodNotAllowed: http.StatusMethodNotAllowed,
	NotAcceptable:    http.StatusNotAcceptable,
	TooLarge:         http.StatusRequestEntityTooLarge,
	UnsupportedMedia: http.StatusUnsupportedMediaType,
	TooManyRequests:  http.StatusTooManyRequests,
	Unavailable:      http.StatusServiceUnavailable,
}

// Sentences for failures whose cause is none of the caller's business.
const (
	internalSentence    = "The service failed, try again"
	unavailableSentence = "The service is busy, try again in a moment"
)

// Error is a failure with a sentence for the caller and a cause for the log. The cause
// never reaches a caller, and must not hold personal data. Functions return it as an
// error, never as a *Error: a nil *Error would be an error that is not nil.
type Error struct {
	Kind     Kind
	Sentence string
	Header   http.Header // further fields of the answer, canonical names: a 405's Allow
	Cause    error
	// Answer is the answer's body, with the kind's own status, in place of what the
	// operation's shape would make of the error; nil: none.
	Answer any
}

// TryLater makes the Error of a caller who has to wait for that long.
func TryLater(after time.Duration) error {
	seconds := int64((after + time.Second - 1) / time.Second)
	return &Error{
		Kind: TooManyRequests, Sentence: "Too many failed attempts, try again later",
		Header: http.Header{"Retry-After": {strconv.FormatInt(seconds, 10)}},
	}
}

// Refuse makes an Error that is the caller's to mend; the sentence names the field at
// fault.
func Refuse(kind Kind, sentence string) error { return &Error{Kind: kind, Sentence: sentence} }

func (e *Error) Error() string {
	if e.Cause != nil {
		return e.Cause.Error()
	}
	return e.Sentence
}

func (e *Error) Unwrap() error { return e.Cause }

// Status is the HTTP status of the error's kind.
func (e *Error) Status() int { return statuses[e.Kind] }

// AsError finds the Error in err. Any other error becomes Unavailable when it says of
// itself, with a method Retryable() bool, that another try may help, as the store's
// throttles and timeouts do; otherwise it becomes Internal.
func AsError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	var failure interface{ Retryable() bool }
	if errors.As(err, &failure) && failure.Retryable() {
		return &Error{Kind: Unavailable, Sentence: unavailableSentence, Cause: err}
	}
	return &Error{Kind: Internal, Sentence: internalSentence, Cause: err}
}
