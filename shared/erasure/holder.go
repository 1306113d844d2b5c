package erasure

import (
	"context"
	"errors"
	"fmt"
	"time"

	"customercare/shared/digest"
	"customercare/shared/statement"
	"customercare/shared/store"
)

// Holder places holds, and releases them. NewHolder makes one.
//
// The life of a hold:
//
//  1. Placing, of a number only: it stands in the table of holds. From then on no worker
//     erases a contact that it reads later. Then every contact is marked (Contacts.Mark),
//     so that no deletion of one that was read before is carried out either.
//  2. Active: the statement says so. Nothing that exists now is deleted.
//  3. Releasing: the statement says so, and nothing is held by it any more. The marks are
//     taken away, and what was asked for meanwhile is erased.
//  4. Released.
//
// Whoever dies in between, cleanup goes on (Holder.Due).
type Holder struct {
	ledger    store.Erasures
	customers store.Customers
	contacts  store.Contacts
	holds     store.Holds
	intake    CustomerIntake
	clock     Clock
}

// NewHolder is a Holder on these tables.
func NewHolder(
	ledger store.Erasures, customers store.Customers, contacts store.Contacts, holds store.Holds,
	timing Timing, clock Clock,
) Holder {
	return Holder{
		ledger: ledger, customers: customers, contacts: contacts, holds: holds,
		intake: NewCustomerIntake(ledger, customers, holds, digest.Digester{}, timing, clock), clock: clock,
	}
}

// ErrHoldDiffers says that there is a hold of this id already, of another subject or with
// other words, or one that was released. An id is used once.
var ErrHoldDiffers = errors.New("erasure: there is another hold with this id")

// Place places a hold, and goes on with it until it is active or the time is up; then
// what comes back is Placing, and cleanup goes on. asked has the id, the subject with its
// digest, the reason, the end and who asks. digests are all that the subject may be known
// by. created is false where it was placed before: the same hold again is no error.
// ErrHoldDiffers; store.ErrErasing where the erasure of the customer is open.
func (h Holder) Place(
	ctx context.Context, asked store.Hold, digests []string, until time.Time,
) (hold store.Hold, created bool, err error) {
	asked.PlacedAt = statement.TimeOf(h.clock.now()).Time
	if asked.Kind == store.HoldOfCustomer {
		jobs := make([]string, len(digests))
		for i, digest := range digests {
			jobs[i] = store.CustomerJob(digest)
		}
		err = h.holds.PlaceOnCustomer(ctx, asked, h.customers, h.ledger, jobs, h.placed(asked))
	} else {
		err = h.holds.PlaceOnNumber(ctx, asked, h.clock.now().Add(pickUp))
	}
	if err != nil && !errors.Is(err, store.ErrHoldExists) {
		return store.Hold{}, false, err
	}
	created = err == nil
	if hold, err = h.holds.Read(ctx, asked.ID); err != nil {
		return store.Hold{}, false, err
	}
	if !hold.Same(asked) {
		return store.Hold{}, false, ErrHoldDiffers
	}
	if hold.Status == store.Placing {
		hold, err = h.goOn(ctx, hold, until)
	}
	return hold, created, err
}

// Release ends a hold: from then on nothing is held by it. What comes back is Releasing;
// cleanup erases what was asked for meanwhile, and makes it Released. To release a hold
// again changes nothing. store.ErrNoHold.
func (h Holder) Release(ctx context.Context, id, by string) (store.Hold, error) {
	for try := range maxOpenTries {
		hold, err := h.holds.Read(ctx, id)
		if err != nil || hold.Status == store.Releasing || hold.Status == store.Released {
			return hold, err
		}
		if hold, err = h.end(ctx, hold, by); err == nil {
			return hold, nil
		}
		changed := errors.Is(err, store.ErrRaced) || errors.Is(err, store.ErrHoldChanged)
		if !changed || !store.Wait(ctx, h.holds.DB, try+1, err) {
			return store.Hold{}, err
		}
	}
	return store.Hold{}, store.ErrRaced
}

