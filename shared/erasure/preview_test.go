package erasure

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/alecthomas/repr"
	"pgregory.net/rapid"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

func (e engine) preview() Preview {
	return NewPreview(e.Ledger, e.Customers, e.Contacts, e.Holds, e.Digests, e.Clock.Now)
}

// found is what the record of an erasure has as found, once it is over.
func (m *model) found(t *rapid.T, id string, err error) int64 {
	if err != nil {
		t.Fatal(err)
	}
	m.finishAll(m.tb)
	record, err := m.Kit.Erasures.ReadRecord(context.Background(), id)
	if err != nil || record.Statement == "" {
		t.Fatalf("%s, %v", repr.String(record), err)
	}
	return record.Found
}

// TestPreviewFindsWhatTheErasureFinds: on every state that the writers of the model leave
// behind, with holds that stand and others that were released, and with pages of three, a
// preview's sum is what the erasure after it has found, and what it has as held is what
// that erasure has kept; and the preview has written nothing.
func TestPreviewFindsWhatTheErasureFinds(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.shortenPages(3)
	_ = flag.Set("rapid.checks", cmp.Or(os.Getenv("CHAOS_CHECKS"), "40"))
	if os.Getenv("CHAOS_CHECKS") == "" { // the same states each time; `make chaos` tries others
		_ = flag.Set("rapid.seed", "20261127")
	}
	checks, refused, largest, kept := 0, 0, int64(0), int64(0)
	rapid.Check(t, func(t *rapid.T) {
		checks++
		m := &model{
			system: sys, tb: sys.tb, shop: fmt.Sprint("shop", checks), tenant: fmt.Sprint("tenant", checks),
			items: map[string]fate{}, lines: map[string]string{}, copies: map[string]filed{},
			holds: holds{seen: map[string]store.Hold{}, kept: map[string]map[string]bool{}},
		}
		t.Repeat(map[string]func(*rapid.T){
			"write customer": m.writeCustomer,
			"write many":     m.writeTransactions,
			"write contact":  m.writeContact,
			"file alone":     m.fileAlone,
			"write foreign":  m.writeForeign,
			"write over":     m.writeOver,
			"place":          m.placeAtOnce,
			"release":        m.releaseAtOnce,
		})
		ctx, until := context.Background(), m.clock.Now().Add(time.Minute)
		before := append(m.All(), m.Dump(m.tb, m.Kit.Holds.Table)...)
		list := rapid.SliceOfNDistinct(rapid.SampledFrom(numbers), 1, 4, rapid.ID).Draw(t, "numbers")
		code := rapid.SampledFrom(codes).Draw(t, "code")
		ofNumbers, err := m.preview().Numbers(ctx, m.tenant, list, until)
		if err != nil {
			t.Fatal(err)
		}
		ofCustomer, err := m.preview().Customer(ctx, m.shop, code, until)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(before, append(m.All(), m.Dump(m.tb, m.Kit.Holds.Table)...)) {
			t.Fatal("the preview has written")
		}
		id, err := m.numbersIntake().Numbers(ctx, NumbersRequest{Tenant: m.tenant, Numbers: list, By: "app"})
		if n := m.found(t, id, err); n != ofNumbers.Found.Sum() || ofNumbers.AtLeast || ofNumbers.Open != nil {
			t.Fatalf("%v: the erasure found %d, the preview %s", list, n, repr.String(ofNumbers))
		}
		if n := m.contactsUnder(list); n != ofNumbers.Held {
			t.Fatalf("%v: the erasure kept %d, the preview %s", list, n, repr.String(ofNumbers))
		}
		kept = max(kept, ofNumbers.Held)
		id, err = m.customerIntake().Customer(ctx, CustomerRequest{Account: m.shop, Code: code, By: "john"}, time.Minute)
		switch {
		case errors.Is(err, ErrUnknownCustomer):
			if ofCustomer.Found.Sum() != 0 || ofCustomer.Held != 0 {
				t.Fatalf("an unknown customer, and the preview %s", repr.String(ofCustomer))
			}
			return
		case errors.Is(err, ErrCustomerHeld):
			n := m.recordsOf(store.CustomerKey(m.shop, code))
			if n == 0 || ofCustomer.Found.Sum() != 0 || ofCustomer.Held != n || len(ofCustomer.Campaigns) > 0 {
				t.Fatalf("%s has %d items and is held, the preview %s", code, n, repr.String(ofCustomer))
			}
			refused++
			return
		}
		n := m.found(t, id, err)
		if n != ofCustomer.Found.Sum() || ofCustomer.Held != 0 || ofCustomer.AtLeast || ofCustomer.Open != nil {
			t.Fatalf("%s: the erasure found %d, the preview %s", code, n, repr.String(ofCustomer))
		}
		largest = max(largest, n, ofNumbers.Found.Sum())
	})
	if !testing.Short() && (largest < 5 || kept < 2 || refused == 0) {
		t.Errorf("at most %d items were found and %d kept, and %d customers held: that shows little", largest, kept, refused)
	}
}

