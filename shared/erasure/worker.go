package erasure

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"customercare/shared/invocation"
	"customercare/shared/store"
)

// Worker goes on with jobs that are on record. NewWorker makes one, WorkerSettings.Worker
// one from a function's environment.
type Worker struct {
	eraser
	contacts store.Contacts
	// lease is how long the worker holds a job before it must renew. A dead worker's job
	// is resumed after that, and ClockSkew.
	lease time.Duration
}

// NewWorker is a Worker on these tables. All that it holds of pages at a time is in
// memory, which may be nil: then there is no bound.
func NewWorker(
	ledger store.Erasures, customers store.Customers, contacts store.Contacts, holds store.Holds,
	memory *store.Memory, timing Timing, lease time.Duration, clock Clock,
) Worker {
	return Worker{
		eraser: eraser{
			ledger: ledger, customers: customers, holds: holds, memory: memory, timing: timing, clock: clock,
		},
		contacts: contacts,
		lease:    lease,
	}
}

// Continue works on the open job with this key until the job has to wait, is done, or
// ctx's deadline comes near; then it hands the rest over. A job that another worker
// holds, or that is done, is no error, nor is one of a newer version. What goes wrong is
// written down in the job, which comes back later: an error says that even that failed.
func (w Worker) Continue(ctx context.Context, key string) (err error) {
	defer invocation.Recover("erasure", &err)
	deadline, ok := w.clock.deadline(ctx)
	if !ok {
		deadline = w.clock.now().Add(time.Minute)
	}
	if err = w.work(ctx, key, deadline); errors.Is(err, store.ErrNewer) {
		leftToNewer("a job", 1)
		return nil
	}
	return err
}

// leftToNewer logs that a run has left items to the newer version that wrote them, once a
// run. Open jobs among them count in OldestErasure, whose alarm says that nobody goes on.
func leftToNewer(what string, n int) {
	slog.Warn("left to the newer version that wrote it", "what", what, "left", n)
}

// work is Continue with a deadline on the worker's clock. store.ErrNewer where the job is
// a newer version's.
func (w Worker) work(ctx context.Context, key string, deadline time.Time) (err error) {
	defer invocation.Recover("erasure", &err)
	now := w.clock.now()
	leaseEnd := now.Add(w.lease + w.timing.ClockSkew)
	job, err := w.ledger.Acquire(ctx, key, newOwner(), now, leaseEnd)
	if errors.Is(err, store.ErrHeld) || errors.Is(err, store.ErrNoJob) {
		return nil
	}
	if err != nil {
		return err
	}
	if job.Died > 0 && job.Failures > maxDeaths {
		return w.putBack(ctx, job, errDied)
	}
	working, stop := w.keepLease(ctx, job)
	pass := w.drainNumbers
	if job.IsCustomer() {
		pass = w.drainCustomer
	}
	err = w.drain(working, job, deadline.Add(-wrapUp), false, func(ctx context.Context) error {
		return pass(ctx, job)
	})
	stop() // before the lease is given back
	return w.conclude(ctx, job, err)
}
