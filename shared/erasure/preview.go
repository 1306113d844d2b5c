package erasure

import (
	"context"
	"slices"
	"time"

	"customercare/shared/digest"
	"customercare/shared/store"
)

// Preview says what an erasure would find, and changes nothing. It reads and selects with
// the code of the erasures themselves. NewPreview makes one.
type Preview struct {
	ledger    store.Erasures
	customers store.Customers
	contacts  store.Contacts
	holds     store.Holds
	digests   digest.Digester
	now       func() time.Time
}

// NewPreview is a Preview of these tables.
func NewPreview(
	ledger store.Erasures, customers store.Customers, contacts store.Contacts, holds store.Holds,
	digests digest.Digester, now func() time.Time,
) Preview {
	return Preview{ledger, customers, contacts, holds, digests, now}
}

// Previewed is what an erasure would find. Where nobody writes in between, and no erasure
// of the same is open, the sum of Found is what the statement of its end has as found.
//
// Of a contact whose copies disagree an erasure may count each by itself. How many it
// counts depends on which copies it reads together. A mark of a hold that has ended, and
// that nobody has taken away yet, may change that by one; a preview does not look for it.
type Previewed struct {
	Found     PreviewedItems   `json:"found"`
	Held      int64            `json:"held"`      // items that holds would keep, and that are not in Found
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
	// number would take along, or that holds keep. One takes about 200 bytes.
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
	if seen.Found.Sum() > 0 {
		held, err := p.holds.OfCustomer(ctx, account, code)
		if err != nil {
			return Previewed{}, err
		}
		if held { // the erasure would be refused
			seen.Found, seen.Held, seen.Campaigns = PreviewedItems{}, seen.Found.Sum(), []PreviewedInOne{}
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
