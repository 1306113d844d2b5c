package erasure

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

// foreign are n records of customer 4711 that no writer of ours has made; all begin with
// start.
func foreign(start string, n int, more ...item) (items []item) {
	for i := range n {
		it := record4711(fmt.Sprintf("%s%05d", start, i))
		for _, attributes := range more {
			for name, value := range attributes {
				it[name] = value
			}
		}
		items = append(items, it)
	}
	return items
}

// Two numbers that take part in a contact.
const erased, other = "8613500001", "8613500002"

// everyType is one value of each type, and what stands nowhere is nil.
func everyType() map[string]types.AttributeValue {
	n := func(digits string) types.AttributeValue { return &types.AttributeValueMemberN{Value: digits} }
	l := func(members ...types.AttributeValue) types.AttributeValue {
		return &types.AttributeValueMemberL{Value: append([]types.AttributeValue{}, members...)}
	}
	text := attribute.Text
	null := &types.AttributeValueMemberNULL{Value: true}
	return map[string]types.AttributeValue{
		"nothing":         nil,
		"string":          text(erased),
		"empty string":    text(""),
		"long string":     text(strings.Repeat("x", 3000)),
		"number":          n(erased),
		"fraction":        n("1.50"),
		"binary":          &types.AttributeValueMemberB{Value: []byte(erased)},
		"boolean":         &types.AttributeValueMemberBOOL{Value: false},
		"null":            null,
		"map":             attribute.Map(item{"a": text(erased), "b": l(n("7"))}),
		"empty map":       attribute.Map(item{}),
		"list":            attribute.Texts(erased, other),
		"empty list":      l(),
		"list of numbers": l(n(erased), n(other)),
		"mixed list":      l(text(erased), n(other)),
		"list with null":  l(text(other), null),
		"list of lists":   l(attribute.Texts(erased, other)),
		"list with empty": attribute.Texts("", erased, other),
		"string set":      &types.AttributeValueMemberSS{Value: []string{other, erased}},
		"number set":      &types.AttributeValueMemberNS{Value: []string{erased, other}},
		"binary set":      &types.AttributeValueMemberBS{Value: [][]byte{[]byte("a"), []byte("b")}},
	}
}

// customer4711 is the item of a customer whom another writer has given a tombstone of
// any type.
func customer4711(tombstone types.AttributeValue) item {
	customer := record4711(store.CustomerRecord)
	customer["name"] = attribute.Text("name")
	if tombstone != nil {
		customer["tombstone"] = tombstone
	}
	return customer
}

// TestForeignRecordsUnderEveryFault: records of other writers before and behind the
// customer item, so many that the first page does not show it, go with the customer
// whatever call fails in whatever way; the counts are right, and nobody else loses a
// byte.
func TestForeignRecordsUnderEveryFault(t *testing.T) {
	t.Parallel()
	fraction, flag := &types.AttributeValueMemberN{Value: "1.50"}, &types.AttributeValueMemberBOOL{Value: true}
	for _, c := range []struct {
		name         string
		page         int // items on each
		transactions int // -1 for no customer item either
		records      []item
		deleted      int
	}{
		{
			"few of each on one page", 100, 3,
			slices.Concat(foreign("a", 2), foreign("customer2", 1), foreign("zzz", 1)), 8,
		},
		{"few on two pages", 2, 3, foreign("a", 2), 6},
		{
			"many", 4, 3,
			slices.Concat(foreign("0", 6), foreign("Z", 2), foreign("customer", 2), foreign("zzz", 3)), 17,
		},
		{"without the customer", 4, -1, slices.Concat(foreign("a", 9), foreign("zzz", 2)), 11},
		{
			"a tombstone of another type behind them", 4, 2,
			append(foreign("a", 5), customer4711(fraction)), 8,
		},
		{"few and a tombstone of another type", 100, 2, []item{customer4711(flag)}, 3},
	} {
		for _, way := range everyWay() {
			t.Run(c.name+" "+way.name, func(t *testing.T) {
				t.Parallel()
				sys := newSystem(t)
				sys.shortenPages(c.page)
				sys.putCustomer(t, "shop", "471", 2)
				before := sys.Dump(t, sys.Kit.Customers.Table)
				most := 0 // calls in a round
				moments := dynamotest.EveryMoment(t, func(t *testing.T, k int) (struck bool) {
					if c.transactions >= 0 {
						sys.putCustomer(t, "shop", "4711", c.transactions)
					}
					sys.Put(t, sys.Kit.Customers.Table, c.records...)
					process := way.inject(sys.Faults, k)
					err := recovered(func() error {
						return sys.Customer(process, "shop", "4711", "john", time.Minute)
					})
					if err != nil { // nothing was promised, and the caller asks again
						sys.clock.Advance(5 * time.Minute)
						sys.eraseCustomer(t)
					}
					sys.finishAll(t, process)
					struck = sys.Faults.Struck()
					most = max(most, len(sys.Faults.Calls()))
					sys.wantRecord(t, c.deleted)
					if left := sys.Dump(t, sys.Kit.Customers.Table); !slices.Equal(left, before) {
						t.Fatalf("left\n%s", strings.Join(left, "\n"))
					}
					sys.clear(t)
					return struck
				})
				if moments < 5 || most > 3*(moments+1) {
					t.Errorf("%d calls without a fault, and %d with one", moments, most)
				}
			})
		}
	}
}