// GoOn goes on with a hold that is being placed or released, until the time is up. It
// returns the hold as it is then. store.ErrNoHold.
func (h Holder) GoOn(ctx context.Context, id string, until time.Time) (store.Hold, error) {
	hold, err := h.holds.Read(ctx, id)
	if err != nil || hold.Status != store.Placing && hold.Status != store.Releasing {
		return hold, err
	}
	return h.goOn(ctx, hold, until)
}

// end makes a hold that stands one that is being released.
func (h Holder) end(ctx context.Context, hold store.Hold, by string) (store.Hold, error) {
	now := h.clock.now()
	hold.ReleasedBy, hold.ReleasedAt = by, statement.TimeOf(now).Time
	var note *store.Note
	dueAt := now
	if hold.Status == store.Placing {
		// Nobody was ever told that it holds. Whoever places it may die at a page whose
		// marks it would take away: cleanup comes after that.
		dueAt = now.Add(pickUp)
	} else {
		s := h.said(statement.Released, hold, by, hold.ReleasedAt)
		s.ID = noteID("released", hold, now)
		note = &store.Note{ID: s.ID, Statement: string(s.Line()), At: hold.ReleasedAt}
	}
	return h.holds.EndHold(ctx, hold, h.ledger, note, dueAt)
}

// placed is the statement that a hold is active.
func (h Holder) placed(hold store.Hold) store.Note {
	now := h.clock.now()
	at := statement.TimeOf(now)
	s := h.said(statement.Held, hold, hold.By, at.Time)
	s.ID = noteID("hold", hold, now)
	return store.Note{ID: s.ID, Statement: string(s.Line()), At: at.Time}
}

// noteID is a new id for the record of a statement. The ledger may have one of the same
// hold already, where the table of holds was restored to an earlier time. The hold's
// status, in the same transaction, is what keeps the statement from being made twice.
func noteID(what string, hold store.Hold, now time.Time) string {
	return what + "-" + hold.ID + "-" + store.NewID(now)
}

// said is what both statements of a hold say.
func (h Holder) said(what string, hold store.Hold, by string, at time.Time) statement.Statement {
	job := &store.Job{ID: hold.ID}
	return statement.Statement{
		Type: what, Kind: hold.Kind, Scope: hold.Scope, By: by, Hold: hold.ID, At: statement.TimeOf(at),
		Subjects: subjects(job, []string{hold.Digest}, func(int) statement.Outcome { return statement.Open }),
	}
}

// goOn goes on with a hold that is being placed or released. It returns the hold as it is
// then; where the time is up that is no error.
func (h Holder) goOn(ctx context.Context, hold store.Hold, until time.Time) (store.Hold, error) {
	step := h.place
	if hold.Status == store.Releasing {
		step = h.release
	}
	err := step(ctx, &hold, until)
	switch {
	case errors.Is(err, errTimeUp), errors.Is(err, store.ErrHoldChanged): // somebody else goes on
	case err != nil:
		return hold, fmt.Errorf("hold %s, %s: %w", hold.ID, hold.Status, err)
	}
	now, err := h.holds.Read(ctx, hold.ID)
	if err != nil {
		return hold, err
	}
	return now, nil
}

// place marks the contacts of a number, and makes the hold active. Where the hold was
// released meanwhile it takes away the marks of the page that it was at: whoever
// releases may have been past it.
func (h Holder) place(ctx context.Context, hold *store.Hold, until time.Time) error {
	var page store.Filed
	err := h.walk(ctx, hold, until, func(ctx context.Context, tenant, number, id string, found store.Filed) error {
		page = found
		return h.contacts.Mark(ctx, tenant, number, id, found)
	})
	if err == nil {
		err = h.holds.Activate(ctx, *hold, h.ledger, h.placed(*hold))
	}
	if err == nil || errors.Is(err, errTimeUp) {
		return err
	}
	now, unread := h.holds.Read(ctx, hold.ID)
	if unread != nil || now.Status != store.Releasing && now.Status != store.Released {
		return err
	}
	if left := h.contacts.Unmark(ctx, hold.Scope, hold.Subject, hold.ID, page); left != nil {
		return left // and not ErrHoldChanged, which nobody is told of
	}
	return err
}

