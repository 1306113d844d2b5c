package erasure

import (
	"context"
	"time"
)

// Clock is what the engine takes the time from, and waits by. Functions use SystemClock;
// tests use NewClock with a clock that they move themselves.
type Clock struct {
	now         func() time.Time
	afterFunc   func(d time.Duration, do func()) (stop func() bool)
	withTimeout func(context.Context, time.Duration) (context.Context, context.CancelFunc)
}

// SystemClock is the machine's clock.
func SystemClock() Clock {
	return Clock{
		now: time.Now,
		afterFunc: func(d time.Duration, do func()) (stop func() bool) {
			return time.AfterFunc(d, do).Stop
		},
		withTimeout: context.WithTimeout,
	}
}

// NewClock is a clock that shows what now returns. afterFunc runs do once that clock is d
// later, unless the function that it returns is called before.
func NewClock(
	now func() time.Time, afterFunc func(d time.Duration, do func()) (stop func() bool),
) Clock {
	withTimeout := func(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
		within, end := context.WithCancel(ctx)
		if d <= 0 {
			end()
			return within, end
		}
		stop := afterFunc(d, end)
		return within, func() {
			stop()
			end()
		}
	}
	return Clock{now: now, afterFunc: afterFunc, withTimeout: withTimeout}
}

// Now is what the clock shows.
func (c Clock) Now() time.Time { return c.now() }

// WithTimeout is ctx until d has passed on this clock. The caller calls release when its
// work is done.
func (c Clock) WithTimeout(
	ctx context.Context, d time.Duration,
) (within context.Context, release context.CancelFunc) {
	return c.withTimeout(ctx, d)
}

// withDeadline is ctx until this clock shows until. The caller calls release when its
// work is done.
func (c Clock) withDeadline(
	ctx context.Context, until time.Time,
) (within context.Context, release context.CancelFunc) {
	return c.withTimeout(ctx, until.Sub(c.now()))
}

// deadline is ctx's deadline as this clock will show it. A context's own deadline is on
// the machine's clock.
func (c Clock) deadline(ctx context.Context) (deadline time.Time, ok bool) {
	machine, ok := ctx.Deadline()
	if !ok {
		return time.Time{}, false
	}
	return c.now().Add(time.Until(machine)), true
}
