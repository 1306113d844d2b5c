package store

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
)

type deletionsKey struct{}

// deletions is when those within a context end.
type deletions struct {
	calls context.Context
	now   func() time.Time
	until time.Time
}

// DeleteUntil is ctx with a rule for deletions: none is begun any more once now shows until, or
// something ends a part of ctx, but those that are under way go on for as long as ctx
// lasts. One that is given up may have been carried out, be so later, or never.
func DeleteUntil(ctx context.Context, now func() time.Time, until time.Time) context.Context {
	return context.WithValue(ctx, deletionsKey{}, &deletions{ctx, now, until})
}

// deletion is what a deletion within ctx runs in, or why it may not be begun any more.
func deletion(ctx context.Context) (context.Context, error) {
	d, ok := ctx.Value(deletionsKey{}).(*deletions)
	switch {
	case ctx.Err() != nil || !ok:
		return ctx, ctx.Err()
	case !d.now().Before(d.until):
		return ctx, context.DeadlineExceeded
	}
	return d.calls, nil
}

// ended says whether no deletion within ctx may be begun any more.
func ended(ctx context.Context) bool {
	_, err := deletion(ctx)
	return err != nil
}

// answered notes whether it is known of a deleting call, of each time that it was sent,
// what became of it: else one of them may still be carried out.
func (j *Job) answered(known bool) bool {
	if !known {
		j.LostAnswer.Store(true)
	}
	return known
}

// tries notes, of every time that a call is sent, whether it is known what became of it.
type tries struct{ unknown atomic.Bool }

func (t *tries) option(o *dynamodb.Options) {
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		return stack.Finalize.Insert(t, "Retry", middleware.After)
	})
}

// ID names it among the client's steps.
func (t *tries) ID() string { return "customercare.tries" }

// HandleFinalize is run for every try.
func (t *tries) HandleFinalize(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
	answered := false
	defer func() { // after a panic, too
		if !answered {
			t.unknown.Store(true)
		}
	}()
	out, metadata, err := next.HandleFinalize(ctx, in)
	answered = err == nil || refused(err)
	return out, metadata, err
}

// refused says whether err is DynamoDB's word that it has not done what it was asked for,
// and will not.
func refused(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok || api.ErrorCode() == "UnknownError" || api.ErrorCode() == "TransactionInProgressException" {
		return false
	}
	answer, ok := errors.AsType[interface {
		error
		HTTPStatusCode() int
	}](err)
	return ok && answer.HTTPStatusCode() >= http.StatusBadRequest && answer.HTTPStatusCode() < http.StatusInternalServerError
}
