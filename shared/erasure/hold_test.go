package erasure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/repr"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/statement"
	"customercare/shared/store"
)

// holdOf is a hold on number of acme, or on customer 4711 where that is "".
func (sys *system) holdOf(id, number string) (hold store.Hold, digests []string) {
	hold = store.Hold{ID: id, Kind: store.HoldOfCustomer, Scope: "shop", Subject: "4711", Reason: "court", By: "legal"}
	if number != "" {
		hold.Kind, hold.Scope, hold.Subject = store.HoldOfNumber, "acme", number
	}
	digests = sys.Digests.EverySubject(hold.Kind, hold.Scope, hold.Subject)
	hold.Digest = digests[0]
	return hold, digests
}

// placeBy places a hold as another engine does, in a process that may die. It says
// whether it is active.
func (sys *system) placeBy(ctx context.Context, e engine, id, number string) (active bool, err error) {
	hold, digests := sys.holdOf(id, number)
	err = recovered(func() error {
		hold, _, err = e.holder().Place(ctx, hold, digests, sys.clock.Now().Add(time.Minute))
		return err
	})
	return err == nil && hold.Status == store.Active, err
}

// hold places a hold on a number of acme, or on customer 4711 where that is "".
func (sys *system) hold(t testing.TB, id, number string) {
	t.Helper()
	if active, err := sys.placeBy(t.Context(), sys.withoutFaults(), id, number); !active || err != nil {
		t.Fatalf("the hold is not active: %v", err)
	}
}

// release releases a hold, and lets cleanup go on with it until it is released.
func (sys *system) release(t testing.TB, id string) {
	t.Helper()
	if _, err := sys.withoutFaults().holder().Release(t.Context(), id, "legal"); err != nil {
		t.Fatal(err)
	}
	sys.dueHolds(t)
	if hold, err := sys.holder().holds.Read(t.Context(), id); err != nil || hold.Status != store.Released || hold.Subject != "" {
		t.Fatalf("it is not released, or still names its subject: %s, %v", repr.String(hold), err)
	}
}

// dueHolds lets cleanup go on with the holds that are due, until none is.
func (sys *system) dueHolds(t testing.TB) {
	t.Helper()
	e := sys.withoutFaults()
	for range 20 {
		if failing, err := e.holder().Due(t.Context(), dynamotest.StandingIndex); failing > 0 || err != nil {
			t.Fatalf("%d holds failed, %v", failing, err)
		}
		due, _, err := e.Holds.ListDue(t.Context(), dynamotest.StandingIndex, sys.clock.Now(), 100)
		if err != nil {
			t.Fatal(err)
		}
		if len(due) == 0 {
			return
		}
	}
	t.Fatal("holds are still due")
}

// unmarked are the contacts as they stand, without the marks of holds.
func (sys *system) unmarked(t testing.TB) []string {
	t.Helper()
	return dumpUnmarked(t, sys)
}

// wantHolds checks what is left in the table of holds: the holds themselves, and how many
// holds there are of a tenant's numbers.
func (sys *system) wantHolds(t testing.TB, holds int) {
	t.Helper()
	for _, it := range dynamotest.Items(t, sys.Plain, sys.Kit.Holds.Table) {
		key := attribute.ReadText(it, "hold")
		switch {
		case strings.HasPrefix(key, "hold-"):
			holds--
		case strings.HasPrefix(key, "tenant#") && attribute.ReadNumber(it, "held") == 0:
		default:
			t.Errorf("left %s", repr.String(it))
		}
	}
	if holds != 0 {
		t.Errorf("%d holds are missing", holds)
	}
}

// A customer on whom a hold stands is refused, once on record however often it is asked
// for, and erased by the release of the last hold.
func TestHeldCustomerIsRefusedAndErasedAtTheRelease(t *testing.T) {
	t.Parallel()
	for _, transactions := range []int{3, 60} {
		t.Run(fmt.Sprint(transactions), func(t *testing.T) {
			t.Parallel()
			sys := newSystem(t)
			sys.putCustomer(t, "shop", "4711", transactions)
			before := sys.Dump(t, sys.Kit.Customers.Table)
			sys.hold(t, "h1", "")
			sys.hold(t, "h2", "")
			for range 2 {
				err := sys.Customer(t.Context(), "shop", "4711", "john", time.Minute)
				if !errors.Is(err, ErrCustomerHeld) {
					t.Fatalf("not refused: %v", err)
				}
			}
			sys.release(t, "h1")
			if err := sys.Customer(t.Context(), "shop", "4711", "mary", time.Minute); !errors.Is(err, ErrCustomerHeld) {
				t.Fatalf("not refused: %v", err)
			}
			if after := sys.Dump(t, sys.Kit.Customers.Table); !slices.Equal(before, after) {
				t.Fatalf("something was erased: %s", after)
			}
			if l := sys.ledger(t); len(l.open)+len(l.records) > 0 {
				t.Fatalf("an erasure is on record: %+v", l.all)
			}
			sys.release(t, "h2")
			sys.finishAll(t)
			sys.wantEmpty(t, sys.Kit.Customers.Table)
			sys.wantHolds(t, 2)
			record := sys.wantRecord(t, transactions+1)
			if s, err := statement.Parse([]byte(record.statement)); err != nil || s.Because != "h2" || s.By != "john" {
				t.Errorf("the statement does not say why: %s", record.statement)
			}
			// Two placed, two released, one refusal.
			if notes := sys.ledger(t).notes; len(notes) != 5 {
				t.Errorf("%d statements about holds: %+v", len(notes), notes)
			}
			sys.wantNowhere(t, "#4711")
		})
	}
}

