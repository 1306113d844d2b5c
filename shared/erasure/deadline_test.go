package erasure

import (
	"context"
	"testing"
	"time"
)

// wantHandedOver checks that some of customer 4711 is left, at least so many items, and
// that a worker is to go on with them at once.
func (sys *system) wantHandedOver(t testing.TB, atLeast int) (left int) {
	t.Helper()
	ledger := sys.ledger(t)
	left = len(sys.Dump(t, sys.Kit.Customers.Table))
	if left < atLeast || !ledger.handedOver() || ledger.held() {
		t.Errorf("%d items are left, the ledger is %+v", left, ledger.all)
	}
	return left
}

// A budget that is longer than the function may run is cut to what it may, so that the
// rest is still handed over.
func TestTheBudgetEndsBeforeTheDeadline(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.putCustomer(t, "shop", "4711", 30)
	if err := sys.Customer(endless{t.Context()}, "shop", "4711", "john", 1000*time.Hour); err != nil {
		t.Fatal(err)
	}
	if left := sys.wantHandedOver(t, 31); left != 31 {
		t.Errorf("%d items are left", left)
	}
	sys.finishAll(t)
	sys.wantEmpty(t, sys.Kit.Customers.Table)
}

// endless is an invocation whose deadline is near, and never comes.
type endless struct{ context.Context }

func (endless) Deadline() (time.Time, bool) { return time.Now().Add(wrapUp), true }

// A budget that is over while the records are being deleted ends the work there: the
// rest is handed over, and goes.
func TestBudgetEndsOnTheClock(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.putCustomer(t, "shop", "4711", 60)
	// The first deleting call.
	sys.Faults.Interrupt(3, func() { sys.clock.Advance(2 * time.Minute) })
	sys.eraseCustomer(t)
	sys.Faults.Calls()
	sys.wantHandedOver(t, 2)
	sys.finishAll(t)
	sys.wantRecord(t, 61)
}
