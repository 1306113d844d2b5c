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
	// window is how many customer numbers are read, announced and erased together. A page of each is held in memory.
	window = 32
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

// drainNumbers erases window by window, each until a reading of all its numbers finds nothing.
func (e Engine) drainNumbers(ctx context.Context, job *store.Job) error {
	if err := e.Ledger.ReadIdentifiers(ctx, job); err != nil {
		return err
	}
	if job.Cursor == 0 {
		job.PassStarted = e.Now()
	}
	refusals := 0
	for job.Cursor < len(job.Identifiers) {
		to := min(job.Cursor+window, len(job.Identifiers))
		if job.Pending.Count > 0 {
			to = job.Pending.To // a worker before us announced this range
		}
		numbers := job.Identifiers[job.Cursor:to]
		found, err := e.readNumbers(ctx, job.Scope, numbers, job.Pending.Through)
		if err != nil {
			return err
		}
		if job.Pending.Count > 0 {
			left := found.within(job.Pending.Through)
			job.Deleted += max(0, job.Pending.Count-left)
			job.Found -= min(left, job.Pending.Count) // announced again below
			job.Pending = store.Pending{}
		}
		contacts := found.contacts(job.Scope, numbers)
		if len(contacts) == 0 {
			job.Cursor = to
			continue
		}
		job.Pending = store.Pending{Count: int64(len(contacts)), To: to, Through: found.through}
		job.Found += job.Pending.Count
		if err := e.Ledger.Save(ctx, job); err != nil {
			return err
		}
		changed, err := e.Contacts.Erase(ctx, job, contacts, numberStreams)
		if err != nil {
			return err
		}
		job.Deleted += job.Pending.Count - int64(changed)
		job.Found -= int64(changed) // they are read, and announced, again
		job.Pending = store.Pending{}
		if changed == 0 {
			refusals = 0
		} else if refusals++; refusals == mostRefusals {
			return errKeepsChanging
		}
	}
	return nil
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
