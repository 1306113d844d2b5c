// Package erasure is the engine: it takes on an erasure, drains, verifies, hands over and ends it, so that any crash,
// timeout, throttle or lost answer at any call ends in the same place: nothing of the subject left, one record with
// right counts, nobody else's byte changed. It knows no HTTP.
//
// The life of a job:
//
//  1. Intent. One write (operation 4) or one transaction with the tombstone (operation 3) puts it into the ledger; where a
//     customer has few records they go in that transaction.
//  2. Drain. A worker that holds the lease reads pages of keys, writes down how many it is about to delete, deletes
//     them. Deleted keys are gone from the next reading, so a successor simply reads from the start.
//  3. Verify. A customer's pass, and the last one over numbers, end with a strongly consistent reading that finds nothing.
//  4. Settle. Writers that began before the request may still write, for WriterLifetime
//     at most, and deletions that went unanswered may still be carried out (settled). A
//     pass that began after that is the last; until then the job waits, and the tombstone
//     stands.
//  5. Finish. One transaction: record in, job and raw identifiers and tombstone out.
package erasure

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/shared/invocation"
	"customercare/shared/metric"
	"customercare/shared/store"
)

// Engine does the erasing.
type Engine struct {
	Ledger    store.Erasures
	Customers store.Customers
	Contacts  store.Contacts
	Digests   Digester      // needed by the functions that take erasures on
	Memory    *store.Memory // what all jobs of the process hold together; nil is without a bound

	// WriterLifetime is how long a writer that began before a request may still write; ClockSkew how far two clocks
	// may lie apart. Both only ever make the engine wait longer.
	WriterLifetime time.Duration
	ClockSkew      time.Duration

	// Lease is how long a worker holds a job before it must renew: a dead worker's job is taken up after that, and ClockSkew.
	Lease time.Duration

	// Now is the engine's clock. AfterFunc runs do once that clock is d later and returns what
	// stops it; nil is time.AfterFunc. Whoever replaces one replaces both.
	Now       func() time.Time
	AfterFunc func(d time.Duration, do func()) (stop func() bool)
}

// Settings is what the functions that go on with open jobs have in their environment.
type Settings struct {
	Erasures       string        `env:"ERASURES_TABLE,required,notEmpty"`
	Customers      string        `env:"CUSTOMERS_TABLE,required,notEmpty"`
	Contacts       string        `env:"CONTACTS_TABLE,required,notEmpty"`
	WriterLifetime time.Duration `env:"WRITER_LIFETIME,required"`
	ClockSkew      time.Duration `env:"CLOCK_SKEW,required"`
	Lease          time.Duration `env:"WORKER_LEASE,required"`
	BatchCalls     int           `env:"BATCH_CALLS,required"`
}

// Engine makes the engine that works on w's tables.
func (w Settings) Engine(db *dynamodb.Client) Engine {
	streams := store.NewLimiter(w.BatchCalls)
	return Engine{
		Ledger:         store.Erasures{DB: db, Table: w.Erasures},
		Customers:      store.Customers{DB: db, Table: w.Customers, Limiter: streams},
		Contacts:       store.Contacts{DB: db, Table: w.Contacts, Limiter: streams},
		Memory:         store.NewMemory(store.HeldAtMost, store.LargestPage),
		WriterLifetime: w.WriterLifetime,
		ClockSkew:      w.ClockSkew,
		Lease:          w.Lease,
		Now:            time.Now,
	}
}

const (
	// wrapUp is what a worker keeps back of its time for writing down where it stopped.
	wrapUp = 2 * time.Second
	// inFlight is how much of that the deleting calls may take that are under way when
	// the rest of its time is up.
	inFlight = time.Second
	// pickUp is how long the stream has to start a worker before cleanup takes a job for abandoned.
	pickUp = 30 * time.Second
	// A failing job is tried again after 1 s doubled with every failure in a row, at most after 15 minutes.
	firstRetry, lastRetry = time.Second, 15 * time.Minute
)

// Continue works on an open job until it has to wait, is done, or ctx's deadline comes near; then it hands the rest on.
// A job that another worker holds, or that is done, is none of its business and no error. What goes wrong is written down
// in the job, which comes back later; an error says that even that failed.
func (e Engine) Continue(ctx context.Context, key string) (err error) {
	defer invocation.Recover("erasure", &err)
	deadline, ok := e.deadline(ctx)
	if !ok {
		deadline = e.Now().Add(time.Minute)
	}
	return e.work(ctx, key, deadline)
}

