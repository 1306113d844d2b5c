package erasure

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"customercare/shared/digest"
	"customercare/shared/store"
)

// ErrUnknownCustomer says that there is no such customer, nor was one erased in the last
// 30 days.
var ErrUnknownCustomer = errors.New("erasure: no such customer")

// maxOpenTries is how often an erasure is begun in all when the customer changes under
// it.
const maxOpenTries = 5

// CustomerIntake accepts erasures of customers (operation 3). NewCustomerIntake makes
// one, CustomerSettings.Intake one from a function's environment.
type CustomerIntake struct {
	eraser
	digests digest.Digester
}

// NewCustomerIntake is a CustomerIntake on these tables.
func NewCustomerIntake(
	ledger store.Erasures, customers store.Customers, holds store.Holds, digests digest.Digester,
	timing Timing, clock Clock,
) CustomerIntake {
	return CustomerIntake{
		eraser:  eraser{ledger: ledger, customers: customers, holds: holds, timing: timing, clock: clock},
		digests: digests,
	}
}

// CustomerRequest asks for the erasure of the customer who has Code in Account.
type CustomerRequest struct {
	Account, Code string
	By            string // the API user who asks
	Ticket        string // the caller's own name for the request, "" where it gave none

	// Inactive is the cutoff of EraseInactive, zero for a request that erases an active
	// customer as well.
	Inactive time.Time

	// Ahead is a reading of the customer that was begun before, nil for none.
	Ahead *Ahead

	// reopens is the erasure that was refused, where a hold's release asks for it.
	reopens *store.Refused
	because string // that hold
}

// Customer erases a customer for good. It returns the erasure's id once the erasure is on
// record and the tombstone stands: from then on no reader that looks at the customer's
// item finds the customer, whichever call or process fails.
//
// Within budget, and before ctx's deadline comes near, it erases everything itself. What
// is left then it hands over to a worker. A repeat, at the same time or within 30 days,
// returns the same id. Of a customer that there never was it returns ErrUnknownCustomer.
// Of one on whom a hold stands it returns ErrCustomerHeld, and the release of the hold
// erases the customer. After any other error the caller asks again. With asked.Inactive
// it is EraseInactive, and returns no id of a customer who is not inactive.
func (i CustomerIntake) Customer(
	ctx context.Context, asked CustomerRequest, budget time.Duration,
) (id string, err error) {
	if !asked.Inactive.IsZero() {
		return i.customerInactive(ctx, asked, budget)
	}
	key, own := store.CustomerKey(asked.Account, asked.Code), store.NewID(i.clock.now())
	ticket := hashOf(asked.Ticket)
	if asked.reopens != nil {
		own, ticket = asked.reopens.ID, asked.reopens.Ticket
	}
	request := store.Request{Name: store.RequestOf(own), By: asked.By, Ticket: ticket}
	digests, jobs := i.customerJobs(asked)
	for try := range maxOpenTries {
		if try > 0 { // somebody else is at it: let them finish
			if !store.Wait(ctx, i.ledger.DB, try, store.ErrRaced) {
				return "", store.ErrRaced
			}
			if asked.reopens == nil {
				// A record of its own for each try, should two of them be written. What a
				// release opens has one id, by which it knows that it has opened it.
				own = store.NewIDFor(request.Name, i.clock.now())
			}
		}
		now := i.clock.now()
		request.At = now
		page, err := i.readFirst(ctx, key, try, asked.Ahead)
		if err != nil {
			return "", err
		}
		if page.Tombstone != "" || !page.Exists && len(page.Records) == 0 && page.Next == "" {
			if asked.reopens == nil && !i.knows(page.Tombstone) {
				i.digests.Look(ctx)
				digests, jobs = i.customerJobs(asked)
			}
			known, id, err := i.join(ctx, page.Tombstone, jobs, request)
			switch {
			case err != nil || known == store.Joined:
				return id, err // of an earlier call's erasure, which is open
			case page.Tombstone != "":
				// The tombstone's job is not open. Either it has just ended, tombstone
				// and all, or one of the tables was restored to a time when it was open.
				// Then the condition of the opening holds, and a job comes back to its
				// tombstone.
			case known == store.ErasedLately:
				return id, nil
			default:
				return i.unknown(ctx, asked, jobs, request)
			}
		}
		job := newCustomerJob(asked, jobs[0], own, request.Ticket, digests, now)
		if page.Exists {
			job.Found, job.Deleted = 1, 1 // the tombstone is its deletion
		}
		until := i.until(ctx, now.Add(budget))
		emptied, err := i.open(ctx, job, jobs[1:], page, until)
		if errors.Is(err, store.ErrCustomerHeld) {
			if err = i.refuse(ctx, job, digests); errors.Is(err, store.ErrHoldChanged) {
				continue // it was released meanwhile
			}
			return "", cmp.Or(err, ErrCustomerHeld)
		}
		if errors.Is(err, store.ErrRaced) {
			// Perhaps a writer without conditions wrote over the tombstone of a job that
			// is open, or the table was restored to a time before it. Then the tombstone
			// comes back, and the next reading finds it.
			if page.Tombstone == "" {
				if err := i.entomb(ctx, key, page, jobs, now); err != nil {
					return "", err
				}
			}
			continue
		}
		if err != nil {
			return "", err
		}
		// The promise is on record. What fails from here on the workers make good, so it
		// is no error to the caller.
		if err := i.carryOut(ctx, job, page, emptied, until); err != nil {
			slog.Error("erasure failed, will be tried again", "job", job.ID, "cause", err.Error())
		}
		return job.ID, nil
	}
	return "", store.ErrRaced
}

