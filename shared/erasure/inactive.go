package erasure

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"customercare/shared/store"
)

// Inactivity is what became of a customer who was to be erased for being inactive.
type Inactivity string

const (
	// Opened says that the erasure is on record, as after Customer.
	Opened Inactivity = "opened"
	// OpenAlready says that an erasure of the customer was open before.
	OpenAlready Inactivity = "open already"
	// NotInactive says that the customer has been active since, or that nobody can tell.
	NotInactive Inactivity = "not inactive"
	// Held says that a hold stands on the customer. Nothing is noted for its release:
	// whoever asks then decides anew.
	Held Inactivity = "held"
	// NotThere says that there is no such customer.
	NotThere Inactivity = "not there"
)

// EraseInactive erases a customer for good who has not been active since asked.Inactive,
// as Customer does, with the id of the erasure. That the customer is inactive is a
// condition of the transaction that opens the erasure. For any other customer nothing is
// written and nothing is counted, and id is that of the open erasure, if any.
func (i CustomerIntake) EraseInactive(
	ctx context.Context, asked CustomerRequest, budget time.Duration,
) (became Inactivity, id string, err error) {
	if asked.Inactive.IsZero() {
		return "", "", errNoCutoff
	}
	key, own := store.CustomerKey(asked.Account, asked.Code), store.NewID(i.clock.now())
	name, ticket := store.RequestOf(own), hashOf(asked.Ticket)
	digests, jobs := i.customerJobs(asked)
	for try := range maxOpenTries {
		if try > 0 {
			if !store.Wait(ctx, i.ledger.DB, try, store.ErrRaced) {
				break
			}
			own = store.NewIDFor(name, i.clock.now())
		}
		page, err := i.customers.Read(ctx, key, "")
		switch {
		case err != nil:
			return "", "", err
		case page.Tombstone != "":
			return i.openAlready(ctx, []string{page.Tombstone}, name)
		case !page.Exists:
			return NotThere, "", nil
		}
		now := i.clock.now()
		job := newCustomerJob(asked, jobs[0], own, ticket, digests, now)
		job.Found, job.Deleted = 1, 1 // the tombstone is its deletion
		until := i.until(ctx, now.Add(budget))
		page = page.Inactive(asked.Inactive)
		emptied, err := i.open(ctx, job, jobs[1:], page, until)
		switch {
		case errors.Is(err, store.ErrCustomerActive):
			return NotInactive, "", nil
		case errors.Is(err, store.ErrCustomerHeld):
			return Held, "", nil
		case errors.Is(err, store.ErrRaced):
			// Perhaps a job is open, and a writer without conditions has put a customer
			// over its tombstone. Its worker finds that.
			if became, id, err = i.openAlready(ctx, jobs, name); err != nil || id != "" {
				return became, id, err
			}
			continue
		case err != nil:
			return "", "", err
		}
		if err := i.carryOut(ctx, job, page, emptied, until); err != nil {
			slog.Error("erasure failed, will be tried again", "job", job.ID, "cause", err.Error())
		}
		return Opened, job.ID, nil
	}
	return "", "", store.ErrRaced
}

// customerInactive is EraseInactive with the answers of Customer.
func (i CustomerIntake) customerInactive(
	ctx context.Context, asked CustomerRequest, budget time.Duration,
) (id string, err error) {
	became, id, err := i.EraseInactive(ctx, asked, budget)
	switch became {
	case Held:
		return "", ErrCustomerHeld
	case NotThere:
		return "", ErrUnknownCustomer
	}
	return id, err
}

// errNoCutoff says that a request does not say since when a customer must be inactive.
var errNoCutoff = errors.New("erasure: an erasure for inactivity needs a cutoff")

// openAlready is the answer for a customer of whom one of jobs may be open. It is this
// call's own where the answer to its opening was lost: name is RequestOf its id.
func (i CustomerIntake) openAlready(
	ctx context.Context, jobs []string, name string,
) (became Inactivity, id string, err error) {
	id, err = i.ledger.ReadOpen(ctx, jobs)
	switch {
	case err != nil:
		return "", "", err
	case len(id) > len(name) && store.RequestOf(id) == name:
		return Opened, id, nil
	}
	return OpenAlready, id, nil
}
