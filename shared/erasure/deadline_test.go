package erasure

import (
	"context"
	"strings"
	"testing"
	"time"
)

// A budget that is longer than the function may run is cut to what it may, so that the rest is still handed on.
func TestTheBudgetEndsBeforeTheDeadline(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.putCustomer(t, "shop", "4711", 30)
	if err := w.Customer(endless{t.Context()}, "shop", "4711", "john", 1000*time.Hour); err != nil {
		t.Fatal(err)
	}
	ledger := strings.Join(w.Dump(t, w.Kit.Erasures.Table), "\n")
	if left := len(w.Dump(t, w.Kit.Customers.Table)); left != 31 || !strings.Contains(ledger, mark) || strings.Contains(ledger, `"leaseOwner"`) {
		t.Errorf("%d items are left, the ledger is %s", left, ledger)
	}
	w.settle(t)
	if left := w.Dump(t, w.Kit.Customers.Table); len(left) != 0 {
		t.Errorf("left %s", left)
	}
}

// endless is an invocation whose deadline is near, and never comes.
type endless struct{ context.Context }

func (endless) Deadline() (time.Time, bool) { return time.Now().Add(wrapUp), true }

// mark begins the item that hands a job on, see store.
const mark = "handover-"
