package erasure

import (
	"context"
	"encoding/json"
	"iter"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

func keysOf(m map[string]string) iter.Seq[string] { return maps.Keys(m) }

// dumpUnmarked is every copy of a contact as a line, without the marks of holds.
func dumpUnmarked(t testing.TB, sys *system) (lines []string) {
	t.Helper()
	for _, it := range dynamotest.Items(t, sys.Plain, sys.Kit.Contacts.Table) {
		delete(it, "held")
		text, err := json.Marshal(it)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(text))
	}
	slices.Sort(lines)
	return lines
}

// gate is a transport that stops a process right before its kth call, until it is opened.
type gate struct {
	next    http.RoundTripper
	k       int
	reached func()
	open    chan struct{}

	mu    sync.Mutex
	calls int
}

func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	g.mu.Lock()
	g.calls++
	stop := g.calls == g.k
	g.mu.Unlock()
	if stop {
		g.reached()
		<-g.open
	}
	return g.next.RoundTrip(r)
}

// beside runs other beside first: from first's kth call on, until other has made j calls;
// then first goes on to its end, and other after that. Where first makes fewer calls,
// other runs behind it. struck says whether first makes so many calls, and paused whether
// other does.
func (sys *system) beside(
	k, j int, first func(e engine), other func(e engine),
) (struck, paused bool) {
	stopped, ended := make(chan struct{}), make(chan struct{})
	g := &gate{k: j, open: make(chan struct{}), reached: func() { close(stopped) }}
	second := sys.through(func(next http.RoundTripper) http.RoundTripper { g.next = next; return g })
	engine, faults := sys.another()
	faults.Interrupt(k, func() {
		go func() {
			defer close(ended)
			other(second)
		}()
		select {
		case <-stopped:
			paused = true
		case <-ended:
		}
	})
	first(engine)
	close(g.open)
	if struck = faults.Struck(); struck {
		<-ended
	} else {
		other(sys.withoutFaults())
	}
	return struck, paused
}

// eachPair is beside for every k and j, with a fresh start and a look at the end of each.
func (sys *system) eachPair(t *testing.T, begin func(t *testing.T), first, other func(e engine), check func(t *testing.T)) {
	sys.pairs(t, 1, begin, first, other, check)
}

// pairs is eachPair for one k of each step.
func (sys *system) pairs(t *testing.T, step int, begin func(t *testing.T), first, other func(e engine), check func(t *testing.T)) {
	pairs := 0
	dynamotest.Moments(t, step, func(t *testing.T, k int) (struck bool) {
		for j := 1; ; j++ {
			begin(t)
			reached, paused := sys.beside(k, j, first, other)
			check(t)
			if pairs++; !paused || t.Failed() {
				return reached
			}
		}
	})
	t.Logf("%d interleavings", pairs)
}

// Nothing that exists when a hold becomes active is deleted, whatever call a worker and
// whoever places the hold are at: the one is stopped before any of its calls, the other
// goes on to any of its own, and then each ends. Afterwards all else goes, and after the
// release what was kept. Of the calls about a contact of many numbers one of four is
// tried.
func TestNothingIsDeletedThatAHoldFinds(t *testing.T) {
	t.Parallel()
	for name, contact := range map[string][]string{
		"of two": {"135", "held"}, "of many": append(many(120), "135", "held"), "unreadable": {"held"},
	} {
		for _, who := range []string{"placed beside a worker", "a worker beside a hold"} {
			if testing.Short() && len(contact) > 9 {
				continue
			}
			t.Run(name+", "+who, func(t *testing.T) {
				t.Parallel()
				sys := newSystem(t)
				n := 0
				var active []string
				begin := func(t *testing.T) {
					n++
					active = nil
					sys.putContact(t, "acme", "c1", contact...)
					sys.putContact(t, "acme", "c2", "135", "held")
					sys.putContact(t, "acme", "c3", "135", "200")
					if name == "unreadable" {
						odd := copyKey("c1", "held")
						odd["parties"] = attribute.Text("held")
						sys.Put(t, sys.Kit.Contacts.Table, odd)
					}
					sys.eraseNumbers(t, "135", "held")
				}
				work := func(e engine) { _ = e.Continue(context.Background(), sys.numbersJob("135", "held")) }
				place := func(e engine) {
					if is, err := sys.placeBy(context.Background(), e, holdID(n), "held"); is {
						active = sys.heldNow(t, "held")
					} else {
						t.Errorf("not active: %v", err)
					}
				}
				check := func(t *testing.T) {
					sys.finishAll(t)
					left := dumpUnmarked(t, sys)
					for _, line := range active {
						if !slices.Contains(left, line) {
							t.Errorf("deleted, although it was there: %s", line)
						}
					}
					for _, line := range left {
						if strings.Contains(line, "#c3") {
							t.Errorf("left, although nothing holds it: %s", line)
						}
					}
					sys.release(t, holdID(n))
					sys.finishAll(t)
					sys.wantEmpty(t, sys.Kit.Contacts.Table)
					sys.clear(t)
				}
				step := 1
				if name == "of many" { // its calls are many, and most of them alike
					step = 4
				}
				if who == "placed beside a worker" {
					sys.pairs(t, step, begin, work, place, check)
				} else {
					sys.pairs(t, step, begin, place, work, check)
				}
			})
		}
	}
}

