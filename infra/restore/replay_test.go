package restore

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/erasure"
	"customercare/shared/statement"
	"customercare/shared/store"
)

// system is a stack on a clock of its own, with the front doors and the workers.
type system struct {
	*dynamotest.Kit
	clock     *dynamotest.Clock
	customers erasure.CustomerIntake
	numbers   erasure.NumbersIntake
	worker    erasure.Worker
	holder    erasure.Holder
}

func newSystem(t testing.TB) *system {
	sys := &system{Kit: dynamotest.Open(t), clock: &dynamotest.Clock{Time: time.Now().Add(-24 * time.Hour).Truncate(time.Second)}}
	timing := erasure.Timing{WriterLifetime: time.Minute}
	clock := erasure.NewClock(sys.clock.Now, sys.clock.AfterFunc)
	sys.customers = erasure.NewCustomerIntake(sys.Erasures, sys.Customers, sys.Holds, digests, timing, clock)
	sys.numbers = erasure.NewNumbersIntake(sys.Erasures, digests, sys.clock.Now)
	sys.worker = erasure.NewWorker(sys.Erasures, sys.Customers, sys.Contacts, sys.Holds, nil, timing, time.Minute, clock)
	sys.holder = erasure.NewHolder(sys.Erasures, sys.Customers, sys.Contacts, sys.Holds, timing, clock)
	return sys
}

