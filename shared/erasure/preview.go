package erasure

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"customercare/shared/digest"
	"customercare/shared/invocation"
	"customercare/shared/store"
)

// Preview says what an erasure would find, and changes nothing. It reads and selects with
// the code of the erasures themselves. NewPreview makes one.
type Preview struct {
	ledger    store.Erasures
	customers store.Customers
	contacts  store.Contacts
	digests   digest.Digester
	now       func() time.Time
}

// NewPreview is a Preview of these tables.
func NewPreview(
	ledger store.Erasures, customers store.Customers, contacts store.Contacts,
	digests digest.Digester, now func() time.Time,
) Preview {
	return Preview{ledger, customers, contacts, digests, now}
}

// Previewed is what an erasure would find. Where nobody writes in between, and no erasure
// of the same is open, the sum of Found is what the statement of its end has as found.
type Previewed struct {
	Found     PreviewedItems   `json:"found"`
	Campaigns []PreviewedInOne `json:"campaigns"` // of a customer, the first maxCampaigns
	Open      *string          `json:"open"`      // the id of the erasure that is open
	AtLeast   bool             `json:"atLeast"`   // time or room ended before all was seen
}

// PreviewedItems are how many items of each kind there are. A contact counts once, with
// all its copies. Others are records of a customer that other programs have put there.
type PreviewedItems struct {
	Customers    int64 `json:"customers"`
	Transactions int64 `json:"transactions"`
	Others       int64 `json:"others"`
	Contacts     int64 `json:"contacts"`
}

// Sum is how many items there are in all.
func (p PreviewedItems) Sum() int64 {
	return p.Customers + p.Transactions + p.Others + p.Contacts
}

// PreviewedInOne is how many transactions a customer has in one campaign.
type PreviewedInOne struct {
	Campaign     string `json:"campaign"`
	Transactions int64  `json:"transactions"`
}

const (
	// maxCampaigns is how many campaigns a preview lists, in the order of their bytes.
	// The transactions of the others are counted all the same.
	maxCampaigns = 1000
	// maxShared is how many copies a preview remembers that a deletion under another
	// number would take along. One takes about 200 bytes.
	maxShared = 100_000
)

// Customer previews the erasure of one customer (operation 3), until that time.
func (p Preview) Customer(ctx context.Context, account, code string, until time.Time) (Previewed, error) {
	seen := Previewed{Campaigns: []PreviewedInOne{}}
	key := store.CustomerKey(account, code)
	p.digests.Look(ctx)
	var jobs []string
	for _, digest := range p.digests.EverySubject("customer", account, code) {
		jobs = append(jobs, store.CustomerJob(digest))
	}
	for after := ""; ; {
		page, err := p.customers.Read(ctx, key, after)
		if err != nil {
			return Previewed{}, err
		}
		if after == "" && page.Tombstone != "" && !slices.Contains(jobs, page.Tombstone) {
			jobs = append(jobs, page.Tombstone)
		}
		if after == "" && page.Exists {
			seen.Found.Customers = 1
		}
		for _, record := range page.Records {
			seen.count(record)
		}
		if after = page.Next; after == "" {
			break
		}
		if !p.now().Before(until) {
			seen.AtLeast = true
			break
		}
	}
	return seen, p.lookForOpen(ctx, &seen, jobs)
}

// count counts a record of a customer. Records come in the order of their sort keys, so
// those of one campaign come one after the other.
func (p *Previewed) count(record string) {
	campaign, ok := store.Campaign(record)
	if !ok {
		p.Found.Others++
		return
	}
	p.Found.Transactions++
	last := len(p.Campaigns) - 1
	if last >= 0 && p.Campaigns[last].Campaign == campaign {
		p.Campaigns[last].Transactions++
	} else if last+1 < maxCampaigns {
		p.Campaigns = append(p.Campaigns, PreviewedInOne{campaign, 1})
	}
}

// lookForOpen notes which of the jobs is open.
func (p Preview) lookForOpen(ctx context.Context, seen *Previewed, jobs []string) error {
	id, err := p.ledger.ReadOpen(ctx, jobs)
	if id != "" {
		seen.Open = &id
	}
	return err
}

// Numbers previews the erasure of numbers of one tenant (operation 4), until that time.
// The open erasure that it names is one of exactly the same numbers.
func (p Preview) Numbers(ctx context.Context, tenant string, numbers []string, until time.Time) (Previewed, error) {
	seen := Previewed{Campaigns: []PreviewedInOne{}}
	numbers = slices.Compact(slices.Sorted(slices.Values(numbers)))
	look := numbersPreview{p, tenant, numbers, make([]map[string][]store.Erasable, len(numbers)), 0}
	for from := 0; from < len(numbers) && !seen.AtLeast; from += windowSize {
		w := previewWindow{numbersPreview: &look, from: from, numbers: make([]previewNumber, min(windowSize, len(numbers)-from))}
		for w.more() && !seen.AtLeast {
			n, err := w.eraseOnce(ctx)
			if err != nil {
				return Previewed{}, err
			}
			seen.Found.Contacts += int64(n)
			over := look.shares > maxShared || !p.now().Before(until)
			seen.AtLeast = over && (w.more() || from+len(w.numbers) < len(numbers))
		}
		clear(look.shared[from : from+len(w.numbers)])
	}
	var jobs []string
	for _, digest := range p.digests.EverySet(tenant, numbers) {
		jobs = append(jobs, store.NumbersJob(digest))
	}
	return seen, p.lookForOpen(ctx, &seen, jobs)
}

// numbersPreview goes through the windows of an erasure of numbers as its pass does, but
// for the deletions: of those it only remembers which copies they would take along.
type numbersPreview struct {
	Preview
	tenant string
	asked  []string // the numbers, sorted
	// shared is, by number and contact, what would delete the number's copy of it, if it
	// takes that copy.
	shared []map[string][]store.Erasable
	shares int // how many there ever were in shared
}

// previewWindow is numbers that a pass reads and erases together.
type previewWindow struct {
	*numbersPreview
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
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(numberReads)
	for i := range w.numbers {
		group.Go(func() (err error) {
			defer invocation.Recover("erasure: preview", &err)
			return w.fill(ctx, i)
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
	found := seen.contacts(names)
	for _, contact := range found {
		w.remember(contact)
	}
	for i := range w.numbers {
		w.drop(i)
	}
	return len(found), nil
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
		if size := len(filed.Copies); size > 0 {
			n.after, n.page = filed.Copies[size-1].Contact, max(n.page, size)
		}
		w.drop(i)
	}
	return nil
}

// remember notes which copies would go with a contact, of the numbers that are not done
// with.
func (w *previewWindow) remember(contact store.Erasable) {
	for _, number := range contact.Numbers(w.tenant) {
		at, asked := slices.BinarySearch(w.asked, number)
		if !asked || at < w.from {
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
