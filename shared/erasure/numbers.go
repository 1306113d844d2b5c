package erasure

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"golang.org/x/sync/errgroup"

	"customercare/shared/invocation"
	"customercare/shared/store"
)

const (
	// windowSize is how many customer numbers are read, announced and erased together. A page of each is held in memory, of
	// two windows at most.
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
		if err := e.Ledger.HandOn(ctx, job.Key, now); err != nil {
			slog.Warn("not handed on, cleanup takes it up", "cause", err.Error())
		}
	}
	return err
}

// drainNumbers erases window by window. A pass that may be the job's last reads each window again until it finds nothing. Another
// pass follows those before it, so they only read again what they may not have seen, or not erased, and read the next
// window while one is being erased.
func (e Engine) drainNumbers(ctx context.Context, job *store.Job) error {
	if err := e.Ledger.ReadIdentifiers(ctx, job); err != nil {
		return err
	}
	if job.Cursor == 0 {
		job.PassStarted = e.Now()
	}
	last := !job.PassStarted.Before(e.settled(job))
	refusals := 0
	var ahead <-chan window // the one at the cursor, when it is being read already
	var before []store.Erasable
	for job.Cursor < len(job.Identifiers) {
		to := min(job.Cursor+windowSize, len(job.Identifiers))
		if job.Pending.Count > 0 {
			to = job.Pending.To // a worker before us announced this range
		}
		numbers := job.Identifiers[job.Cursor:to]
		if ahead == nil {
			ahead = e.readAhead(ctx, job.Scope, numbers, job.Pending.Through)
		}
		read := <-ahead
		ahead = nil
		if read.err != nil {
			return read.err
		}
		found := read.reading
		if job.Passes == 0 {
			found.note(job)
		}
		found.drop(before)
		before = nil
		if job.Pending.Count > 0 {
			inherit(job, found.within(job.Pending.Through))
		}
		contacts := found.contacts(job.Scope, numbers)
		if len(contacts) == 0 && !(found.cut() && !last) {
			job.Cursor = to
			continue
		}
		job.Pending = store.Pending{Count: int64(len(contacts)), To: to, Through: found.through}
		job.Found += job.Pending.Count
		if err := e.Ledger.Save(ctx, job); err != nil {
			return err
		}
		var next <-chan window
		if !last && to < len(job.Identifiers) {
			next = e.readAhead(ctx, job.Scope, job.Identifiers[to:min(to+windowSize, len(job.Identifiers))], nil)
		}
		moved := job.Moved.Load()
		changed, kept, err := e.Contacts.Erase(ctx, job, contacts, numberStreams)
		e.count(job, job.Moved.Load()-moved, int64(changed), err)
		if err != nil {
			return err
		}
		switch {
		case changed > 0:
			if refusals++; refusals == mostRefusals {
				return errKeepsChanging
			}
			continue
		case !last && !found.cut() && !kept:
			job.Cursor, ahead, before = to, next, contacts
		}
		refusals = 0
	}
	return nil
}

// window is what was read of some numbers, or why it was not.
type window struct {
	reading
	err error
}

// readAhead begins to read numbers, as far as announced at least.
func (e Engine) readAhead(ctx context.Context, tenant string, numbers, announced []string) <-chan window {
	done := make(chan window, 1)
	go func() {
		var w window
		defer func() { done <- w }()
		defer invocation.Recover("erasure: read ahead", &w.err)
		w.reading, w.err = e.readNumbers(ctx, tenant, numbers, announced)
	}()
	return done
}

// reading is a consistent page of each number of a window, or as many as reach what a worker before announced.
type reading struct {
	copies  [][]store.Copy
	through []string // where a page was cut, the last sort key on it
}

func (e Engine) readNumbers(ctx context.Context, tenant string, numbers, announced []string) (reading, error) {
	r := reading{copies: make([][]store.Copy, len(numbers)), through: make([]string, len(numbers))}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(numberReads)
	for i, number := range numbers {
		group.Go(func() (err error) {
			defer invocation.Recover("erasure: read", &err)
			through := ""
			if i < len(announced) {
				through = announced[i]
			}
			copies, more, err := e.Contacts.Read(ctx, tenant, number, through)
			r.copies[i] = copies
			if more && len(copies) > 0 {
				r.through[i] = copies[len(copies)-1].Contact
			}
			return err
		})
	}
	return r, group.Wait()
}

// cut says whether there may be more of a number than was read.
func (r reading) cut() bool {
	return slices.ContainsFunc(r.through, func(limit string) bool { return limit != "" })
}

// note puts down which of the job's numbers are known: those at the cursor that have a copy,
// and all that take part in their contacts. The contacts of a number behind it may be gone,
// with a number before it, by the time that it is read itself.
func (r reading) note(job *store.Job) {
	for i, copies := range r.copies {
		if len(copies) > 0 {
			job.Known.Add(job.Cursor + i)
		}
		for _, c := range copies {
			for _, party := range c.Parties {
				if at, ours := slices.BinarySearch(job.Identifiers, party); ours {
					job.Known.Add(at)
				}
			}
		}
	}
}

// drop forgets contacts that were erased since they were read: they have been counted.
func (r reading) drop(erased []store.Erasable) {
	if len(erased) == 0 {
		return
	}
	gone := make(map[string]bool, len(erased))
	for _, contact := range erased {
		gone[contact.Contact] = true
	}
	for i := range r.copies {
		r.copies[i] = slices.DeleteFunc(r.copies[i], func(c store.Copy) bool { return gone[c.Contact] })
	}
}

// contacts are all that were read, each once, to be deleted with every copy: under its parties, and under each of our
// numbers that has it filed.
func (r reading) contacts(tenant string, numbers []string) []store.Erasable {
	var all []store.Erasable
	index := make(map[string]int) // by contact key, the same for all copies of one contact
	for i, number := range numbers {
		for _, c := range r.copies[i] {
			at, known := index[c.Contact]
			if !known {
				at = len(all)
				index[c.Contact] = at
				all = append(all, store.Erasable{Contact: c.Contact, Own: number, Seen: c.Seen, Copies: []string{number}})
			}
			for _, copy := range append([]string{number}, c.Parties...) {
				if !slices.Contains(all[at].Copies, copy) && store.CanFile(tenant, copy) {
					all[at].Copies = append(all[at].Copies, copy)
				}
			}
		}
	}
	return all
}

// within counts the contacts that lie in an announced range: for any of the numbers at or before its limit in through, or
// anywhere where that is "".
func (r reading) within(through []string) int64 {
	announced := make(map[string]bool)
	for i, copies := range r.copies {
		for _, c := range copies {
			if i >= len(through) || through[i] == "" || c.Contact <= through[i] {
				announced[c.Contact] = true
			}
		}
	}
	return int64(len(announced))
}
