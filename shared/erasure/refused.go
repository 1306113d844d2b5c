package erasure

import (
	"context"
	"errors"

	"customercare/shared/statement"
	"customercare/shared/store"
)

// ErrCustomerHeld says that a hold stands on the customer: nothing was erased. The
// refusal is on record, and the release of the hold erases the customer.
var ErrCustomerHeld = errors.New("erasure: a hold stands on the customer")

// refuse puts on record that an erasure was refused because of a hold, once however often
// it is asked for. job is the one that would have been opened. store.ErrHoldChanged when
// no hold stands any more.
func (i CustomerIntake) refuse(ctx context.Context, job *store.Job, digests []string) error {
	refused := store.Refused{
		ID: job.ID, By: job.RequestedBy, Ticket: job.Ticket, At: job.RequestedAt, Subjects: digests,
	}
	_, err := i.holds.Refuse(ctx, job.Scope, job.Identifiers[0], refused, i.ledger, func(hold string) store.Note {
		s := said(statement.Held, job)
		s.ID, s.Accepted = "refused-"+job.ID+"-"+hold, statement.Time{}
		s.Because, s.At = hold, statement.TimeOf(job.RequestedAt)
		s.Subjects = subjects(job, job.Subjects, func(int) statement.Outcome { return statement.Open })
		return store.Note{ID: s.ID, Statement: string(s.Line()), At: job.RequestedAt}
	})
	return err
}
