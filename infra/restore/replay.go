package restore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"customercare/infra/ledger"
	"customercare/shared/digest"
	"customercare/shared/erasure"
)

// Replay erases again, in a table in use that somebody has restored to an earlier time,
// whoever was erased after that time. It opens erasures by the product's own front doors,
// so that holds win and each has its record and statements; workers carry them out. It
// mends what the restore has left half, so that these erasures and later ones find all.
//
// A run may be killed at any moment and begun again: it goes by what stands in the table.
type Replay struct {
	Table // Name is that of the table in use: one of Customers and Contacts

	Customer erasure.CustomerIntake
	Numbers  erasure.NumbersIntake
	By       string // who asks for the erasures
	Dry      bool   // look and count only

	// Subjects are those who are erased again, customers and numbers; Refused the
	// customers among them whom a hold keeps. Copies are the missing copies of contacts
	// that were put back; Tombstones those of no open erasure.
	Subjects, Refused, Copies, Tombstones int

	gone     map[string]bool
	seen     map[string]bool     // digests of whom a run has dealt with
	contacts []record            // to be mended
	numbers  map[string][]string // to be erased, by tenant
	waiting  int                 // how many these are
	opened   []string            // ids of the erasures that this run has opened or joined
}

// mostNumbers is how many numbers one erasure takes.
const mostNumbers = 1000

// requestBudget is how long the opening of a customer's erasure may erase by itself; the
// rest is the workers'.
const requestBudget = 5 * time.Second

// Open goes through the table, mends contacts, and opens an erasure for everybody who was
// erased since. It holds in memory who was erased, and 1000 numbers.
func (r *Replay) Open(ctx context.Context) (err error) {
	if r.gone, err = r.Table.gone(ctx); err != nil {
		return err
	}
	r.seen, r.numbers = map[string]bool{}, map[string][]string{}
	err = r.each(ctx, func(position int, found record) error {
		switch {
		case found.foreign:
			return fmt.Errorf("the table %s is neither one of customers nor one of contacts", r.Name)
		case found.item["party"] != nil:
			return r.contact(ctx, found)
		case found.job != "":
			return r.tombstone(ctx, position, found)
		case r.isGone(found.whole(), r.gone):
			return r.customer(ctx, position, found)
		}
		return nil
	})
	return errors.Join(err, r.mendAll(ctx, err), r.askAll(ctx, err))
}

// tombstone looks at a tombstone: that of no open erasure keeps its customer out for
// ever, so its erasure begins again, and ends with the tombstone.
func (r *Replay) tombstone(ctx context.Context, position int, found record) error {
	bars, err := r.bars(ctx, found)
	if err != nil || !bars {
		r.first(found.key) // its worker erases the rest, too
		return err
	}
	r.Tombstones++
	return r.customer(ctx, position, found)
}

// first says whether the run has not dealt with this data subject yet.
func (r *Replay) first(subject []string) bool {
	of := r.Digests.Of(digest.Message(subject[0], subject[1:]...))
	if r.seen[of] {
		return false
	}
	r.seen[of] = true
	return true
}

// customer opens the erasure of a customer, or joins the open one, whose tombstone comes
// back with that.
func (r *Replay) customer(ctx context.Context, position int, found record) error {
	if !r.first(found.key) {
		return nil
	}
	if r.Subjects++; r.Dry {
		return nil
	}
	id, err := r.Customer.Customer(ctx, erasure.CustomerRequest{
		Account: found.key[1], Code: found.key[2], By: r.By,
	}, requestBudget)
	switch {
	case err == nil:
		r.opened = append(r.opened, id)
	case errors.Is(err, erasure.ErrCustomerHeld):
		r.Refused++
		fmt.Fprintf(r.Notes, "item %d%s: a hold stands on the customer, whose release erases them\n",
			position, found.named(r.Digests))
	case errors.Is(err, erasure.ErrUnknownCustomer): // erased since it was read
	default:
		return fmt.Errorf("no erasure could be opened (%w): call the same again, it goes on", err)
	}
	return nil
}

// contact takes a copy of a contact up: it is looked at with others, its copies first.
func (r *Replay) contact(ctx context.Context, found record) error {
	r.contacts = append(r.contacts, found)
	const atOnce = 25
	if len(r.contacts) < atOnce {
		return nil
	}
	return r.mendAll(ctx, nil)
}

// mendAll mends the contacts that were taken up, and then notes their numbers that are to
// be erased: an erasure finds a contact by the copy under its number alone. failed is why
// there is nothing more to do, or nil.
func (r *Replay) mendAll(ctx context.Context, failed error) error {
	if failed != nil || len(r.contacts) == 0 {
		return nil
	}
	all := r.contacts
	r.contacts = nil
	if err := r.mend(ctx, all); err != nil {
		return err
	}
	for _, found := range all {
		for _, subject := range found.whole().subjects {
			if !r.isGone(record{subjects: [][]string{subject}}, r.gone) || !r.first(subject) {
				continue
			}
			r.Subjects++
			r.numbers[subject[1]] = append(r.numbers[subject[1]], subject[2])
			if r.waiting++; r.waiting == mostNumbers {
				if err := r.askAll(ctx, nil); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// askAll opens the erasures of the numbers that are noted, one for each tenant.
func (r *Replay) askAll(ctx context.Context, failed error) error {
	for _, tenant := range slices.Sorted(maps.Keys(r.numbers)) {
		if failed != nil || r.Dry {
			break
		}
		id, err := r.Numbers.Numbers(ctx, erasure.NumbersRequest{
			Tenant: tenant, Numbers: slices.Sorted(slices.Values(r.numbers[tenant])), By: r.By,
		})
		if err != nil {
			return fmt.Errorf("no erasure could be opened (%w): call the same again, it goes on", err)
		}
		r.opened = append(r.opened, id)
	}
	clear(r.numbers)
	r.waiting = 0
	return nil
}

// Wait waits until each erasure that Open has opened has deleted what it found: it has
// ended, or waits for late writers. One that fails is not waited for. It asks again after
// every pause.
func (r *Replay) Wait(ctx context.Context, pause time.Duration) error {
	inUse := ledger.Ledger{DB: r.DB, Table: r.Ledger}
	for len(r.opened) > 0 {
		e, err := inUse.Show(ctx, r.opened[0])
		switch {
		case err != nil && !errors.Is(err, ledger.ErrNone):
			return err
		case err != nil, e.State == ledger.Finished, e.Waiting, e.JobGone, e.State == ledger.Failing:
			r.opened = r.opened[1:]
			continue
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pause):
		}
	}
	return nil
}
