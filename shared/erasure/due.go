package erasure

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"customercare/shared/metric"
	"customercare/shared/store"
)

// What one run of Due looks at, and does at a time (docs/scale.md).
const (
	// openAtOnce bounds the memory of a run: 100,000 open jobs are about 20 MB. With a
	// second pass after 6 minutes that is enough for 250 erasures a second.
	openAtOnce = 100_000
	// dueAtOnce is how many jobs of customers are worked on at the same time. A second
	// pass is three calls one after the other, so these are few calls at a time. How
	// many deleting calls all of them make, the store.Limiter of the process bounds.
	dueAtOnce = 16
	// numbersAtOnce is the same for jobs of numbers. They share the memory for what they
	// read (store.Memory): with more of them at once each would only read less at a time.
	numbersAtOnce = 4
	// sliceLength is how long a job is worked on before it is handed over, so that no
	// long job keeps the others waiting.
	sliceLength = 10 * time.Second
)

// Due works on the open jobs whose time has come, those first that have waited longest:
// jobs that nobody holds, second passes, retries. openJobs is the name of the ledger's
// index of open jobs. Each job is worked on for a slice of time, and handed over when
// that is not enough.
//
// It returns how many jobs it began before ctx's deadline came near, and reports on all
// that are open. Where a part of the list cannot be read, it works and reports on the
// rest, says so in the report, and returns the error at the end.
func (w Worker) Due(ctx context.Context, openJobs string) (taken int, err error) {
	jobs, unlisted := w.ledger.ListOpen(ctx, openJobs, openAtOnce)
	now := w.clock.now()
	report(ctx, jobs, unlisted != nil, now)
	slices.SortFunc(jobs, func(a, b store.OpenJob) int { return a.DueAt.Compare(b.DueAt) })
	var customers, numbers []store.OpenJob
	for _, job := range jobs {
		switch {
		case job.DueAt.After(now):
		case store.IsCustomerJob(job.Key):
			customers = append(customers, job)
		default:
			numbers = append(numbers, job)
		}
	}
	// Two groups, one for each kind: so jobs of customers never wait until one of
	// numbers is done, nor the other way round.
	var begun, newer atomic.Int64
	var kinds errgroup.Group
	kinds.Go(func() error { return w.workOff(ctx, customers, dueAtOnce, &begun, &newer) })
	kinds.Go(func() error { return w.workOff(ctx, numbers, numbersAtOnce, &begun, &newer) })
	err = errors.Join(unlisted, kinds.Wait())
	if n := newer.Load(); n > 0 {
		leftToNewer("jobs", int(n))
	}
	return int(begun.Load()), err
}

// workOff works on each of jobs for a slice of time, atOnce of them at the same time,
// until ctx's deadline comes near. It counts in begun those that it began, and in newer
// those of them that are a newer version's.
func (w Worker) workOff(
	ctx context.Context, jobs []store.OpenJob, atOnce int, begun, newer *atomic.Int64,
) error {
	var group errgroup.Group
	group.SetLimit(atOnce)
	for _, job := range jobs {
		group.Go(func() error {
			deadline, ok := ctx.Deadline()
			if ok && time.Until(deadline) < sliceLength+wrapUp {
				return nil // the next run's
			}
			end := w.clock.now().Add(sliceLength)
			ctx, release := w.clock.withDeadline(ctx, end)
			defer release()
			begun.Add(1)
			err := w.work(ctx, job.Key, end)
			if errors.Is(err, store.ErrNewer) {
				newer.Add(1)
				return nil
			}
			return err
		})
	}
	return group.Wait()
}

// report puts the state of the open jobs into metrics. incomplete says that there may be
// others.
func report(ctx context.Context, jobs []store.OpenJob, incomplete bool, now time.Time) {
	oldest, failing, unlisted := time.Duration(0), 0, 0.
	if incomplete {
		unlisted = 1
	}
	for _, job := range jobs {
		oldest = max(oldest, now.Sub(job.RequestedAt))
		if job.Failures > 0 {
			failing++
		}
	}
	metric.Put(ctx, "open erasures", metric.ErasuresOpen.Of(float64(len(jobs))),
		metric.OldestErasure.Of(oldest.Seconds()), metric.ErasuresFailing.Of(float64(failing)),
		metric.ErasuresUnlisted.Of(unlisted))
}
