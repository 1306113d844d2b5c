package erasure

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"time"

	"customercare/shared/invocation"
	"customercare/shared/metric"
	"customercare/shared/store"
)

// eraser is what a CustomerIntake and a Worker have in common: it deletes customers page
// by page, and leaves a job behind as a drain of any kind has ended.
type eraser struct {
	ledger    store.Erasures
	customers store.Customers
	holds     store.Holds
	memory    *store.Memory // for the pages of all jobs of the process; nil has no bound
	timing    Timing
	clock     Clock
}

// errTimeUp ends a drain that has to stop before it has seen everything.
var errTimeUp = errors.New("erasure: time is up")

// drain runs pass, which deletes what the job is about. It returns nil when pass has seen
// all of it, and errTimeUp when until came before that.
//
// announced says that the caller has just written down what it is about to delete, in
// opening the job. That is the request itself. Its time may be too short for any
// deletion, so it counts as having got somewhere in any case.
func (e eraser) drain(
	ctx context.Context, job *store.Job, until time.Time, announced bool,
	pass func(context.Context) error,
) (err error) {
	draining, release := e.clock.withDeadline(ctx, until.Add(inFlight))
	defer release()
	draining = store.DeleteUntil(draining, e.clock.now, until)
	if job.Pending.Count > 0 && !announced {
		// A worker died, or was left without an answer, while it deleted this.
		job.Unanswered = e.clock.now()
	}
	defer e.noteLost(job)
	defer invocation.Recover("erasure: drain", &err)
	cursor := job.Cursor
	err = pass(draining)
	switch {
	case err == nil || errors.Is(err, store.ErrHeld):
		return err
	case errors.Is(context.Cause(ctx), store.ErrHeld):
		return store.ErrHeld
	case !e.clock.now().Before(until) && (announced || job.Progressed() || job.Cursor > cursor):
		return errTimeUp
	}
	// This is also the way of a worker whose time was up, but which has moved nothing:
	// that is no reason to go on at once.
	return err
}

// conclude leaves the job finished, waiting, handed over or failed, as its drain ended
// with err. It returns an error only when even that could not be written down. Then the
// lease runs out, and cleanup resumes the job.
func (e eraser) conclude(ctx context.Context, job *store.Job, err error) error {
	passes := job.Passes
	switch {
	case err == nil:
		err = e.endPass(ctx, job)
	case errors.Is(err, errTimeUp):
		err = e.handOver(ctx, job)
	}
	if err != nil && !errors.Is(err, store.ErrHeld) {
		err = e.fail(ctx, job, err)
	}
	if err == nil && passes == 0 && job.Passes == 1 && !job.IsCustomer() {
		unknown := len(job.Identifiers) - job.Outcomes.Found()
		metric.Put(ctx, "numbers looked for", metric.NumbersUnknown.Of(float64(unknown)))
	}
	if errors.Is(err, store.ErrHeld) {
		return nil // another worker goes on from what was last written down
	}
	return err
}

// handOver gives the job back so that another worker goes on with it at once.
func (e eraser) handOver(ctx context.Context, job *store.Job) error {
	job.Failures, job.HandedOver = 0, true
	if err := e.ledger.Release(ctx, job, e.clock.now().Add(pickUp)); err != nil {
		return err
	}
	if err := e.ledger.HandOver(ctx, job.Key, e.clock.now()); err != nil {
		slog.Warn("not handed over, cleanup takes it up", "job", job.ID, "cause", err.Error())
	}
	return nil
}

// maxDeaths is after how many failures in a row a job whose worker died is still resumed
// at once. A death counts as a failure. After one more the job is put back: it may be
// what kills its workers, and would end those who come for the other jobs, too.
const maxDeaths = 1

// errDied puts a job back whose workers die of it.
var errDied = errors.New("erasure: its workers died, one after the other")

// fail counts a failure and puts the job back for later. It returns store.ErrHeld when
// another worker took the job.
func (e eraser) fail(ctx context.Context, job *store.Job, cause error) error {
	if job.Progressed() {
		job.Failures = 0 // it got somewhere
	}
	job.Failures++
	return e.putBack(ctx, job, cause)
}

// putBack releases the job until later: the more failures, the longer. A job is never
// dropped. It returns store.ErrHeld when another worker took the job.
func (e eraser) putBack(ctx context.Context, job *store.Job, cause error) error {
	wait := lastRetry
	if job.Failures < 10 {
		wait = firstRetry << job.Failures
	}
	slog.Error("erasure failed, will be tried again", "job", job.ID,
		"failures", job.Failures, "after", wait.String(), "cause", cause.Error())
	err := e.ledger.Release(ctx, job, e.clock.now().Add(wait))
	if err != nil && !errors.Is(err, store.ErrHeld) {
		return errors.Join(cause, err)
	}
	return err
}

// newOwner is a new name for the holder of a lease.
func newOwner() string {
	random := make([]byte, 8)
	_, _ = rand.Read(random) // never fails
	return hex.EncodeToString(random)
}
