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

// handler is the function. A schedule starts it every minute; each run sweeps expired
// allows out of the users table, and works on open erasures that are due.
//
// All that it keeps from one run to the next is which parts of the users table still wait
// for the sweep. When the process ends that is lost, and the next process begins with the
// parts of the last few minutes.
type handler struct {
	worker   erasure.Worker
	openJobs string // the name of the ledger's index of open jobs
	holder   erasure.Holder
	standing string // the name of the index of holds that are not released
	users    store.Users
	segments int32 // of the users table, one a minute
	skew     time.Duration
	clock    erasure.Clock

	waiting []*part // parts of the users table whose turn has come
	next    int64   // the minute whose parts have not had their turn
}

// due is when a run was due, however late it begins: the time that its event was
// scheduled for. A run that somebody starts by hand, with an event of some other day or
// without a time, is due now.
func (h *handler) due(scheduled time.Time) time.Time {
	const day = 24 * time.Hour
	now := h.clock.Now()
	if late := now.Sub(scheduled); late > day || late < -day {
		return now
	}
	return scheduled
}

// handle is one run. A sweep or a hold that fails is only logged, and keeps no erasure
// from being worked on. An error counts as a failed run in Lambda's metrics. The event is
// not tried again (template.yaml), because the next minute's run does the same.
func (h *handler) handle(ctx context.Context, event events.EventBridgeEvent) (err error) {
	defer invocation.Recover("cleanup", &err)
	ctx, cancel := invocation.InTime(ctx)
	defer cancel()
	removed, behind, err := h.sweep(ctx, h.due(event.Time))
	if err != nil {
		slog.Error("failed", "operation", "cleanup: sweep", "cause", err.Error())
	}
	metric.Put(ctx, "allows swept",
		metric.AllowsSwept.Of(float64(removed)), metric.SweepBehind.Of(behind.Seconds()))
	failing, unlisted := h.holder.Due(ctx, h.standing)
	if unlisted != nil {
		slog.Error("failed", "operation", "cleanup: holds", "cause", unlisted.Error())
		failing++
	}
	metric.Put(ctx, "holds", metric.HoldsFailing.Of(float64(failing)))
	taken, err := h.worker.Due(ctx, h.openJobs)
	slog.Info("cleaned up", "operation", "cleanup", "erasures", taken)
	return err
}
