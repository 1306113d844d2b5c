package erasure

import (
	"context"
	"errors"
	"time"

	"customercare/shared/metric"
	"customercare/shared/store"
)

// errEndRefused says that a repeat joined since the job was read, which wants a pass of
// its own, or that what stands in the tombstone's place is not the job's.
var errEndRefused = errors.New("erasure: the end was refused")

// settle ends a pass that found nothing left: the job is finished when no writer can be
// late any more that was at work when it was requested, or requested again. Repeats put
// that off once; then those that came later begin a job anew.
func (e Engine) settle(ctx context.Context, job *store.Job) error {
	began, settled, last := job.PassStarted, e.settled(job), job.LastRequestedAt.Add(e.WriterLifetime+e.ClockSkew)
	job.Passes++
	job.PassStarted, job.Cursor = time.Time{}, 0
	if began.Before(settled) {
		job.Failures = 0
		return e.Ledger.Release(ctx, job, settled)
	}
	var err error
	if e.WriterLifetime > 0 && began.Before(last) {
		err = e.Ledger.FinishAndBegin(ctx, job, e.Now(), last)
	} else {
		err = e.Ledger.Finish(ctx, job, e.Customers, e.Now())
	}
	switch {
	case err == nil:
		metric.Put(ctx, "erasure finished",
			metric.ErasuresFinished.Of(1), metric.ItemsErased.Of(float64(job.Deleted+job.Entombed)))
	case errors.Is(err, store.ErrHeld):
		return errEndRefused
	}
	return err
}

// settled is the time from which on a pass may be the job's last.
//
// No writer can be late any more then that was at work at the request. And no deletion of
// ours: they carry no condition that what was loaded again after the end would fail, and
// from the end on the same code, transactions and contacts may be loaded. Which deletions
// may still be carried out?
//
//   - None that was answered: it is done, or refused for good.
//   - One that was not answered, or with a failure of DynamoDB's, also where the same
//     call was sent again and then was answered. Nothing that AWS writes bounds the time
//     from there to its effect: a signature is good for five minutes, but is looked at
//     when a call comes in. So it counts as any other writer, for WriterLifetime, from
//     when it was given up: Job.Unanswered.
//   - One of a worker that died, or that lost its lease and stopped. It had announced
//     what it was deleting, so whoever takes the job up finds Job.Pending. All that it
//     sent it sent before that: the moment counts as Job.Unanswered.
//   - The transaction that opened the job and deleted a few records with it, sent again
//     and again by a request whose answers were lost. It is a write of the time of the
//     request, and waited for like all of them; while the job is open its own condition
//     refuses it.
//
// Workers whose time is up let the calls under way end (inFlight), so this costs nothing
// where all is well, and one pass more, with its wait, where something was lost. It is no
// promise of an end by a certain time: each pass that deletes something without an answer
// is waited for.
func (e Engine) settled(job *store.Job) time.Time {
	if e.WriterLifetime == 0 {
		return time.Time{}
	}
	wait := e.WriterLifetime + e.ClockSkew
	settled := job.LastRequestedAt.Add(wait)
	if limit := job.RequestedAt.Add(2 * wait); settled.After(limit) {
		settled = limit
	}
	if late := job.Unanswered.Add(wait); !job.Unanswered.IsZero() && late.After(settled) {
		return late
	}
	return settled
}
