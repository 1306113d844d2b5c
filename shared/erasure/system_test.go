package erasure

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/digest"
	"customercare/shared/invocation"
	"customercare/shared/store"
)

type item = attribute.Item

// engine is the front doors of the package, on the same tables. A test may change what
// it is made of at any time: each call goes through a door of its own.
type engine struct {
	Ledger         store.Erasures
	Customers      store.Customers
	Contacts       store.Contacts
	Holds          store.Holds
	Digests        digest.Digester
	Memory         *store.Memory
	WriterLifetime time.Duration
	ClockSkew      time.Duration
	Lease          time.Duration
	Clock          Clock
}

func (e engine) timing() Timing {
	return Timing{WriterLifetime: e.WriterLifetime, ClockSkew: e.ClockSkew, BackupDays: 35}
}

func (e engine) Customer(
	ctx context.Context, account, code, requestedBy string, budget time.Duration,
) error {
	_, err := e.customerIntake().Customer(ctx, CustomerRequest{Account: account, Code: code, By: requestedBy}, budget)
	return err
}

// customerReadAhead asks for the erasure of customer 4711, who was read ahead; between
// runs when that has been read.
func (e engine) customerReadAhead(ctx context.Context, between func()) error {
	intake := e.customerIntake()
	ahead := intake.ReadAhead(ctx, "shop", "4711")
	defer ahead.Drop()
	<-ahead.done
	between()
	asked := CustomerRequest{Account: "shop", Code: "4711", By: "john", Ahead: ahead}
	_, err := intake.Customer(ctx, asked, time.Minute)
	return err
}

func (e engine) customerIntake() CustomerIntake {
	return NewCustomerIntake(e.Ledger, e.Customers, e.Holds, e.Digests, e.timing(), e.Clock)
}

func (e engine) Numbers(
	ctx context.Context, tenant string, numbers []string, requestedBy string,
) error {
	_, err := e.numbersIntake().Numbers(ctx, NumbersRequest{Tenant: tenant, Numbers: numbers, By: requestedBy})
	return err
}

func (e engine) numbersIntake() NumbersIntake {
	return NewNumbersIntake(e.Ledger, e.Digests, e.Clock.Now)
}

func (e engine) worker() Worker {
	return NewWorker(e.Ledger, e.Customers, e.Contacts, e.Holds, e.Memory, e.timing(), e.Lease, e.Clock)
}

func (e engine) holder() Holder {
	return NewHolder(e.Ledger, e.Customers, e.Contacts, e.Holds, e.timing(), e.Clock)
}

func (e engine) Continue(ctx context.Context, key string) error {
	return e.worker().Continue(ctx, key)
}

func (e engine) Due(ctx context.Context) (int, error) {
	return e.worker().Due(ctx, dynamotest.OpenIndex)
}

// system is one test's tables, and an engine on them whose clock stands still until the
// test moves it. The engine's calls go through sys.Faults, the test's own do not.
type system struct {
	*dynamotest.Kit
	engine
	clock    *dynamotest.Clock
	tb       testing.TB
	evidence map[string]statements // of every record that was seen, by its key
	// tampered says that the test itself has changed what the ledger holds as evidence.
	tampered bool
}

func newSystem(t testing.TB) *system {
	kit := dynamotest.Open(t)
	clock := &dynamotest.Clock{Time: time.UnixMilli(time.Now().UnixMilli())}
	return &system{Kit: kit, clock: clock, tb: t, evidence: map[string]statements{}, engine: engine{
		Ledger: kit.Erasures, Customers: kit.Customers, Contacts: kit.Contacts, Holds: kit.Holds,
		Digests: digest.Digester{
			Current: "1", Keys: map[string][]byte{"1": []byte("a key that only these tests know of")},
		},
		WriterLifetime: 5 * time.Minute, ClockSkew: time.Minute, Lease: time.Minute,
		Clock: NewClock(clock.Now, clock.AfterFunc),
	}}
}

