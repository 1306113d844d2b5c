package erasure

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"customercare/shared/invocation"
	"customercare/shared/store"
)

// ErrUnknownCustomer says that there is no such customer, nor was one erased in the last 30 days.
var ErrUnknownCustomer = errors.New("erasure: no such customer")

// customerStreams is how many batch calls run at once on one customer: two saturate a DynamoDB partition, more would only
// be throttled.
const customerStreams = 2

// races is how often an erasure is tried again because the customer changed under it.
const races = 5

// Customer erases a loyalty customer for good. It returns nil once the erasure is on record and the tombstone stands:
// from then on nothing returns the customer any more, whatever happens. Within budget, and before ctx's deadline comes near, it
// erases everything itself; what is left is handed on. Repeats, at the same time or within 30 days, return nil too. ErrUnknownCustomer.
func (e Engine) Customer(ctx context.Context, account, code, requestedBy string, budget time.Duration) error {
	key, id := store.CustomerKey(account, code), store.NewID(e.Now())
	request := store.RequestOf(id)
	digests, jobs := e.customerJobs(account, code)
	for try := range races {
		if try > 0 { // somebody else is at it: let them finish
			if !store.Wait(ctx, e.Ledger.DB, try, store.ErrRaced) {
				return store.ErrRaced
			}
			id = store.NewIDFor(request, e.Now()) // records of their own, should both be written
		}
		now := e.Now()
		page, err := e.Customers.Read(ctx, key, "")
		if err != nil {
			return err
		}
		if page.Tombstone != "" || !page.Exists && len(page.Records) == 0 && page.Next == "" {
			if !e.Digests.knows(page.Tombstone) {
				e.Digests.More.look(ctx, e.Digests.Keys)
				digests, jobs = e.customerJobs(account, code)
			}
			known, err := e.join(ctx, page.Tombstone, jobs, request, now)
			switch {
			case err != nil || known == store.Joined:
				return err // nil: being erased by an earlier call, and nobody reads this customer any more
			case page.Tombstone != "":
			case known == store.ErasedLately:
				return nil
			default:
				return e.unknown(ctx, account, code, jobs, request, now)
			}
		}
		// A tombstone whose job is not open: the job has just ended, tombstone and all, or one of the tables was restored
		// to a time when it was open. Then the condition below holds, and a job comes back to its tombstone.
		job := &store.Job{
			Key: jobs[0], ID: id, Scope: account, RequestedBy: requestedBy,
			RequestedAt: now, LastRequestedAt: now, PassStarted: now,
			Identifiers: []string{code}, Subjects: digests[:1],
		}
		if page.Exists {
			job.Found, job.Deleted = 1, 1 // the tombstone is its deletion
		}
		until := now.Add(budget)
		if deadline, ok := e.deadline(ctx); ok && deadline.Add(-wrapUp).Before(until) {
			until = deadline.Add(-wrapUp) // the rest is handed on while there is time for it
		}
		few := e.WriterLifetime > 0 && page.Next == "" && len(page.Records) <= store.FewRecords
		if few {
			tombstone := job.Found
			job.Found += int64(len(page.Records))
			job.Deleted = job.Found
			err = e.Ledger.OpenAndErase(ctx, job, jobs[1:], e.Customers, page, now.Add(e.WriterLifetime+e.ClockSkew))
			// What a busy partition does not take at once, it takes one after the other.
			if few = err == nil || errors.Is(err, store.ErrRaced) || ctx.Err() != nil; !few {
				job.Found, job.Deleted = tombstone, tombstone
			}
		}
		if !few {
			announce(job, page)
			err = e.Ledger.OpenCustomer(ctx, job, jobs[1:], e.Customers, page, until.Add(wrapUp+e.ClockSkew))
		}
		if errors.Is(err, store.ErrRaced) {
			// Perhaps a writer without conditions wrote over the tombstone of a job that is open: then it comes back,
			// and the next reading finds it.
			if page.Exists {
				if err := e.entomb(ctx, key, page, jobs, now); err != nil {
					return err
				}
			}
			continue
		}
		if err != nil {
			return err
		}
		// The promise is on record. What fails from here on is made good by the workers, and is no error to the caller.
		if few {
			err = e.verify(ctx, job, until)
		} else {
			err = e.conclude(ctx, job, e.drain(ctx, job, &page, until))
		}
		if err != nil {
			slog.Error("erasure goes on in the background", "job", job.ID, "cause", err.Error())
		}
		return nil
	}
	return store.ErrRaced
}

// verify looks whether everything went with the transaction that opened the job. A writer who kept the rules may have
// been there between the reading and the tombstone, none after it.
func (e Engine) verify(ctx context.Context, job *store.Job, until time.Time) (err error) {
	defer invocation.Recover("erasure: verify", &err)
	page, err := e.Customers.Read(ctx, store.CustomerKey(job.Scope, job.Identifiers[0]), "")
	if err == nil && page.Tombstone == job.Key && len(page.Records) == 0 && page.Next == "" {
		return nil // until its second pass
	}
	held, err := e.Ledger.Acquire(ctx, job.Key, owner(), e.Now(), until.Add(wrapUp+e.ClockSkew))
	if errors.Is(err, store.ErrHeld) || errors.Is(err, store.ErrNoJob) {
		return nil // somebody is at it
	}
	if err != nil {
		return err
	}
	if !e.Now().Before(until) {
		return e.conclude(ctx, held, errTimeUp)
	}
	return e.conclude(ctx, held, e.drain(ctx, held, nil, until))
}

// join counts a request, once, in the open job that the tombstone names, or else in the open one among jobs. When none is open, it
// tells whether one of them ended in the last 30 days.
func (e Engine) join(ctx context.Context, tombstone string, jobs []string, request string, now time.Time) (known store.Status, err error) {
	if tombstone != "" && tombstone != jobs[0] {
		jobs = append([]string{tombstone}, slices.DeleteFunc(slices.Clone(jobs), func(job string) bool { return job == tombstone })...)
	}
	for _, job := range jobs {
		standing, err := e.Ledger.Join(ctx, job, request, now)
		if known = max(known, standing); err != nil || standing == store.Joined {
			return standing, err
		}
	}
	return known, nil
}

// entomb puts the tombstone back of whichever of jobs is open; it is no error that none is.
func (e Engine) entomb(ctx context.Context, customer string, page store.Collection, jobs []string, now time.Time) error {
	for _, job := range jobs {
		if err := e.Ledger.Entomb(ctx, e.Customers, customer, page, job, now); !errors.Is(err, store.ErrRaced) {
			return err
		}
	}
	return nil
}

// announce counts a page as found, and as what is about to be deleted.
func announce(job *store.Job, page store.Collection) {
	job.Pending = store.Pending{Count: int64(len(page.Records))}
	if n := len(page.Records); n > 0 {
		job.Pending.Through = page.Records[n-1:]
		job.Found += int64(n)
	}
}