// walk does something to all contacts of the hold's number, page by page.
func (h Holder) walk(
	ctx context.Context, hold *store.Hold, until time.Time,
	do func(ctx context.Context, tenant, number, hold string, found store.Filed) error,
) error {
	for {
		found, err := h.contacts.ReadBehind(ctx, hold.Scope, hold.Subject, hold.Cursor)
		if err != nil {
			return err
		}
		if err := do(ctx, hold.Scope, hold.Subject, hold.ID, found); err != nil {
			return err
		}
		if !found.More {
			return nil
		}
		hold.Cursor, hold.Failures = found.Copies[len(found.Copies)-1].Contact, 0
		if err := h.holds.Save(ctx, *hold, h.clock.now().Add(pickUp)); err != nil {
			return err
		}
		if !h.clock.now().Before(until) {
			return errTimeUp
		}
	}
}

// MarkAgain marks every contact of a number that is held, as they are after a restore or
// an import. It says how many there are. To mark one twice changes nothing.
func (h Holder) MarkAgain(ctx context.Context, hold store.Hold) (contacts int, err error) {
	for after := ""; ; {
		found, err := h.contacts.ReadBehind(ctx, hold.Scope, hold.Subject, after)
		if err == nil {
			err = h.contacts.Mark(ctx, hold.Scope, hold.Subject, hold.ID, found)
		}
		contacts += len(found.Copies)
		if err != nil || !found.More {
			return contacts, err
		}
		after = found.Copies[len(found.Copies)-1].Contact
	}
}

// release erases what was asked for while the hold held.
func (h Holder) release(ctx context.Context, hold *store.Hold, until time.Time) error {
	if hold.Kind == store.HoldOfCustomer {
		if err := h.reopen(ctx, *hold); err != nil {
			return err
		}
		return h.holds.Finish(ctx, *hold)
	}
	if err := h.walk(ctx, hold, until, h.contacts.Unmark); err != nil {
		return err
	}
	for hold.Opened < hold.Asked {
		asked, err := h.open(ctx, *hold)
		if err != nil {
			return err
		}
		if err := h.holds.OpenedAsked(ctx, *hold, asked, h.clock.now().Add(pickUp)); err != nil {
			return err
		}
		if hold.Opened++; hold.Opened < hold.Asked && !h.clock.now().Before(until) {
			return errTimeUp
		}
	}
	return h.holds.Finish(ctx, *hold)
}

// reopen opens the erasure of the customer that was refused while the hold stood. Where
// another hold stands by now it is refused again.
func (h Holder) reopen(ctx context.Context, hold store.Hold) error {
	if hold.Refused == nil {
		return nil
	}
	_, err := h.ledger.ReadRecord(ctx, hold.Refused.ID)
	if !errors.Is(err, store.ErrNoRecord) {
		return err // nil: it was opened by whoever died at this
	}
	_, err = h.intake.Customer(ctx, CustomerRequest{
		Account: hold.Scope, Code: hold.Subject, By: hold.Refused.By, reopens: hold.Refused, because: hold.ID,
	}, 0)
	if errors.Is(err, ErrUnknownCustomer) || errors.Is(err, ErrCustomerHeld) {
		return nil
	}
	return err
}

// open opens the erasure of the next list of numbers of which something was kept, and
// returns the list. Its job has a key of its own, so that it is opened once.
func (h Holder) open(ctx context.Context, hold store.Hold) (asked store.AskedNumbers, err error) {
	asked, err = h.holds.ReadAsked(ctx, hold.ID, hold.Opened)
	if err != nil || len(asked.Numbers) == 0 {
		return asked, err
	}
	now := h.clock.now()
	job := &store.Job{
		Key: store.NumbersJob(fmt.Sprintf("%s-%d", hold.ID, hold.Opened)), ID: store.NewID(now),
		Scope: hold.Scope, RequestedBy: asked.By, RequestedAt: now, Ticket: asked.Ticket, Because: hold.ID,
		Identifiers: asked.Numbers, Subjects: asked.Subjects,
	}
	accept(job, job.Subjects)
	_, _, err = h.ledger.OpenNumbers(ctx, job, now.Add(pickUp))
	return asked, err
}
