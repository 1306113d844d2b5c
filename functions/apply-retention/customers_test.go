package main

import (
	"testing"
	"time"

	"github.com/alecthomas/repr"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/retention"
	"customercare/shared/store"
)

// activeCustomer puts a customer who was active at a time (zero: nobody knows when), with
// a young transaction.
func (w *world) activeCustomer(code string, at time.Time) {
	item := attribute.Item{
		"customer": attribute.Text(store.CustomerKey("shop", code)), "record": attribute.Text(store.CustomerRecord),
	}
	if !at.IsZero() {
		item["activeAt"] = attribute.Number(at.UnixMilli())
	}
	w.Put(w.tb, w.Customers.Table, item)
	w.transaction("shop", code, "1", time.Now())
}

// erased is the codes of customers of whom nothing is there but what an open erasure has
// put there or will take away: a tombstone stands in their place.
func (w *world) erased() map[string]bool {
	all := map[string]bool{}
	for _, item := range dynamotest.Items(w.tb, w.Plain, w.Customers.Table) {
		if store.Tombstone(item["tombstone"]) != "" {
			all[store.SplitKey(attribute.ReadText(item, "customer"))[1]] = true
		}
	}
	return all
}

// A customer who was not active since the cutoff is erased by an erasure as of operation
// 3, which the rule has asked for. One who was, one of whom nobody knows, and one who is
// held stay; after the release the next sweep takes that one too.
func TestInactiveCustomers(t *testing.T) {
	w := newWorld(t)
	w.every = 0
	w.activeCustomer("idle", aged(time.Hour))
	w.activeCustomer("busy", aged(-time.Hour))
	w.activeCustomer("unknown", time.Time{})
	w.activeCustomer("held", aged(time.Hour))
	w.hold("case-1", store.HoldOfCustomer, "shop", "held")
	w.rule(retention.Rule{Name: "idle", What: retention.Customers, Days: days}, retention.On)
	w.whole(1, "idle")
	if got := w.erased(); len(got) != 1 || !got["idle"] {
		t.Errorf("erased: %v", got)
	}
	if said := w.statements(); len(said) != 1 || said[0].Swept.Found != 2 || said[0].Swept.Erased != 1 || said[0].Swept.Kept != 1 {
		t.Errorf("%s", repr.String(said))
	}
	asked := 0
	for _, item := range dynamotest.Items(t, w.Plain, w.Erasures.Table) {
		if attribute.ReadText(item, "kind") == "customer" && attribute.ReadText(item, "requestedBy") == "retention:idle" {
			asked++
		}
	}
	if asked != 1 {
		t.Errorf("%d erasures of the rule are on record", asked)
	}
	w.release("case-1")
	if got := w.erased(); len(got) != 1 {
		t.Errorf("a release erases whom only a rule would: %v", got)
	}
	w.whole(1, "idle")
	if got := w.erased(); len(got) != 2 || !got["held"] {
		t.Errorf("after the release: %v", got)
	}
}

// A customer who becomes active at any moment of a sweep stays, or the activity comes
// after the tombstone, and its writer is told.
func TestCustomerActiveMeanwhile(t *testing.T) {
	kept, gone := 0, 0
	dynamotest.EveryMoment(t, func(t *testing.T, k int) (struck bool) {
		w := newWorld(t)
		w.rule(retention.Rule{Name: "idle", What: retention.Customers, Days: days}, retention.On)
		w.activeCustomer("idle", aged(time.Hour))
		refused := false
		w.Faults.Interrupt(k, func() {
			if refused = w.erased()["idle"]; !refused {
				w.activeCustomer("idle", time.Now())
			}
		})
		if err := w.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		struck = w.Faults.Struck()
		w.Faults.Calls()
		switch erased := w.erased()["idle"]; {
		case struck && erased && !refused:
			t.Error("an active customer is erased")
		case erased:
			gone++
		default:
			kept++
		}
		return struck
	})
	if kept == 0 || gone == 0 {
		t.Errorf("%d kept, %d erased", kept, gone)
	}
}
