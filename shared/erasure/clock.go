package erasure

import (
	"context"
	"time"
)

// after runs do once d has passed on the engine's clock, unless stop is called before.
func (e Engine) after(d time.Duration, do func()) (stop func() bool) {
	if e.AfterFunc != nil {
		return e.AfterFunc(d, do)
	}
	return time.AfterFunc(d, do).Stop
}

// bounded is ctx until the engine's clock shows until. Call release when the work is done.
func (e Engine) bounded(ctx context.Context, until time.Time) (bounded context.Context, release context.CancelFunc) {
	left := until.Sub(e.Now())
	if e.AfterFunc == nil {
		return context.WithTimeout(ctx, left)
	}
	bounded, end := context.WithCancel(ctx)
	if left <= 0 {
		end()
		return bounded, end
	}
	stop := e.AfterFunc(left, end)
	return bounded, func() {
		stop()
		end()
	}
}

// Within is ctx until d has passed on the engine's clock. Call release when the work is done.
func (e Engine) Within(ctx context.Context, d time.Duration) (within context.Context, release context.CancelFunc) {
	return e.bounded(ctx, e.Now().Add(d))
}

// deadline is ctx's deadline, which is set on the machine's clock, on the engine's clock.
func (e Engine) deadline(ctx context.Context) (time.Time, bool) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return time.Time{}, false
	}
	return e.Now().Add(time.Until(deadline)), true
}