// withoutFaults is an engine on the same tables and clock, whose calls never fail.
func (sys *system) withoutFaults() engine {
	return sys.through(func(next http.RoundTripper) http.RoundTripper { return next })
}

// another is an engine on the same tables and clock, with faults of its own.
func (sys *system) another() (engine, *dynamotest.Faults) {
	faults := &dynamotest.Faults{}
	return sys.through(func(next http.RoundTripper) http.RoundTripper {
		faults.Next = next
		return faults
	}), faults
}

// through is an engine on the same tables and clock, whose calls go through transport.
func (sys *system) through(transport func(next http.RoundTripper) http.RoundTripper) engine {
	db := dynamodb.New(sys.Kit.DB.Options(), func(o *dynamodb.Options) {
		client := *o.HTTPClient.(*http.Client)
		client.Transport = transport(sys.Faults.Next)
		o.HTTPClient = &client
	})
	e := sys.engine
	e.Ledger.DB, e.Customers.DB, e.Contacts.DB, e.Holds.DB = db, db, db, db
	return e
}

// recovered is do as the functions call it: a panic is an error.
func recovered(do func() error) (err error) {
	defer invocation.Recover("test", &err)
	return do()
}

// eraseCustomer asks for the erasure of customer 4711, in a request of a minute.
func (sys *system) eraseCustomer(t testing.TB) {
	t.Helper()
	sys.eraseCustomerBy(t, sys.engine)
}

// eraseCustomerBy is eraseCustomer by another engine.
func (sys *system) eraseCustomerBy(t testing.TB, e engine) {
	t.Helper()
	if err := e.Customer(t.Context(), "shop", "4711", "john", time.Minute); err != nil {
		t.Fatal(err)
	}
}

// eraseCustomerIn is eraseCustomer, which must make these calls. It ends any fault.
func (sys *system) eraseCustomerIn(t testing.TB, calls ...string) {
	t.Helper()
	sys.Faults.Calls()
	sys.eraseCustomer(t)
	if made := sys.Faults.Calls(); !slices.Equal(made, calls) {
		t.Errorf("calls %v, want %v", made, calls)
	}
}

// eraseNumbers asks for the erasure of numbers of the tenant acme.
func (sys *system) eraseNumbers(t testing.TB, numbers ...string) {
	t.Helper()
	if err := sys.Numbers(t.Context(), "acme", numbers, "app"); err != nil {
		t.Fatal(err)
	}
}

// numbersJob is the key of the job that erases numbers of the tenant acme.
func (sys *system) numbersJob(numbers ...string) string {
	return store.NumbersJob(sys.Digests.Set("acme", slices.Sorted(slices.Values(numbers))))
}

// customerJob is the key of the job that erases customer 4711.
func (sys *system) customerJob() string {
	return store.CustomerJob(sys.Digests.Subject("customer", "shop", "4711"))
}

// goOn lets a worker go on with the job, as the ledger's stream does.
func (sys *system) goOn(t testing.TB, job string) {
	t.Helper()
	if err := sys.Continue(t.Context(), job); err != nil {
		t.Fatal(err)
	}
}