// placeAtOnce places a hold on a number or on a customer.
func (m *model) placeAtOnce(t *rapid.T) {
	hold := store.Hold{ID: fmt.Sprint(m.tenant, "-", len(m.holds.seen)), Reason: "court", By: "legal"}
	hold.Kind, hold.Scope, hold.Subject = store.HoldOfNumber, m.tenant, rapid.SampledFrom(numbers).Draw(t, "number")
	if rapid.IntRange(0, 2).Draw(t, "hold of") == 0 {
		hold.Kind, hold.Scope, hold.Subject = store.HoldOfCustomer, m.shop, rapid.SampledFrom(codes).Draw(t, "code")
	}
	digests := m.Digests.EverySubject(hold.Kind, hold.Scope, hold.Subject)
	hold.Digest = digests[0]
	placed, _, err := m.holder().Place(context.Background(), hold, digests, m.clock.Now().Add(time.Minute))
	if err != nil || placed.Status != store.Active {
		t.Fatalf("%s, %v", repr.String(placed), err)
	}
	m.holds.seen[hold.ID] = placed
}

// releaseAtOnce releases a hold, of which the marks stay.
func (m *model) releaseAtOnce(t *rapid.T) {
	if len(m.holds.seen) == 0 {
		return
	}
	id := rapid.SampledFrom(slices.Sorted(maps.Keys(m.holds.seen))).Draw(t, "hold")
	if _, err := m.holder().Release(context.Background(), id, "legal"); err != nil {
		t.Fatal(err)
	}
}

// contactsUnder is how many contacts are filed under any of the numbers.
func (m *model) contactsUnder(list []string) int64 {
	contacts := map[string]bool{}
	for _, number := range list {
		filed, _, err := m.withoutFaults().Contacts.ReadKeys(context.Background(), m.tenant, number, "", "z")
		if err != nil {
			m.tb.Fatal(err)
		}
		for _, contact := range filed {
			contacts[contact] = true
		}
	}
	return int64(len(contacts))
}

// recordsOf is how many items stand with a customer.
func (m *model) recordsOf(customer string) (n int64) {
	for after := ""; ; {
		page, err := m.withoutFaults().Customers.Read(context.Background(), customer, after)
		if err != nil {
			m.tb.Fatal(err)
		}
		if after == "" && page.Exists {
			n++
		}
		n += int64(len(page.Records))
		if after = page.Next; after == "" {
			return n
		}
	}
}

// fileAlone files one copy of a contact whose other copies say something else, or are not
// there: a writer who breaks the rules.
func (m *model) fileAlone(t *rapid.T) {
	parties := rapid.SliceOfNDistinct(rapid.SampledFrom(numbers), 1, 4, rapid.ID).Draw(t, "parties")
	filed := copyKey(fmt.Sprint("alone", rapid.IntRange(0, 3).Draw(t, "contact")), rapid.SampledFrom(numbers).Draw(t, "number"))
	filed["party"] = attribute.Text(store.PartyKey(m.tenant, rapid.SampledFrom(numbers).Draw(t, "under")))
	if stored := partiesOf(t, parties); stored != nil {
		filed["parties"] = stored
	}
	m.put(t, m.Kit.Contacts.Table, filed, nil)
}

