package erasure

import (
	"context"
	"strings"
	"testing"
	"time"
)

// A budget that is longer than the function may run is cut to what it may, so that the rest is still handed on.
func TestTheBudgetEndsBeforeTheDeadline(t *testing.T) {
	w := newWorld(t)
	w.putCustomer(t, "shop", "4711", 30)
	ctx, cancel := context.WithTimeout(t.Context(), wrapUp)
	defer cancel()
	if err := w.Customer(ctx, "shop", "4711", "john", 1000*time.Hour); err != nil {
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

// mark begins the item that hands a job on, see store.
const mark = "handover-"
