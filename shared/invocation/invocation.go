// Package invocation keeps a function's process alive: Lambda ends one that panics or
// whose time runs out, and whoever waits for it gets no answer of ours.
package invocation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"
)

// margin is how much of an invocation's time is kept back, to answer and to write down
// where the work stopped.
const margin = time.Second

// InTime is ctx with a deadline that comes a margin before Lambda's, so that what waits
// on ctx ends while there is time to answer. Without a deadline it stays without one.
func InTime(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-margin))
}

// ErrPanicked is what a panic becomes.
var ErrPanicked = errors.New("panic")

// Recover turns a panic of the function that defers it into ErrPanicked in err, which
// must not be nil. It logs the panic's type and the stack, which names functions and no
// values, but not the panic's text, which may quote what a caller sent. Nobody else can
// recover a goroutine's panic: each goroutine that calls anything defers this.
func Recover(operation string, err *error) {
	if p := recover(); p != nil {
		slog.Error("panic", "operation", operation, "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
		*err = ErrPanicked
	}
}
