package erasure

import (
	"context"
	"errors"

	"customercare/shared/store"
)

const (
	// windowSize is how many customer numbers are read, announced and erased together,
	// where the process's memory has room for a page of each.
	windowSize = 32
	// numberReads is how many of them are read at once.
	numberReads = 16
	// numberCalls is how many deleting calls one job would like to run at once. The
	// process's store.Limiter may allow fewer.
	numberCalls = 8
	// mostChanges is how many times in a row contacts may turn out to have changed since
	// they were read.
	mostChanges = 20
)

// errKeepsChanging makes the job come back later.
var errKeepsChanging = errors.New("erasure: contacts change faster than they can be erased")

// drainNumbers erases the job's numbers window by window, from the cursor on. It returns
// nil when the pass has seen all of them.
//
// A pass that may be the job's last one reads each window again until it finds nothing.
// Another pass follows those before it, so they read again only what they may not have
// seen or not erased, and read the next window while one is being erased, as far as
// there is memory for both.
func (w Worker) drainNumbers(ctx context.Context, job *store.Job) error {
	if err := w.ledger.ReadIdentifiers(ctx, job); err != nil {
		return err
	}
	if job.Cursor == 0 {
		job.PassStarted = w.clock.now()
	}
	last := !job.PassStarted.Before(w.lastPassAfter(job))
	changes := 0               // how many windows in a row had to be read again
	var notTaken error         // what the pass ends with, once it has seen all numbers
	var ahead *window          // the one at the cursor, when it is being read already
	var found reading          // what is held in memory
	var before map[string]bool // contacts that were erased while ahead was being read
	ctx, stop := context.WithCancel(ctx)
	defer func() {
		stop()
		found.share.Release()
		ahead.wait().share.Release()
	}()
	for job.Cursor < len(job.Identifiers) {
		to := min(job.Cursor+windowSize, len(job.Identifiers))
		if job.Pending.Count > 0 {
			to = job.Pending.To // a worker before us announced this range
		}
		found = ahead.wait()
		ahead = nil
		if found.err == nil && len(found.copies) == 0 {
			found = w.readNumbers(ctx, job.Scope, job.Identifiers[job.Cursor:to], job.Pending)
		}
		if found.err != nil {
			return found.err
		}
		if job.Passes == 0 {
			found.note(job)
		}
		found.drop(before)
		before = nil
		if job.Pending.Count > 0 {
			inherit(job, found.within(job.Pending.Through))
		}
		to = job.Cursor + len(found.copies) // all of them, where there was memory for all
		contacts := found.contacts(job.Identifiers[job.Cursor:to])
		if len(contacts) == 0 && !(found.cut() && !last) {
			found.share.Release()
			job.Cursor = to
			continue
		}
		found.warn(job)
		job.Pending = store.Pending{Count: int64(len(contacts)), To: to, Through: found.through}
		job.Found += job.Pending.Count
		if err := w.ledger.Save(ctx, job); err != nil {
			takeBack(job)
			return err
		}
		if !last && !found.short && to < len(job.Identifiers) {
			next := job.Identifiers[to:min(to+windowSize, len(job.Identifiers))]
			ahead = w.readAhead(ctx, job.Scope, next)
		}
		deleted := job.Confirmed.Load()
		changed, kept, err := w.contacts.Erase(ctx, job, contacts, numberCalls)
		found.share.Release()
		w.count(job, job.Confirmed.Load()-deleted, int64(changed), err)
		if errors.Is(err, store.ErrNotTaken) && job.Pending.Count == 0 {
			// Some contacts cannot be deleted. The numbers behind go on.
			ahead.wait().share.Release()
			ahead, notTaken, job.Cursor, changes = nil, err, to, 0
			continue
		}
		if err != nil {
			return err
		}
		goOn := false
		switch {
		case changed > 0:
			if changes++; changes == mostChanges {
				return errKeepsChanging
			}
		case !last && !found.cut() && !kept:
			job.Cursor, goOn, changes = to, true, 0
		default:
			changes = 0
		}
		if !goOn {
			ahead.wait().share.Release() // this window is read again first
			ahead = nil
			continue
		}
		before = make(map[string]bool, len(contacts))
		for _, contact := range contacts {
			before[contact.Contact] = true
		}
	}
	if notTaken != nil {
		job.Cursor = 0 // a pass that has left something is no pass
	}
	return notTaken
}
