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
// It keeps nothing in memory from one run to the next. How far the sweep has come is in
// the table of rules.
type handler struct {
	worker   erasure.Worker
	openJobs string // the name of the ledger's index of open jobs
	holder   erasure.Holder
	standing string // the name of the index of holds that are not released
	users    store.Users
	rules    store.Rules
	segments int32 // parts of the users table, one a minute
	skew     time.Duration
	clock    erasure.Clock
}

// handle is one run. A sweep or a hold that fails is only logged, and keeps no erasure
// from being worked on. An error counts as a failed run in Lambda's metrics. The event is
// not tried again (template.yaml), because the next minute's run does the same.
func (h *handler) handle(ctx context.Context, _ events.EventBridgeEvent) (err error) {
	defer invocation.Recover("cleanup", &err)
	ctx, cancel := invocation.InTime(ctx)
	defer cancel()
	removed, late, known, err := h.sweep(ctx)
	if err != nil {
		slog.Error("failed", "operation", "cleanup: sweep", "cause", err.Error())
	}
	values := []metric.Value{metric.AllowsSwept.Of(float64(removed))}
	if known {
		values = append(values, metric.SweepBehind.Of(late.Seconds()))
	}
	metric.Put(ctx, "allows swept", values...)
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
