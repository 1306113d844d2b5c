package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

// TestOneCallFailsOnce lets the one call of operations 1, 2 and 5 fail in every way: the
// client tries again, and the effect is there once and whole.
func TestOneCallFailsOnce(t *testing.T) {
	t.Parallel()
	kit := dynamotest.Open(t)
	now := time.UnixMilli(1_900_000_000_000)
	for name, do := range map[string]func() error{
		"cancel temporary allows": func() error { return kit.Users.CancelTempAllows(t.Context(), "u", now) },
		"unregister devices":      func() error { return kit.Users.UnregisterDevices(t.Context(), "u", now) },
		"reset":                   func() error { return kit.Users.Reset(t.Context(), "u", now) },
		"set a temporary allow": func() error {
			allow := store.TempAllow{Type: 2, Expires: now, GrantedAt: now, GrantedBy: "csr"}
			return kit.Users.SetTempAllow(t.Context(), "u", allow)
		},
		"issue a token": func() error { return kit.Principals.PutToken(t.Context(), "hash", "app", "acme", now) },
	} {
		outcome := func(fault dynamotest.Fault) string {
			allows := map[string]time.Time{"1": now}
			kit.Put(t, kit.Users.Table, userWithAllows("u", allows), userWithAllows("other", allows))
			kit.Faults.Inject(fault, 1, 1)
			if fault == "" {
				kit.Faults.Calls()
			}
			if err := do(); err != nil {
				t.Fatalf("%s, %s: %v", name, fault, err)
			}
			want := []string{"UpdateItem", "UpdateItem"}
			if fault == "" {
				want = want[:1]
			}
			if calls := kit.Faults.Calls(); len(calls) != len(want) {
				t.Errorf("%s, %s: calls %s", name, fault, calls)
			}
			return strings.Join(slices.Concat(kit.Dump(t, kit.Users.Table), kit.Dump(t, kit.Principals.Table)), "\n")
		}
		want := outcome("")
		for _, fault := range []dynamotest.Fault{
			dynamotest.Before, dynamotest.After, dynamotest.Throttle, dynamotest.Timeout,
		} {
			if got := outcome(fault); got != want {
				t.Errorf("%s, %s:\n%s\nwant\n%s", name, fault, got, want)
			}
		}
	}
}

// TestOneFailedBatchStopsNoOther: what one call of an erasure cannot delete keeps the
// other calls' from being deleted in no case, whichever it is.
func TestOneFailedBatchStopsNoOther(t *testing.T) {
	t.Parallel()
	for _, parallel := range []int{1, 2} {
		for k := 1; k <= 4; k++ {
			kit := dynamotest.Open(t)
			job := &store.Job{Scope: "acme", Identifiers: []string{"4711"}}
			var records []string
			var items []item
			var contacts []store.Erasable
			for i := range 100 {
				records = append(records, fmt.Sprintf("txn#%03d", i))
				items = append(items, item{
					"customer": text(store.CustomerKey("acme", "4711")), "record": text(records[i]),
				})
			}
			kit.Put(t, kit.Customers.Table, items...)
			kit.Faults.InjectOn("BatchWriteItem", dynamotest.Refused, k, k)
			err := kit.Customers.Delete(t.Context(), job, records, parallel)
			kit.Faults.Calls()
			if left := len(kit.Dump(t, kit.Customers.Table)); err == nil || left != 25 || job.Confirmed.Load() != 75 {
				t.Errorf("%d in parallel, call %d: %d records left, %d deleted, %v",
					parallel, k, left, job.Confirmed.Load(), err)
			}

			items, job = nil, &store.Job{Scope: "acme", Identifiers: []string{"135"}}
			for i := range 400 {
				contact := fmt.Sprintf("c%03d", i)
				items = append(items, item{"party": text(store.PartyKey("acme", "135")), "contact": text(contact)})
				contacts = append(contacts, store.Erasable{Contact: contact, Own: "135", Copies: []string{"135"}})
			}
			kit.Put(t, kit.Contacts.Table, items...)
			kit.Faults.InjectOn("TransactWriteItems", dynamotest.Refused, k, k)
			_, err = kit.Contacts.Erase(t.Context(), job, contacts, parallel)
			kit.Faults.Calls()
			left := len(kit.Dump(t, kit.Contacts.Table))
			if err == nil || left == 0 || left > 100 || int(job.Confirmed.Load()) != 400-left {
				t.Errorf("%d in parallel, call %d: %d contacts left, %d deleted, %v",
					parallel, k, left, job.Confirmed.Load(), err)
			}
		}
	}
}
