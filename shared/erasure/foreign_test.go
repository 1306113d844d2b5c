package erasure

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/shared/store"
)

// shortPages lets a page of a customer's collection be of a few items, so that a few foreign
// records fill it.
type shortPages struct {
	next  http.RoundTripper
	items int
}

func (p shortPages) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".Query") {
		return p.next.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	body = bytes.Replace(body, []byte(`"Limit":10000,`), fmt.Appendf(nil, `"Limit":%d,`, p.items), 1)
	again := r.Clone(r.Context())
	again.Body, again.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return p.next.RoundTrip(again)
}

func (w *world) shortenPages(items int) { w.Faults.Next = shortPages{w.Faults.Next, items} }

// foreign are n records of customer 4711 that no writer of ours has made; all begin with start.
func foreign(start string, n int, more ...item) (items []item) {
	for i := range n {
		it := item{"customer": s("shop#4711"), "record": s(fmt.Sprintf("%s%05d", start, i))}
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
	return map[string]types.AttributeValue{
		"nothing": nil, "string": s(erased), "empty string": s(""), "number": n(erased), "fraction": n("1.50"),
		"binary": &types.AttributeValueMemberB{Value: []byte(erased)}, "boolean": &types.AttributeValueMemberBOOL{Value: false},
		"null": &types.AttributeValueMemberNULL{Value: true}, "map": &types.AttributeValueMemberM{Value: item{"a": s(erased), "b": l(n("7"))}},
		"empty map": &types.AttributeValueMemberM{Value: item{}}, "empty list": l(), "list of numbers": l(n(erased), n(other)),
		"mixed list": l(s(erased), n(other)), "list with null": l(s(other), &types.AttributeValueMemberNULL{Value: true}),
		"list of lists": l(list(erased, other)), "list with empty": list("", erased, other),
		"number set":  &types.AttributeValueMemberNS{Value: []string{erased, other}},
		"binary set":  &types.AttributeValueMemberBS{Value: [][]byte{[]byte("a"), []byte("b")}},
		"string set":  &types.AttributeValueMemberSS{Value: []string{other, erased}},
		"list":        list(erased, other),
		"long string": s(strings.Repeat("x", 3000)),
	}
}

// TestForeignRecordsUnderEveryFault: records of other writers before and behind the customer
// item, so many that the first page does not show it, go with the customer whatever call
// fails in whatever way; the counts are right, and nobody else loses a byte.
func TestForeignRecordsUnderEveryFault(t *testing.T) {
	t.Parallel()
	odd := func(tombstone types.AttributeValue) item {
		return item{"customer": s("shop#4711"), "record": s(store.CustomerRecord), "tombstone": tombstone}
	}
	for _, c := range []struct {
		name         string
		page         int
		transactions int // -1 for no customer item either
		records      []item
		deleted      int
	}{
		{"few of each on one page", 100, 3, slices.Concat(foreign("a", 2), foreign("customer2", 1), foreign("zzz", 1)), 8},
		{"few on two pages", 2, 3, foreign("a", 2), 6},
		{"many", 4, 3, slices.Concat(foreign("0", 6), foreign("Z", 2), foreign("customer", 2), foreign("zzz", 3)), 17},
		{"without the customer", 4, -1, slices.Concat(foreign("a", 9), foreign("zzz", 2)), 11},
		{"a tombstone of another type behind them", 4, 2, append(foreign("a", 5), odd(&types.AttributeValueMemberN{Value: "1.50"})), 8},
		{"few and a tombstone of another type", 100, 2, []item{odd(&types.AttributeValueMemberBOOL{Value: true})}, 3},
	} {
		for _, way := range everyWay() {
			t.Run(c.name+" "+way.name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.shortenPages(c.page)
				w.putCustomer(t, "shop", "471", 2)
				before := w.Dump(t, w.Kit.Customers.Table)
				calls := 0 // without a fault: the first that none strikes tells
				for k := 1; ; k++ {
					if c.transactions >= 0 {
						w.putCustomer(t, "shop", "4711", c.transactions)
					}
					w.Put(t, w.Kit.Customers.Table, c.records...)
					process := way.inject(w.Faults, k)
					err := recovered(func() error { return w.Customer(process, "shop", "4711", "john", time.Minute) })
					if err != nil { // nothing was promised, and the caller asks again
						w.clock.Advance(5 * time.Minute)
						err = w.Customer(context.Background(), "shop", "4711", "john", time.Minute)
					}
					if err != nil {
						t.Fatalf("k=%d: %v", k, err)
					}
					w.settle(t, process)
					struck := w.Faults.Struck()
					calls = max(calls, len(w.Faults.Calls()))
					records := w.records(t)
					if len(records) != 1 || !strings.Contains(records[0], fmt.Sprintf(`"deleted":{"Value":"%d"}`, c.deleted)) ||
						!strings.Contains(records[0], fmt.Sprintf(`"found":{"Value":"%d"}`, c.deleted)) {
						t.Fatalf("k=%d: records %s", k, records)
					}
					if left := w.Dump(t, w.Kit.Customers.Table); !slices.Equal(left, before) {
						t.Fatalf("k=%d: left\n%s", k, strings.Join(left, "\n"))
					}
					w.clear(t)
					if !struck {
						if k < 6 || calls > 3*k {
							t.Errorf("%d calls without a fault, and %d with one", k-1, calls)
						}
						return
					}
				}
			})
		}
	}
}

