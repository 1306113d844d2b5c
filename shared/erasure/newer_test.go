package erasure

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

// numberItems gives every item of the ledger and of holds this number of a schema. It
// returns them, and whether number 135 is held.
func (sys *system) numberItems(t testing.TB, number int64) (items []string, held bool) {
	t.Helper()
	for _, table := range sys.ours() {
		for _, item := range dynamotest.Items(t, sys.Plain, table) {
			item[store.SchemaAttribute] = attribute.Number(number)
			sys.Put(t, table, item)
			held = held || attribute.ReadText(item, "hold") == "number#acme#135"
		}
	}
	return sys.Dump(t, sys.ours()...), held
}

// ours are the tables that only this product writes.
func (sys *system) ours() []string { return []string{sys.Kit.Erasures.Table, sys.Kit.Holds.Table} }

// At any call of those that place a hold, accept erasures, are repeated, work on them,
// release the hold and open what it has kept, a newer version may write all that stands
// in the ledger and in holds: from then on nothing of it changes, and who is held is
// held. When it is all this version's again everything ends. One call of three is tried.
func TestNewerAtAnyCall(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	n := 0
	calls := dynamotest.Moments(t, 3, func(t *testing.T, k int) (struck bool) {
		n++
		id := holdID(n)
		sys.putCustomer(t, "shop", "4711", 3)
		sys.putContact(t, "acme", "c1", "135", "200")
		sys.putContact(t, "acme", "c2", "200", "300")
		var raised, kept []string
		sys.Faults.Interrupt(k, func() {
			var held bool
			if raised, held = sys.numberItems(t, store.Schema+1); held {
				kept = sys.heldNow(t, "135")
			}
		})
		numbers := slices.Concat([]string{"135", "300"}, many(40)) // in an item of their own
		ask := func(ctx func() error) {
			t.Helper()
			err := recovered(ctx)
			known := errors.Is(err, store.ErrNewer) || errors.Is(err, store.ErrNoHold) || errors.Is(err, ErrUnknownCustomer)
			if err != nil && (raised == nil || !known) {
				t.Errorf("%v", err)
			}
		}
		ctx := t.Context()
		ask(func() error { _, err := sys.placeBy(ctx, sys.engine, id, "135"); return err })
		for range 2 {
			ask(func() error { return sys.Customer(ctx, "shop", "4711", "john", time.Minute) })
			ask(func() error { return sys.Numbers(ctx, "acme", numbers, "app") })
		}
		for range 2 {
			for range 3 {
				sys.clock.Advance(7 * time.Minute)
				ask(func() error { _, err := sys.Due(ctx); return err })
			}
			ask(func() error { _, err := sys.holder().Release(ctx, id, "legal"); return err })
			ask(func() error { _, err := sys.holder().Due(ctx, dynamotest.StandingIndex); return err })
		}
		struck = sys.Faults.Struck()
		sys.Faults.Calls()
		now := strings.Join(sys.Dump(t, sys.ours()...), "\n")
		for _, item := range raised {
			if !strings.Contains(now, item) {
				t.Errorf("a newer version's item is changed or gone: %s", item)
			}
		}
		if left := sys.heldNow(t, "135"); kept != nil && !slices.Equal(kept, left) {
			t.Errorf("held by a newer version, and lost: %d of %d are left", len(left), len(kept))
		}
		sys.numberItems(t, store.Schema)
		raised = nil
		if _, err := sys.holder().Release(ctx, id, "legal"); err != nil && !errors.Is(err, store.ErrNoHold) {
			t.Error(err)
		}
		sys.clock.Advance(time.Hour)
		sys.dueHolds(t)
		ask(func() error { return sys.Customer(ctx, "shop", "4711", "john", time.Minute) })
		ask(func() error { return sys.Numbers(ctx, "acme", numbers, "app") })
		sys.finishAll(t)
		sys.wantEmpty(t, sys.Kit.Customers.Table, sys.Kit.Contacts.Table)
		sys.clear(t)
		return struck
	})
	if calls < 40 {
		t.Errorf("only %d calls", calls)
	}
}
