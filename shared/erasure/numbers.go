package erasure

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"customercare/shared/store"
)

const (
	// windowSize is how many customer numbers are read, announced and erased together,
	// where the process's Memory has room for a page of each.
	windowSize = 32
	// numberReads is how many of them are read at once.
	numberReads = 16
	// numberStreams is how many deleting calls one job would like to run at once; the process's Streams may allow fewer.
	numberStreams = 8
	// mostRefusals is how many times in a row contacts may turn out to have changed since they were read.
	mostRefusals = 20
)

// errKeepsChanging makes the job come back later.
var errKeepsChanging = errors.New("erasure: contacts change faster than they can be erased")

// Numbers takes on the erasure of every contact in which one of numbers takes part, within the tenant. It returns nil
// once that is on record: from then on it happens, whatever crashes. numbers holds no duplicates. The same numbers
// again, while the first request is open, join it; unless the keys of digests were rotated in between: then they
// are a job of their own with a record of its own, as overlapping lists of numbers are; what both delete at the same moment,
// both count.
func (e Engine) Numbers(ctx context.Context, tenant string, numbers []string, requestedBy string) error {
	now := e.Now()
	sorted := slices.Sorted(slices.Values(numbers))
	job := &store.Job{
		Key: store.NumbersJob(e.Digests.Set(tenant, sorted)), ID: store.NewID(now), Scope: tenant,
		RequestedBy: requestedBy, RequestedAt: now, Identifiers: sorted, Subjects: make([]string, len(sorted)),
	}
	for i, number := range sorted {
		job.Subjects[i] = e.Digests.Subject("number", tenant, number)
	}
	joined, err := e.Ledger.OpenNumbers(ctx, job, now.Add(pickUp))
	if err == nil && joined { // a new job starts its worker by itself
		if err := e.Ledger.HandOver(ctx, job.Key, now); err != nil {
			slog.Warn("not handed on, cleanup takes it up", "cause", err.Error())
		}
	}
	return err
}

// drainNumbers erases window by window. A pass that may be the job's last reads each window again until it finds nothing. Another
// pass follows those before it, so they only read again what they may not have seen, or not erased, and read the next
// window while one is being erased, as far as there is memory for both.
func (e Engine) drainNumbers(ctx context.Context, job *store.Job) error {
	if err := e.Ledger.ReadIdentifiers(ctx, job); err != nil {
		return err
	}
	if job.Cursor == 0 {
		job.PassStarted = e.Now()
	}
	last := !job.PassStarted.Before(e.settled(job))
	refusals := 0
	var notTaken error         // what ends the pass, once it has seen all numbers
	var ahead *window          // the one at the cursor, when it is being read already
	var found reading          // what is held of memory
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
			found = e.readNumbers(ctx, job.Scope, job.Identifiers[job.Cursor:to], job.Pending)
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
		if err := e.Ledger.Save(ctx, job); err != nil {
			takeBack(job)
			return err
		}
		if !last && !found.short && to < len(job.Identifiers) {
			ahead = e.readAhead(ctx, job.Scope, job.Identifiers[to:min(to+windowSize, len(job.Identifiers))])
		}
		moved := job.Confirmed.Load()
		changed, kept, err := e.Contacts.Erase(ctx, job, contacts, numberStreams)
		found.share.Release()
		e.count(job, job.Confirmed.Load()-moved, int64(changed), err)
		if errors.Is(err, store.ErrNotTaken) && job.Pending.Count == 0 { // the numbers behind go on
			ahead.wait().share.Release()
			ahead, notTaken, job.Cursor, refusals = nil, err, to, 0
			continue
		}
		if err != nil {
			return err
		}
		next := false
		switch {
		case changed > 0:
			if refusals++; refusals == mostRefusals {
				return errKeepsChanging
			}
		case !last && !found.cut() && !kept:
			job.Cursor, next, refusals = to, true, 0
		default:
			refusals = 0
		}
		if !next {
			ahead.wait().share.Release() // the window is read again first
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
