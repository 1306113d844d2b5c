package main

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"customercare/shared/erasure"
	"customercare/shared/invocation"
	"customercare/shared/metric"
	"customercare/shared/retention"
	"customercare/shared/store"
)

// handler is the function. A schedule starts it every hour; each run goes on with the
// sweeps of the rules that are on, for as long as it has time.
//
// It keeps nothing in memory from one run to the next. How far each sweep has come is in
// the table of rules, kept on condition that no other run has kept it. So two runs at
// once are safe: one of them loses the sweep, and what it has erased is erased.
type handler struct {
	rules      store.Rules
	customers  store.Customers
	contacts   store.Contacts
	users      store.Users
	principals store.Principals
	holds      store.Holds
	ledger     store.Erasures
	intake     erasure.CustomerIntake // of customers who are inactive
	atOnce     int                    // deleting calls
	skew       time.Duration          // how far apart two clocks may be
	every      time.Duration          // from the beginning of a rule's sweep to that of the next
	pageSize   int32                  // items a page, 0: what DynamoDB gives
	now        func() time.Time
}

// wrapUp is how much of a run's time is kept back to read a page's items again, and to
// write down where the sweeps stand.
const wrapUp = 20 * time.Second

// handle is one run. An error counts as a failed run in Lambda's metrics. The event is
// not tried again (template.yaml), because the next run does the same.
func (h *handler) handle(ctx context.Context, _ events.EventBridgeEvent) (err error) {
	defer invocation.Recover("apply-retention", &err)
	ctx, cancel := invocation.InTime(ctx)
	defer cancel()
	inTime := ctx
	if deadline, ok := ctx.Deadline(); ok {
		var release context.CancelFunc
		inTime, release = context.WithDeadline(ctx, deadline.Add(-wrapUp))
		defer release()
	}
	r := &run{handler: h, ctx: ctx, inTime: inTime}
	err = r.do()
	values := []metric.Value{
		metric.RetentionErased.Of(float64(r.swept.Erased)), metric.RetentionKept.Of(float64(r.swept.Kept)),
		metric.RetentionFailing.Of(float64(r.failing)),
	}
	if err == nil {
		values = append(values, metric.RetentionBehind.Of(r.behind.Seconds()))
	}
	metric.Put(ctx, "retention", values...)
	return err
}

// run is one run of the function.
type run struct {
	*handler
	ctx, inTime context.Context // the run's, and that of what takes long
	swept       store.Swept
	failing     int
	behind      time.Duration
}

// do goes on with every sweep that is due: one page of each in turn, so that a large
// table keeps no other rule waiting.
func (r *run) do() error {
	stopped, theirs, err := r.rules.ReadSwitch(r.ctx)
	if err != nil {
		r.failing++
		return err
	}
	if stopped != nil {
		slog.Info("all rules are stopped", "operation", "apply-retention")
		return nil
	}
	set, err := r.rules.ReadRules(r.ctx)
	if err != nil {
		r.failing++
		return err
	}
	now := r.now()
	if !theirs.IsZero() && theirs.Before(now) {
		now = theirs // the earlier of two clocks decides how old something is
	}
	var all, due []*sweep
	for _, rule := range set.Rules {
		if rule.State != retention.On {
			continue
		}
		s, err := r.begin(rule, now)
		if err != nil {
			r.fail(rule.Name, err)
			continue
		}
		if all = append(all, s); s.due {
			due = append(due, s)
		}
	}
	slices.SortStableFunc(due, func(a, b *sweep) int { return a.waits.Compare(b.waits) })
	for len(due) > 0 && r.inTime.Err() == nil {
		due = slices.DeleteFunc(due, func(s *sweep) bool { return !r.page(s) })
	}
	for _, s := range all {
		r.pause(s)
		r.behind = max(r.behind, s.behind(now, r.every))
	}
	return nil
}

// fail notes that a rule could not be gone on with.
func (r *run) fail(rule string, err error) {
	r.failing++
	slog.Error("failed", "operation", "apply-retention", "rule", rule, "cause", cmp.Or(err.Error(), "unknown"))
}