// TestForeignRecordsFillTheFirstPage: with pages as DynamoDB makes them. One call more tells
// of the customer, before and after the tombstone stands.
func TestForeignRecordsFillTheFirstPage(t *testing.T) {
	t.Parallel()
	large := item{"bulk": s(strings.Repeat("x", 390<<10))}
	for name, records := range map[string][]item{
		"10,000 small ones": foreign("a", 10_000),
		"three of 390 KB":   foreign("a", 3, large),
		"before and behind": slices.Concat(foreign("a", 3, large), foreign("customer", 3, large), foreign("zzz", 3, large)),
	} {
		for _, transactions := range []int{0, 3, 30} {
			t.Run(fmt.Sprint(name, " and transactions ", transactions), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.putCustomer(t, "shop", "4711", transactions)
				w.Put(t, w.Kit.Customers.Table, records...)
				w.Faults.Calls()
				if err := w.Customer(t.Context(), "shop", "4711", "john", time.Minute); err != nil {
					t.Fatal(err)
				}
				if calls := w.Faults.Calls(); !slices.Equal(calls[:3], []string{"Query", "Query", "TransactWriteItems"}) {
					t.Errorf("calls %s", calls[:3])
				}
				if left := w.Dump(t, w.Kit.Customers.Table); len(left) != 1 || !strings.Contains(left[0], `"tombstone"`) {
					t.Errorf("%d left besides the tombstone", len(left)-1)
				}
				w.Put(t, w.Kit.Customers.Table, records...) // late, and in front of the tombstone
				if err := w.Customer(t.Context(), "shop", "4711", "john", time.Minute); err != nil {
					t.Errorf("a repeat: %v", err)
				}
				w.settle(t)
				if left := w.Dump(t, w.Kit.Customers.Table); len(left) != 0 {
					t.Errorf("%d left", len(left))
				}
				want := fmt.Sprintf(`"deleted":{"Value":"%d"}`, 1+transactions+2*len(records))
				if records := w.records(t); len(records) != 1 || !strings.Contains(records[0], want) {
					t.Errorf("records %s, want %s", records, want)
				}
				if err := w.Customer(t.Context(), "shop", "4711", "john", time.Minute); err != nil {
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
	w := newWorld(t)
	w.Put(t, w.Kit.Customers.Table, bulky(30)...) // three pages
	w.Faults.Calls()
	if err := w.Customer(t.Context(), "shop", "4711", "john", time.Minute); err != nil {
		t.Fatal(err)
	}
	queries := slices.DeleteFunc(w.Faults.Calls(), func(call string) bool { return call != "Query" })
	if len(queries) != 3+1 {
		t.Errorf("%d queries, want one a page and one that finds nothing", len(queries))
	}
	if err := w.Customer(t.Context(), "shop", "nobody", "john", time.Minute); !errors.Is(err, ErrUnknownCustomer) {
		t.Error(err)
	}
}

// TestTombstonesOfEveryType: what another writer stores as tombstone keeps nobody from being
// erased, and is taken for no job's.
func TestTombstonesOfEveryType(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.putCustomer(t, "shop", "471", 2)
	before := w.Dump(t, w.Kit.Customers.Table)
	values := everyType()
	values["a word"], values["a job of numbers"], values["a job that is not open"] = s("yes"), s("numbers-1.00"), s("customer-1.00")
	values["a job's prefix, and too long"] = s("customer-" + strings.Repeat("x", 2048))
	for name, value := range values {
		for _, transactions := range []int{2, 12} {
			w.putCustomer(t, "shop", "4711", transactions)
			it := item{"customer": s("shop#4711"), "record": s(store.CustomerRecord), "name": s("name")}
			if value != nil {
				it["tombstone"] = value
			}
			w.Put(t, w.Kit.Customers.Table, it)
			if err := w.Customer(t.Context(), "shop", "4711", "john", time.Minute); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			w.Put(t, w.Kit.Customers.Table, it) // late, over the tombstone
			if err := w.Customer(t.Context(), "shop", "4711", "john", time.Minute); err != nil {
				t.Fatalf("%s: a repeat: %v", name, err)
			}
			w.Put(t, w.Kit.Customers.Table, it) // and again, for the worker
			w.settle(t)
			if left := w.Dump(t, w.Kit.Customers.Table); !slices.Equal(left, before) {
				t.Fatalf("%s: left %s", name, left)
			}
			deleted := transactions + 3
			if name == "a job that is not open" { // what looks like a tombstone is no customer
				deleted = transactions
			}
			records := w.records(t)
			if len(records) != 1 || !strings.Contains(records[0], fmt.Sprintf(`"deleted":{"Value":"%d"}`, deleted)) {
				t.Errorf("%s: records %s, want %d deleted", name, records, deleted)
			}
			w.clear(t)
		}
	}
}

// TestCustomerPutBackBehindForeignRecords: whatever was seen, nothing is entombed but what
// stands there: another writer puts the customer, takes it away, or replaces it by one with a
// tombstone of no job, right before any call of the request.
func TestCustomerPutBackBehindForeignRecords(t *testing.T) {
	t.Parallel()
	customer := item{"customer": s("shop#4711"), "record": s(store.CustomerRecord)}
	for name, change := range map[string]func(w *world){
		"put":     func(w *world) { w.putCustomer(t, "shop", "4711", 1) },
		"removed": func(w *world) { w.deleteItem(t, w.Kit.Customers.Table, customer) },
		"marked": func(w *world) {
			w.Put(t, w.Kit.Customers.Table, item{"customer": customer["customer"], "record": customer["record"], "tombstone": list("x")})
		},
	} {
		for _, standing := range []bool{true, false} {
			t.Run(fmt.Sprint(name, " standing ", standing), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.shortenPages(4)
				for k := 1; ; k++ {
					w.Put(t, w.Kit.Customers.Table, foreign("a", 5)...)
					if standing {
						w.putCustomer(t, "shop", "4711", 2)
					}
					w.Faults.Interrupt(k, func() { change(w) })
					if err := w.Customer(t.Context(), "shop", "4711", "john", time.Minute); err != nil {
						t.Fatalf("before call %d: %v", k, err)
					}
					struck := w.Faults.Struck()
					w.Faults.Calls()
					w.settle(t)
					if left := w.Dump(t, w.Kit.Customers.Table); len(left) != 0 {
						t.Fatalf("before call %d: left %s", k, left)
					}
					if n := len(w.records(t)); n != 1 {
						t.Fatalf("before call %d: %d records", k, n)
					}
					w.clear(t)
					if !struck {
						return
					}
				}
			})
		}
	}
}
