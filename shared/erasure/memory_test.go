package erasure

import (
	"context"
	"fmt"
	"testing"
	"time"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

// With memory for little more than a page, and jobs of both kinds at once that all want
// some, everything is erased and counted as ever, whatever call the process dies at:
// windows are shorter, nobody waits for ever.
func TestLittleMemoryUnderDeadWorkers(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.Memory = store.NewMemory(40_000, 30_000) // a page of 200 contacts is about 25 KB
	var first, second []string
	for i := range 40 {
		first, second = append(first, fmt.Sprintf("n%02d", i)), append(second, fmt.Sprintf("m%02d", i))
	}
	var contacts []item
	for i := range 60 { // in both jobs, or within one
		to := []string{first[(i*7+1)%40], "x"}[i%2]
		contacts = append(contacts, copies("acme", fmt.Sprintf("a%03d", i), first[i%40], to)...)
		contacts = append(contacts, copies("acme", fmt.Sprintf("b%03d", i), second[i%40], "y")...)
	}
	for i := range 230 { // more than a page
		contacts = append(contacts, copies("acme", fmt.Sprintf("c%03d", i), first[3], first[9])...)
	}
	dynamotest.EveryMoment(t, func(t *testing.T, moment int) (struck bool) {
		k := 1 + 17*(moment-1)
		sys.Put(t, sys.Kit.Contacts.Table, contacts...)
		sys.putCustomer(t, "shop", "4711", 300)
		for _, numbers := range [][]string{first, second} {
			sys.eraseNumbers(t, numbers...)
		}
		if err := sys.Customer(t.Context(), "shop", "4711", "john", 0); err != nil {
			t.Fatal(err)
		}
		sys.clock.Advance(time.Minute)
		_ = recovered(func() error { _, err := sys.Due(sys.Faults.Die(k, k%2 == 0)); return err })
		sys.Faults.Calls()
		sys.finishAll(t)
		sys.wantDeleted(t, 60, 290, 301)
		for _, r := range sys.ledger(t).records {
			if r.found != r.deleted {
				t.Errorf("%d found, %d deleted: %s", r.found, r.deleted, r.json)
			}
		}
		sys.wantEmpty(t, sys.Kit.Contacts.Table, sys.Kit.Customers.Table)
		sys.clear(t)
		return sys.Faults.Struck()
	})
	share := sys.Memory.Share() // all of it was given back
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := share.Wait(ctx); err != nil {
		t.Error(err)
	}
	share.Release()
}
