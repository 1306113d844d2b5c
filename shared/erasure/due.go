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

// What one run of Due looks at and does (docs/scale.md).
const (
	// openAtOnce bounds memory: 100,000 jobs are about 20 MB. With a second pass after 6 minutes that is 250 erasures a second.
	openAtOnce = 100_000
	// dueAtOnce is how many jobs of customers are worked on at the same time. A second pass is three calls one after the
	// other; the process's Streams bound the deleting calls of all of them.
	dueAtOnce = 16
	// numbersAtOnce is the same for jobs of numbers. What they hold of pages they share
	// (store.Memory): more of them at once would only read smaller windows.
	numbersAtOnce = 4
	slice         = 10 * time.Second
)

// Due works on open jobs whose time has come: jobs nobody holds, second passes, retries; those that have waited longest
// first. Each gets a slice of time, and is handed on when that is not enough, so that no long job keeps the others
// waiting. It returns how many it looked at before ctx's deadline came near, and reports on all that are open. Where a
// part of the list cannot be read, it works and reports on the rest, says so in the report, and returns the error at
// the end.
func (e Engine) Due(ctx context.Context) (int, error) {
	jobs, unlisted := e.Ledger.ListOpen(ctx, openAtOnce)
	now := e.Now()
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
	var taken atomic.Int64
	var kinds errgroup.Group // neither waits for a place of the other's
	kinds.Go(func() error { return e.workOff(ctx, customers, dueAtOnce, &taken) })
	kinds.Go(func() error { return e.workOff(ctx, numbers, numbersAtOnce, &taken) })
	err := errors.Join(unlisted, kinds.Wait())
	return int(taken.Load()), err
}

// workOff gives each of jobs its slice, so many at once, until ctx's deadline comes near; it counts them in taken.
func (e Engine) workOff(ctx context.Context, jobs []store.OpenJob, atOnce int, taken *atomic.Int64) error {
	var group errgroup.Group
	group.SetLimit(atOnce)
	for _, job := range jobs {
		group.Go(func() error {
			if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < slice+wrapUp {
				return nil // the next run's
			}
			end := e.Now().Add(slice)
			slice, release := e.bounded(ctx, end)
			defer release()
			taken.Add(1)
			return e.work(slice, job.Key, end)
		})
	}
	return group.Wait()
}

// report puts the state of the open jobs into metrics. incomplete says that there may be others.
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
