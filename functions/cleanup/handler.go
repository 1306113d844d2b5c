package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"customercare/shared/erasure"
	"customercare/shared/invocation"
	"customercare/shared/metric"
	"customercare/shared/store"
)

// cleaner is one kind of worker; each run goes on where others stopped and holds no state of its own.
type cleaner struct {
	engine   erasure.Engine
	users    store.Users
	segments int32 // of the users table, one a minute
	now      func() time.Time
}

// sweepBudget is what a run spends on expired allows, so that a backlog of erasures and a large table do not keep each
// other from being worked on.
const sweepBudget = 10 * time.Second

// handle is one run. A failing sweep is only logged: the next one finds what it left. An error counts as a failed run in
// Lambda's metrics; the event is not tried again (see the template), because the next minute's run does the same.
func (c cleaner) handle(ctx context.Context, _ events.EventBridgeEvent) (err error) {
	defer invocation.Recover("cleanup", &err)
	ctx, cancel := invocation.InTime(ctx)
	defer cancel()
	removed, err := c.sweep(ctx)
	if err != nil {
		slog.Error("failed", "operation", "cleanup: sweep", "cause", err.Error())
	}
	metric.Put(ctx, "allows swept", metric.AllowsSwept.Of(float64(removed)))
	taken, err := c.engine.Due(ctx)
	slog.Info("cleaned up", "operation", "cleanup", "erasures", taken)
	return err
}

// sweep takes expired allows out of this minute's segment. It recovers by itself: no user's item may keep the erasures from
// being worked on.
func (c cleaner) sweep(ctx context.Context) (removed int, err error) {
	defer invocation.Recover("cleanup: sweep", &err)
	ctx, cancel := context.WithTimeout(ctx, sweepBudget)
	defer cancel()
	now := c.now()
	return c.users.SweepTempAllows(ctx, int32(now.Unix()/60%int64(c.segments)), c.segments, now)
}