// wipe empties tables.
func (sys *system) wipe(t testing.TB, tables ...string) {
	t.Helper()
	names := map[string][]string{
		sys.Customers.Table: {"customer", "record"}, sys.Contacts.Table: {"party", "contact"},
		sys.Erasures.Table: {"erasureId"}, sys.Holds.Table: {"hold"},
	}
	for _, table := range tables {
		for _, found := range dynamotest.Items(t, sys.Plain, table) {
			key := item{}
			for _, name := range names[table] {
				key[name] = found[name]
			}
			_, err := sys.Plain.DeleteItem(context.Background(), &dynamodb.DeleteItemInput{TableName: &table, Key: key})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

func (sys *system) customer(code string, transactions int) []item {
	key := s(store.CustomerKey("shop", code))
	all := []item{{"customer": key, "record": s(store.CustomerRecord)}}
	for i := range transactions {
		all = append(all, item{"customer": key, "record": s(store.TransactionRecord("c", string(rune('a'+i))))})
	}
	return all
}

func (sys *system) eraseCustomer(t testing.TB, code string) (id string, err error) {
	return sys.customers.Customer(t.Context(), erasure.CustomerRequest{Account: "shop", Code: code, By: "john"}, time.Minute)
}

func (sys *system) eraseNumber(t testing.TB, number string) (id string) {
	id, err := sys.numbers.Numbers(t.Context(), erasure.NumbersRequest{Tenant: "acme", Numbers: []string{number}, By: "app"})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// work lets the workers do what is due, and cleanup what is due of holds.
func (sys *system) work(t testing.TB) {
	t.Helper()
	if _, err := sys.holder.Due(t.Context(), dynamotest.StandingIndex); err != nil {
		t.Fatal(err)
	}
	if _, err := sys.worker.Due(t.Context(), dynamotest.OpenIndex); err != nil {
		t.Fatal(err)
	}
}

// end lets everything end that is open.
func (sys *system) end(t testing.TB) {
	t.Helper()
	for range 12 {
		sys.work(t)
		sys.clock.Advance(time.Minute)
	}
	open, err := sys.Erasures.ListOpen(t.Context(), dynamotest.OpenIndex, 100)
	if err != nil || len(open) > 0 {
		t.Fatalf("%v, %d erasures are open for ever", err, len(open))
	}
}

// replay is a run over a table in use.
func (sys *system) replay(table string, since time.Time, returning ...string) *Replay {
	r := &Replay{
		Table: Table{
			DB: sys.DB, Name: table, Ledger: sys.Erasures.Table, Since: since, Digests: digests, Notes: &bytes.Buffer{},
			Customers: sys.Customers.Table, Contacts: sys.Contacts.Table, Holds: sys.Holds.Table, Returning: map[string]bool{},
		},
		Customer: sys.customers, Numbers: sys.numbers, By: "replay:ops",
	}
	for _, digest := range returning {
		r.Returning[digest] = true
	}
	return r
}

// prove is what the second pass says of a table in use.
func (sys *system) prove(t testing.TB, r *Replay) statement.Restored {
	t.Helper()
	table := r.Table
	table.Notes = &bytes.Buffer{}
	said, err := table.Prove(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return said
}

// pair is a contact of two numbers with both copies.
func pair(id, one, other string) []item {
	return []item{copyOf(id, one, l(s(one), s(other))), copyOf(id, other, l(s(one), s(other)))}
}

// What one transaction has written may be there half in a restored table, and the tables
// beside it are of a later time. Each such state is made here, put into use and replayed:
// nothing is left half, nobody is locked out, nobody erased since is there.
func TestHalfRestoredStates(t *testing.T) {
	for name, c := range map[string]struct {
		before func(t *testing.T, sys *system) // the time of the table
		after  func(t *testing.T, sys *system) // what happened since, before the table was put into use
		table  func(t *testing.T, sys *system) []item
		// copies, tombstones and subjects are what the replay finds.
		copies, tombstones, subjects int
		left                         []string // keys of what stays
	}{
		"a tombstone, its job ended since": {
			before:     func(t *testing.T, sys *system) { sys.put(t, sys.customer("1", 1)...); sys.mustErase(t, "1") },
			after:      func(t *testing.T, sys *system) { sys.end(t) },
			table:      func(t *testing.T, sys *system) []item { return []item{sys.tombstoneOf("1")} },
			tombstones: 1, subjects: 1,
		},
		"a tombstone, its job never written": {
			table: func(t *testing.T, sys *system) []item {
				return append([]item{sys.tombstoneOf("2")}, sys.customer("3", 0)...)
			},
			tombstones: 1, subjects: 1, left: []string{"shop#3"},
		},
		"a tombstone without its job, with records behind it": {
			table: func(t *testing.T, sys *system) []item {
				return append(sys.customer("2", 3)[1:], sys.tombstoneOf("2"))
			},
			tombstones: 1, subjects: 1,
		},
		"a tombstone whose job is open": {
			before: func(t *testing.T, sys *system) { sys.put(t, sys.customer("1", 1)...); sys.mustErase(t, "1") },
			table:  func(t *testing.T, sys *system) []item { return append(sys.customer("1", 1)[1:], sys.tombstoneOf("1")) },
		},
		"an open job without its tombstone": {
			before:   func(t *testing.T, sys *system) { sys.put(t, sys.customer("1", 1)...); sys.mustErase(t, "1") },
			table:    func(t *testing.T, sys *system) []item { return sys.customer("1", 2) },
			subjects: 1,
		},
		"an open job without its tombstone, transactions alone": {
			before:   func(t *testing.T, sys *system) { sys.put(t, sys.customer("1", 1)...); sys.mustErase(t, "1") },
			table:    func(t *testing.T, sys *system) []item { return sys.customer("1", 2)[1:] },
			subjects: 1,
		},
		"a customer whose open record has lost its job": {
			before: func(t *testing.T, sys *system) { sys.put(t, sys.customer("1", 1)...); sys.mustErase(t, "1") },
			after: func(t *testing.T, sys *system) {
				remove(t, sys.Kit, sys.Erasures.Table, item{"erasureId": s(sys.job("1"))})
			},
			table:    func(t *testing.T, sys *system) []item { return sys.customer("1", 2) },
			subjects: 1,
		},
		"a contact without the copy of who was erased": {
			after: func(t *testing.T, sys *system) {
				sys.put(t, pair("c", "111", "222")...)
				sys.eraseNumber(t, "111")
				sys.end(t)
			},
			table: func(t *testing.T, sys *system) []item {
				return append(pair("c", "111", "222")[1:], pair("d", "222", "333")...)
			},
			copies: 1, subjects: 1, left: []string{"acme#222", "acme#333"},
		},
		"a contact without the other copy": {
			after: func(t *testing.T, sys *system) {
				sys.put(t, pair("c", "111", "222")...)
				sys.eraseNumber(t, "111")
				sys.end(t)
			},
			table:    func(t *testing.T, sys *system) []item { return pair("c", "111", "222")[:1] },
			copies:   1,
			subjects: 1,
		},
		"a contact of nobody erased without a copy": {
			table:  func(t *testing.T, sys *system) []item { return pair("c", "111", "222")[1:] },
			copies: 1, left: []string{"acme#111", "acme#222"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			sys := newSystem(t)
			if c.before != nil {
				c.before(t, sys)
			}
			since := sys.clock.Now()
			sys.clock.Advance(time.Second)
			if c.after != nil {
				c.after(t, sys)
			}
			items := c.table(t, sys)
			table := sys.Customers.Table
			if items[0]["party"] != nil {
				table = sys.Contacts.Table
			}
			sys.wipe(t, table)
			sys.Put(t, table, items...)
			r := sys.replay(table, since)
			r.Dry = true
			if said := sys.prove(t, r); c.tombstones > 0 && said.Left == 0 {
				t.Errorf("before the replay: %+v", said)
			}
			before := sys.Dump(t, sys.All()...)
			for range 2 { // dry first, and nothing changes
				if err := r.Open(t.Context()); err != nil {
					t.Fatal(err)
				}
				if r.Copies != c.copies || r.Tombstones != c.tombstones || r.Subjects != c.subjects {
					t.Errorf("dry %v: %d copies, %d tombstones, %d subjects", r.Dry, r.Copies, r.Tombstones, r.Subjects)
				}
				if r.Dry && !slices.Equal(before, sys.Dump(t, sys.All()...)) {
					t.Error("a dry run has written")
				}
				r = sys.replay(table, since)
			}
			sys.end(t)
			if said := sys.prove(t, r); said.Left != 0 {
				t.Errorf("%+v", said)
			}
			var left []string
			for _, found := range dynamotest.Items(t, sys.Plain, table) {
				left = append(left, attribute.ReadText(found, "customer")+attribute.ReadText(found, "party"))
			}
			slices.Sort(left)
			if left = slices.Compact(left); !slices.Equal(left, c.left) {
				t.Errorf("left: %q, want %q", left, c.left)
			}
			// Nobody is locked out, and a later erasure of either number takes the whole
			// contact.
			sys.put(t, sys.customer("1", 1)...)
			sys.put(t, sys.customer("2", 1)...)
			sys.mustErase(t, "1")
			sys.eraseNumber(t, "222")
			sys.end(t)
			for _, line := range sys.Dump(t, sys.Customers.Table, sys.Contacts.Table) {
				if strings.Contains(line, "shop#1") || strings.Contains(line, "222") {
					t.Errorf("left after an erasure: %s", line)
				}
			}
		})
	}
}

// put puts customers as a writer does that keeps the rules: not over a tombstone.
func (sys *system) put(t testing.TB, items ...item) {
	t.Helper()
	for _, put := range items {
		in := &dynamodb.PutItemInput{TableName: &sys.Contacts.Table, Item: put}
		if put["customer"] != nil {
			condition := "attribute_not_exists(tombstone)"
			in.TableName, in.ConditionExpression = &sys.Customers.Table, &condition
		}
		if _, err := sys.Plain.PutItem(t.Context(), in); err != nil {
			t.Fatalf("somebody is locked out: %v", err)
		}
	}
}

func (sys *system) mustErase(t testing.TB, code string) {
	t.Helper()
	if _, err := sys.eraseCustomer(t, code); err != nil {
		t.Fatal(err)
	}
}

func (sys *system) job(code string) string {
	return store.CustomerJob(digests.Subject("customer", "shop", code))
}

func (sys *system) tombstoneOf(code string) item {
	return item{
		"customer": s(store.CustomerKey("shop", code)), "record": s(store.CustomerRecord),
		"tombstone": s(sys.job(code)), "at": n("1"),
	}
}
