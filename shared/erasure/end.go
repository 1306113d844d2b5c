package erasure

import (
	"context"
	"errors"
	"time"

	"customercare/shared/metric"
	"customercare/shared/store"
)

// errEndConflict says that the job could not end. A repeat joined since the job was read,
// and wants a pass of its own; or what stands in the tombstone's place is not the job's.
var errEndConflict = errors.New("erasure: the job changed before its end")

// endPass ends a pass that found nothing left. The job is finished when no writer can be
// late any more that was at work when the erasure was requested, or requested again. A
// repeat puts the end off once; repeats that come later than that begin a new job.
func (e eraser) endPass(ctx context.Context, job *store.Job) error {
	began, after := job.PassStarted, e.lastPassAfter(job)
	repeatsDone := e.timing.writersDone(job.LastRequestedAt)
	job.Passes++
	job.PassStarted, job.Cursor = time.Time{}, 0
	if began.Before(after) {
		job.Failures = 0
		return e.ledger.Release(ctx, job, after)
	}
	digests, err := e.readSubjects(ctx, job)
	if err != nil {
		return err
	}
	if !job.IsCustomer() {
		err = e.ask(ctx, job, digests)
	}
	switch {
	case errors.Is(err, errReleased):
		job.Failures = 0
		return e.ledger.Release(ctx, job, e.clock.now())
	case err != nil:
		return err
	}
	end := e.endOf(job, digests, began)
	if began.Before(repeatsDone) {
		err = e.ledger.FinishAndBegin(ctx, job, end, e.nextOf(job, digests), repeatsDone)
	} else {
		err = e.ledger.Finish(ctx, job, e.customers, end)
	}
	switch {
	case err == nil:
		metric.PutOfJob(ctx, "erasure finished", job.ID, metric.ErasuresFinished.Of(1),
			metric.ItemsErased.Of(float64(job.Deleted+job.Entombed)))
	case errors.Is(err, store.ErrHeld):
		return errEndConflict
	}
	return err
}

// lastPassAfter is when a pass must have begun, at the earliest, to be the job's last.
//
// From then on no writer can be late that was at work at the request, and no deletion of
// ours can be late either. A late deletion would do harm, because deletions carry no
// condition: from the end on, the same customer code, transactions and contacts may be
// loaded again, and a late deletion would delete them. Which deletions may still be
// carried out?
//
//   - None that was answered: it is done, or will never be done.
//   - One that was not answered, or answered with a failure of DynamoDB's; also where
//     the same call was sent again and then was answered. Nothing that AWS documents
//     bounds the time from there to its effect: a signature is good for five minutes,
//     but it is looked at when a call comes in. So such a deletion counts as any other
//     writer, for WriterLifetime from when it was given up (Job.Unanswered).
//   - One of a worker that died, or that lost its lease and stopped. It had announced
//     what it was deleting, so whoever resumes the job finds Job.Pending, and sets
//     Job.Unanswered to that moment. All that the other sent, it sent before.
//   - The transaction that opened the job and deleted a few records with it, sent again
//     and again by a request whose answers were lost. It is a write of the time of the
//     request, and waited for like all of them. While the job is open, its own condition
//     refuses it.
//
// Workers whose time is up let the calls under way end (inFlight). So all this costs
// nothing where all is well, and one pass more, with its wait, where an answer was lost.
// There is no promise of an end by a certain time: each pass that deletes something
// without an answer is waited for.
func (e eraser) lastPassAfter(job *store.Job) time.Time {
	after := e.timing.writersDone(job.LastRequestedAt)
	// However often it is asked for again, the first request ends: repeats put it off by
	// as long again, and no longer.
	limit := e.timing.writersDone(e.timing.writersDone(job.RequestedAt))
	if after.After(limit) {
		after = limit
	}
	if job.Unanswered.IsZero() {
		return after
	}
	if late := e.timing.writersDone(job.Unanswered); late.After(after) {
		return late
	}
	return after
}
