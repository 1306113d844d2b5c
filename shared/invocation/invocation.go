// Package invocation keeps a function's process alive: Lambda ends one that panics or whose time runs out, and whoever waits
// for it gets no answer of ours.
package invocation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"
)

// margin is kept back of an invocation's time, for what has to be said and written down at its end.
const margin = time.Second

// InTime is ctx with an earlier deadline than Lambda's, so that what waits on ctx ends while there is time to say so. Without
// a deadline it stays without one.
func InTime(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-margin))
}

// ErrPanicked is what a panic becomes.
var ErrPanicked = errors.New("panic")

// Recover turns a panic of the function that defers it into ErrPanicked in err, which must not be nil. The panic's text may
// quote what a caller sent: only its type and the stack, which names functions and no values, are logged. A goroutine's
// panic is nobody else's to recover: each that calls anything defers this.
func Recover(operation string, err *error) {
	if p := recover(); p != nil {
		slog.Error("panic", "operation", operation, "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
		*err = ErrPanicked
	}
}
