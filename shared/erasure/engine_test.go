package erasure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

type item = map[string]types.AttributeValue

func s(text string) types.AttributeValue { return &types.AttributeValueMemberS{Value: text} }

func list(all ...string) types.AttributeValue {
	l := &types.AttributeValueMemberL{}
	for _, text := range all {
		l.Value = append(l.Value, s(text))
	}
	return l
}

// engine is the front doors of the package, on the same tables. A test changes what it is
// made of at any time: each call goes through a door that is made for it.
type engine struct {
	Ledger         store.Erasures
	Customers      store.Customers
	Contacts       store.Contacts
	Digests        Digester
	Memory         *store.Memory
	WriterLifetime time.Duration
	ClockSkew      time.Duration
	Lease          time.Duration
	Clock          Clock
}

func (e engine) timing() Timing { return Timing{e.WriterLifetime, e.ClockSkew} }

func (e engine) Customer(ctx context.Context, account, code, requestedBy string, budget time.Duration) error {
	return NewCustomerIntake(e.Ledger, e.Customers, e.Digests, e.timing(), e.Clock).Customer(ctx, account, code, requestedBy, budget)
}

func (e engine) Numbers(ctx context.Context, tenant string, numbers []string, requestedBy string) error {
	return NewNumbersIntake(e.Ledger, e.Digests, e.Clock.Now).Numbers(ctx, tenant, numbers, requestedBy)
}

func (e engine) worker() Worker {
	return NewWorker(e.Ledger, e.Customers, e.Contacts, e.Memory, e.timing(), e.Lease, e.Clock)
}

func (e engine) Continue(ctx context.Context, key string) error { return e.worker().Continue(ctx, key) }

func (e engine) Due(ctx context.Context) (int, error) { return e.worker().Due(ctx, e.Ledger.Index) }

// world is an engine on tables of its own with a clock that the test moves.
type world struct {
	*dynamotest.Kit
	engine
	clock *dynamotest.Clock
	tb    testing.TB
}

func newWorld(t testing.TB) *world {
	kit := dynamotest.Open(t)
	clock := &dynamotest.Clock{Time: time.UnixMilli(time.Now().UnixMilli())}
	return &world{Kit: kit, clock: clock, tb: t, engine: engine{
		Ledger: kit.Erasures, Customers: kit.Customers, Contacts: kit.Contacts,
		Digests:        Digester{Current: "1", Keys: map[string][]byte{"1": []byte("a key that only these tests know of")}},
		WriterLifetime: 5 * time.Minute, ClockSkew: time.Minute, Lease: time.Minute,
		Clock: NewClock(clock.Now, clock.AfterFunc),
	}}
}

func (w *world) putCustomer(t testing.TB, account, code string, transactions int) {
	key := s(store.CustomerKey(account, code))
	items := []item{{"customer": key, "record": s(store.CustomerRecord), "name": s("name of " + code)}}
	for i := range transactions {
		items = append(items, item{"customer": key, "record": s(store.TransactionRecord(fmt.Sprint("c", i%3), fmt.Sprint("t", i))), "amount": s("1.50")})
	}
	w.Put(t, w.Kit.Customers.Table, items...)
}

var contactTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func (w *world) putContact(t testing.TB, tenant, id string, parties ...string) {
	w.Put(t, w.Kit.Contacts.Table, copies(tenant, id, parties...)...)
}

// copies are the items of a contact, one for each party.
func copies(tenant, id string, parties ...string) (items []item) {
	for _, party := range parties {
		items = append(items, item{
			"party": s(store.PartyKey(tenant, party)), "contact": s(store.ContactKey(contactTime, id)),
			"parties": list(parties...), "content": s("said by " + parties[0]),
		})
	}
	return items
}

// settle lets time pass and runs cleanup until nothing is open. The first process it runs in may be one that a test
// lets die; errors are cleanup's own to come back from.
func (w *world) settle(t testing.TB, process ...context.Context) {
	t.Helper()
	for range 40 {
		w.clock.Advance(7 * time.Minute)
		ctx := context.Background()
		if len(process) > 0 && process[0].Err() == nil {
			ctx = process[0]
		}
		err := recovered(func() error { _, err := w.Due(ctx); return err })
		if err != nil && len(process) == 0 {
			t.Fatalf("cleanup: %v", err)
		}
		open := slices.ContainsFunc(w.Dump(t, w.Kit.Erasures.Table), func(line string) bool {
			return strings.Contains(line, `"openShard"`)
		})
		if !open {
			return
		}
	}
	t.Fatal("jobs are still open")
}

