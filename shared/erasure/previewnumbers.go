package erasure

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"customercare/shared/invocation"
	"customercare/shared/store"
)

// Numbers previews the erasure of numbers of one tenant (operation 4), until that time.
// The open erasure that it names is one of exactly the same numbers.
func (p Preview) Numbers(ctx context.Context, tenant string, numbers []string, until time.Time) (Previewed, error) {
	seen := Previewed{Campaigns: []PreviewedInOne{}}
	numbers = slices.Compact(slices.Sorted(slices.Values(numbers)))
	look := numbersPreview{
		Preview: p, tenant: tenant, asked: numbers, until: until,
		shared: make([]map[string][]store.Erasable, len(numbers)), again: true,
	}
	for look.again && !seen.AtLeast {
		if err := look.pass(ctx, &seen); err != nil {
			return Previewed{}, err
		}
	}
	for _, copies := range look.held {
		if len(copies) > 0 {
			seen.Held++
		}
	}
	var jobs []string
	for _, digest := range p.digests.EverySet(tenant, numbers) {
		jobs = append(jobs, store.NumbersJob(digest))
	}
	return seen, p.lookForOpen(ctx, &seen, jobs)
}

// pass goes once over all numbers. It needs another one where it would have deleted a
// copy that it had passed by as kept. Then the pages of the next pass are other ones, and
// what was kept because of a copy on the same page may stand on a page of its own.
func (p *numbersPreview) pass(ctx context.Context, seen *Previewed) error {
	p.again, p.held = false, map[string]map[string]store.Stored{}
	over := func() bool { return p.shares > maxShared || !p.now().Before(p.until) }
	for from := 0; from < len(p.asked) && !seen.AtLeast; from += windowSize {
		w := previewWindow{
			numbersPreview: p, from: from, numbers: make([]previewNumber, min(windowSize, len(p.asked)-from)),
			keeper: newKeeper(p.holds, p.tenant, func(context.Context, string, string, []string) error { return nil }),
		}
		for w.more() && !seen.AtLeast {
			n, err := w.eraseOnce(ctx)
			if err != nil {
				return err
			}
			seen.Found.Contacts += int64(n)
			seen.AtLeast = over() && (w.more() || from+len(w.numbers) < len(p.asked))
		}
	}
	seen.AtLeast = seen.AtLeast || p.again && over()
	return nil
}

// numbersPreview goes through the windows of an erasure of numbers as its passes do, but
// for the deletions: of those it only remembers which copies they would take along.
type numbersPreview struct {
	Preview
	tenant string
	asked  []string // the numbers, sorted
	until  time.Time
	// shared is, by number and contact, what would delete the number's copy of it, if it
	// takes that copy.
	shared []map[string][]store.Erasable
	// held is, by contact and number, the parties of the copies that holds keep.
	held   map[string]map[string]store.Stored
	shares int  // how many there ever were in shared and held
	again  bool // another pass would see something else
}

// previewWindow is numbers that a pass reads and erases together.
type previewWindow struct {
	*numbersPreview
	keeper  keeper
	from    int // where they begin among those that are asked for
	numbers []previewNumber
}

// previewNumber is what was read of a number and would not be deleted yet.
type previewNumber struct {
	copies []store.Copy
	after  string // the sort key up to which the number is read
	read   bool   // all of it is read
	page   int    // how many copies a pass sees at a time, 0: all
}

// cut says whether there may be more of the number than a pass would see at this point.
// DynamoDB says so of every page that is full.
func (n previewNumber) cut() bool { return n.page > 0 && len(n.copies) >= n.page }

// seen is what a pass would read of the number at this point.
func (n previewNumber) seen() []store.Copy {
	if n.page == 0 || len(n.copies) <= n.page {
		return n.copies
	}
	return n.copies[:n.page]
}

// more says whether the window is not done with.
func (w *previewWindow) more() bool {
	return slices.ContainsFunc(w.numbers, func(n previewNumber) bool { return !n.read || len(n.copies) > 0 })
}

