package erasure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/metrictest"
	"customercare/shared/store"
)

// TestReadAhead: what was read ahead takes the place of the reading, for as many items as
// it reads at most. A larger customer is read anew. Either way nothing is left.
func TestReadAhead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		transactions int
		calls        string
	}{
		{0, "Query TransactWriteItems"},
		{store.FewRecords, "Query TransactWriteItems"},
		{store.FewRecords + 1, "Query TransactWriteItems BatchWriteItem Query UpdateItem"},
		{store.FewItems - 1, "Query TransactWriteItems BatchWriteItem Query UpdateItem"},
		{store.FewItems, "Query Query TransactWriteItems BatchWriteItem BatchWriteItem Query UpdateItem"},
	} {
		t.Run(fmt.Sprint(c.transactions), func(t *testing.T) {
			t.Parallel()
			sys := newSystem(t)
			sys.putCustomer(t, "shop", "4711", c.transactions)
			sys.Faults.Calls()
			if err := sys.customerReadAhead(t.Context(), func() {}); err != nil {
				t.Fatal(err)
			}
			if calls := strings.Join(sys.Faults.Calls(), " "); calls != c.calls {
				t.Errorf("calls %s, want %s", calls, c.calls)
			}
			if left := sys.Dump(t, sys.Kit.Customers.Table); len(left) != 1 || !sys.tombstoneStands(t) {
				t.Errorf("left %s", left)
			}
			sys.finishAll(t)
			sys.wantRecord(t, 1+c.transactions)
		})
	}
}

// A reading ahead that fails, in whatever way, is made again once the erasure is asked
// for. Of itself it says nothing.
func TestReadAheadThatFails(t *testing.T) {
	log := metrictest.Capture(t)
	sys := newSystem(t)
	for _, way := range everyWay() {
		sys.putCustomer(t, "shop", "4711", 3)
		process := way.inject(sys.Faults, 1)
		ahead := sys.customerIntake().ReadAhead(process, "shop", "4711")
		<-ahead.done
		if calls := sys.Faults.Calls(); ahead.ok || len(calls) != 1 || log.String() != "" {
			t.Errorf("%s: read: %v, by %v, and said: %s", way.name, ahead.ok, calls, log)
		}
		asked := CustomerRequest{Account: "shop", Code: "4711", By: "john", Ahead: ahead}
		if _, err := sys.customerIntake().Customer(t.Context(), asked, time.Minute); err != nil {
			t.Errorf("%s: %v", way.name, err)
		}
		ahead.Drop()
		want := []string{"Query", "TransactWriteItems"}
		if calls := sys.Faults.Calls(); !slices.Equal(calls, want) {
			t.Errorf("%s: calls %v, want %v", way.name, calls, want)
		}
		sys.clear(t)
	}
}

// What is read ahead of one customer is nobody else's.
func TestReadAheadOfAnother(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.putCustomer(t, "shop", "4711", 3)
	ahead := sys.customerIntake().ReadAhead(t.Context(), "shop", "4711")
	defer ahead.Drop()
	asked := CustomerRequest{Account: "shop", Code: "4712", By: "john", Ahead: ahead}
	if _, err := sys.customerIntake().Customer(t.Context(), asked, time.Minute); !errors.Is(err, ErrUnknownCustomer) {
		t.Error(err)
	}
}

// TestWrittenAfterTheReadingAhead: whatever a writer does to the customer behind the
// reading ahead, the erasure takes what stands there then, whichever of its calls fails.
func TestWrittenAfterTheReadingAhead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before int // transactions; -1 for no customer
		write  func(sys *system)
		after  int // how many records the erasure has found; 0 for no such customer
	}{
		"a transaction":             {3, func(sys *system) { sys.putCustomer(t, "shop", "4711", 4) }, 5},
		"many transactions":         {3, func(sys *system) { sys.putCustomer(t, "shop", "4711", 40) }, 41},
		"the customer comes":        {-1, func(sys *system) { sys.putCustomer(t, "shop", "4711", 2) }, 0},
		"the customer goes":         {3, func(sys *system) { sys.takeCustomerAway(t) }, 3},
		"a transaction goes":        {3, func(sys *system) { sys.takeTransactionAway(t) }, 3},
		"everything goes":           {0, func(sys *system) { sys.takeCustomerAway(t) }, 0},
		"somebody else erases them": {3, func(sys *system) { sys.eraseCustomerBy(t, sys.withoutFaults()) }, 4},
	} {
		for _, way := range everyWay() {
			// The others are those of TestEveryCallFailsOnce, which has no writer.
			if !slices.Contains([]string{string(dynamotest.Before), string(dynamotest.After), "dies after"}, way.name) {
				continue
			}
			t.Run(name+" "+way.name, func(t *testing.T) {
				t.Parallel()
				sys := newSystem(t)
				dynamotest.EveryMoment(t, func(t *testing.T, k int) (struck bool) {
					if c.before >= 0 {
						sys.putCustomer(t, "shop", "4711", c.before)
					}
					process := way.inject(sys.Faults, k)
					written := false
					err := recovered(func() error {
						return sys.customerReadAhead(process, func() {
							if !written { // once, however often it is asked for
								c.write(sys)
							}
							written = true
						})
					})
					struck = sys.Faults.Struck()
					sys.Faults.Calls()
					// Where the reading ahead was in vain, the one behind it has found a
					// customer who came meanwhile.
					found := c.after
					if struck && c.before < 0 && err == nil {
						found = 3
					}
					if err != nil && (c.after > 0 || !errors.Is(err, ErrUnknownCustomer)) {
						if !struck {
							t.Fatal(err)
						}
						sys.clock.Advance(5 * time.Minute)
						err = sys.Customer(context.Background(), "shop", "4711", "john", time.Minute)
						if err == nil && c.before < 0 {
							found = 3
						}
					}
					if (err != nil) != (found == 0) || err != nil && !errors.Is(err, ErrUnknownCustomer) {
						t.Fatal(err)
					}
					if found == 0 && c.before < 0 { // who came meanwhile is there to be erased
						sys.eraseCustomer(t)
						found = 3
					}
					if found > 0 {
						sys.finishAll(t)
						sys.wantEmpty(t, sys.Kit.Customers.Table)
						sys.wantRecord(t, found)
					}
					sys.clear(t)
					return struck
				})
			})
		}
	}
}
