package erasure

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"customercare/infra/attribute"
	"customercare/shared/store"
)

// However few deletions DynamoDB takes at once, and however it says so, contacts go: in
// halves, down to one contact, and then copy by copy, the number's own last.
func TestTransactionsGetSmaller(t *testing.T) {
	t.Parallel()
	for how, answer := range noTransaction {
		for _, most := range []int{37, 1} {
			t.Run(fmt.Sprint(how, " above ", most), func(t *testing.T) {
				t.Parallel()
				sys := newSystem(t)
				dynamo := &narrow{next: sys.Faults.Next, answer: answer, most: most}
				sys.Faults.Next = dynamo
				for i := range 60 {
					sys.putContact(t, "acme", fmt.Sprint("c", i), "135", fmt.Sprint("peer", i))
				}
				var many []string
				for i := range 130 { // more than any transaction holds
					many = append(many, fmt.Sprint("peer", i))
				}
				sys.putContact(t, "acme", "many", append([]string{"135"}, many...)...)
				sys.eraseNumbers(t, "135")
				sys.goOn(t, sys.numbersJob("135"))
				sys.Faults.Calls()
				sys.wantEmpty(t, sys.Kit.Contacts.Table)
				if slices.Max(dynamo.sizes) > most || most == 1 && dynamo.last[0] != store.PartyKey("acme", "135") {
					t.Errorf("%d actions at once, at last %s", slices.Max(dynamo.sizes), dynamo.last)
				}
				sys.finishAll(t)
				sys.wantRecord(t, 61)
			})
		}
	}
}

// throttledContacts erases a number with this many contacts of two copies from a DynamoDB
// that throttles what busy says, and returns the sizes of the transactions it took.
func throttledContacts(t *testing.T, n int, busy func(keys []string) bool) []int {
	t.Helper()
	sys := newSystem(t)
	sys.eraseNumbers(t, "135")
	dynamo := &narrow{next: sys.Faults.Next, answer: noTransaction["throttled"], most: 100, busy: busy}
	sys.Faults.Next = dynamo
	for i := range n {
		sys.putContact(t, "acme", fmt.Sprintf("c%03d", i), "135", fmt.Sprintf("peer%03d", i))
	}
	sys.goOn(t, sys.numbersJob("135"))
	sys.Faults.Calls()
	sys.wantEmpty(t, sys.Kit.Contacts.Table)
	return dynamo.sizes
}

// A partition that is only busy takes the same transaction a moment later: it goes whole,
// because smaller ones take longer in all.
func TestBusyPartitionsGetWholeTransactions(t *testing.T) {
	t.Parallel()
	tries := map[string]int{}
	sizes := throttledContacts(t, 200, func(keys []string) bool {
		tries[fmt.Sprint(keys)]++
		return tries[fmt.Sprint(keys)] <= 3
	})
	if !slices.Equal(sizes, []int{100, 100, 100, 100}) {
		t.Errorf("sizes %v, want whole transactions", sizes)
	}
}

// After a partition has taken very little for a while, transactions are as large again as
// before.
func TestTransactionsGetLargerAgain(t *testing.T) {
	t.Parallel()
	few := 0
	sizes := throttledContacts(t, 200, func(keys []string) bool {
		if len(keys) <= 25 {
			few++
		}
		return len(keys) > 25 && few < 4
	})
	if n := len(sizes); slices.Max(sizes[n/2:]) <= 25 || n > 20 {
		t.Errorf("sizes %v, want large ones at last", sizes)
	}
}

// Contacts that only go a few at a time do so while all others go a hundred at a time,
// and keep none of these from doing so.
func TestOneGroupGetsSmaller(t *testing.T) {
	t.Parallel()
	sizes := throttledContacts(t, 200, func(keys []string) bool {
		return len(keys) > 10 && slices.Contains(keys, store.PartyKey("acme", "peer060"))
	})
	whole := 0
	for _, size := range sizes {
		if size == 100 {
			whole++
		}
	}
	if whole < 3 {
		t.Errorf("sizes %v, want all others whole", sizes)
	}
}

// A transaction is as large at first as a partition takes it: contacts of 6 KB are 12
// write units each.
func TestTransactionsBeginByTheContactsSize(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	dynamo := &narrow{next: sys.Faults.Next, most: 100}
	sys.Faults.Next = dynamo
	bulk := attribute.Text(strings.Repeat("x", 6000))
	for i := range 120 {
		for _, copy := range copies("acme", fmt.Sprintf("c%03d", i), "135") {
			copy["bulk"] = bulk
			sys.Put(t, sys.Kit.Contacts.Table, copy)
		}
	}
	sys.eraseNumbers(t, "135")
	sys.goOn(t, sys.numbersJob("135"))
	sys.Faults.Calls()
	if most := slices.Max(dynamo.sizes); most*12 > 500 || most < 30 || dynamo.rejected > 0 {
		t.Errorf("%v contacts of 6 KB at once", dynamo.sizes)
	}
	sys.wantEmpty(t, sys.Kit.Contacts.Table)
}
