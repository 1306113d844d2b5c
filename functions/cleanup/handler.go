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

// cleaner is one kind of worker: each run goes on where others stopped. All that it keeps from one
// run to the next is which parts of the users table still wait for the sweep; a process that ends
// takes that along, and the next one begins with the parts of the last few minutes.
type cleaner struct {
	engine   erasure.Engine
	users    store.Users
	segments int32 // of the users table, one a minute
	now      func() time.Time

	waiting []*part // parts of the users table whose turn has come
	next    int64   // the minute whose parts have not had their turn
}

// due is when a run was due, however late it begins: the time that its event was scheduled for. A
// run that somebody starts by hand, with an event of some other day or of none, is due now.
func (c *cleaner) due(scheduled time.Time) time.Time {
	const day = 24 * time.Hour
	now := c.now()
	if late := now.Sub(scheduled); late > day || late < -day {
		return now
	}
	return scheduled
}

// handle is one run. A failing sweep is only logged, and keeps no erasure from being worked on. An
// error counts as a failed run in Lambda's metrics; the event is not tried again (see the
// template), because the next minute's run does the same.
func (c *cleaner) handle(ctx context.Context, event events.EventBridgeEvent) (err error) {
	defer invocation.Recover("cleanup", &err)
	ctx, cancel := invocation.InTime(ctx)
	defer cancel()
	removed, behind, err := c.sweep(ctx, c.due(event.Time))
	if err != nil {
		slog.Error("failed", "operation", "cleanup: sweep", "cause", err.Error())
	}
	metric.Put(ctx, "allows swept",
		metric.AllowsSwept.Of(float64(removed)), metric.SweepBehind.Of(behind.Seconds()))
	taken, err := c.engine.Due(ctx)
	slog.Info("cleaned up", "operation", "cleanup", "erasures", taken)
	return err
}