func (w *world) everything(t testing.TB) string { return strings.Join(w.Dump(t, w.All()...), "\n") }

// records are the ledger's finished records.
func (w *world) records(t testing.TB) []string {
	return slices.DeleteFunc(w.Dump(t, w.Kit.Erasures.Table), func(line string) bool {
		return !strings.Contains(line, `"erasureId":{"Value":"erasure-`)
	})
}

// clear empties the ledger between rounds.
func (w *world) clear(t testing.TB) {
	t.Helper()
	for _, line := range w.Dump(t, w.Kit.Erasures.Table) {
		_, id, _ := strings.Cut(line, `"erasureId":{"Value":"`)
		id, _, _ = strings.Cut(id, `"`)
		w.deleteLedger(t, id)
	}
}

func (w *world) deleteLedger(t testing.TB, id string) {
	_, err := w.Plain.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &w.Kit.Erasures.Table, Key: item{"erasureId": s(id)}})
	if err != nil {
		t.Fatal(err)
	}
}

func TestCustomerWith25TransactionsTakesFiveCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.putCustomer(t, "shop", "4711", 25)
	w.Faults.Calls()
	if err := w.Customer(t.Context(), "shop", "4711", "john", time.Minute); err != nil {
		t.Fatal(err)
	}
	// With the read of the API user these are the six round trips that a deletion may take.
	want := []string{"Query", "TransactWriteItems", "BatchWriteItem", "Query", "UpdateItem"}
	if calls := w.Faults.Calls(); !slices.Equal(calls, want) {
		t.Errorf("calls %v, want %v", calls, want)
	}
}

func TestCustomerLeavesNothingAndNobodyElseChanges(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 24, 25, 26, 1000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.putCustomer(t, "shop", "471", 3)
			w.putCustomer(t, "shop", "47110", 3)
			w.putCustomer(t, "shop2", "4711", 3)
			before := w.Dump(t, w.All()...)
			w.putCustomer(t, "shop", "4711", n)

			if err := w.Customer(t.Context(), "shop", "4711", "john", time.Minute); err != nil {
				t.Fatal(err)
			}
			if left := w.everything(t); strings.Count(left, "name of 4711") != 2 || strings.Count(left, `"shop#4711"`) != 1 {
				t.Errorf("only the tombstone may be left:\n%s", left)
			}
			w.settle(t)
			if after := w.Dump(t, w.All()[:4]...); !slices.Equal(before, after) {
				t.Errorf("before:\n%s\nafter:\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
			}
			records := w.records(t)
			if len(records) != 1 || !strings.Contains(records[0], fmt.Sprintf(`"deleted":{"Value":"%d"},`, n+1)) ||
				!strings.Contains(records[0], fmt.Sprintf(`"found":{"Value":"%d"},`, n+1)) || strings.Contains(records[0], `"4711"`) {
				t.Errorf("records: %s", records)
			}
			if ledger := w.Dump(t, w.Kit.Erasures.Table); len(ledger) != 2 {
				t.Errorf("the ledger may hold a record and a pointer: %s", ledger)
			}
		})
	}
}

func TestCustomerRepeats(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	if err := w.Customer(ctx, "shop", "4711", "john", time.Minute); !errors.Is(err, ErrUnknownCustomer) {
		t.Errorf("a code that never existed: %v", err)
	}
	w.putCustomer(t, "shop", "4711", 3)
	for range 2 {
		if err := w.Customer(ctx, "shop", "4711", "john", time.Minute); err != nil {
			t.Error(err)
		}
	}
	w.settle(t)
	if err := w.Customer(ctx, "shop", "4711", "john", time.Minute); err != nil {
		t.Errorf("a repeat after the end: %v", err)
	}
	if err := w.Customer(ctx, "shop2", "4711", "john", time.Minute); !errors.Is(err, ErrUnknownCustomer) {
		t.Errorf("the same code in another account: %v", err)
	}
	if n := len(w.records(t)); n != 1 {
		t.Errorf("%d records", n)
	}
	// Back as a new customer, and deleted again.
	w.putCustomer(t, "shop", "4711", 2)
	if err := w.Customer(ctx, "shop", "4711", "john", time.Minute); err != nil {
		t.Error(err)
	}
	w.settle(t)
	if n := len(w.records(t)); n != 2 {
		t.Errorf("%d records", n)
	}
	if left := w.Dump(t, w.Kit.Customers.Table); len(left) != 0 {
		t.Errorf("left: %s", left)
	}
	w.clock.Advance(31 * 24 * time.Hour)
	if err := w.Customer(ctx, "shop", "4711", "john", time.Minute); !errors.Is(err, ErrUnknownCustomer) {
		t.Errorf("a repeat after 31 days: %v", err)
	}
}

