package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/repr"
	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/digest"
	"customercare/shared/erasure"
	"customercare/shared/retention"
	"customercare/shared/statement"
	"customercare/shared/store"
)

// days is how old data must be for the rules of these tests; skew is what the function
// takes off for clocks that differ.
const (
	days = 400
	skew = time.Minute
)

var digests = digest.Digester{Current: "1", Keys: map[string][]byte{"1": []byte("a key that only these tests know of")}}

// world is the function on a real engine.
type world struct {
	*dynamotest.Kit
	*handler
	plain store.Rules
	tb    testing.TB
	since time.Time // an hour older than the rules' age when the test began
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	kit := dynamotest.Open(tb)
	return &world{
		Kit: kit, handler: newHandler(kit), plain: store.Rules{DB: kit.Plain, Table: kit.Rules.Table}, tb: tb,
		since: aged(time.Hour),
	}
}

func newHandler(kit *dynamotest.Kit) *handler {
	limiter := store.NewLimiter(4)
	kit.Customers.Limiter, kit.Contacts.Limiter = limiter, limiter
	return &handler{
		rules: kit.Rules, customers: kit.Customers, contacts: kit.Contacts, holds: kit.Holds, ledger: kit.Erasures,
		users: kit.Users, principals: kit.Principals,
		intake: erasure.NewCustomerIntake(kit.Erasures, kit.Customers, kit.Holds, digests, erasure.Timing{}, erasure.SystemClock()),
		atOnce: 4, skew: skew, every: 24 * time.Hour, pageSize: 3, now: time.Now,
	}
}

// run is one run of the function.
func (w *world) run(ctx context.Context) error { return w.handle(ctx, events.EventBridgeEvent{}) }

// rule keeps a rule past the faults, with the next version.
func (w *world) rule(r retention.Rule, state retention.State) {
	w.tb.Helper()
	set, err := w.plain.ReadRules(context.Background())
	if err != nil {
		w.tb.Fatal(err)
	}
	s := retention.Standing{Rule: r, State: state, Version: 1, Dry: &retention.DryRun{Found: 1 << 20, OutOf: 1 << 20}}
	for _, before := range set.Rules {
		if before.Name == r.Name {
			s.Version = before.Version + 1
		}
	}
	if err := w.plain.KeepRule(context.Background(), set, s); err != nil {
		w.tb.Fatal(err)
	}
}

var (
	oldContacts     = retention.Rule{Name: "contacts", What: retention.Contacts, Days: days}
	oldTransactions = retention.Rule{Name: "transactions", What: retention.Transactions, Days: days}
)

// aged is a time that is so much older than the rules' age, by the true clock.
func aged(by time.Duration) time.Time { return time.Now().AddDate(0, 0, -days).Add(-by) }

func (w *world) customer(code string) {
	w.Put(w.tb, w.Customers.Table, attribute.Item{
		"customer": attribute.Text(store.CustomerKey("shop", code)), "record": attribute.Text(store.CustomerRecord),
	})
}

// transaction puts a transaction of an account's customer, and gives its key.
func (w *world) transaction(account, code, id string, at time.Time) string {
	customer, record := store.CustomerKey(account, code), store.TransactionRecord("campaign", id)
	w.Put(w.tb, w.Customers.Table, attribute.Item{
		"customer": attribute.Text(customer), "record": attribute.Text(record),
		"data": attribute.Map(attribute.Item{"at": attribute.Text(at.UTC().Format(time.RFC3339Nano)), "amount": attribute.Text("1.50")}),
	})
	return customer + " " + record
}

// contact puts a contact with all its copies, and gives their keys.
func (w *world) contact(tenant, id string, at time.Time, numbers ...string) (keys []string) {
	var items []map[string]types.AttributeValue
	for _, number := range numbers {
		item := attribute.Item{
			"party": attribute.Text(store.PartyKey(tenant, number)), "contact": attribute.Text(store.ContactKey(at, id)),
			"parties": attribute.Texts(numbers...), "data": attribute.Map(attribute.Item{"content": attribute.Text("hello")}),
		}
		items = append(items, item)
		keys = append(keys, attribute.ReadText(item, "party")+" "+attribute.ReadText(item, "contact"))
	}
	w.Put(w.tb, w.Contacts.Table, items...)
	return keys
}

