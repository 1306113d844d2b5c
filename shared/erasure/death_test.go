package erasure

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

// TestTwoWorkersDie lets the handler die within its deletions and then the first worker
// of cleanup die at every call: the third one finds the counts right. Broken once on
// purpose: without the Save before a worker's first delete, the counts are wrong here.
func TestTwoWorkersDie(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	for first := 3; first <= 6; first++ {
		t.Run(fmt.Sprint("the handler dies at call ", first), func(t *testing.T) {
			dynamotest.EveryMoment(t, func(t *testing.T, k int) (struck bool) {
				sys.putCustomer(t, "shop", "4711", 0)
				sys.Put(t, sys.Kit.Customers.Table, bulky(30)...) // three pages
				_ = sys.Customer(sys.Faults.Die(first, true), "shop", "4711", "john", time.Minute)
				sys.finishAll(t, sys.Faults.Die(k, true))
				sys.Faults.Calls()
				sys.wantRecord(t, 31)
				sys.wantEmpty(t, sys.Kit.Customers.Table)
				sys.clear(t)
				return sys.Faults.Struck()
			})
		})
	}
}

// TestPagesShiftUnderADeadWorker: the range that a dead worker announced was a full
// page; read again from the start, with the tombstone in front, it no longer fits into
// one. Found by the scale test as a record of one item too many.
func TestPagesShiftUnderADeadWorker(t *testing.T) {
	if testing.Short() {
		t.Skip("34,000 items are many")
	}
	t.Parallel()
	sys := newSystem(t)
	const n = 34_000 // three pages and more; two items are smaller than a tombstone
	sys.putCustomer(t, "shop", "4711", 0)
	items, bulk := make([]item, n), attribute.Text(strings.Repeat("x", 60))
	for i := range items {
		items[i] = record4711(store.TransactionRecord("c", fmt.Sprint(i)))
		items[i]["bulk"] = bulk
	}
	sys.Put(t, sys.Kit.Customers.Table, items...)
	// The first update announces the second page; nothing of it is deleted.
	process := sys.Faults.DieAfter("UpdateItem", 1)
	err := sys.Customer(process, "shop", "4711", "john", time.Minute)
	if err != nil || !sys.Faults.Struck() {
		t.Fatal(err, sys.Faults.Struck())
	}
	sys.Faults.Calls()
	sys.finishAll(t)
	sys.wantRecord(t, 34_001)
}

// TestCutPagesUnderDeadWorkers: contacts that two of the numbers share, where the page
// of one is cut and that of the other is not, are counted once whatever call the worker
// dies at, before it is done or after.
func TestCutPagesUnderDeadWorkers(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	numbers := []string{"n0", "n1", "n2"}
	var contacts []item
	for i := range 230 {
		contacts = append(contacts, copies("acme", fmt.Sprintf("a%03d", i), "n0", "n1")...)
	}
	for i := range 30 {
		contacts = append(contacts, copies("acme", fmt.Sprintf("b%03d", i), "n1", "n2")...)
	}
	dynamotest.EveryMoment(t, func(t *testing.T, k int) (struck bool) {
		sys.Put(t, sys.Kit.Contacts.Table, contacts...)
		sys.eraseNumbers(t, numbers...)
		_ = sys.Continue(sys.Faults.Die((k+1)/2, k%2 == 0), sys.numbersJob(numbers...))
		sys.Faults.Calls()
		sys.finishAll(t)
		sys.wantRecord(t, 260)
		sys.clear(t)
		return sys.Faults.Struck()
	})
}

// TestManyWindowsUnderDeadWorkers: more numbers than are erased together, a worker that
// dies at any call, and the next that goes on from what was written down.
func TestManyWindowsUnderDeadWorkers(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	var numbers []string
	for i := range 70 {
		numbers = append(numbers, fmt.Sprintf("n%02d", i))
	}
	var contacts []item
	for i := range 20 {
		contacts = append(contacts, copies("acme", fmt.Sprint("c", i), numbers[i*3], numbers[69-i*2])...)
	}
	// Around the ends of the windows: each reads its numbers, in no order.
	dynamotest.EveryMoment(t, func(t *testing.T, k int) (struck bool) {
		sys.Put(t, sys.Kit.Contacts.Table, contacts...)
		sys.eraseNumbers(t, numbers...)
		_ = sys.Continue(sys.Faults.Die(60+7*(k-1), true), sys.numbersJob(numbers...))
		sys.Faults.Calls()
		sys.finishAll(t)
		sys.wantRecord(t, 20)
		sys.wantEmpty(t, sys.Kit.Contacts.Table)
		sys.clear(t)
		return sys.Faults.Struck()
	})
}
