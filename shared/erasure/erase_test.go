package erasure

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"customercare/shared/store"
)

func TestCustomerWith25TransactionsTakesFiveCalls(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.putCustomer(t, "shop", "4711", 25)
	// With the read of the API user these are the six round trips that a deletion may
	// take.
	sys.eraseCustomerIn(t, "Query", "TransactWriteItems", "BatchWriteItem", "Query", "UpdateItem")
}

func TestCustomerLeavesNothingAndNobodyElseChanges(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 24, 25, 26, 1000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			sys := newSystem(t)
			sys.putCustomer(t, "shop", "471", 3)
			sys.putCustomer(t, "shop", "47110", 3)
			sys.putCustomer(t, "shop2", "4711", 3)
			before := sys.Dump(t, sys.All()...)
			sys.putCustomer(t, "shop", "4711", n)

			sys.eraseCustomer(t)
			left := strings.Join(sys.Dump(t, sys.All()...), "\n")
			if strings.Count(left, "name of 4711") != 2 || strings.Count(left, `"shop#4711"`) != 1 {
				t.Errorf("only the tombstone may be left:\n%s", left)
			}
			sys.finishAll(t)
			if after := sys.Dump(t, sys.All()[:4]...); !slices.Equal(before, after) {
				t.Errorf("before:\n%s\nafter:\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
			}
			if record := sys.wantRecord(t, n+1); record.has("4711") {
				t.Errorf("the record names the customer: %s", record.json)
			}
			if all := sys.ledger(t).all; len(all) != 2 {
				t.Errorf("the ledger may hold a record and a pointer: %+v", all)
			}
		})
	}
}

func TestCustomerRepeats(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	ask := func(account string) error {
		return sys.Customer(t.Context(), account, "4711", "john", time.Minute)
	}
	if err := ask("shop"); !errors.Is(err, ErrUnknownCustomer) {
		t.Errorf("a code that never existed: %v", err)
	}
	sys.putCustomer(t, "shop", "4711", 3)
	for range 2 {
		if err := ask("shop"); err != nil {
			t.Error(err)
		}
	}
	sys.finishAll(t)
	if err := ask("shop"); err != nil {
		t.Errorf("a repeat after the end: %v", err)
	}
	if err := ask("shop2"); !errors.Is(err, ErrUnknownCustomer) {
		t.Errorf("the same code in another account: %v", err)
	}
	if n := len(sys.ledger(t).records); n != 1 {
		t.Errorf("%d records", n)
	}
	// Back as a new customer, and deleted again.
	sys.putCustomer(t, "shop", "4711", 2)
	if err := ask("shop"); err != nil {
		t.Error(err)
	}
	sys.finishAll(t)
	if n := len(sys.ledger(t).records); n != 2 {
		t.Errorf("%d records", n)
	}
	sys.wantEmpty(t, sys.Kit.Customers.Table)
	sys.clock.Advance(31 * 24 * time.Hour)
	if err := ask("shop"); !errors.Is(err, ErrUnknownCustomer) {
		t.Errorf("a repeat after 31 days: %v", err)
	}
}

func TestTransactionsWithoutTheirCustomerAreErasedToo(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.Put(t, sys.Kit.Customers.Table, record4711(store.TransactionRecord("c", "t")))
	sys.eraseCustomer(t)
	sys.finishAll(t)
	sys.wantEmpty(t, sys.Kit.Customers.Table)
}

func TestLateWritersAreErasedInTheSecondPass(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.putCustomer(t, "shop", "4711", 3)
	sys.putContact(t, "acme", "c1", "135", "200")
	sys.eraseCustomer(t)
	sys.eraseNumbers(t, "135")
	sys.goOn(t, sys.numbersJob("135"))
	sys.cleanUp(t)
	sys.putCustomer(t, "shop", "4711", 5) // unconditionally, over the tombstone
	sys.putContact(t, "acme", "c2", "300", "135")
	sys.finishAll(t)
	sys.wantEmpty(t, sys.Kit.Customers.Table, sys.Kit.Contacts.Table)
	sys.wantDeleted(t, 2, 10)
}

func TestNumbersEraseBothSidesAndNobodyElse(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.putContact(t, "acme", "other", "200", "300")
	sys.putContact(t, "rival", "c1", "135", "wen11")
	before := sys.Dump(t, sys.All()...)
	sys.putContact(t, "acme", "c1", "135", "200")
	sys.putContact(t, "acme", "c2", "200", "135")
	sys.putContact(t, "acme", "c3", "135", "wen11")
	sys.putContact(t, "acme", "c4", "wen11", "300", "k@x")
	sys.putContact(t, "acme", "c5", "k@x", "k@x2")
	sys.eraseNumbers(t, "wen11", "135", "nobody", "13*")
	sys.finishAll(t)
	after := sys.Dump(t, sys.All()[:4]...)
	after = slices.DeleteFunc(after, func(line string) bool { return strings.Contains(line, `#c5"`) })
	if !slices.Equal(before, after) {
		t.Errorf("before:\n%s\nafter:\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
	if record := sys.wantRecord(t, 4); strings.Contains(record.json, "wen11") {
		t.Errorf("the record names a number: %s", record.json)
	}
}

func TestNumbersJoinAnOpenJob(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.eraseNumbers(t, "1", "2")
	if sys.ledger(t).handedOver() { // the job itself starts its worker
		t.Error("a new job is handed over")
	}
	sys.eraseNumbers(t, "2", "1")
	if !sys.ledger(t).handedOver() {
		t.Error("nobody is told of the second request")
	}
	sys.finishAll(t)
	if records := sys.ledger(t).records; len(records) != 1 || records[0].requests != 2 {
		t.Errorf("records: %+v", records)
	}
}

func TestNoPageIsReadTwice(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.putCustomer(t, "shop", "4711", 0)
	sys.Put(t, sys.Kit.Customers.Table, bulky(30)...) // three pages
	sys.Faults.Calls()
	sys.eraseCustomer(t)
	queries := slices.DeleteFunc(sys.Faults.Calls(), func(call string) bool { return call != "Query" })
	if len(queries) != 3+1 {
		t.Errorf("%d queries, want one a page and one that finds nothing", len(queries))
	}
}

// Few records that a partition does not take at once, as 10 of nearly 100 KB, go in
// batches.
func TestFewRecordsTooManyAtOnce(t *testing.T) { fewRecordsInBatches(t, "throttled") }

// So do few records that are no valid transaction.
func TestFewRecordsTooLargeAtOnce(t *testing.T) { fewRecordsInBatches(t, "too large") }

// fewRecordsInBatches erases few records where DynamoDB does not take them with the
// opening of the job, and says so as noTransaction has it.
func fewRecordsInBatches(t *testing.T, why string) {
	t.Parallel()
	sys := newSystem(t)
	sys.Faults.Next = crowded(sys.Faults.Next, noTransaction[why])
	sys.putCustomer(t, "shop", "4711", store.FewRecords)
	sys.eraseCustomerIn(t,
		"Query", "TransactWriteItems", "TransactWriteItems", "BatchWriteItem", "Query", "UpdateItem")
	if left := sys.Dump(t, sys.Kit.Customers.Table); len(left) != 1 {
		t.Errorf("left %s", left)
	}
	sys.finishAll(t)
	sys.wantRecord(t, store.FewRecords+1)
}
