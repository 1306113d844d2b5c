package erasure

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/digest"
	"customercare/shared/store"
)

// rotated is d with another key, which is the current one from now on.
func rotated(d digest.Digester) digest.Digester {
	second := []byte("the key that comes after the first one")
	return digest.Digester{Current: "2", Keys: map[string][]byte{"1": d.Keys["1"], "2": second}}
}

// TestRotationInTheMiddleOfAnErasure: repeats after the rotation find the job that is
// open under the old key, whatever has become of its tombstone, and never open a second
// one beside it.
func TestRotationInTheMiddleOfAnErasure(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.putCustomer(t, "shop", "4711", 15)
	process := sys.Faults.Die(3, false) // nothing is deleted yet
	if err := sys.Customer(process, "shop", "4711", "john", time.Minute); err != nil {
		t.Fatal(err)
	}
	sys.Digests = rotated(sys.Digests)
	sys.eraseCustomerIn(t, "Query", "UpdateItem") // the tombstone names its job

	// A writer without conditions, over the tombstone.
	sys.putCustomer(t, "shop", "4711", 15)
	sys.eraseCustomerIn(t,
		"Query", "TransactWriteItems", "TransactWriteItems", "TransactWriteItems", "Query", "UpdateItem")
	if n := len(sys.ledger(t).open); n != 1 {
		t.Errorf("%d open jobs", n)
	}
	sys.clock.Advance(3 * time.Minute) // the dead one's lease is over
	sys.goOn(t, store.CustomerJob(sys.Digests.EverySubject("customer", "shop", "4711")[1]))
	sys.takeCustomerAway(t)
	sys.eraseCustomerIn(t, "Query", "UpdateItem", "UpdateItem") // a look for each key
	sys.finishAll(t)
	sys.wantEmpty(t, sys.Kit.Customers.Table)
	old := digest.Digester{Current: "1", Keys: sys.Digests.Keys}.Subject("customer", "shop", "4711")
	record := sys.wantRecord(t, 17)
	if record.requests != 4 || !slices.Equal(record.subjects, []string{old}) {
		t.Errorf("record %s, want 4 requests, subject %s", record.json, old)
	}
}

// TestRepeatAfterARotation: who was erased under the old key is remembered for its 30
// days, and comes back as a new customer under the new one. While there is one key
// nothing costs a call more.
func TestRepeatAfterARotation(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.putCustomer(t, "shop", "4711", 0)
	sys.eraseCustomer(t)
	sys.finishAll(t)
	sys.eraseCustomerIn(t, "Query", "UpdateItem")
	old := sys.Digests.Subject("customer", "shop", "4711")

	sys.Digests = rotated(sys.Digests)
	sys.eraseCustomerIn(t, "Query", "UpdateItem", "UpdateItem")
	if err := sys.Customer(t.Context(), "shop", "4712", "john", time.Minute); !errors.Is(err, ErrUnknownCustomer) {
		t.Errorf("a code that never existed: %v", err)
	}
	digests := sys.Digests.EverySubject("customer", "shop", "4711")
	if len(digests) != 2 || digests[1] != old || !strings.HasPrefix(digests[0], "2.") {
		t.Errorf("digests %s, the old one was %s", digests, old)
	}
	if n := len(sys.ledger(t).records); n != 1 {
		t.Errorf("%d records", n)
	}
	sys.clock.Advance(20 * 24 * time.Hour)
	sys.putCustomer(t, "shop", "4711", 1)
	sys.eraseCustomer(t)
	sys.finishAll(t)
	var subjects []string
	for _, r := range sys.ledger(t).records {
		subjects = append(subjects, r.subjects...)
	}
	slices.Sort(subjects)
	if now := sys.Digests.Subject("customer", "shop", "4711"); !slices.Equal(subjects, []string{old, now}) {
		t.Errorf("records of %s, want one of %s and one of %s", subjects, old, now)
	}
	// The old pointer is out of date, the new one is not.
	sys.clock.Advance(20 * 24 * time.Hour)
	sys.eraseCustomerIn(t, "Query", "UpdateItem", "UpdateItem")
	sys.clock.Advance(11 * 24 * time.Hour)
	if err := sys.Customer(t.Context(), "shop", "4711", "john", time.Minute); !errors.Is(err, ErrUnknownCustomer) {
		t.Errorf("after 31 days: %v", err)
	}
}

// TestBothKeysAtEveryMoment: while a deployment replaces environments, one with the old
// current key deletes the same customer right before any call of one with the new: one
// job, nothing left, and counts that are right. In the second round a writer without
// conditions then puts the customer back.
func TestBothKeysAtEveryMoment(t *testing.T) {
	t.Parallel()
	// Transactions that go with the opening of the job, or in batches.
	for _, n := range []int{2, 12} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			sys := newSystem(t)
			sys.Digests = rotated(sys.Digests)
			old := sys.withoutFaults()
			old.Digests.Current = "1"
			for _, over := range []bool{false, true} {
				t.Run(fmt.Sprint("the customer comes back: ", over), func(t *testing.T) {
					dynamotest.EveryMoment(t, func(t *testing.T, k int) bool {
						return sys.bothKeys(t, k, n, old, over)
					})
				})
			}
		})
	}
}

// bothKeys lets old delete the customer right before the kth call of sys, where there is
// one. With over a writer without conditions then puts the customer back, with one more
// transaction.
func (sys *system) bothKeys(t *testing.T, k, n int, old engine, over bool) (struck bool) {
	deleted := n + 1
	if over {
		deleted = n + 3
	}
	sys.putCustomer(t, "shop", "4711", n)
	sys.Faults.Interrupt(k, func() {
		if err := old.Customer(t.Context(), "shop", "4711", "john", time.Minute); err != nil {
			t.Errorf("with the old key: %v", err)
		}
		if over {
			sys.putCustomer(t, "shop", "4711", 0)
			sys.Put(t, sys.Kit.Customers.Table, record4711(store.TransactionRecord("c", "late")))
		}
	})
	sys.eraseCustomer(t)
	sys.Faults.Calls()
	struck = sys.Faults.Struck()
	if n := len(sys.ledger(t).open); n != 1 {
		t.Fatalf("%d open jobs", n)
	}
	sys.finishAll(t)
	sys.wantEmpty(t, sys.Kit.Customers.Table)
	if records := sys.ledger(t).records; struck {
		sys.wantDeleted(t, deleted)
	} else if len(records) != 1 {
		t.Errorf("records %+v", records)
	}
	sys.clear(t)
	return struck
}

// TestNumbersAcrossARotation: the same numbers under another key are a second job, and
// both end.
func TestNumbersAcrossARotation(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.putContact(t, "acme", "c1", "135", "200")
	for _, digests := range []digest.Digester{sys.Digests, rotated(sys.Digests)} {
		sys.Digests = digests
		sys.eraseNumbers(t, "135")
	}
	sys.finishAll(t)
	sys.wantEmpty(t, sys.Kit.Contacts.Table)
	if records := sys.ledger(t).records; len(records) != 2 {
		t.Errorf("records %+v", records)
	}
}
