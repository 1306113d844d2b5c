package erasure

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

// erasedRecord erases customer 4711, and gives the id of the record.
func (sys *system) erasedRecord(t testing.TB) (id string) {
	t.Helper()
	sys.tampered = true // records are sealed and go
	sys.putCustomer(t, "shop", "4711", 2)
	sys.eraseCustomerBy(t, sys.withoutFaults())
	sys.finishAll(t)
	for _, r := range sys.ledger(t).records {
		id = max(id, strings.TrimPrefix(r.key, store.RecordPrefix))
	}
	return id
}

// seal says of a record that both of its statements are in the log, as seal-ledger does.
func (sys *system) seal(t testing.TB, id string) {
	t.Helper()
	plain := sys.withoutFaults()
	for _, leaf := range []store.Leaf{{ID: id}, {ID: id, End: true}} {
		if err := plain.Ledger.MarkLeaf(t.Context(), leaf, 7, sys.clock.Now()); err != nil {
			t.Fatal(err)
		}
	}
}

// removeOf takes an attribute out of a record, and gives the record as it stood.
func (sys *system) removeOf(t testing.TB, id, name string) (stood item) {
	t.Helper()
	for _, it := range dynamotest.Items(t, sys.Plain, sys.Kit.Erasures.Table) {
		if attribute.ReadText(it, "erasureId") == store.RecordPrefix+id {
			stood = maps.Clone(it)
			delete(it, name)
			sys.Put(t, sys.Kit.Erasures.Table, it)
		}
	}
	return stood
}

// A record goes that ended before the cutoff and is sealed, with the pointer to it, so
// that the next erasure of the same customer is a new one; any other stays, byte for
// byte.
func TestEraseRecord(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	id := sys.erasedRecord(t)
	later := sys.clock.Now().Add(time.Hour)
	keeps := func(why string, id string, cutoff time.Time) {
		t.Helper()
		before := sys.Dump(t, sys.Kit.Erasures.Table)
		if erased, err := sys.Ledger.EraseRecord(t.Context(), id, cutoff); erased || err != nil {
			t.Errorf("%s: erased %v, %v", why, erased, err)
		}
		if after := sys.Dump(t, sys.Kit.Erasures.Table); !slices.Equal(before, after) {
			t.Errorf("%s: left %s", why, after)
		}
	}
	keeps("not sealed", id, later)
	end := store.Leaf{ID: id, End: true}
	if err := sys.withoutFaults().Ledger.MarkLeaf(t.Context(), end, 8, sys.clock.Now()); err != nil {
		t.Fatal(err)
	}
	keeps("sealed, but for its acceptance", id, later)
	sys.seal(t, id)
	for _, attribute := range []string{"endSealedAt", "finishedAt"} {
		stood := sys.removeOf(t, id, attribute)
		keeps("without "+attribute, id, later)
		sys.Put(t, sys.Kit.Erasures.Table, stood)
	}
	keeps("younger", id, sys.clock.Now().Add(-time.Hour))
	keeps("unknown", "20260101T000000Z-0123456789abcdef", later)
	if erased, err := sys.Ledger.EraseRecord(t.Context(), id, later); !erased || err != nil {
		t.Fatalf("erased %v, %v", erased, err)
	}
	sys.wantEmpty(t, sys.Kit.Erasures.Table)
	if err := sys.Customer(t.Context(), "shop", "4711", "john", time.Minute); err != ErrUnknownCustomer {
		t.Errorf("a repeat: %v", err)
	}
	next := sys.erasedRecord(t)
	if next == id || len(sys.ledger(t).records) != 1 {
		t.Errorf("another erasure is %s", next)
	}

	// The pointer to a later record, and an open job in its place, stay.
	sys.clock.Advance(40 * 24 * time.Hour)
	last := sys.erasedRecord(t)
	sys.seal(t, next)
	if erased, err := sys.Ledger.EraseRecord(t.Context(), next, sys.clock.Now()); !erased || err != nil {
		t.Errorf("erased %v, %v", erased, err)
	}
	if again, err := sys.customerIntake().Customer(t.Context(),
		CustomerRequest{Account: "shop", Code: "4711", By: "john"}, time.Minute); again != last || err != nil {
		t.Errorf("a repeat is %s, want %s; %v", again, last, err)
	}
	sys.putCustomer(t, "shop", "4711", 1)
	sys.eraseCustomer(t)
	sys.seal(t, last)
	if erased, err := sys.Ledger.EraseRecord(t.Context(), last, sys.clock.Now().Add(time.Hour)); !erased || err != nil {
		t.Errorf("beside an open job: erased %v, %v", erased, err)
	}
	open := sys.ledger(t).begun
	if len(open) != 1 || len(sys.ledger(t).open) != 1 {
		t.Fatalf("open are %+v", open)
	}
	keeps("open", strings.TrimPrefix(open[0].key, store.RecordPrefix), later.AddDate(1, 0, 0))
	sys.finishAll(t)
	sys.wantEmpty(t, sys.Kit.Customers.Table)
}

// A new erasure of the customer that is opened right before any call of the deletion
// keeps its job and its record, and a call that fails leaves no pointer to a record that
// is gone.
func TestEraseRecordAtEveryMoment(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	pointed := func(t *testing.T) {
		t.Helper()
		there := map[string]bool{}
		for _, it := range dynamotest.Items(t, sys.Plain, sys.Kit.Erasures.Table) {
			there[attribute.ReadText(it, "erasureId")] = true
		}
		for _, it := range dynamotest.Items(t, sys.Plain, sys.Kit.Erasures.Table) {
			if record := attribute.ReadText(it, "record"); record != "" && !there[record] {
				t.Errorf("a pointer to %s, which is gone", record)
			}
		}
	}
	dynamotest.EveryMoment(t, func(t *testing.T, k int) (struck bool) {
		id := sys.erasedRecord(t)
		sys.seal(t, id)
		sys.Faults.Interrupt(k, func() {
			sys.putCustomer(t, "shop", "4711", 2)
			sys.eraseCustomerBy(t, sys.withoutFaults())
		})
		erased, err := sys.Ledger.EraseRecord(t.Context(), id, sys.clock.Now().Add(time.Hour))
		struck = sys.Faults.Struck()
		sys.Faults.Calls()
		if l := sys.ledger(t); err != nil || !erased || struck && (len(l.open) != 1 || len(l.begun) != 1) {
			t.Errorf("erased %v, %v: %+v", erased, err, l.all)
		}
		sys.finishAll(t)
		sys.wantEmpty(t, sys.Kit.Customers.Table)
		pointed(t)
		sys.clear(t)
		return struck
	})
	for _, fault := range []dynamotest.Fault{
		dynamotest.Before, dynamotest.After, dynamotest.Throttle, dynamotest.Timeout, dynamotest.Refused,
		dynamotest.Unprocessed, dynamotest.Cancelled,
	} {
		dynamotest.EveryMoment(t, func(t *testing.T, k int) (struck bool) {
			id := sys.erasedRecord(t)
			sys.seal(t, id)
			sys.Faults.Inject(fault, k, k)
			_, err := sys.Ledger.EraseRecord(t.Context(), id, sys.clock.Now().Add(time.Hour))
			struck = sys.Faults.Struck()
			sys.Faults.Calls()
			if err != nil && !struck {
				t.Errorf("%s: %v", fault, err)
			}
			pointed(t)
			if _, err := sys.Ledger.EraseRecord(t.Context(), id, sys.clock.Now().Add(time.Hour)); err != nil {
				t.Error(err)
			}
			sys.wantEmpty(t, sys.Kit.Erasures.Table)
			return struck
		})
	}
}