// newCustomerJob is the job that a request opens, under a key and an id, with the
// statement of its acceptance.
func newCustomerJob(
	asked CustomerRequest, key, id string, ticket []byte, digests []string, now time.Time,
) *store.Job {
	job := &store.Job{
		Key: key, ID: id, Scope: asked.Account, RequestedBy: asked.By,
		RequestedAt: now, LastRequestedAt: now, PassStarted: now, Ticket: ticket,
		Because:     asked.because,
		Identifiers: []string{asked.Code}, Subjects: digests[:1],
	}
	accept(job, job.Subjects)
	return job
}

// until is the given time, or earlier where ctx's deadline comes before: so that there is
// time left to hand the rest over.
func (i CustomerIntake) until(ctx context.Context, until time.Time) time.Time {
	deadline, ok := i.clock.deadline(ctx)
	if ok && deadline.Add(-wrapUp).Before(until) {
		return deadline.Add(-wrapUp)
	}
	return until
}

// open puts the job on record, and the tombstone in the customer's place. page is what
// was just read of the customer, others are keys that an open job of the same customer
// may have besides job's own. The customer's records are deleted with it where they are
// few: then emptied is true, and nobody holds the job. Else the caller holds it until a
// little after until. It returns store.ErrRaced when page is out of date, or such a job
// is open.
func (i CustomerIntake) open(
	ctx context.Context, job *store.Job, others []string, page store.Collection, until time.Time,
) (emptied bool, err error) {
	if page.Next == "" && len(page.Records) <= store.FewRecords {
		customer := job.Found // 1 where the customer's own item stood, else 0
		job.Found += int64(len(page.Records))
		job.Deleted = job.Found
		dueAt := i.timing.writersDone(job.RequestedAt)
		err := i.ledger.OpenAndErase(ctx, job, others, i.customers, i.holds, page, dueAt)
		if err == nil || decided(err) || ctx.Err() != nil {
			return true, err
		}
		// What a busy partition does not take at once, it takes one after the other.
		job.Found, job.Deleted = customer, customer
	}
	announce(job, page)
	leaseEnd := until.Add(wrapUp + i.timing.ClockSkew)
	return false, i.ledger.OpenCustomer(ctx, job, others, i.customers, i.holds, page, leaseEnd)
}

// decided says whether the error of an opening is an answer of the conditions, which a
// smaller transaction would get as well.
func decided(err error) bool {
	return errors.Is(err, store.ErrRaced) || errors.Is(err, store.ErrCustomerHeld) ||
		errors.Is(err, store.ErrCustomerActive) || errors.Is(err, store.ErrNewer)
}

// carryOut erases, until that time, what the opening of the job has left. page is what it
// announced, unless it emptied the customer.
//
// Of an emptied customer nothing is left that was read. A writer who keeps the rules may
// have put a record there between the reading and the tombstone; after the tombstone,
// none. The job's last pass looks for that as it does for late writers.
func (i CustomerIntake) carryOut(
	ctx context.Context, job *store.Job, page store.Collection, emptied bool, until time.Time,
) error {
	if emptied {
		return nil
	}
	err := i.drain(ctx, job, until, true, func(ctx context.Context) error {
		return i.drainFrom(ctx, job, page)
	})
	return i.conclude(ctx, job, err)
}

// join counts the request in the open job that the tombstone names, or else in the open
// one among jobs. It does so once, however often the call is sent. Where no job is open
// it says whether one of them ended in the last 30 days. id is that of the erasure.
func (i CustomerIntake) join(
	ctx context.Context, tombstone string, jobs []string, request store.Request,
) (known store.Status, id string, err error) {
	if tombstone != "" && tombstone != jobs[0] {
		others := slices.DeleteFunc(slices.Clone(jobs), func(job string) bool { return job == tombstone })
		jobs = append([]string{tombstone}, others...)
	}
	for _, job := range jobs {
		status, of, err := i.ledger.Join(ctx, job, request)
		if err != nil || status == store.Joined {
			return status, of, err
		}
		if status > known {
			known, id = status, of
		}
	}
	return known, id, nil
}

// entomb puts the tombstone back of whichever of jobs is open. It is no error that none
// is.
func (i CustomerIntake) entomb(
	ctx context.Context, customer string, page store.Collection, jobs []string, now time.Time,
) error {
	for _, job := range jobs {
		err := i.ledger.Entomb(ctx, i.customers, customer, page, job, now)
		if !errors.Is(err, store.ErrRaced) {
			return err
		}
	}
	return nil
}