// eraseOnce reads on, and says how many contacts the erasure would delete of what it
// sees then. Afterwards the copies are left that it would have to read again.
func (w *previewWindow) eraseOnce(ctx context.Context) (contacts int, err error) {
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(numberReads)
	for i := range w.numbers {
		group.Go(func() (err error) {
			defer invocation.Recover("erasure: preview", &err)
			return w.fill(within, i)
		})
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	names := w.asked[w.from : w.from+len(w.numbers)]
	seen := reading{copies: make([][]store.Copy, len(names)), copyBytes: make([]int64, len(names))}
	for i, n := range w.numbers {
		seen.copies[i] = n.seen()
	}
	kept, err := w.keeper.kept(ctx, names, seen.copies, nil)
	if err != nil {
		return 0, err
	}
	for i := range seen.copies {
		seen.copies[i] = slices.DeleteFunc(slices.Clone(seen.copies[i]), func(c store.Copy) bool { return kept[c.Contact] != nil })
	}
	found := seen.contacts(names)
	if len(found) == 0 {
		w.readOn()
		return 0, nil
	}
	if found, err = w.unmarked(ctx, found); err != nil {
		return 0, err
	}
	for _, contact := range found {
		w.remember(contact)
	}
	for i := range w.numbers {
		w.drop(i)
	}
	return len(found), nil
}

// unmarked is those of the contacts of which no copy is kept under a number that is not
// in the window. Of the others the window notes that they are kept, as a pass does whose
// deletion meets such a copy.
func (w *previewWindow) unmarked(ctx context.Context, contacts []store.Erasable) ([]store.Erasable, error) {
	any, err := w.holds.AnyOf(ctx, w.tenant)
	if err != nil || !any {
		return contacts, err
	}
	marked := make([][]store.KeptCopy, len(contacts))
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(numberReads)
	for i, contact := range contacts {
		group.Go(func() (err error) {
			defer invocation.Recover("erasure: preview", &err)
			marked[i], err = w.contacts.MarksElsewhere(within, w.tenant, contact)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	rest := contacts[:0]
	for i, contact := range contacts {
		if err := w.keeper.noteKept(ctx, marked[i]); err != nil {
			return nil, err
		}
		if w.keeper.marked[contact.Contact] == nil {
			rest = append(rest, contact)
		}
	}
	return rest, nil
}

// readOn lets the window go on behind what it shows, all of which is kept, as a pass
// does. Where there is nothing behind it the window is done.
func (w *previewWindow) readOn() {
	done := !slices.ContainsFunc(w.numbers, previewNumber.cut)
	for i := range w.numbers {
		n := &w.numbers[i]
		if !done && !n.cut() {
			continue
		}
		for _, c := range n.seen() {
			if w.held[c.Contact] == nil {
				w.held[c.Contact] = map[string]store.Stored{}
			}
			w.held[c.Contact][w.asked[w.from+i]] = c.Parties
			w.shares++
		}
		n.copies = n.copies[len(n.seen()):]
	}
}

// fill reads the number on until there is as much of it as a pass would see.
func (w *previewWindow) fill(ctx context.Context, i int) error {
	n := &w.numbers[i]
	for !n.read && (n.page == 0 || len(n.copies) < n.page) {
		filed, err := w.contacts.ReadBehind(ctx, w.tenant, w.asked[w.from+i], n.after)
		if err != nil {
			return err
		}
		n.copies, n.read = append(n.copies, filed.Copies...), !filed.More
		if size := len(filed.Copies); filed.More && size > 0 {
			n.after, n.page = filed.Copies[size-1].Contact, max(n.page, size)
		}
		w.drop(i)
	}
	return nil
}

// remember notes which copies would go with a contact.
func (w *previewWindow) remember(contact store.Erasable) {
	for _, number := range contact.Numbers(w.tenant) {
		if parties, held := w.held[contact.Contact][number]; held && (number == contact.Own || contact.Takes(parties)) {
			delete(w.held[contact.Contact], number)
			w.again = true
		}
		at, asked := slices.BinarySearch(w.asked, number)
		if !asked {
			continue
		}
		if w.shared[at] == nil {
			w.shared[at] = make(map[string][]store.Erasable)
		}
		w.shared[at][contact.Contact] = append(w.shared[at][contact.Contact], store.Erasable{Own: contact.Own})
		w.shares++
	}
}

// drop lets go of the copies of a number that would be gone.
func (w *previewWindow) drop(i int) {
	n, number, shared := &w.numbers[i], w.asked[w.from+i], w.shared[w.from+i]
	n.copies = slices.DeleteFunc(n.copies, func(c store.Copy) bool {
		return slices.ContainsFunc(shared[c.Contact], func(e store.Erasable) bool {
			return e.Own == number || e.Takes(c.Parties)
		})
	})
}
