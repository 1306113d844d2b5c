package erasure

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

// A writer without conditions puts the customer back right before any call of the last
// pass; a repeat of the delete dies at any of its calls, so also when it has put the
// tombstone back and has not joined. That customer is counted.
func TestRepeatDiesAtEveryMoment(t *testing.T) {
	t.Parallel()
	// Transactions that go with the opening of the job, or in batches.
	for _, n := range []int{2, 12} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprint(n, after), func(t *testing.T) {
				t.Parallel()
				sys := newSystem(t)
				plain := sys.withoutFaults()
				repeat, faults := sys.another()
				dynamotest.EveryMoment(t, func(t *testing.T, k int) (reached bool) {
					dynamotest.EveryMoment(t, func(t *testing.T, death int) (dies bool) {
						sys.putCustomer(t, "shop", "4711", n)
						sys.eraseCustomerBy(t, plain)
						sys.clock.Advance(7 * time.Minute)
						sys.Faults.Interrupt(k, func() {
							sys.putCustomer(t, "shop", "4711", 0)
							_ = repeat.Customer(faults.Die(death, after), "shop", "4711", "john", time.Minute)
							dies = faults.Struck()
						})
						sys.cleanUp(t)
						sys.Faults.Calls()
						faults.Calls()
						reached = sys.Faults.Struck()
						sys.finishAll(t)
						if reached {
							sys.wantEmpty(t, sys.Kit.Customers.Table)
							sys.wantCounts(t, n+2)
							sys.clear(t)
						}
						return dies
					})
					return reached
				})
			})
		}
	}
}

// A worker dies at any call; then more is written into the range that it had announced.
// All of it goes, and the record has the number or says that it is a lower bound. Where
// nothing was written, the number is right.
func TestWrittenIntoADeadWorkersRange(t *testing.T) {
	t.Parallel()
	addEarlierContacts := func(t *testing.T, sys *system) {
		for i := range 30 {
			id := fmt.Sprint("early", i)
			filed := copies("acme", id, "135", "200")
			for _, c := range filed {
				c["contact"] = attribute.Text(store.ContactKey(contactTime.Add(-time.Hour), id))
			}
			sys.Put(t, sys.Kit.Contacts.Table, filed...)
		}
	}
	for _, c := range []struct {
		name  string
		fill  func(t *testing.T, sys *system) (n int)
		begin func(ctx context.Context, sys *system) error
		add   func(t *testing.T, sys *system)
	}{
		{
			"contacts", func(t *testing.T, sys *system) int {
				for i := range 220 {
					sys.putContact(t, "acme", fmt.Sprintf("c%03d", i), "135", "200")
				}
				return 220
			}, func(ctx context.Context, sys *system) error {
				if err := sys.Numbers(context.Background(), "acme", []string{"135"}, "app"); err != nil {
					return err
				}
				return sys.Continue(ctx, sys.numbersJob("135"))
			}, addEarlierContacts,
		},
		{
			"transactions", func(t *testing.T, sys *system) int {
				sys.putCustomer(t, "shop", "4711", 120)
				return 121
			}, func(ctx context.Context, sys *system) error {
				return sys.Customer(ctx, "shop", "4711", "john", time.Minute)
			}, addEarlierTransactions,
		},
	} {
		for _, more := range []bool{false, true} {
			t.Run(fmt.Sprint(c.name, more), func(t *testing.T) {
				t.Parallel()
				sys := newSystem(t)
				bounds := 0
				// Dies before the second call, after it, before the third, and so on.
				// Before that, nothing is announced.
				dynamotest.EveryMoment(t, func(t *testing.T, k int) (struck bool) {
					n := c.fill(t, sys)
					_ = c.begin(sys.Faults.Die((k+3)/2, k%2 == 0), sys)
					sys.Faults.Calls()
					if !sys.Faults.Struck() {
						return false
					}
					if more && len(sys.ledger(t).all) > 0 {
						c.add(t, sys)
						n += 30
					}
					// The request, where it was not answered.
					if err := c.begin(t.Context(), sys); err != nil {
						t.Fatal(err)
					}
					sys.finishAll(t)
					sys.wantEmpty(t, sys.Kit.Customers.Table, sys.Kit.Contacts.Table)
					if sys.wantCounts(t, n) {
						bounds++
					}
					if records := sys.ledger(t).records; !more && total(records).deleted != n {
						t.Fatalf("nothing was added to %d: %+v", n, records)
					}
					sys.clear(t)
					return true
				})
				if more && bounds == 0 {
					t.Error("no death led to a lower bound")
				}
			})
		}
	}
}