// cleanUp is one run of cleanup.
func (sys *system) cleanUp(t testing.TB) {
	t.Helper()
	if _, err := sys.Due(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// finishAll lets time pass and runs cleanup until nothing is open. The first process it
// runs in may be one that the test lets die; then errors are cleanup's own to come back
// from.
func (sys *system) finishAll(t testing.TB, process ...context.Context) {
	t.Helper()
	for range 40 {
		sys.clock.Advance(7 * time.Minute)
		ctx := context.Background()
		if len(process) > 0 && process[0].Err() == nil {
			ctx = process[0]
		}
		err := recovered(func() error { _, err := sys.Due(ctx); return err })
		if err != nil && len(process) == 0 {
			t.Fatalf("cleanup: %v", err)
		}
		if len(sys.ledger(t).open) == 0 {
			return
		}
	}
	t.Fatal("jobs are still open")
}

// putCustomer stores a customer with so many transactions.
func (sys *system) putCustomer(t testing.TB, account, code string, transactions int) {
	key := attribute.Text(store.CustomerKey(account, code))
	items := []item{{
		"customer": key, "record": attribute.Text(store.CustomerRecord),
		"name": attribute.Text("name of " + code),
	}}
	for i := range transactions {
		record := store.TransactionRecord(fmt.Sprint("c", i%3), fmt.Sprint("t", i))
		items = append(items, item{
			"customer": key, "record": attribute.Text(record), "amount": attribute.Text("1.50"),
		})
	}
	sys.Put(t, sys.Kit.Customers.Table, items...)
}

// record4711 is an item of customer 4711, without attributes but its key.
func record4711(record string) item {
	return item{"customer": attribute.Text("shop#4711"), "record": attribute.Text(record)}
}

// bulky are n transactions of customer 4711, of which a dozen fill a page.
func bulky(n int) (items []item) {
	bulk := attribute.Text(strings.Repeat("x", 80<<10))
	for i := range n {
		transaction := record4711(store.TransactionRecord("c", fmt.Sprint(i)))
		transaction["bulk"] = bulk
		items = append(items, transaction)
	}
	return items
}

// contactTime is when all contacts were.
var contactTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// putContact stores a contact, one copy under each of its parties.
func (sys *system) putContact(t testing.TB, tenant, id string, parties ...string) {
	sys.Put(t, sys.Kit.Contacts.Table, copies(tenant, id, parties...)...)
}

// copies are the items of a contact, one for each party.
func copies(tenant, id string, parties ...string) (items []item) {
	for _, party := range parties {
		items = append(items, item{
			"party":   attribute.Text(store.PartyKey(tenant, party)),
			"contact": attribute.Text(store.ContactKey(contactTime, id)),
			"parties": attribute.Texts(parties...), "content": attribute.Text("said by " + parties[0]),
		})
	}
	return items
}

// refile replaces the copies of a contact in one transaction, as the import does.
func (sys *system) refile(t testing.TB, id string, old, parties []string) {
	var actions []types.TransactWriteItem
	for _, party := range old {
		if !slices.Contains(parties, party) {
			actions = append(actions, types.TransactWriteItem{Delete: &types.Delete{
				TableName: &sys.Kit.Contacts.Table, Key: copyKey(id, party),
			}})
		}
	}
	for _, party := range parties {
		filed := copyKey(id, party)
		filed["parties"] = attribute.Texts(parties...)
		actions = append(actions, types.TransactWriteItem{Put: &types.Put{
			TableName: &sys.Kit.Contacts.Table, Item: filed,
		}})
	}
	_, err := sys.Plain.TransactWriteItems(context.Background(),
		&dynamodb.TransactWriteItemsInput{TransactItems: actions})
	if err != nil {
		t.Error(err)
	}
}

// copyKey is the key of the copy of a contact of acme's that is filed under party.
func copyKey(id, party string) item {
	return item{
		"party":   attribute.Text(store.PartyKey("acme", party)),
		"contact": attribute.Text(store.ContactKey(contactTime, id)),
	}
}

// deleteItem deletes an item past the faults.
func (sys *system) deleteItem(t testing.TB, table string, key item) {
	t.Helper()
	in := &dynamodb.DeleteItemInput{TableName: &table, Key: key}
	if _, err := sys.Plain.DeleteItem(context.Background(), in); err != nil {
		t.Error(err)
	}
}

// takeCustomerAway deletes the customer item of 4711, or the tombstone in its place.
func (sys *system) takeCustomerAway(t testing.TB) {
	t.Helper()
	sys.deleteItem(t, sys.Kit.Customers.Table, record4711(store.CustomerRecord))
}

// takeTransactionAway deletes the first transaction of 4711.
func (sys *system) takeTransactionAway(t testing.TB) {
	t.Helper()
	sys.deleteItem(t, sys.Kit.Customers.Table, record4711(store.TransactionRecord("c0", "t0")))
}
