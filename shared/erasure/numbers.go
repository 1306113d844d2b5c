package erasure

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"customercare/shared/store"
)

const (
	// window is how many customer numbers are read, announced and erased together.
	window = 64
	// numberReads is how many of them are read at once.
	numberReads = 16
	// numberStreams is how many batch calls one job would like to run at once, no two of them on the same number; the
	// process's Streams may allow fewer.
	numberStreams = 8
)

// Numbers takes on the erasure of every contact in which one of numbers takes part, within the tenant. It returns nil
// once that is on record: from then on it happens, whatever crashes. numbers holds no duplicates. The same numbers
// again, while the first request is open, join it.
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
	return e.Ledger.OpenNumbers(ctx, job, now.Add(pickUp))
}

// drainNumbers erases window by window, each until a reading of all its numbers finds nothing.
func (e Engine) drainNumbers(ctx context.Context, job *store.Job) error {
	if job.Cursor == 0 {
		job.PassStarted = e.Now()
	}
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
		plan := planContacts(numbers, found.copies)
		if job.Pending.Count > 0 {
			left := plan.within(numbers, job.Pending.Through)
			job.Deleted += max(0, job.Pending.Count-left)
			job.Found -= min(left, job.Pending.Count) // announced again below
			job.Pending = store.Pending{}
		}
		if len(plan.last) == 0 {
			job.Cursor = to
			continue
		}
		job.Pending = store.Pending{Count: int64(len(plan.last)), To: to, Through: found.through}
		job.Found += job.Pending.Count
		if err := e.Ledger.Save(ctx, job); err != nil {
			return err
		}
		// A contact is found through the copies under our numbers. The others go first: a crash in between leaves
		// the contact findable, and its count right.
		for _, copies := range [][]store.Filed{plan.first, plan.last} {
			if err := e.Contacts.Delete(ctx, job.Scope, copies, numberStreams); err != nil {
				return err
			}
		}
		job.Deleted += job.Pending.Count
		job.Pending = store.Pending{}
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
		group.Go(func() error {
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

// A plan says which copies to delete: every copy of every contact that was found. Of each contact the copy under the
// first of the window's numbers that has it filed goes last.
type plan struct {
	first, last []store.Filed
}

func planContacts(numbers []string, copies [][]store.Copy) plan {
	var p plan
	planned := make(map[store.Filed]bool)
	counted := make(map[string]bool) // by contact key: the same for all copies of one contact
	for i, number := range numbers {
		for _, c := range copies[i] {
			own := store.Filed{Number: number, Contact: c.Contact}
			if !counted[c.Contact] {
				counted[c.Contact] = true
				planned[own] = true
				p.last = append(p.last, own)
			} else if !planned[own] {
				planned[own] = true
				p.first = append(p.first, own)
			}
			for _, party := range c.Parties {
				if peer := (store.Filed{Number: party, Contact: c.Contact}); !planned[peer] {
					planned[peer] = true
					p.first = append(p.first, peer)
				}
			}
		}
	}
	return p
}

// within counts the contacts of the plan that lie in an announced range: up to through of their number, or anywhere
// where through is "".
func (p plan) within(numbers, through []string) int64 {
	limit := make(map[string]string, len(through))
	for i, key := range through {
		if i < len(numbers) {
			limit[numbers[i]] = key
		}
	}
	n := int64(0)
	for _, own := range p.last {
		if limit[own.Number] == "" || own.Contact <= limit[own.Number] {
			n++
		}
	}
	return n
}