// TestForeignRecordsFillTheFirstPage: with pages as DynamoDB makes them. One call more
// tells of the customer, before and after the tombstone stands.
func TestForeignRecordsFillTheFirstPage(t *testing.T) {
	t.Parallel()
	large := item{"bulk": attribute.Text(strings.Repeat("x", 390<<10))}
	for name, records := range map[string][]item{
		"10,000 small ones": foreign("a", 10_000),
		"three of 390 KB":   foreign("a", 3, large),
		"before and behind": slices.Concat(
			foreign("a", 3, large), foreign("customer", 3, large), foreign("zzz", 3, large)),
	} {
		for _, transactions := range []int{0, 3, 30} {
			if testing.Short() && (transactions > 0 || len(records) > 9) {
				continue
			}
			t.Run(fmt.Sprint(name, " and transactions ", transactions), func(t *testing.T) {
				t.Parallel()
				sys := newSystem(t)
				sys.putCustomer(t, "shop", "4711", transactions)
				sys.Put(t, sys.Kit.Customers.Table, records...)
				sys.Faults.Calls()
				sys.eraseCustomer(t)
				want := []string{"Query", "Query", "TransactWriteItems"}
				if calls := sys.Faults.Calls(); !slices.Equal(calls[:3], want) {
					t.Errorf("calls %s, want %s first", calls[:3], want)
				}
				if left := sys.Dump(t, sys.Kit.Customers.Table); len(left) != 1 || !sys.tombstoneStands(t) {
					t.Errorf("%d left besides the tombstone", len(left)-1)
				}
				// Late, and in front of the tombstone.
				sys.Put(t, sys.Kit.Customers.Table, records...)
				if err := sys.Customer(t.Context(), "shop", "4711", "john", time.Minute); err != nil {
					t.Errorf("a repeat: %v", err)
				}
				sys.finishAll(t)
				sys.wantEmpty(t, sys.Kit.Customers.Table)
				sys.wantRecord(t, 1+transactions+2*len(records))
				if err := sys.Customer(t.Context(), "shop", "4711", "john", time.Minute); err != nil {
					t.Errorf("a repeat after the end: %v", err)
				}
			})
		}
	}
}

// A first page that ends behind the customer item's place shows that there is none: that
// costs no call.
func TestTransactionsAloneTakeNoSecondLook(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.Put(t, sys.Kit.Customers.Table, bulky(30)...) // three pages
	sys.Faults.Calls()
	sys.eraseCustomer(t)
	queries := slices.DeleteFunc(sys.Faults.Calls(), func(call string) bool { return call != "Query" })
	if len(queries) != 3+1 {
		t.Errorf("%d queries, want one a page and one that finds nothing", len(queries))
	}
	if err := sys.Customer(t.Context(), "shop", "nobody", "john", time.Minute); !errors.Is(err, ErrUnknownCustomer) {
		t.Error(err)
	}
}

// TestTombstonesOfEveryType: what another writer stores as tombstone keeps nobody from
// being erased, and is taken for no job's.
func TestTombstonesOfEveryType(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.putCustomer(t, "shop", "471", 2)
	before := sys.Dump(t, sys.Kit.Customers.Table)
	values := everyType()
	values["a word"] = attribute.Text("yes")
	values["a job of numbers"] = attribute.Text("numbers-1.00")
	values["a job that is not open"] = attribute.Text("customer-1.00")
	values["a job's prefix, and too long"] = attribute.Text("customer-" + strings.Repeat("x", 2048))
	for name, value := range values {
		for _, transactions := range []int{2, 12} {
			t.Run(fmt.Sprint(name, " and transactions ", transactions), func(t *testing.T) {
				sys.putCustomer(t, "shop", "4711", transactions)
				customer := customer4711(value)
				sys.Put(t, sys.Kit.Customers.Table, customer)
				sys.eraseCustomer(t)
				sys.Put(t, sys.Kit.Customers.Table, customer) // late, over the tombstone
				sys.eraseCustomer(t)
				sys.Put(t, sys.Kit.Customers.Table, customer) // and again, for the worker
				sys.finishAll(t)
				if left := sys.Dump(t, sys.Kit.Customers.Table); !slices.Equal(left, before) {
					t.Fatalf("left %s", left)
				}
				deleted := transactions + 3
				// What looks like a tombstone is no customer.
				if name == "a job that is not open" {
					deleted = transactions
				}
				sys.wantRecord(t, deleted)
				sys.clear(t)
			})
		}
	}
}

// TestCustomerPutBackBehindForeignRecords: whatever was seen, nothing is entombed but
// what stands there: another writer puts the customer, takes it away, or replaces it by
// one with a tombstone of no job, right before any call of the request.
func TestCustomerPutBackBehindForeignRecords(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(sys *system){
		"put":     func(sys *system) { sys.putCustomer(t, "shop", "4711", 1) },
		"removed": func(sys *system) { sys.takeCustomerAway(t) },
		"marked": func(sys *system) {
			sys.Put(t, sys.Kit.Customers.Table, customer4711(attribute.Texts("x")))
		},
	} {
		for _, standing := range []bool{true, false} {
			t.Run(fmt.Sprint(name, " standing ", standing), func(t *testing.T) {
				t.Parallel()
				sys := newSystem(t)
				sys.shortenPages(4)
				dynamotest.EveryMoment(t, func(t *testing.T, k int) (struck bool) {
					sys.Put(t, sys.Kit.Customers.Table, foreign("a", 5)...)
					if standing {
						sys.putCustomer(t, "shop", "4711", 2)
					}
					sys.Faults.Interrupt(k, func() { change(sys) })
					sys.eraseCustomer(t)
					struck = sys.Faults.Struck()
					sys.Faults.Calls()
					sys.finishAll(t)
					sys.wantEmpty(t, sys.Kit.Customers.Table)
					if records := sys.ledger(t).records; len(records) != 1 {
						t.Fatalf("%d records", len(records))
					}
					sys.clear(t)
					return struck
				})
			})
		}
	}
}
