package erasure

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/shared/store"
)

// rotated is d with another key, which is the current one from now on.
func (d Digester) rotated() Digester {
	return Digester{Current: "2", Keys: map[string][]byte{"1": d.Keys["1"], "2": []byte("the key that comes after the first one")}}
}

// erase asks for the erasure of customer 4711 and checks which calls that takes; none are not checked.
func (w *world) erase(t *testing.T, calls ...string) {
	t.Helper()
	w.Faults.Calls()
	if err := w.Customer(t.Context(), "shop", "4711", "john", time.Minute); err != nil {
		t.Fatal(err)
	}
	if made := w.Faults.Calls(); calls != nil && !slices.Equal(made, calls) {
		t.Errorf("calls %v, want %v", made, calls)
	}
}

// open counts the open jobs.
func (w *world) open(t *testing.T) int {
	return strings.Count(strings.Join(w.Dump(t, w.Kit.Erasures.Table), "\n"), `"openShard"`)
}

func (w *world) deleteCustomerItem(t *testing.T) {
	_, err := w.Plain.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{
		TableName: &w.Kit.Customers.Table, Key: item{"customer": s("shop#4711"), "record": s(store.CustomerRecord)}})
	if err != nil {
		t.Fatal(err)
	}
}

// TestRotationInTheMiddleOfAnErasure: repeats after the rotation find the job that is open under the old key, whatever has
// become of its tombstone, and never open a second one beside it.
func TestRotationInTheMiddleOfAnErasure(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.putCustomer(t, "shop", "4711", 15)
	if err := w.Customer(w.Faults.Die(3, false), "shop", "4711", "john", time.Minute); err != nil { // nothing is deleted yet
		t.Fatal(err)
	}
	w.Digests = w.Digests.rotated()
	w.erase(t, "Query", "UpdateItem") // the tombstone names its job

	w.putCustomer(t, "shop", "4711", 15) // a writer without conditions, over the tombstone
	w.erase(t, "Query", "TransactWriteItems", "TransactWriteItems", "TransactWriteItems", "Query", "UpdateItem")
	if n := w.open(t); n != 1 {
		t.Errorf("%d open jobs", n)
	}
	w.clock.Advance(3 * time.Minute) // the dead one's lease is over
	if err := w.Continue(t.Context(), store.CustomerJob(w.Digests.EverySubject("customer", "shop", "4711")[1])); err != nil {
		t.Fatal(err)
	}
	w.deleteCustomerItem(t)
	w.erase(t, "Query", "UpdateItem", "UpdateItem") // a look for each key
	w.settle(t)
	if left := w.Dump(t, w.Kit.Customers.Table); len(left) != 0 {
		t.Errorf("left %s", left)
	}
	old := Digester{Current: "1", Keys: w.Digests.Keys}.Subject("customer", "shop", "4711")
	records := w.records(t)
	if len(records) != 1 || !strings.Contains(records[0], `"requests":{"Value":"4"}`) || !strings.Contains(records[0], `"deleted":{"Value":"17"}`) ||
		!strings.Contains(records[0], `"found":{"Value":"17"}`) || !strings.Contains(records[0], `"subjects":{"Value":[{"Value":"`+old+`"}]}`) {
		t.Errorf("records %s, want %s", records, old)
	}
}

