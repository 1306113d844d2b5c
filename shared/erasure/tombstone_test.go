package erasure

import (
	"strings"
	"testing"
	"time"

	"customercare/shared/store"
)

// tombstoneStands says whether customer 4711 is one whom nobody reads any more.
func (sys *system) tombstoneStands(t testing.TB) bool {
	t.Helper()
	return strings.Contains(strings.Join(sys.Dump(t, sys.Kit.Customers.Table), ""), `"tombstone"`)
}

// TestTombstoneWithoutItsJob is what a restore of one table leaves: the repeat of the
// delete erases what is there.
func TestTombstoneWithoutItsJob(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.putCustomer(t, "shop", "4711", 15)
	process := sys.Faults.Die(3, false) // nothing is deleted yet
	if err := sys.Customer(process, "shop", "4711", "john", time.Minute); err != nil {
		t.Fatal(err)
	}
	sys.Faults.Calls()
	sys.clear(t)
	sys.eraseCustomer(t)
	sys.finishAll(t)
	sys.wantEmpty(t, sys.Kit.Customers.Table)
	sys.wantRecord(t, 15)
}

// TestWriterBetweenReadingAndTombstone: a writer who keeps the rules adds a transaction
// to few others right before the tombstone stands. When the delete is answered, nobody
// who looks at the customer's item finds any, and a bare Query finds that one until the
// last pass. Then it is gone for good, and counted.
func TestWriterBetweenReadingAndTombstone(t *testing.T) {
	t.Parallel()
	for name, ask := range map[string]func(sys *system) error{
		"read": func(sys *system) error {
			return sys.Customer(t.Context(), "shop", "4711", "john", time.Minute)
		},
		"read ahead": func(sys *system) error { return sys.customerReadAhead(t.Context(), func() {}) },
	} {
		t.Run(name, func(t *testing.T) {
			sys := newSystem(t)
			sys.putCustomer(t, "shop", "4711", 3)
			sys.Faults.Interrupt(2, func() {
				sys.Put(t, sys.Kit.Customers.Table, record4711(store.TransactionRecord("c", "late")))
			})
			if err := ask(sys); err != nil {
				t.Fatal(err)
			}
			if calls := strings.Join(sys.Faults.Calls(), " "); calls != "Query TransactWriteItems" {
				t.Errorf("calls %s", calls)
			}
			left := strings.Join(sys.Dump(t, sys.Kit.Customers.Table), "\n")
			if strings.Count(left, "\n") != 1 || !strings.Contains(left, "late") || !sys.tombstoneStands(t) {
				t.Errorf("left %s", left)
			}
			wait := sys.timing().writersDone(sys.clock.Now()).Sub(sys.clock.Now())
			sys.clock.Advance(wait - time.Millisecond)
			sys.cleanUp(t)
			if left := sys.Dump(t, sys.Kit.Customers.Table); len(left) != 2 {
				t.Errorf("before the last pass: %s", left)
			}
			sys.clock.Advance(time.Millisecond)
			sys.cleanUp(t)
			sys.wantEmpty(t, sys.Kit.Customers.Table)
			sys.wantRecord(t, 5)
		})
	}
}

// TestTombstoneWrittenOver: a writer without conditions puts the customer back while it
// is being erased. The repeat still says deleted, the tombstone comes back, and writers
// with conditions are refused until the end.
func TestTombstoneWrittenOver(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.putCustomer(t, "shop", "4711", 3)
	sys.eraseCustomer(t)
	sys.putCustomer(t, "shop", "4711", 2)
	sys.eraseCustomer(t)
	if !sys.tombstoneStands(t) {
		t.Error("the repeat leaves a customer that everybody can read")
	}
	sys.putCustomer(t, "shop", "4711", 2)
	sys.goOn(t, sys.customerJob())
	if !sys.tombstoneStands(t) {
		t.Error("the worker took the tombstone away while the job is open")
	}
	sys.takeCustomerAway(t)
	sys.eraseCustomer(t) // not unknown: the job is open
	sys.finishAll(t)
	sys.wantEmpty(t, sys.Kit.Customers.Table)
}