// heldNow are the copies of all contacts that are filed under a number, without marks.
func (sys *system) heldNow(t testing.TB, number string) (lines []string) {
	all := dumpUnmarked(t, sys)
	for _, contact := range []string{"#c1", "#c2"} {
		of := slices.DeleteFunc(slices.Clone(all), func(line string) bool { return !strings.Contains(line, contact+`"`) })
		if slices.ContainsFunc(of, func(line string) bool { return strings.Contains(line, `"acme#`+number+`"`) }) {
			lines = append(lines, of...)
		}
	}
	return lines
}

func holdID(n int) string { return "h" + time.Duration(n).String() }

// many are n numbers.
func many(n int) (numbers []string) {
	for i := range n {
		numbers = append(numbers, "p"+time.Duration(i).String())
	}
	return numbers
}

// The release of a hold beside the end of an erasure that it keeps something from loses
// nothing of what was asked for: at every call of both.
func TestReleasedBesideAWorker(t *testing.T) {
	t.Parallel()
	for _, who := range []string{"released beside a worker", "a worker beside a release"} {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			sys := newSystem(t)
			n := 0
			begin := func(t *testing.T) {
				n++
				sys.putContact(t, "acme", "c1", "135", "held")
				sys.putContact(t, "acme", "c2", "135", "200")
				sys.hold(t, holdID(n), "held")
				sys.eraseNumbers(t, "135")
				sys.goOn(t, sys.numbersJob("135"))
				sys.clock.Advance(7 * time.Minute) // the last pass is due
			}
			work := func(e engine) { _, _ = e.Due(context.Background()) }
			release := func(e engine) {
				if _, err := e.holder().Release(context.Background(), holdID(n), "legal"); err != nil {
					t.Errorf("not released: %v", err)
				}
				_, _ = e.holder().Due(context.Background(), dynamotest.StandingIndex)
			}
			check := func(t *testing.T) {
				if hold, _ := sys.engine.Holds.Read(t.Context(), holdID(n)); hold.Status == store.Active {
					sys.release(t, hold.ID) // the worker had no such call
				}
				sys.clock.Advance(time.Hour)
				sys.dueHolds(t)
				sys.finishAll(t)
				sys.wantEmpty(t, sys.Kit.Contacts.Table)
				sys.clear(t)
			}
			if who == "released beside a worker" {
				sys.eachPair(t, begin, work, release, check)
			} else {
				sys.eachPair(t, begin, release, work, check)
			}
			sys.wantHolds(t, n)
		})
	}
}

// Whoever comes first, the hold or the erasure of a customer: the customer is whole and
// the erasure refused, or the customer goes and there is no hold.
func TestHoldBesideTheErasureOfACustomer(t *testing.T) {
	t.Parallel()
	for _, transactions := range []int{3, 30} {
		sys := newSystem(t)
		n, held := 0, error(nil)
		var erased error
		var before []string
		begin := func(t *testing.T) {
			n++
			sys.putCustomer(t, "shop", "4711", transactions)
			before = sys.Dump(t, sys.Kit.Customers.Table)
		}
		erase := func(e engine) { erased = e.Customer(context.Background(), "shop", "4711", "john", time.Minute) }
		place := func(e engine) { _, held = sys.placeBy(context.Background(), e, holdID(n), "") }
		check := func(t *testing.T) {
			if hold, _ := sys.engine.Holds.Read(t.Context(), holdID(n)); held == nil && hold.Status != store.Active {
				place(sys.withoutFaults())
			}
			sys.finishAll(t)
			left := sys.Dump(t, sys.Kit.Customers.Table)
			switch {
			case held == nil && !slices.Equal(left, before):
				t.Errorf("held, and something is gone; the erasure: %v", erased)
			case held != nil && (erased != nil || len(left) > 0):
				t.Errorf("not held: %v; the erasure: %v; left %s", held, erased, left)
			}
			if held == nil {
				sys.release(t, holdID(n))
				sys.finishAll(t)
			}
			if left := sys.Dump(t, sys.Kit.Customers.Table); erased != nil && len(left) > 0 {
				t.Errorf("refused, released, and still there: %s", left)
			}
			for _, it := range dynamotest.Items(t, sys.Plain, sys.Kit.Customers.Table) {
				sys.deleteItem(t, sys.Kit.Customers.Table, item{"customer": it["customer"], "record": it["record"]})
			}
			sys.clear(t)
			held, erased = nil, nil
		}
		sys.eachPair(t, begin, erase, place, check)
	}
}

// A customer whose deletion is refused at any moment of the release is deleted all the
// same: the refusal is on record before the last hold goes, or the deletion is accepted.
func TestReleasedBesideARefusal(t *testing.T) {
	t.Parallel()
	for _, who := range []string{"asked beside a release", "released beside a request"} {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			sys := newSystem(t)
			n := 0
			begin := func(t *testing.T) {
				n++
				sys.putCustomer(t, "shop", "4711", 3)
				sys.hold(t, holdID(n), "")
			}
			ask := func(e engine) {
				err := e.Customer(context.Background(), "shop", "4711", "john", time.Minute)
				if err != nil && err != ErrCustomerHeld {
					t.Error(err)
				}
			}
			release := func(e engine) {
				if _, err := e.holder().Release(context.Background(), holdID(n), "legal"); err != nil {
					t.Error(err)
				}
			}
			check := func(t *testing.T) {
				sys.clock.Advance(time.Hour)
				sys.dueHolds(t)
				sys.finishAll(t)
				sys.wantEmpty(t, sys.Kit.Customers.Table)
				sys.clear(t)
			}
			if who == "asked beside a release" {
				sys.eachPair(t, begin, release, ask, check)
			} else {
				sys.eachPair(t, begin, ask, release, check)
			}
			sys.wantHolds(t, n)
		})
	}
}