// TestRepeatAfterARotation: who was erased under the old key is remembered for its 30 days, and comes back as a new customer
// under the new one. While there is one key nothing costs a call more.
func TestRepeatAfterARotation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.putCustomer(t, "shop", "4711", 0)
	w.erase(t)
	w.settle(t)
	w.erase(t, "Query", "UpdateItem")
	old := w.Digests.Subject("customer", "shop", "4711")

	w.Digests = w.Digests.rotated()
	w.erase(t, "Query", "UpdateItem", "UpdateItem")
	if err := w.Customer(t.Context(), "shop", "4712", "john", time.Minute); !errors.Is(err, ErrUnknownCustomer) {
		t.Errorf("a code that never existed: %v", err)
	}
	if digests := w.Digests.EverySubject("customer", "shop", "4711"); len(digests) != 2 || digests[1] != old || !strings.HasPrefix(digests[0], "2.") {
		t.Errorf("digests %s, the old one was %s", digests, old)
	}
	if n := len(w.records(t)); n != 1 {
		t.Errorf("%d records", n)
	}
	w.clock.Advance(20 * 24 * time.Hour)
	w.putCustomer(t, "shop", "4711", 1)
	w.erase(t)
	w.settle(t)
	records := w.records(t)
	if len(records) != 2 || strings.Count(strings.Join(records, ""), old) != 1 || strings.Count(strings.Join(records, ""), w.Digests.Subject("customer", "shop", "4711")) != 1 {
		t.Errorf("records %s", records)
	}
	w.clock.Advance(20 * 24 * time.Hour) // the old pointer is out of date, the new one is not
	w.erase(t, "Query", "UpdateItem", "UpdateItem")
	w.clock.Advance(11 * 24 * time.Hour)
	if err := w.Customer(t.Context(), "shop", "4711", "john", time.Minute); !errors.Is(err, ErrUnknownCustomer) {
		t.Errorf("after 31 days: %v", err)
	}
}

// TestBothKeysAtEveryMoment: while a deployment replaces environments, one with the old current key deletes the same customer
// right before any call of one with the new: one job, nothing left, and counts that are right. In the second round a
// writer without conditions then puts the customer back.
func TestBothKeysAtEveryMoment(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 12} { // transactions that go with the opening of the job, or in batches
		t.Run(fmt.Sprint(n), func(t *testing.T) { bothKeysAtEveryMoment(t, n) })
	}
}

func bothKeysAtEveryMoment(t *testing.T, n int) {
	t.Parallel()
	w := newWorld(t)
	w.Digests = w.Digests.rotated()
	old := w.engine
	old.Digests.Current = "1"
	old.Ledger.DB, old.Customers.DB = w.Plain, w.Plain
	for _, over := range []bool{false, true} {
		deleted := n + 1
		for k := 1; ; k++ {
			w.putCustomer(t, "shop", "4711", n)
			w.Faults.Interrupt(k, func() {
				if err := old.Customer(t.Context(), "shop", "4711", "john", time.Minute); err != nil {
					t.Errorf("before call %d: %v", k, err)
				}
				if over {
					w.putCustomer(t, "shop", "4711", 0)
					w.Put(t, w.Kit.Customers.Table, item{"customer": s("shop#4711"), "record": s(store.TransactionRecord("c", "late"))})
				}
			})
			if err := w.Customer(t.Context(), "shop", "4711", "john", time.Minute); err != nil {
				t.Fatalf("interrupted before call %d: %v", k, err)
			}
			w.Faults.Calls()
			if n := w.open(t); n != 1 {
				t.Fatalf("interrupted before call %d: %d open jobs", k, n)
			}
			if over && w.Faults.Struck() {
				deleted = n + 3
			}
			w.settle(t)
			if left := w.Dump(t, w.Kit.Customers.Table); len(left) != 0 {
				t.Fatalf("interrupted before call %d: left %s", k, left)
			}
			if records := w.records(t); len(records) != 1 || w.Faults.Struck() && !strings.Contains(records[0], fmt.Sprintf(`"deleted":{"Value":"%d"}`, deleted)) {
				t.Fatalf("interrupted before call %d: records %s, want %d deleted", k, records, deleted)
			}
			w.clear(t)
			if !w.Faults.Struck() {
				break
			}
		}
	}
}

// TestNumbersAcrossARotation: the same numbers under another key are a second job, and both end.
func TestNumbersAcrossARotation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.putContact(t, "acme", "c1", "135", "200")
	for _, digests := range []Digester{w.Digests, w.Digests.rotated()} {
		w.Digests = digests
		if err := w.Numbers(t.Context(), "acme", []string{"135"}, "app"); err != nil {
			t.Fatal(err)
		}
	}
	w.settle(t)
	if left := w.Dump(t, w.Kit.Contacts.Table); len(left) != 0 {
		t.Errorf("left %s", left)
	}
	if records := w.records(t); len(records) != 2 {
		t.Errorf("records %s", records)
	}
}