func TestTransactionsWithoutTheirCustomerAreErasedToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Put(t, w.Kit.Customers.Table, item{"customer": s("shop#4711"), "record": s(store.TransactionRecord("c", "t")), "amount": s("1")})
	if err := w.Customer(t.Context(), "shop", "4711", "john", time.Minute); err != nil {
		t.Fatal(err)
	}
	w.settle(t)
	if left := w.Dump(t, w.Kit.Customers.Table); len(left) != 0 {
		t.Errorf("left: %s", left)
	}
}

func TestLateWritersAreErasedInTheSecondPass(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.putCustomer(t, "shop", "4711", 3)
	w.putContact(t, "acme", "c1", "135", "200")
	if err := w.Customer(t.Context(), "shop", "4711", "john", time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := w.Numbers(t.Context(), "acme", []string{"135"}, "app"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Due(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.putCustomer(t, "shop", "4711", 5) // unconditionally, over the tombstone
	w.putContact(t, "acme", "c2", "300", "135")
	w.settle(t)
	if left := w.Dump(t, w.Kit.Customers.Table, w.Kit.Contacts.Table); len(left) != 0 {
		t.Errorf("left: %s", left)
	}
	for _, want := range []string{`"deleted":{"Value":"10"}`, `"deleted":{"Value":"2"}`} {
		if all := strings.Join(w.records(t), "\n"); !strings.Contains(all, want) {
			t.Errorf("no record with %s: %s", want, all)
		}
	}
}

func TestNumbersEraseBothSidesAndNobodyElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.putContact(t, "acme", "other", "200", "300")
	w.putContact(t, "rival", "c1", "135", "wen11")
	before := w.Dump(t, w.All()...)
	w.putContact(t, "acme", "c1", "135", "200")
	w.putContact(t, "acme", "c2", "200", "135")
	w.putContact(t, "acme", "c3", "135", "wen11")
	w.putContact(t, "acme", "c4", "wen11", "300", "k@x")
	w.putContact(t, "acme", "c5", "k@x", "k@x2")
	if err := w.Numbers(t.Context(), "acme", []string{"wen11", "135", "nobody", "13*"}, "app"); err != nil {
		t.Fatal(err)
	}
	w.settle(t)
	after := w.Dump(t, w.All()[:4]...)
	after = slices.DeleteFunc(after, func(line string) bool { return strings.Contains(line, `#c5"`) })
	if !slices.Equal(before, after) {
		t.Errorf("before:\n%s\nafter:\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
	records := w.records(t)
	if len(records) != 1 || !strings.Contains(records[0], `"deleted":{"Value":"4"}`) || strings.Contains(records[0], "wen11") {
		t.Errorf("records: %s", records)
	}
}

func TestNumbersJoinAnOpenJob(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, numbers := range [][]string{{"1", "2"}, {"2", "1"}} {
		if err := w.Numbers(t.Context(), "acme", numbers, "app"); err != nil {
			t.Fatal(err)
		}
	}
	w.settle(t)
	if records := w.records(t); len(records) != 1 || !strings.Contains(records[0], `"requests":{"Value":"2"}`) {
		t.Errorf("records: %s", records)
	}
}

// bulky are n transactions of customer 4711, of which a dozen fill a page.
func bulky(n int) (items []item) {
	bulk := s(strings.Repeat("x", 80<<10))
	for i := range n {
		items = append(items, item{"customer": s("shop#4711"), "record": s(store.TransactionRecord("c", fmt.Sprint(i))), "bulk": bulk})
	}
	return items
}

func TestNoPageIsReadTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.putCustomer(t, "shop", "4711", 0)
	w.Put(t, w.Kit.Customers.Table, bulky(30)...) // three pages
	w.Faults.Calls()
	if err := w.Customer(t.Context(), "shop", "4711", "john", time.Minute); err != nil {
		t.Fatal(err)
	}
	queries := 0
	for _, call := range w.Faults.Calls() {
		if call == "Query" {
			queries++
		}
	}
	if queries != 3+1 {
		t.Errorf("%d queries, want one a page and one that finds nothing", queries)
	}
}