// No hold is placed on a customer whose erasure is open, also where another writer has
// put the customer over the tombstone; an erasure that is over is none.
func TestNoHoldDuringAnErasure(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.putCustomer(t, "shop", "4711", 3)
	sys.eraseCustomer(t)
	hold, _ := sys.holdOf("h1", "") // by a process that does not know the key of the erasure
	_, _, err := sys.holder().Place(t.Context(), hold, []string{"2.0"}, sys.clock.Now())
	if !errors.Is(err, store.ErrErasing) {
		t.Errorf("placed: %v", err)
	}
	for range 2 {
		if _, err := sys.placeBy(t.Context(), sys.engine, "h1", ""); !errors.Is(err, store.ErrErasing) {
			t.Errorf("placed: %v", err)
		}
		sys.putCustomer(t, "shop", "4711", 1)
	}
	sys.finishAll(t)
	sys.hold(t, "h1", "")
	if _, err := sys.holder().Release(t.Context(), "h9", "legal"); !errors.Is(err, store.ErrNoHold) {
		t.Errorf("released: %v", err)
	}
	sys.release(t, "h1")
	if _, err := sys.placeBy(t.Context(), sys.engine, "h1", ""); !errors.Is(err, ErrHoldDiffers) {
		t.Errorf("an id is used twice: %v", err)
	}
}

// An attribute tombstone that is another writer's is none.
func TestHoldOnACustomerWithAForeignTombstone(t *testing.T) {
	t.Parallel()
	types := everyType()
	delete(types, "nothing")
	for name, value := range types {
		sys := newSystem(t)
		customer := record4711(store.CustomerRecord)
		customer["tombstone"] = value
		sys.Put(t, sys.Kit.Customers.Table, customer)
		if active, err := sys.placeBy(t.Context(), sys.engine, "h1", ""); !active || err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Of numbers that are held, or whose contacts are because of another party, nothing of
// those contacts goes; all else does. The erasure ends and says which. The release erases
// what was kept.
func TestHeldNumbers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		holds  map[string]string // ids to numbers
		asked  []string
		kept   []string // contacts
		want   string   // outcomes of asked
		reopen []string // in this order the holds are released
	}{
		"none":             {nil, []string{"135", "200", "300", "wen11"}, nil, "eeee", nil},
		"its own":          {map[string]string{"h": "135"}, []string{"135", "200", "300", "wen11"}, []string{"c1", "c2"}, "hhhe", []string{"h"}},
		"another party's":  {map[string]string{"h": "200"}, []string{"135", "wen11"}, []string{"c1"}, "he", []string{"h"}},
		"two on one":       {map[string]string{"h": "135", "i": "135"}, []string{"135", "nobody"}, []string{"c1", "c2"}, "hn", []string{"h", "i"}},
		"two held parties": {map[string]string{"h": "135", "i": "200"}, []string{"135", "wen11"}, []string{"c1", "c2"}, "he", []string{"i", "h"}},
		"of others":        {map[string]string{"h": "400"}, []string{"135", "200", "300", "wen11"}, nil, "eeee", []string{"h"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sys := newSystem(t)
			sys.putContact(t, "acme", "c1", "135", "200")
			sys.putContact(t, "acme", "c2", "135", "300")
			sys.putContact(t, "acme", "c3", "300", "wen11")
			sys.putContact(t, "acme", "c4", "400", "500")
			for _, id := range slices.Sorted(keysOf(test.holds)) {
				sys.hold(t, id, test.holds[id])
			}
			sys.eraseNumbers(t, test.asked...)
			sys.finishAll(t)
			left := strings.Join(sys.Dump(t, sys.Kit.Contacts.Table), "\n")
			for _, contact := range []string{"c1", "c2", "c3"} {
				n := strings.Count(left, "#"+contact+`"`)
				kept := slices.Contains(test.kept, contact)
				gone := contact == "c3" && slices.Contains(test.asked, "wen11") || slices.Contains(test.asked, "135") && contact != "c3"
				if kept && n != 2 || !kept && gone && n > 0 {
					t.Errorf("%d copies of %s are left:\n%s", n, contact, left)
				}
			}
			record := sys.ledger(t).records[0]
			sys.wantOutcomes(t, record, sys.numbersDigests(test.asked), test.want)
			for _, id := range test.reopen {
				sys.release(t, id)
				sys.finishAll(t)
			}
			left = strings.Join(sys.Dump(t, sys.Kit.Contacts.Table), "\n")
			if strings.Contains(left, "held") || strings.Contains(left, "#135") || strings.Count(left, "#c4") != 2 {
				t.Errorf("left:\n%s", left)
			}
			sys.wantHolds(t, len(test.holds))
			sys.wantNowhere(t, `"135"`, "wen11")
		})
	}
}

