package erasure

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"customercare/shared/store"
)

// With memory for little more than a page, and jobs of both kinds at once that all want
// some, everything is erased and counted as ever, whatever call the process dies at:
// windows are shorter, nobody waits for ever.
func TestLittleMemoryUnderDeadWorkers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Memory = store.NewMemory(40_000, 30_000) // a page of 200 contacts is about 25 KB
	var first, second []string
	for i := range 40 {
		first, second = append(first, fmt.Sprintf("n%02d", i)), append(second, fmt.Sprintf("m%02d", i))
	}
	var contacts []item
	for i := range 60 { // in both jobs, or within one
		contacts = append(contacts, copies("acme", fmt.Sprintf("a%03d", i), first[i%40], []string{first[(i*7+1)%40], "x"}[i%2])...)
		contacts = append(contacts, copies("acme", fmt.Sprintf("b%03d", i), second[i%40], "y")...)
	}
	for i := range 230 { // more than a page
		contacts = append(contacts, copies("acme", fmt.Sprintf("c%03d", i), first[3], first[9])...)
	}
	for k := 1; ; k += 17 {
		w.Put(t, w.Kit.Contacts.Table, contacts...)
		w.putCustomer(t, "shop", "4711", 300)
		for _, numbers := range [][]string{first, second} {
			if err := w.Numbers(t.Context(), "acme", numbers, "app"); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Customer(t.Context(), "shop", "4711", "john", 0); err != nil {
			t.Fatal(err)
		}
		w.clock.Advance(time.Minute)
		_ = recovered(func() error { _, err := w.Due(w.Faults.Die(k, k%2 == 0)); return err })
		w.Faults.Calls()
		w.settle(t)
		records := strings.Join(w.records(t), "\n")
		for _, n := range []int{290, 60, 301} {
			for _, what := range []string{"deleted", "found"} {
				if !strings.Contains(records, fmt.Sprintf(`"%s":{"Value":"%d"}`, what, n)) {
					t.Fatalf("dies at call %d: not %d %s: %s", k, n, what, records)
				}
			}
		}
		if left := w.Dump(t, w.Kit.Contacts.Table, w.Kit.Customers.Table); len(left) != 0 {
			t.Fatalf("dies at call %d: left %s", k, left)
		}
		w.clear(t)
		if !w.Faults.Struck() {
			break
		}
	}
	share := w.Memory.Share() // all of it was given back
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := share.Wait(ctx); err != nil {
		t.Error(err)
	}
	share.Release()
}
