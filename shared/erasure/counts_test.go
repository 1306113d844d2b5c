package erasure

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

// another is an engine on the same tables and clock as w, with faults of its own.
func (w *world) another() (engine, *dynamotest.Faults) {
	faults := &dynamotest.Faults{}
	return w.through(func(next http.RoundTripper) http.RoundTripper { faults.Next = next; return faults }), faults
}

// through is an engine on the same tables and clock as w, whose calls go through
// transport.
func (w *world) through(transport func(next http.RoundTripper) http.RoundTripper) engine {
	db := dynamodb.New(w.Kit.DB.Options(), func(o *dynamodb.Options) {
		client := *o.HTTPClient.(*http.Client)
		client.Transport = transport(w.Faults.Next)
		o.HTTPClient = &client
	})
	e := w.engine
	e.Ledger.DB, e.Customers.DB, e.Contacts.DB = db, db, db
	return e
}

var counted = regexp.MustCompile(`"(deleted|found|requests)":\{"Value":"(\d+)"\}`)

// tally adds up records, and says whether one of them has lower bounds.
func tally(records []string) (sum map[string]int, atLeast bool) {
	sum = map[string]int{}
	for _, record := range records {
		for _, match := range counted.FindAllStringSubmatch(record, -1) {
			n, _ := strconv.Atoi(match[2])
			sum[match[1]] += n
		}
		atLeast = atLeast || strings.Contains(record, `"atLeast":{"Value":true}`)
	}
	return sum, atLeast
}

// tally is that of all records.
func (w *world) tally(t testing.TB) (sum map[string]int, atLeast bool) {
	t.Helper()
	return tally(w.records(t))
}

// counts checks the records: so many were erased, or, where they say "at least", no more
// than that.
func (w *world) counts(t testing.TB, erased int) (atLeast bool) {
	t.Helper()
	sum, atLeast := w.tally(t)
	if sum["deleted"] != sum["found"] || sum["deleted"] > erased || sum["deleted"] < erased && !atLeast {
		t.Errorf("%d were erased, at least %v: %s", erased, atLeast, w.records(t))
	}
	return atLeast
}

// A writer without conditions puts the customer back right before any call of the last
// pass; a repeat of the delete dies at any of its calls, so also when it has put the
// tombstone back and has not joined. That customer is counted.
func TestRepeatDiesAtEveryMoment(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 12} { // transactions that go with the opening of the job, or in batches
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprint(n, after), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				plain, _ := w.another()
				repeat, faults := w.another()
				for k, reached := 1, true; reached; k++ {
					for death, dies := 1, true; dies && reached; death++ {
						w.putCustomer(t, "shop", "4711", n)
						if err := plain.Customer(t.Context(), "shop", "4711", "john", time.Minute); err != nil {
							t.Fatal(err)
						}
						w.clock.Advance(7 * time.Minute)
						w.Faults.Interrupt(k, func() {
							w.putCustomer(t, "shop", "4711", 0)
							_ = repeat.Customer(faults.Die(death, after), "shop", "4711", "john", time.Minute)
							dies = faults.Struck()
						})
						if _, err := w.Due(t.Context()); err != nil {
							t.Fatal(err)
						}
						w.Faults.Calls()
						faults.Calls()
						if reached = w.Faults.Struck(); !reached {
							w.settle(t)
							break
						}
						w.settle(t)
						if left := w.Dump(t, w.Kit.Customers.Table); len(left) != 0 {
							t.Fatalf("before call %d, dies at %d: left %s", k, death, left)
						}
						if w.counts(t, n+2); t.Failed() {
							t.Fatalf("before call %d, dies at %d", k, death)
						}
						w.clear(t)
					}
				}
			})
		}
	}
}

// A worker dies at any call; then more is written into the range that it had announced.
// All of it goes, and the record has the number or says that it is a lower bound. Where
// nothing was written, the number is right.
func TestWrittenIntoADeadWorkersRange(t *testing.T) {
	t.Parallel()
	earlier := func(w *world, t *testing.T) {
		for i := range 30 {
			it := copies("acme", fmt.Sprint("early", i), "135", "200")
			for _, c := range it {
				c["contact"] = s(store.ContactKey(contactTime.Add(-time.Hour), fmt.Sprint("early", i)))
			}
			w.Put(t, w.Kit.Contacts.Table, it...)
		}
	}
	for _, c := range []struct {
		name   string
		fill   func(w *world, t *testing.T) (n int)
		begin  func(w *world, ctx context.Context) error
		extend func(w *world, t *testing.T)
	}{
		{"contacts", func(w *world, t *testing.T) int {
			for i := range 220 {
				w.putContact(t, "acme", fmt.Sprintf("c%03d", i), "135", "200")
			}
			return 220
		}, func(w *world, ctx context.Context) error {
			if err := w.Numbers(context.Background(), "acme", []string{"135"}, "app"); err != nil {
				return err
			}
			return w.Continue(ctx, store.NumbersJob(w.Digests.Set("acme", []string{"135"})))
		}, earlier},
		{"transactions", func(w *world, t *testing.T) int {
			w.putCustomer(t, "shop", "4711", 120)
			return 121
		}, func(w *world, ctx context.Context) error {
			return w.Customer(ctx, "shop", "4711", "john", time.Minute)
		}, func(w *world, t *testing.T) {
			for i := range 30 {
				w.Put(t, w.Kit.Customers.Table, item{"customer": s("shop#4711"), "record": s(store.TransactionRecord("b", fmt.Sprint(i)))})
			}
		}},
	} {
		for _, more := range []bool{false, true} {
			t.Run(fmt.Sprint(c.name, more), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				bounds := 0
				for k := 3; ; k++ { // from its second call on; before, nothing is announced
					n := c.fill(w, t)
					_ = c.begin(w, w.Faults.Die((k+1)/2, k%2 == 0))
					w.Faults.Calls()
					if !w.Faults.Struck() {
						break
					}
					if more && len(w.Dump(t, w.Kit.Erasures.Table)) > 0 {
						c.extend(w, t)
						n += 30
					}
					if err := c.begin(w, t.Context()); err != nil { // the request, where it was not answered
						t.Fatal(err)
					}
					w.settle(t)
					if left := w.Dump(t, w.Kit.Customers.Table, w.Kit.Contacts.Table); len(left) != 0 {
						t.Fatalf("dies at call %d: left %s", (k+1)/2, left)
					}
					if w.counts(t, n) {
						bounds++
					}
					if sum, _ := w.tally(t); !more && sum["deleted"] != n || t.Failed() {
						t.Fatalf("dies at call %d, after it %v: %s", (k+1)/2, k%2 == 0, w.records(t))
					}
					w.clear(t)
				}
				if more && bounds == 0 {
					t.Error("no death led to a lower bound")
				}
			})
		}
	}
}

