package erasure

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

// A deletion whose answer did not come is carried out as late as any write may be. The
// same customer or contact has been loaded again as soon as the erasure had ended: it
// keeps everything.
func TestLateDeletion(t *testing.T) {
	t.Parallel()
	transactions := func(w *world, t *testing.T) {
		w.putCustomer(t, "shop", "4711", 15)
	}
	contacts := func(w *world, t *testing.T) {
		for i := range 3 {
			w.putContact(t, "acme", fmt.Sprint("c", i), "135", "200")
		}
	}
	for _, kind := range []struct {
		name   string
		action string // that deletes
		fill   func(w *world, t *testing.T)
		ask    func(w *world) error
	}{
		{"transactions", "BatchWriteItem", transactions, func(w *world) error {
			return w.Customer(context.Background(), "shop", "4711", "john", time.Minute)
		}},
		{"contacts", "TransactWriteItems", contacts, func(w *world) error {
			return w.Numbers(context.Background(), "acme", []string{"135"}, "app")
		}},
	} {
		for _, way := range []struct {
			name   string
			inject func(f *dynamotest.Faults) context.Context
		}{
			{"tried again", func(f *dynamotest.Faults) context.Context {
				f.InjectOn(kind.action, dynamotest.Held, 1, 1)
				return context.Background()
			}},
			{"given up", func(f *dynamotest.Faults) context.Context {
				f.InjectOn(kind.action, dynamotest.Held, 1, 4)
				return context.Background()
			}},
			{"the worker dies", func(f *dynamotest.Faults) context.Context { return f.DieHolding(kind.action, 1) }},
		} {
			t.Run(kind.name+", "+way.name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				kind.fill(w, t)
				if err := kind.ask(w); err != nil {
					t.Fatal(err)
				}
				if _, err := w.Due(t.Context()); err != nil {
					t.Fatal(err)
				}
				w.clock.Advance(7 * time.Minute)
				kind.fill(w, t) // by a writer without conditions: the last pass has something to delete
				_, _ = w.Due(way.inject(w.Faults))
				if !w.Faults.Struck() {
					t.Fatal("nothing was deleted")
				}
				w.Faults.Calls()
				sent := w.clock.Now()
				var loaded []string // what there is once it was loaded again
				for delivered := false; !delivered || loaded == nil; w.clock.Advance(time.Minute) {
					if !delivered && !w.clock.Now().Before(sent.Add(w.WriterLifetime)) {
						n, err := w.Faults.Deliver()
						if err != nil || n == 0 {
							t.Fatal(n, err)
						}
						delivered = true
					}
					if _, err := w.Due(t.Context()); err != nil {
						t.Fatal(err)
					}
					if loaded == nil && w.open(t) == 0 {
						kind.fill(w, t)
						loaded = w.Dump(t, w.Kit.Customers.Table, w.Kit.Contacts.Table)
					}
					if w.clock.Now().After(sent.Add(time.Hour)) {
						t.Fatalf("does not end: %s", w.Dump(t, w.Kit.Erasures.Table))
					}
				}
				if left := w.Dump(t, w.Kit.Customers.Table, w.Kit.Contacts.Table); !slices.Equal(left, loaded) {
					t.Errorf("%d items were loaded again, %d are left", len(loaded), len(left))
				}
			})
		}
	}
}

// Only a job that was left without an answer waits for longer, and for no longer than a
// late deletion can.
func TestNobodyElseWaitsForLateDeletions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.putCustomer(t, "shop", "4711", 15)
	w.putCustomer(t, "shop", "4712", 15)
	w.Faults.InjectOn("BatchWriteItem", dynamotest.Timeout, 1, 1)
	for _, code := range []string{"4711", "4712"} {
		if err := w.Customer(t.Context(), "shop", code, "john", time.Minute); err != nil {
			t.Fatal(err)
		}
		w.Faults.Calls()
		w.clock.Advance(time.Second)
	}
	unanswered := 0
	for _, line := range w.Dump(t, w.Kit.Erasures.Table) {
		unanswered += strings.Count(line, `"unanswered"`)
	}
	if unanswered != 1 {
		t.Errorf("%d jobs know of an answer that did not come", unanswered)
	}
	w.clock.Advance(w.WriterLifetime + w.ClockSkew)
	if _, err := w.Due(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := w.open(t); n != 0 {
		t.Errorf("%d are open", n)
	}
	w.Faults.Calls()
}

// A worker's death counts like a deletion without an answer, from when it is noticed.
func TestDeathIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.putCustomer(t, "shop", "4711", 15)
	if err := w.Customer(t.Context(), "shop", "4711", "john", time.Minute); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(7 * time.Minute)
	w.putCustomer(t, "shop", "4711", 15)
	key := store.CustomerJob(w.Digests.Subject("customer", "shop", "4711"))
	_ = w.Continue(w.Faults.DieAfter("BatchWriteItem", 1), key)
	w.Faults.Calls()
	w.clock.Advance(w.Lease + w.ClockSkew + time.Second)
	noticed := w.clock.Now()
	for w.open(t) > 0 {
		if _, err := w.Due(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.clock.Advance(time.Minute)
	}
	if waited := w.clock.Now().Sub(noticed); waited < w.WriterLifetime+w.ClockSkew || waited > 2*(w.WriterLifetime+w.ClockSkew) {
		t.Errorf("ended %s after the death was noticed", waited)
	}
}