// More contacts than a page has are held, and what is filed among and behind them is
// erased; a contact of more copies than a transaction takes is marked as a whole.
func TestManyHeldContacts(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.shortenPages(3)
	var many []string
	for i := range 130 {
		many = append(many, fmt.Sprintf("p%03d", i))
	}
	sys.putContact(t, "acme", "large", append(many, "135", "held")...)
	for i := range 10 {
		sys.putContact(t, "acme", fmt.Sprint("a kept one ", i), "135", "held")
		sys.putContact(t, "acme", fmt.Sprint("gone", i), "135", "200")
	}
	sys.hold(t, "h", "held")
	before := sys.unmarked(t)
	sys.eraseNumbers(t, "135", "p007")
	sys.finishAll(t)
	before = slices.DeleteFunc(before, func(line string) bool { return strings.Contains(line, "#gone") })
	if after := sys.unmarked(t); !slices.Equal(before, after) {
		t.Errorf("%d copies are left, want %d", len(after), len(before))
	}
	sys.wantRecord(t, 10)
	sys.release(t, "h")
	sys.finishAll(t)
	sys.wantEmpty(t, sys.Kit.Contacts.Table)
}

// A contact whose parties nobody can read is kept where it is filed under a held number.
// What another program has stored as held keeps a copy, and the erasure ends and says so.
func TestUnreadableHeldContacts(t *testing.T) {
	t.Parallel()
	types := everyType()
	delete(types, "nothing")
	for name, value := range types {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sys := newSystem(t)
			unreadable := copyKey("c1", "135")
			unreadable["parties"] = value
			sys.Put(t, sys.Kit.Contacts.Table, unreadable)
			sys.hold(t, "h", "135")
			foreign := copies("acme", "c2", "200", "300")
			foreign[1]["held"] = value
			sys.Put(t, sys.Kit.Contacts.Table, foreign...)
			sys.eraseNumbers(t, "135", "200")
			sys.finishAll(t)
			if left := sys.Dump(t, sys.Kit.Contacts.Table); len(left) != 3 {
				t.Errorf("left %s", left)
			}
			sys.wantOutcomes(t, sys.ledger(t).records[0], sys.numbersDigests([]string{"135", "200"}), "hh")
			sys.release(t, "h")
			sys.finishAll(t)
			if left := sys.Dump(t, sys.Kit.Contacts.Table); len(left) != 2 {
				t.Errorf("left %s", left)
			}
		})
	}
}

// What is filed under a held number when the hold is active already carries no mark, and
// is kept all the same: under its own number, and under another party's. So is a contact
// that has left the number with its mark on one copy, until the hold ends: also where an
// erasure finds the other copy alone.
func TestFiledUnderAHeldNumber(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.putContact(t, "acme", "moved", "135", "held")
	sys.hold(t, "h", "held")
	sys.putContact(t, "acme", "late", "135", "held")
	moved := append(copies("acme", "moved", "135", "300"), copies("acme", "met", "400", "500")...)
	for _, marked := range []item{moved[0], moved[2]} {
		marked["held"] = &types.AttributeValueMemberSS{Value: []string{"h"}}
	}
	sys.deleteItem(t, sys.Kit.Contacts.Table, copyKey("moved", "held"))
	sys.Put(t, sys.Kit.Contacts.Table, moved...)
	asked := []string{"135", "300", "500"}
	sys.eraseNumbers(t, asked...)
	sys.finishAll(t)
	if left := sys.Dump(t, sys.Kit.Contacts.Table); len(left) != 6 {
		t.Errorf("left %s", left)
	}
	sys.wantOutcomes(t, sys.ledger(t).records[0], sys.numbersDigests(asked), "hhh")
	sys.release(t, "h")
	sys.finishAll(t)
	sys.wantEmpty(t, sys.Kit.Contacts.Table)
}

// A hold with an end is released by cleanup after that, and not before.
func TestHoldUntil(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.putContact(t, "acme", "c1", "135", "200")
	hold, digests := sys.holdOf("h", "135")
	hold.Until = sys.clock.Now().Add(time.Hour)
	if _, _, err := sys.holder().Place(t.Context(), hold, digests, sys.clock.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	sys.eraseNumbers(t, "200")
	sys.finishAll(t)
	for _, left := range []int{2, 0} {
		sys.dueHolds(t)
		sys.finishAll(t)
		if n := len(sys.Dump(t, sys.Kit.Contacts.Table)); n != left {
			t.Errorf("%d copies are left, want %d", n, left)
		}
		sys.clock.Advance(time.Hour)
	}
	sys.wantHolds(t, 1)
}