// addEarlierTransactions stores 30 transactions in front of customer 4711's.
func addEarlierTransactions(t *testing.T, sys *system) {
	for i := range 30 {
		transaction := store.TransactionRecord("b", fmt.Sprint(i))
		sys.Put(t, sys.Kit.Customers.Table, record4711(transaction))
	}
}

// Whose time is up, whatever call it is at, counts what it has deleted: what is written
// into the range before the next worker comes makes no lower bound of that.
func TestHandedOverCountsAreExact(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	dynamotest.EveryMoment(t, func(t *testing.T, k int) (struck bool) {
		sys.putCustomer(t, "shop", "4711", 120)
		sys.Faults.Interrupt(k, func() { sys.clock.Advance(time.Minute) })
		sys.eraseCustomer(t)
		sys.Faults.Calls()
		addEarlierTransactions(t, sys)
		for _, job := range sys.ledger(t).all {
			if job.unanswered {
				t.Errorf("a deletion was given up: %s", job.json)
			}
		}
		sys.finishAll(t)
		if sys.wantCounts(t, 151) {
			t.Errorf("lower bounds: %+v", sys.ledger(t).records)
		}
		sys.clear(t)
		return sys.Faults.Struck()
	})
}

// mostNamed is how many requests a job knows by name before it makes room.
const mostNamed = 16

// A request is one, and its id is that of the erasure, though the answer to any of its
// calls is lost and the call is made again, and though somebody else asks in between.
func TestLostAnswersCountOnce(t *testing.T) {
	t.Parallel()
	many := append([]string{"135", "wen11"}, nobody...)
	numbers := func(list []string) func(engine) (string, error) {
		return func(e engine) (string, error) {
			return e.numbersIntake().Numbers(t.Context(), NumbersRequest{Tenant: "acme", Numbers: list, By: "app"})
		}
	}
	customer := func(e engine) (string, error) {
		asked := CustomerRequest{Account: "shop", Code: "4711", By: "john"}
		return e.customerIntake().Customer(t.Context(), asked, time.Minute)
	}
	for _, c := range []struct {
		name         string
		transactions int
		ask          func(engine) (id string, err error)
	}{
		{"customer", 12, customer}, {"customer with few transactions", 2, customer},
		{"numbers", 0, numbers([]string{"135"})}, {"many numbers", 0, numbers(many)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			sys := newSystem(t)
			var ids []string // that the requests were answered with
			ask := func(e engine) {
				t.Helper()
				id, err := c.ask(e)
				if err != nil {
					t.Fatal(err)
				}
				ids = append(ids, id)
			}
			plain, _ := sys.another()
			// Requests that have been counted.
			for _, before := range []int{0, 1, mostNamed, mostNamed + 1} {
				for _, between := range []int{0, 1} {
					for _, action := range []string{"UpdateItem", "TransactWriteItems", "PutItem"} {
						lost := true
						for n := 1; lost; n++ {
							sys.putCustomer(t, "shop", "4711", c.transactions)
							for range before {
								ask(plain)
							}
							lost = false
							ask(sys.through(func(next http.RoundTripper) http.RoundTripper {
								return lossy(next, action, n, func() {
									lost = true
									for range between {
										ask(plain)
									}
								})
							}))
							want := before + 1
							if lost {
								want += between
							}
							sys.finishAll(t)
							records := sys.ledger(t).records
							if len(records) != 1 || records[0].requests != want {
								t.Fatalf("%d before, %d between, answer to %s %d lost: %+v, want %d requests",
									before, between, action, n, records, want)
							}
							for _, id := range ids {
								if store.RecordPrefix+id != records[0].key {
									t.Fatalf("%d before, %d between, answer to %s %d lost: the id %q, want that of %s",
										before, between, action, n, id, records[0].key)
								}
							}
							ids = nil
							sys.clear(t)
						}
					}
				}
			}
		})
	}
}

// A job keeps the names of a few of those who asked, however many they are.
func TestNamesOfRequestsAreBounded(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	for range 100 {
		sys.eraseNumbers(t, "135")
	}
	size := 0
	for _, e := range sys.ledger(t).all {
		if !strings.HasPrefix(e.key, store.RecordPrefix) {
			size += len(e.json)
		}
	}
	if open := sys.ledger(t).open; len(open) != 1 || open[0].requests != 100 || size > 2000 {
		t.Errorf("%d bytes: %+v", size, open)
	}
}