// work is Continue with a deadline on the engine's clock.
func (e Engine) work(ctx context.Context, key string, deadline time.Time) (err error) {
	defer invocation.Recover("erasure", &err)
	now := e.Now()
	job, err := e.Ledger.Acquire(ctx, key, owner(), now, now.Add(e.Lease+e.ClockSkew))
	if errors.Is(err, store.ErrHeld) || errors.Is(err, store.ErrNoJob) {
		return nil
	}
	if err != nil {
		return err
	}
	if job.Died > 0 && job.Failures > mostDeaths {
		return e.putBack(ctx, job, errDied)
	}
	working, stop := e.keep(ctx, job)
	err = e.drain(working, job, nil, deadline.Add(-wrapUp))
	stop() // before the lease is let go of
	return e.conclude(ctx, job, err)
}

// errTimeUp ends a drain whose worker has to stop.
var errTimeUp = errors.New("erasure: time is up")

// drain deletes what the job is about until a pass has seen all of it (nil) or until comes (errTimeUp). page is a customer's
// first page when the caller has just read it and it is what the job's Pending counts: that is the request itself, whose
// time may be too short for any deletion, and whose work a worker goes on with in any case.
func (e Engine) drain(ctx context.Context, job *store.Job, page *store.Collection, until time.Time) (err error) {
	draining, release := e.bounded(ctx, until.Add(inFlight))
	defer release()
	draining = store.DeleteUntil(draining, e.Now, until)
	if job.Pending.Count > 0 && page == nil { // a worker died, or was left without an answer, while it deleted this
		job.Unanswered = e.Now()
	}
	defer e.noteLost(job)
	defer invocation.Recover("erasure: drain", &err)
	cursor := job.Cursor
	if job.IsCustomer() {
		err = e.drainCustomer(draining, job, page)
	} else {
		err = e.drainNumbers(draining, job)
	}
	switch {
	case err == nil || errors.Is(err, store.ErrHeld):
		return err
	case errors.Is(context.Cause(ctx), store.ErrHeld):
		return store.ErrHeld
	case !e.Now().Before(until) && (job.Progressed() || job.Cursor > cursor || page != nil):
		return errTimeUp
	}
	return err // also when a worker's time was up, but nothing has moved: that is no reason to go on at once
}

// conclude leaves the job finished, settling, handed on or failed, as its drain ended. It returns an error only when even
// that could not be written down; then the lease runs out and cleanup takes the job up.
func (e Engine) conclude(ctx context.Context, job *store.Job, err error) error {
	passes := job.Passes
	switch {
	case err == nil:
		err = e.settle(ctx, job)
	case errors.Is(err, errTimeUp):
		err = e.handOver(ctx, job)
	}
	if err != nil && !errors.Is(err, store.ErrHeld) {
		err = e.fail(ctx, job, err)
	}
	if err == nil && passes == 0 && job.Passes == 1 && !job.IsCustomer() {
		metric.Put(ctx, "numbers looked for", metric.NumbersUnknown.Of(float64(len(job.Identifiers)-job.Known.Count())))
	}
	if errors.Is(err, store.ErrHeld) {
		return nil // another worker goes on from what was last written down
	}
	return err
}

// handOver lets another worker go on at once.
func (e Engine) handOver(ctx context.Context, job *store.Job) error {
	job.Failures, job.HandedOver = 0, true
	if err := e.Ledger.Release(ctx, job, e.Now().Add(pickUp)); err != nil {
		return err
	}
	if err := e.Ledger.HandOver(ctx, job.Key, e.Now()); err != nil {
		slog.Warn("not handed on, cleanup takes it up", "job", job.ID, "cause", err.Error())
	}
	return nil
}

// mostDeaths is with how many failures in a row, a death counting as one, a job whose
// worker died is taken up again at once. One more, and it is no longer first in line: what
// ends its workers would end those who come for the others.
const mostDeaths = 1

// errDied puts a job back that its workers die of.
var errDied = errors.New("erasure: its workers died, one after the other")

// fail counts a failure and puts the job back for later. ErrHeld.
func (e Engine) fail(ctx context.Context, job *store.Job, cause error) error {
	if job.Progressed() {
		job.Failures = 0 // it got somewhere
	}
	job.Failures++
	return e.putBack(ctx, job, cause)
}

// putBack releases the job until later: growing distance, and never dropped. ErrHeld.
func (e Engine) putBack(ctx context.Context, job *store.Job, cause error) error {
	wait := lastRetry
	if job.Failures < 10 {
		wait = firstRetry << job.Failures
	}
	slog.Error("erasure failed, will be tried again", "job", job.ID, "failures", job.Failures, "after", wait.String(), "cause", cause.Error())
	err := e.Ledger.Release(ctx, job, e.Now().Add(wait))
	if err != nil && !errors.Is(err, store.ErrHeld) {
		return errors.Join(cause, err)
	}
	return err
}

// owner is a worker's own name in a lease.
func owner() string {
	random := make([]byte, 8)
	_, _ = rand.Read(random) // never fails
	return hex.EncodeToString(random)
}
