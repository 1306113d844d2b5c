package erasure

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"customercare/shared/store"
)

// A worker renews its lease whenever a third of it has passed, and works on.
func TestLeaseIsRenewed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.putContact(t, "acme", "c1", "135", "200")
	if err := w.Numbers(t.Context(), "acme", []string{"135"}, "app"); err != nil {
		t.Fatal(err)
	}
	w.Faults.Interrupt(2, func() { // its first reading
		for range 2 {
			w.clock.Advance(w.Lease/3 + time.Second)
			until := fmt.Sprintf(`"leaseUntil":{"Value":"%d"}`, w.clock.Now().Add(w.Lease+w.ClockSkew).UnixMilli())
			for began := time.Now(); !strings.Contains(strings.Join(w.Dump(t, w.Kit.Erasures.Table), ""), until); {
				if time.Since(began) > 10*time.Minute {
					t.Error("the lease is not renewed")
					return
				}
			}
		}
	})
	if err := w.Continue(t.Context(), store.NumbersJob(w.Digests.Set("acme", []string{"135"}))); err != nil {
		t.Fatal(err)
	}
	if calls := strings.Join(w.Faults.Calls(), " "); calls != "UpdateItem Query UpdateItem UpdateItem UpdateItem TransactWriteItems UpdateItem" {
		t.Errorf("calls %s", calls)
	}
	if left := w.Dump(t, w.Kit.Contacts.Table); len(left) != 0 {
		t.Errorf("left %s", left)
	}
}

// A budget that is over while the records are being deleted ends the work there: the rest is
// handed on, and goes.
func TestBudgetEndsOnTheClock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.putCustomer(t, "shop", "4711", 60)
	w.Faults.Interrupt(3, func() { w.clock.Advance(2 * time.Minute) }) // the first deleting call
	if err := w.Customer(t.Context(), "shop", "4711", "john", time.Minute); err != nil {
		t.Fatal(err)
	}
	w.Faults.Calls()
	ledger := strings.Join(w.Dump(t, w.Kit.Erasures.Table), "\n")
	if left := len(w.Dump(t, w.Kit.Customers.Table)); left <= 1 || !strings.Contains(ledger, mark) || strings.Contains(ledger, `"leaseOwner"`) {
		t.Errorf("%d items are left, the ledger is %s", left, ledger)
	}
	w.settle(t)
	if records := w.records(t); len(records) != 1 || !strings.Contains(records[0], `"deleted":{"Value":"61"}`) {
		t.Errorf("records %s", records)
	}
}
