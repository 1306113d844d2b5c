package erasure

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/alecthomas/repr"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

// A hold that is released while somebody still places it leaves no mark on any contact,
// which would keep an import from it: at every call of both, also where all is over
// before the last contact is marked.
func TestReleasedBesideAPlacerLeavesNoMark(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	n := 0
	begin := func(t *testing.T) {
		n++
		sys.putContact(t, "acme", "c1", "135", "held")
		sys.putContact(t, "acme", "c2", "held", "200")
	}
	place := func(e engine) { _, _ = sys.placeBy(context.Background(), e, holdID(n), "held") }
	release := func(e engine) {
		_, _ = e.holder().Release(context.Background(), holdID(n), "legal")
		_, _ = e.holder().GoOn(context.Background(), holdID(n), sys.clock.Now().Add(time.Minute))
	}
	sys.eachPair(t, begin, place, release, func(t *testing.T) {
		if hold, _ := sys.engine.Holds.Read(t.Context(), holdID(n)); hold.Status == store.Active {
			sys.release(t, hold.ID)
		}
		sys.clock.Advance(time.Hour)
		sys.dueHolds(t)
		for _, it := range dynamotest.Items(t, sys.Plain, sys.Kit.Contacts.Table) {
			if it["held"] != nil {
				t.Errorf("a mark is left: %s", repr.String(it))
			}
		}
		sys.clear(t)
	})
}

// A placer that dies at a page, when the hold has been released, leaves its marks to
// cleanup, which comes later.
func TestReleasedBesideAPlacerThatDies(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.putContact(t, "acme", "c1", "135", "held")
	process := sys.Faults.DieAfter("TransactWriteItems", 2) // the second is the mark
	if _, err := sys.placeBy(process, sys.engine, "h1", "held"); err == nil {
		t.Fatal("it lives")
	}
	if _, err := sys.withoutFaults().holder().Release(t.Context(), "h1", "legal"); err != nil {
		t.Fatal(err)
	}
	sys.dueHolds(t)
	if hold, err := sys.engine.Holds.Read(t.Context(), "h1"); err != nil || hold.Status != store.Releasing {
		t.Errorf("cleanup did not wait: %s, %v", repr.String(hold), err)
	}
	sys.clock.Advance(pickUp)
	sys.dueHolds(t)
	for _, it := range dynamotest.Items(t, sys.Plain, sys.Kit.Contacts.Table) {
		if it["held"] != nil {
			t.Errorf("a mark is left: %s", repr.String(it))
		}
	}
}

// A hold whose end has come, and which cannot be ended, keeps no other waiting: it is
// tried again later, each time after twice as long.
func TestAHoldThatCannotEndIsDueLater(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	hold, digests := sys.holdOf("h", "135")
	hold.Until = sys.clock.Now().Add(time.Hour)
	if _, _, err := sys.holder().Place(t.Context(), hold, digests, sys.clock.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	sys.clock.Advance(time.Hour)
	due := func(want int) {
		t.Helper()
		if failing, err := sys.holder().Due(t.Context(), dynamotest.StandingIndex); failing != want || err != nil {
			t.Fatalf("%d fail, want %d: %v", failing, want, err)
		}
	}
	for n := range 2 {
		sys.Faults.FailOn("TransactWriteItems")
		due(1)
		due(0)
		sys.clock.Advance(firstRetry<<(n+1) - time.Millisecond)
		due(0)
		sys.clock.Advance(time.Millisecond)
	}
	sys.Faults.Calls()
	sys.dueHolds(t)
	if hold, err := sys.engine.Holds.Read(t.Context(), "h"); err != nil || hold.Status != store.Released {
		t.Errorf("%s, %v", repr.String(hold), err)
	}
}

// What a release opens it opens once: also where the customer changes right before that,
// the release dies right after it, and the customer is loaded again when the erasure is
// over. Then the new customer stays.
func TestReleaseErasesACustomerOnce(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.putCustomer(t, "shop", "4711", 3)
	sys.hold(t, "h", "")
	if err := sys.Customer(t.Context(), "shop", "4711", "john", time.Minute); !errors.Is(err, ErrCustomerHeld) {
		t.Fatal(err)
	}
	if _, err := sys.withoutFaults().holder().Release(t.Context(), "h", "legal"); err != nil {
		t.Fatal(err)
	}
	// The first transaction of cleanup is the opening. Behind it come the search for the
	// erasure that may have been in its way, the second try, and the end of the hold.
	sys.Faults.InterruptOn("TransactWriteItems", 1, func() {
		sys.takeCustomerAway(t)
		sys.Faults.InjectOn("TransactWriteItems", dynamotest.Refused, 3, 3)
	})
	if failing, err := sys.holder().Due(t.Context(), dynamotest.StandingIndex); failing != 1 || err != nil {
		t.Fatalf("%d fail, %v", failing, err)
	}
	sys.Faults.Calls()
	sys.finishAll(t)
	sys.wantEmpty(t, sys.Kit.Customers.Table)
	sys.putCustomer(t, "shop", "4711", 1)
	before := sys.Dump(t, sys.Kit.Customers.Table)
	sys.clock.Advance(time.Hour)
	sys.dueHolds(t)
	sys.finishAll(t)
	if left := sys.Dump(t, sys.Kit.Customers.Table); !slices.Equal(left, before) {
		t.Errorf("the new customer was erased: left %s", left)
	}
	sys.wantRecord(t, 3)
	sys.wantHolds(t, 1)
}

// Two erasures whose ends are tried again and again, in turns, wait for a hold with one
// list each: all that each has kept. The release opens two erasures.
func TestEachErasureWaitsOnceForAHold(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.putContact(t, "acme", "c1", "135", "held")
	sys.putContact(t, "acme", "c2", "300", "400", "held")
	sys.hold(t, "h", "held")
	at := sys.clock.Now()
	asked := []store.AskedNumbers{
		{Erasure: store.NewID(at), By: "app", Numbers: []string{"135"}, Subjects: sys.numbersDigests([]string{"135"})},
		{Erasure: store.NewID(at), By: "app", Numbers: []string{"300"}, Subjects: sys.numbersDigests([]string{"300"})},
	}
	for try := range 6 {
		if try == 5 { // and now it keeps more
			asked[1].Numbers = []string{"400"}
			asked[1].Subjects = sys.numbersDigests(asked[1].Numbers)
		}
		if err := sys.engine.Holds.Ask(t.Context(), "h", asked[try%2]); err != nil {
			t.Fatal(err)
		}
	}
	if hold, err := sys.engine.Holds.Read(t.Context(), "h"); err != nil || hold.Asked != 2 {
		t.Errorf("%d lists wait, %v", hold.Asked, err)
	}
	sys.release(t, "h")
	sys.finishAll(t)
	sys.wantEmpty(t, sys.Kit.Contacts.Table)
	sys.wantHolds(t, 1)
	records := sys.ledger(t).records
	if len(records) != 2 {
		t.Fatalf("%d erasures were opened: %+v", len(records), records)
	}
	subjects := []int{len(records[0].subjects), len(records[1].subjects)}
	if slices.Sort(subjects); !slices.Equal(subjects, []int{1, 2}) {
		t.Errorf("erasures of %v numbers", subjects)
	}
}
