package erasure

import (
	"fmt"
	"testing"
	"time"

	"customercare/infra/testkit/dynamotest"
)

// twoNumbers, and with them so many that their list is an item of its own.
var twoNumbers = []string{"135", "wen11"}

func manyNumbers() []string { return append([]string{"135", "wen11"}, nobody...) }

// severalNumbers stand in their job, and their digests do not.
func severalNumbers() []string { return append([]string{"135", "wen11"}, several...) }

// TestRepeatAtEveryMoment sends the same request again, with a contact written just
// before, right before every call that the workers make: each time the contact goes too,
// and the requests end in one record or, where the first was already done, in two.
func TestRepeatAtEveryMoment(t *testing.T) {
	t.Parallel()
	for name, numbers := range map[string][]string{"few": twoNumbers, "several": severalNumbers(), "many": manyNumbers()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sys := newSystem(t)
			plain := sys.withoutFaults()
			moments := dynamotest.EveryMoment(t, func(t *testing.T, k int) (struck bool) {
				sys.putContact(t, "acme", "c0", "135", "200")
				if err := plain.Numbers(t.Context(), "acme", numbers, "app"); err != nil {
					t.Fatal(err)
				}
				sys.clock.Advance(7 * time.Minute) // so that the first pass is the last
				sys.Faults.Interrupt(k, func() {
					sys.putContact(t, "acme", "late", "300", "wen11")
					if err := plain.Numbers(t.Context(), "acme", numbers, "app"); err != nil {
						t.Error(err)
					}
				})
				sys.cleanUp(t)
				sys.Faults.Calls()
				sys.finishAll(t)
				sys.wantEmpty(t, sys.Kit.Contacts.Table)
				if n := len(sys.ledger(t).records); n < 1 || n > 2 {
					t.Fatalf("%d records", n)
				}
				sys.clear(t)
				return sys.Faults.Struck()
			})
			t.Logf("%d moments", moments)
		})
	}
}

// TestEndAtEveryMomentOfARepeat: a worker ends the erasure of many numbers right before
// any call of a repeat, which finds it open, or opens it anew.
func TestEndAtEveryMomentOfARepeat(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	plain := sys.withoutFaults()
	moments := dynamotest.EveryMoment(t, func(t *testing.T, k int) (struck bool) {
		if err := plain.Numbers(t.Context(), "acme", manyNumbers(), "app"); err != nil {
			t.Fatal(err)
		}
		sys.Faults.Interrupt(k, func() {
			sys.clock.Advance(7 * time.Minute)
			if _, err := plain.Due(t.Context()); err != nil {
				t.Error(err)
			}
			if k < 2 { // the second call only wakes a worker: the repeat is on record
				sys.putContact(t, "acme", "late", "300", "wen11")
			}
		})
		sys.eraseNumbers(t, manyNumbers()...)
		sys.Faults.Calls()
		sys.finishAll(t)
		sys.wantEmpty(t, sys.Kit.Contacts.Table)
		sys.wantNowhere(t, "identifiers")
		sys.clear(t)
		return sys.Faults.Struck()
	})
	t.Logf("%d moments", moments)
}

// TestOpenedAtEveryMoment: another request opens the erasure of the same many numbers
// right before any call of one that finds none open: they are one job.
func TestOpenedAtEveryMoment(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	plain := sys.withoutFaults()
	dynamotest.EveryMoment(t, func(t *testing.T, k int) (struck bool) {
		sys.putContact(t, "acme", "c1", "300", "wen11")
		sys.Faults.Interrupt(k, func() {
			if err := plain.Numbers(t.Context(), "acme", manyNumbers(), "app"); err != nil {
				t.Error(err)
			}
		})
		sys.eraseNumbers(t, manyNumbers()...)
		sys.Faults.Calls()
		struck = sys.Faults.Struck()
		sys.finishAll(t)
		if record := sys.wantRecord(t, 1); struck && record.requests != 2 {
			t.Errorf("%d requests: %s", record.requests, record.json)
		}
		sys.clear(t)
		return struck
	})
}

// TestRepeatOfADeleteAtEveryMoment: a writer without conditions puts the customer back
// with new transactions right before any call of the worker, and the delete is sent
// again: all of it goes, and the counts say so.
func TestRepeatOfADeleteAtEveryMoment(t *testing.T) {
	t.Parallel()
	// Transactions that go with the opening of the job, or in batches.
	for _, n := range []int{2, 12} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			sys := newSystem(t)
			plain := sys.withoutFaults()
			dynamotest.EveryMoment(t, func(t *testing.T, k int) (struck bool) {
				sys.putCustomer(t, "shop", "4711", n)
				sys.eraseCustomerBy(t, plain)
				sys.clock.Advance(7 * time.Minute)
				sys.Faults.Interrupt(k, func() {
					sys.putCustomer(t, "shop", "4711", n+3)
					if err := plain.Customer(t.Context(), "shop", "4711", "john", time.Minute); err != nil {
						t.Errorf("the repeat: %v", err)
					}
				})
				sys.cleanUp(t)
				sys.Faults.Calls()
				sys.finishAll(t)
				sys.wantEmpty(t, sys.Kit.Customers.Table)
				if !sys.Faults.Struck() {
					return false
				}
				// In one record, or in two where the first erasure had ended.
				if records := sys.ledger(t).records; len(records) == 1 {
					sys.wantDeleted(t, 2*n+5)
				} else {
					sys.wantDeleted(t, n+1, n+4)
				}
				sys.clear(t)
				return true
			})
		})
	}
}

// TestSameNumbersAgainAndAgain: repeats that never stop do not keep the first request
// open for ever.
func TestSameNumbersAgainAndAgain(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	for range 10 {
		sys.eraseNumbers(t, "135")
		sys.clock.Advance(2 * time.Minute)
		sys.cleanUp(t)
	}
	if len(sys.ledger(t).records) == 0 {
		t.Error("20 minutes of repeats, and nothing is on record")
	}
	sys.finishAll(t)
}