// Whose time is up, whatever call it is at, counts what it has deleted: what is written
// into the range before the next worker comes makes no lower bound of that.
func TestHandedOnCountsAreExact(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for k := 1; ; k++ {
		w.putCustomer(t, "shop", "4711", 120)
		w.Faults.Interrupt(k, func() { w.clock.Advance(time.Minute) })
		if err := w.Customer(t.Context(), "shop", "4711", "john", time.Minute); err != nil {
			t.Fatal(err)
		}
		w.Faults.Calls()
		for i := range 30 {
			w.Put(t, w.Kit.Customers.Table, item{"customer": s("shop#4711"), "record": s(store.TransactionRecord("b", fmt.Sprint(i)))})
		}
		if strings.Contains(strings.Join(w.Dump(t, w.Kit.Erasures.Table), ""), `"unanswered"`) {
			t.Errorf("time is up before call %d: a deletion was given up", k)
		}
		w.settle(t)
		if w.counts(t, 151) || t.Failed() {
			t.Fatalf("time is up before call %d: %s", k, w.records(t))
		}
		w.clear(t)
		if !w.Faults.Struck() {
			return
		}
	}
}

// lossy carries out the nth call of an action, does something else, and loses the answer.
type lossy struct {
	next   http.RoundTripper
	action string
	n      int
	do     func()
}

func (l *lossy) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := l.next.RoundTrip(r)
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), "."+l.action) {
		if l.n--; l.n == 0 && err == nil {
			answer.Body.Close()
			l.do()
			return nil, errors.New("connection reset by peer")
		}
	}
	return answer, err
}

// mostNamed is how many requests a job knows by name before it makes room.
const mostNamed = 16

// A request is one, though the answer to any of its calls is lost and the call is made
// again, and though somebody else asks in between.
func TestLostAnswersCountOnce(t *testing.T) {
	t.Parallel()
	many := append([]string{"135", "wen11"}, nobody...)
	numbers := func(list []string) func(engine) error {
		return func(e engine) error { return e.Numbers(context.Background(), "acme", list, "app") }
	}
	customer := func(e engine) error { return e.Customer(context.Background(), "shop", "4711", "john", time.Minute) }
	for _, c := range []struct {
		name         string
		transactions int
		ask          func(engine) error
	}{
		{"customer", 12, customer}, {"customer with few transactions", 2, customer},
		{"numbers", 0, numbers([]string{"135"})}, {"many numbers", 0, numbers(many)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			ask := func(e engine) {
				t.Helper()
				if err := c.ask(e); err != nil {
					t.Fatal(err)
				}
			}
			plain, _ := w.another()
			for _, before := range []int{0, 1, mostNamed, mostNamed + 1} { // requests that have been counted
				for _, between := range []int{0, 1} {
					for _, action := range []string{"UpdateItem", "TransactWriteItems", "PutItem"} {
						lost := true
						for n := 1; lost; n++ {
							w.putCustomer(t, "shop", "4711", c.transactions)
							for range before {
								ask(plain)
							}
							lost = false
							ask(w.through(func(next http.RoundTripper) http.RoundTripper {
								return &lossy{next, action, n, func() {
									lost = true
									for range between {
										ask(plain)
									}
								}}
							}))
							want := before + 1
							if lost {
								want += between
							}
							w.settle(t)
							if sum, _ := w.tally(t); sum["requests"] != want || len(w.records(t)) != 1 {
								t.Fatalf("%d before, %d between, answer to %s %d lost: %s, want %d requests", before, between, action, n, w.records(t), want)
							}
							w.clear(t)
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
	w := newWorld(t)
	for range 100 {
		if err := w.Numbers(t.Context(), "acme", []string{"135"}, "app"); err != nil {
			t.Fatal(err)
		}
	}
	if job := strings.Join(w.Dump(t, w.Kit.Erasures.Table), ""); !strings.Contains(job, `"requests":{"Value":"100"}`) || len(job) > 2000 {
		t.Errorf("%d bytes: %s", len(job), job)
	}
}