// TestPreviewOfACustomer: what is found by kind and by campaign, and the erasure that is
// open.
func TestPreviewOfACustomer(t *testing.T) {
	sys := newSystem(t)
	look := func() Previewed {
		t.Helper()
		seen, err := sys.preview().Customer(t.Context(), "shop", "4711", sys.clock.Now().Add(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		return seen
	}
	if seen := look(); seen.Found.Sum() != 0 || seen.Open != nil || seen.AtLeast || seen.Campaigns == nil {
		t.Errorf("of nobody: %s", repr.String(seen))
	}
	customer := store.CustomerKey("shop", "4711")
	put := func(record string) {
		sys.Put(t, sys.Kit.Customers.Table, item{"customer": attribute.Text(customer), "record": attribute.Text(record)})
	}
	put(store.CustomerRecord)
	for _, campaign := range []string{"a", "a", "b#c", "b"} {
		put(store.TransactionRecord(campaign, fmt.Sprint(len(campaign), sys.clock.Now().Nanosecond(), campaign)))
		put(store.TransactionRecord(campaign, "1"))
	}
	put("note#1")
	put("txn#odd")
	seen := look()
	if want := (PreviewedItems{1, 6, 2, 0}); seen.Found != want || seen.Open != nil {
		t.Errorf("%s, want %+v", repr.String(seen), want)
	}
	if want := []PreviewedInOne{{"a", 2}, {"b", 2}, {"b#c", 2}}; !slices.Equal(seen.Campaigns, want) {
		t.Errorf("%+v, want %+v", seen.Campaigns, want)
	}
	sys.eraseCustomer(t)
	if seen := look(); seen.Found.Sum() != 0 || seen.Open == nil || !store.IsID(*seen.Open) {
		t.Errorf("of an erasure that is open: %s", repr.String(seen))
	}
}

// TestPreviewsReadAndWriteNothing: a preview makes no call that could change anything,
// and each call that fails is an error and never a smaller count.
func TestPreviewsReadAndWriteNothing(t *testing.T) {
	sys := newSystem(t)
	sys.shortenPages(3)
	for n := range 8 {
		sys.putContact(t, "acme", fmt.Sprint("c", n), "n1", "n2")
		sys.Put(t, sys.Kit.Customers.Table, item{
			"customer": attribute.Text(store.CustomerKey("shop", "4711")),
			"record":   attribute.Text(store.TransactionRecord("spring", fmt.Sprint(n))),
		})
	}
	until := sys.clock.Now().Add(time.Minute)
	previews := map[string]func() (Previewed, error){
		"customer": func() (Previewed, error) { return sys.preview().Customer(t.Context(), "shop", "4711", until) },
		"numbers": func() (Previewed, error) {
			return sys.preview().Numbers(t.Context(), "acme", []string{"n1", "n2", "n1"}, until)
		},
	}
	for name, preview := range previews {
		sys.Faults.Calls()
		seen, err := preview()
		if err != nil || seen.Found.Sum() != 8 || seen.AtLeast {
			t.Errorf("%s: %s, %v", name, repr.String(seen), err)
		}
		for _, call := range sys.Faults.Calls() {
			if call != "Query" && call != "BatchGetItem" && call != "GetItem" {
				t.Errorf("%s makes the call %s", name, call)
			}
		}
		dynamotest.EveryMoment(t, func(t *testing.T, k int) (struck bool) {
			sys.Faults.Inject(dynamotest.Refused, k, k)
			seen, err := preview()
			struck = sys.Faults.Struck()
			if struck && err == nil || !struck && seen.Found.Sum() != 8 {
				t.Errorf("%s, call %d fails: %s, %v", name, k, repr.String(seen), err)
			}
			return struck
		})
		sys.Faults.Inject(dynamotest.Before, 0, 0)
	}
}

// TestPreviewEndsInTime: once the time is up, what was seen by then is answered, and that
// there may be more.
func TestPreviewEndsInTime(t *testing.T) {
	sys := newSystem(t)
	sys.shortenPages(3)
	for n := range 8 {
		sys.putContact(t, "acme", fmt.Sprint("c", n), "n1")
		sys.Put(t, sys.Kit.Customers.Table, item{
			"customer": attribute.Text(store.CustomerKey("shop", "4711")),
			"record":   attribute.Text(store.TransactionRecord("spring", fmt.Sprint(n))),
		})
	}
	seen, err := sys.preview().Customer(t.Context(), "shop", "4711", sys.clock.Now())
	if err != nil || seen.Found.Transactions != 3 || !seen.AtLeast {
		t.Errorf("%s, %v", repr.String(seen), err)
	}
	seen, err = sys.preview().Numbers(t.Context(), "acme", []string{"n1"}, sys.clock.Now())
	if err != nil || seen.Found.Contacts != 3 || !seen.AtLeast {
		t.Errorf("%s, %v", repr.String(seen), err)
	}
}
