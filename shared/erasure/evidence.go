package erasure

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"strings"
	"time"

	"customercare/shared/statement"
	"customercare/shared/store"
)

// hashOf is what the ledger keeps of a caller's ticket, nil where there is none.
func hashOf(ticket string) []byte {
	if ticket == "" {
		return nil
	}
	hash := sha256.Sum256([]byte(ticket))
	return hash[:]
}

// accept makes the statement that a job is on record, which is about to be opened.
// digests are those of its subjects.
func accept(job *store.Job, digests []string) {
	s := said(statement.Accepted, job)
	s.Subjects = subjects(job, digests, func(int) statement.Outcome { return statement.Open })
	job.Accepted = string(s.Line())
}

// said is what both statements of an erasure say.
func said(what string, job *store.Job) statement.Statement {
	kind := statement.Numbers
	if job.IsCustomer() {
		kind = statement.Customer
	}
	return statement.Statement{
		Type: what, ID: job.ID, Kind: kind, Scope: job.Scope, By: job.RequestedBy,
		Accepted: statement.TimeOf(job.RequestedAt), Ticket: job.Ticket, Because: job.Because,
	}
}

// subjects is the tree over the job's subjects, nil where their digests cannot be read: a
// statement says less then, and the erasure goes on.
func subjects(
	job *store.Job, digests []string, outcome func(index int) statement.Outcome,
) *statement.Subjects {
	leaves := make([]statement.Subject, len(digests))
	for i, digest := range digests {
		_, sum, _ := strings.Cut(digest, ".")
		n, err := hex.Decode(leaves[i].Commitment[:], []byte(sum))
		if err != nil || n != sha256.Size || len(sum) != 2*sha256.Size {
			leaves = nil
			break
		}
		leaves[i].Outcome = outcome(i)
	}
	if len(leaves) == 0 {
		slog.Warn("the subjects of an erasure cannot be read, its statement leaves them out", "job", job.ID)
		return nil
	}
	return statement.NewTree(leaves).Subjects()
}

// readSubjects gives the digests of the job's subjects, none where they cannot be read.
// Its error is one after which the same call may succeed later.
func (e eraser) readSubjects(ctx context.Context, job *store.Job) ([]string, error) {
	digests, err := e.ledger.ReadSubjects(ctx, job)
	if failure, ok := errors.AsType[*store.Error](err); ok && !failure.Retryable() {
		slog.Warn("the subjects of an erasure are not read", "job", job.ID, "cause", err.Error())
		return nil, nil
	}
	return digests, err
}

// endOf is what the record of a job will say of its end, which is now. verified is when
// its last pass began, digests are those of its subjects.
func (e eraser) endOf(job *store.Job, digests []string, verified time.Time) store.End {
	finished := e.clock.now()
	end := store.End{
		Finished: finished, Verified: verified,
		BackupsUntil: finished.AddDate(0, 0, e.timing.BackupDays),
		Outcomes:     job.Outcomes,
	}
	if job.IsCustomer() && job.Found+job.Entombed > 0 {
		end.Outcomes.Set(0, store.Erased)
	}
	last := len(job.Identifiers) - 1 // all of them have an outcome now
	end.Outcomes.Set(last, end.Outcomes.Of(last))
	what := statement.Erased
	if end.Outcomes.Any(store.Held) {
		what = statement.Partial
	}
	s := said(what, job)
	s.End = &statement.End{
		Finished: statement.TimeOf(finished), Verified: statement.TimeOf(verified),
		Found: job.Found + job.Entombed, Erased: job.Deleted + job.Entombed,
		AtLeast: job.AtLeast, Unreadable: job.Unreadable, Passes: job.Passes,
		BackupsUntil: statement.TimeOf(end.BackupsUntil),
	}
	s.Subjects = subjects(job, digests, func(index int) statement.Outcome {
		switch end.Outcomes.Of(index) {
		case store.NotFound:
			return statement.OutcomeNotFound
		case store.Held:
			return statement.OutcomeHeld
		}
		return statement.OutcomeErased
	})
	end.Statement = string(s.Line())
	return end
}

// nextOf is the job that begins where job ends, for the call that joined it last.
func (e eraser) nextOf(job *store.Job, digests []string) *store.Job {
	next := &store.Job{
		Key: job.Key, ID: store.NewID(e.clock.now()), Scope: job.Scope,
		RequestedBy: cmp.Or(job.LastRequestedBy, job.RequestedBy), RequestedAt: job.LastRequestedAt, Ticket: job.LastTicket,
		Subjects: job.Subjects, SubjectsIn: job.SubjectsIn,
	}
	accept(next, digests)
	return next
}
