package erasure

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"customercare/infra/testkit/dynamotest"
)

// A deletion whose answer did not come is carried out as late as any write may be. The
// same customer or contact has been loaded again as soon as the erasure had ended: it
// keeps everything.
func TestLateDeletion(t *testing.T) {
	t.Parallel()
	transactions := func(sys *system, t *testing.T) {
		sys.putCustomer(t, "shop", "4711", 15)
	}
	contacts := func(sys *system, t *testing.T) {
		for i := range 3 {
			sys.putContact(t, "acme", fmt.Sprint("c", i), "135", "200")
		}
	}
	for _, kind := range []struct {
		name   string
		action string // that deletes
		fill   func(sys *system, t *testing.T)
		ask    func(sys *system) error
	}{
		{"transactions", "BatchWriteItem", transactions, func(sys *system) error {
			return sys.Customer(context.Background(), "shop", "4711", "john", time.Minute)
		}},
		{"contacts", "TransactWriteItems", contacts, func(sys *system) error {
			return sys.Numbers(context.Background(), "acme", []string{"135"}, "app")
		}},
	} {
		for _, way := range []struct {
			name string
			most int  // calls that are held
			dies bool // the worker, at the first of them
		}{
			{"tried again", 1, false},
			{"given up", 4, false},
			{"the worker dies", 1, true},
		} {
			t.Run(kind.name+", "+way.name, func(t *testing.T) {
				t.Parallel()
				sys := newSystem(t)
				kind.fill(sys, t)
				if err := kind.ask(sys); err != nil {
					t.Fatal(err)
				}
				sys.cleanUp(t)
				sys.clock.Advance(7 * time.Minute)
				// By a writer without conditions: the last pass has something to delete.
				kind.fill(sys, t)
				worker, die := context.WithCancel(context.Background())
				defer die()
				late := &late{next: sys.Faults.Next, action: kind.action, most: way.most}
				if way.dies {
					late.die = die
				}
				sys.Faults.Next = late
				_, _ = sys.Due(worker)
				sys.Faults.Next = late.next
				if len(late.held) == 0 {
					t.Fatal("nothing was deleted")
				}
				sent := sys.clock.Now()
				var loaded []string // what there is once it was loaded again
				for delivered := false; !delivered || loaded == nil; sys.clock.Advance(time.Minute) {
					if !delivered && !sys.clock.Now().Before(sent.Add(sys.WriterLifetime)) {
						if err := late.deliver(); err != nil {
							t.Fatal(err)
						}
						delivered = true
					}
					sys.cleanUp(t)
					if loaded == nil && len(sys.ledger(t).open) == 0 {
						kind.fill(sys, t)
						loaded = sys.Dump(t, sys.Kit.Customers.Table, sys.Kit.Contacts.Table)
					}
					if sys.clock.Now().After(sent.Add(time.Hour)) {
						t.Fatalf("does not end: %s", sys.Dump(t, sys.Kit.Erasures.Table))
					}
				}
				if left := sys.Dump(t, sys.Kit.Customers.Table, sys.Kit.Contacts.Table); !slices.Equal(left, loaded) {
					t.Errorf("%d items were loaded again, %d are left", len(loaded), len(left))
				}
			})
		}
	}
}

// late is a DynamoDB that gives no answer to the first calls of an action in time, and
// carries them out when deliver is called.
type late struct {
	next   http.RoundTripper
	action string
	most   int    // calls
	die    func() // ends the worker at the first of them; nil: it lives on

	mu   sync.Mutex
	held []*http.Request
}

func (l *late) RoundTrip(r *http.Request) (*http.Response, error) {
	return answering(func(r *http.Request, action string, body []byte) (*http.Response, error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if action != l.action || len(l.held) == l.most {
			return l.next.RoundTrip(r)
		}
		held := r.Clone(context.Background())
		held.Body = io.NopCloser(bytes.NewReader(body))
		l.held = append(l.held, held)
		if l.die != nil {
			l.die()
			return nil, context.Canceled
		}
		return nil, noAnswer{}
	}).RoundTrip(r)
}

// deliver carries out what was held, so late.
func (l *late) deliver() error {
	for _, r := range l.held {
		answer, err := l.next.RoundTrip(r)
		if err != nil {
			return err
		}
		answer.Body.Close()
	}
	return nil
}

// Only a job that was left without an answer waits for longer, and for no longer than a
// late deletion can.
func TestNobodyElseWaitsForLateDeletions(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.putCustomer(t, "shop", "4711", 15)
	sys.putCustomer(t, "shop", "4712", 15)
	sys.Faults.InjectOn("BatchWriteItem", dynamotest.Timeout, 1, 1)
	for _, code := range []string{"4711", "4712"} {
		if err := sys.Customer(t.Context(), "shop", code, "john", time.Minute); err != nil {
			t.Fatal(err)
		}
		sys.Faults.Calls()
		sys.clock.Advance(time.Second)
	}
	unanswered := 0
	for _, job := range sys.ledger(t).open {
		if job.unanswered {
			unanswered++
		}
	}
	if unanswered != 1 {
		t.Errorf("%d jobs know of an answer that did not come", unanswered)
	}
	sys.clock.Advance(sys.WriterLifetime + sys.ClockSkew)
	sys.cleanUp(t)
	if n := len(sys.ledger(t).open); n != 0 {
		t.Errorf("%d are open", n)
	}
	sys.Faults.Calls()
}

// A worker's death counts like a deletion without an answer, from when it is noticed.
func TestDeathIsWaitedFor(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.putCustomer(t, "shop", "4711", 15)
	sys.eraseCustomer(t)
	sys.clock.Advance(7 * time.Minute)
	sys.putCustomer(t, "shop", "4711", 15)
	key := sys.customerJob()
	_ = sys.Continue(sys.Faults.DieAfter("BatchWriteItem", 1), key)
	sys.Faults.Calls()
	sys.clock.Advance(sys.Lease + sys.ClockSkew + time.Second)
	noticed := sys.clock.Now()
	for len(sys.ledger(t).open) > 0 {
		sys.cleanUp(t)
		sys.clock.Advance(time.Minute)
	}
	writers := sys.WriterLifetime + sys.ClockSkew
	if waited := sys.clock.Now().Sub(noticed); waited < writers || waited > 2*writers {
		t.Errorf("ended %s after the death was noticed", waited)
	}
}
