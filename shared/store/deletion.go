package store

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
)

type deletionsKey struct{}

// deletions is what DeleteUntil says of the deletions within a context.
type deletions struct {
	calls context.Context
	now   func() time.Time
	until time.Time
}

// DeleteUntil gives ctx a rule for the deletions within it. None is begun once now shows
// until, or once the part of ctx that it belongs to has ended. Those that are under way
// go on for as long as ctx itself lasts: a deletion that is given up may have been
// carried out, or be carried out later, or never.
func DeleteUntil(ctx context.Context, now func() time.Time, until time.Time) context.Context {
	return context.WithValue(ctx, deletionsKey{}, &deletions{ctx, now, until})
}

// deletion is the context for one deleting call within ctx, or the error for which none
// may be begun any more.
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

// answered says whether the outcome of a deleting call is known for every time that it
// was sent. If not, DynamoDB may still carry one of them out, which the job notes.
func (j *Job) answered(sent *tries) bool {
	unknown := sent.unknown.Load()
	if unknown {
		j.LostAnswer.Store(true)
	}
	return !unknown
}

// tries looks at every try of one call: unknown is set where the outcome of one is not
// known. The call gets it as an option.
type tries struct{ unknown atomic.Bool }

func (t *tries) option(o *dynamodb.Options) {
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		return stack.Finalize.Insert(t, "Retry", middleware.After)
	})
}

// ID is the name of this step among the client's.
func (t *tries) ID() string { return "customercare.tries" }

// HandleFinalize is called by the client for every try.
func (t *tries) HandleFinalize(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
	middleware.FinalizeOutput, middleware.Metadata, error,
) {
	known := false
	defer func() { // after a panic, too
		if !known {
			t.unknown.Store(true)
		}
	}()
	out, metadata, err := next.HandleFinalize(ctx, in)
	known = err == nil || notDone(err)
	return out, metadata, err
}

// notDone says whether err is DynamoDB's word that it has not done what it was asked for,
// and will not do it.
func notDone(err error) bool {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok || api.ErrorCode() == "UnknownError" || api.ErrorCode() == "TransactionInProgressException" {
		return false
	}
	answer, ok := errors.AsType[interface {
		error
		HTTPStatusCode() int
	}](err)
	return ok && answer.HTTPStatusCode()/100 == 4
}