// there is the keys of all items of the tables that rules may take from.
func (w *world) there() map[string]bool {
	all := map[string]bool{}
	for _, item := range dynamotest.Items(w.tb, w.Plain, w.Customers.Table) {
		all[attribute.ReadText(item, "customer")+" "+attribute.ReadText(item, "record")] = true
	}
	for _, item := range dynamotest.Items(w.tb, w.Plain, w.Contacts.Table) {
		all[attribute.ReadText(item, "party")+" "+attribute.ReadText(item, "contact")] = true
	}
	return all
}

// holder places and releases holds past the faults.
func (w *world) holder() erasure.Holder {
	k := w.Kit
	return erasure.NewHolder(
		store.Erasures{DB: k.Plain, Table: k.Erasures.Table}, store.Customers{DB: k.Plain, Table: k.Customers.Table},
		store.Contacts{DB: k.Plain, Table: k.Contacts.Table}, store.Holds{DB: k.Plain, Table: k.Holds.Table},
		erasure.Timing{}, erasure.SystemClock(),
	)
}

// hold places a hold, and fails the test unless it is active.
func (w *world) hold(id, kind, scope, subject string) {
	w.tb.Helper()
	of := digests.Subject(kind, scope, subject)
	hold := store.Hold{ID: id, Kind: kind, Scope: scope, Subject: subject, Digest: of, Reason: "a case", By: "csr"}
	placed, _, err := w.holder().Place(context.Background(), hold, []string{of}, time.Now().Add(time.Minute))
	if err != nil || placed.Status != store.Active {
		w.tb.Fatalf("hold %s: %s, %v", id, placed.Status, err)
	}
}

// release ends a hold, and takes its marks away.
func (w *world) release(id string) {
	w.tb.Helper()
	if _, err := w.holder().Release(context.Background(), id, "csr"); err != nil {
		w.tb.Fatal(err)
	}
	if failing, err := w.holder().Due(context.Background(), dynamotest.StandingIndex); failing > 0 || err != nil {
		w.tb.Fatal(failing, err)
	}
}

// statements are those on record of the sweeps, in their order.
func (w *world) statements() (all []statement.Statement) {
	w.tb.Helper()
	for _, item := range dynamotest.Items(w.tb, w.Plain, w.Erasures.Table) {
		if attribute.ReadText(item, "kind") != store.SweepKind {
			continue
		}
		if item["unlogged"] == nil || item["unloggedAt"] == nil {
			w.tb.Errorf("seal-ledger does not find %s", repr.String(item))
		}
		s, err := statement.Parse([]byte(attribute.ReadText(item, "statement")))
		if err != nil || s.Swept == nil || s.Subjects != nil {
			w.tb.Fatalf("%s, %v", repr.String(s), err)
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b statement.Statement) int { return strings.Compare(a.ID, b.ID) })
	return all
}

// whole runs the function until each rule's sweep has come to its end.
func (w *world) whole(runs int, names ...string) {
	w.tb.Helper()
	for n := range runs {
		err := w.run(context.Background())
		done := err == nil
		for _, name := range names {
			cursor, err := w.plain.ReadCursor(context.Background(), name)
			done = done && err == nil && !cursor.Ended.IsZero()
		}
		if done {
			return
		}
		if n == runs-1 {
			w.tb.Fatalf("no sweep of %v is whole after %d runs: %v", names, runs, err)
		}
	}
}

// fill puts n of everything, of which each odd one is old, and says which keys are of
// which kind.
func (w *world) fill(n int) (old, young []string) {
	for i := range n {
		at, keys := w.since.Add(2*time.Hour), &young
		if i%2 == 1 {
			at, keys = w.since, &old
		}
		code := fmt.Sprint("c", i/4)
		*keys = append(*keys, w.transaction("shop", code, fmt.Sprint(i), at))
		*keys = append(*keys, w.contact("acme", fmt.Sprint(i), at, fmt.Sprint("1", i), fmt.Sprint("2", i/4))...)
	}
	return old, young
}
