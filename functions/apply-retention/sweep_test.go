package main

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/metrictest"
	"customercare/shared/retention"
	"customercare/shared/store"
)

// expect compares what is there with what must be and what must not be.
func (w *world) expect(there, gone []string) {
	w.tb.Helper()
	have := w.there()
	for _, key := range there {
		if !have[key] {
			w.tb.Errorf("%s is gone", key)
		}
	}
	for _, key := range gone {
		if have[key] {
			w.tb.Errorf("%s is left", key)
		}
	}
}

// What is older than a rule says goes, contacts with all their copies; what is younger
// stays, and so does what is of no age. Each sweep has one statement with its counts, and
// another run within the day does nothing.
func TestSweep(t *testing.T) {
	w := newWorld(t)
	old, young := w.fill(16)
	w.customer("c1")
	young = append(young, store.CustomerKey("shop", "c1")+" "+store.CustomerRecord)
	young = append(young, w.contact("acme", "odd", aged(-time.Hour), "9")...)
	w.Put(t, w.Customers.Table, attribute.Item{"customer": attribute.Text("shop#c1"), "record": attribute.Text("txn#a#odd"),
		"data": attribute.Map(attribute.Item{"at": attribute.Text("yesterday")})})
	young = append(young, "shop#c1 txn#a#odd")
	w.rule(oldContacts, retention.On)
	w.rule(oldTransactions, retention.On)
	log := metrictest.Capture(t)
	if err := w.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.expect(young, old)
	lines := metrictest.Lines(t, log.String())
	lines[0].Expect(t, metrictest.Line{
		"RetentionErased": len(old), "RetentionKept": 0, "RetentionBehind": 0, "RetentionFailing": 0,
	})
	said := w.statements()
	if len(said) != 2 {
		t.Fatalf("%d statements", len(said))
	}
	for _, s := range said {
		of := s.Swept
		if want := map[string]int64{"contacts": 16, "transactions": 8}[of.Rule]; of.Found != want || of.Erased != want ||
			of.Kept+of.Left != 0 || of.AtLeast || of.Days != days || of.What != of.Rule || s.By != "retention" {
			t.Errorf("%+v", of)
		}
	}
	more := w.contact("acme", "late", aged(time.Hour), "5")
	if err := w.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.expect(more, nil)
}

// A rule of a tenant or an account takes nothing of another one; a rule that is not on
// takes nothing at all.
func TestScopeAndState(t *testing.T) {
	w := newWorld(t)
	mine, other := w.contact("acme", "1", aged(time.Hour), "1", "2"), w.contact("umbrella", "1", aged(time.Hour), "1", "2")
	other = append(other, w.transaction("mill", "c", "1", aged(time.Hour)))
	mine = append(mine, w.transaction("shop", "c", "1", aged(time.Hour)))
	contacts, transactions := oldContacts, oldTransactions
	contacts.Tenant, transactions.Account = "acme", "shop"
	for _, state := range []retention.State{retention.Set, retention.Waiting, retention.Off} {
		w.rule(contacts, state)
		w.rule(transactions, state)
		if err := w.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.expect(append(slices.Clone(mine), other...), nil)
	}
	w.rule(contacts, retention.On)
	w.rule(transactions, retention.On)
	w.whole(1, "contacts", "transactions")
	w.expect(other, mine)
	for _, s := range w.statements() {
		if want := map[string]string{"contacts": "acme", "transactions": "shop"}[s.Swept.Rule]; s.Swept.Scope != want {
			t.Errorf("%+v", s.Swept)
		}
	}
}

// Holds win: a customer's transactions stay while the customer is held, and so do all
// contacts in which a held number takes part, those that were filed later included. After
// the release the next sweep takes them.
func TestHoldsWin(t *testing.T) {
	w := newWorld(t)
	held := []string{w.transaction("shop", "held", "1", aged(time.Hour)), w.transaction("shop", "held", "2", aged(time.Hour))}
	free := []string{w.transaction("shop", "free", "1", aged(time.Hour))}
	held = append(held, w.contact("acme", "1", aged(time.Hour), "1", "7")...)
	free = append(free, w.contact("acme", "2", aged(time.Hour), "1", "2")...)
	w.hold("case-1", store.HoldOfCustomer, "shop", "held")
	w.hold("case-2", store.HoldOfNumber, "acme", "7")
	held = append(held, w.contact("acme", "3", aged(time.Hour), "7", "2")...) // later, so it has no mark
	w.rule(oldContacts, retention.On)
	w.rule(oldTransactions, retention.On)
	w.every = 0
	w.whole(1, "contacts", "transactions")
	w.expect(held, free)
	for _, s := range w.statements() {
		if want := map[string]int64{"contacts": 4, "transactions": 2}[s.Swept.Rule]; s.Swept.Kept != want || s.Swept.Left != 0 {
			t.Errorf("%+v", s.Swept)
		}
	}
	// A mark that a hold has left behind keeps nothing.
	marked := w.contact("acme", "4", aged(time.Hour), "3")
	w.Put(t, w.Contacts.Table, attribute.Item{"party": attribute.Text("acme#3"),
		"contact": attribute.Text(store.ContactKey(aged(time.Hour).Truncate(time.Hour), "5")),
		"parties": attribute.Texts("3"), "held": &types.AttributeValueMemberSS{Value: []string{"case-2"}}})
	w.release("case-1")
	w.release("case-2")
	w.whole(1, "contacts", "transactions")
	w.expect(nil, append(held, marked...))
	if left := w.there(); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}

// A customer who is being erased is left to that erasure, which counts what it deletes.
func TestLeavesOpenErasures(t *testing.T) {
	w := newWorld(t)
	key := w.transaction("shop", "gone", "1", aged(time.Hour))
	w.Put(t, w.Customers.Table, attribute.Item{"customer": attribute.Text("shop#gone"), "record": attribute.Text(store.CustomerRecord),
		"tombstone": attribute.Text(store.CustomerJob("1.ab")), "at": attribute.Number(1)})
	w.rule(oldTransactions, retention.On)
	w.whole(1, "transactions")
	w.expect([]string{key}, nil)
	if said := w.statements(); len(said) != 0 {
		t.Errorf("%+v", said[0].Swept)
	}
}

// A sweep that is cut short goes on where it stood, by the cutoff of its beginning, days
// later it may be: a run that is missing leaves nothing out, and no page is read twice
// that was done.
func TestGoesOn(t *testing.T) {
	for _, after := range []bool{false, true} {
		w := newWorld(t)
		old, young := w.fill(24)
		w.rule(oldContacts, retention.On)
		w.rule(oldTransactions, retention.On)
		shows := time.Now().Add(-3 * 24 * time.Hour)
		w.now = func() time.Time { return shows }
		w.handler.skew = -3 * 24 * time.Hour // and by the rule's cutoff
		pages, runs := 0, 0
		for n := 1; runs < 200; runs++ {
			ctx := w.Faults.Die(6*n, after)
			err := w.run(ctx)
			calls := w.Faults.Calls()
			pages += len(slices.DeleteFunc(calls, func(c string) bool { return c != "Scan" })) - 1 // one is of the rules
			shows = shows.Add(time.Minute)
			c, _ := w.plain.ReadCursor(t.Context(), "contacts")
			x, _ := w.plain.ReadCursor(t.Context(), "transactions")
			if err == nil && !c.Ended.IsZero() && !x.Ended.IsZero() {
				break
			}
			n = n%4 + 1
		}
		w.expect(young, old)
		if runs < 3 || runs == 200 || pages > 100 {
			t.Errorf("%d runs", runs)
		}
		t.Logf("%d runs, %d pages", runs, pages)
	}
}

// Nobody but DynamoDB's own clock and the function's decide together: one that is an hour
// fast takes nothing that is younger by the other.
func TestFastClock(t *testing.T) {
	w := newWorld(t)
	young := append(w.contact("acme", "1", aged(-30*time.Minute), "1"), w.transaction("shop", "c", "1", aged(-30*time.Minute)))
	w.rule(oldContacts, retention.On)
	w.rule(oldTransactions, retention.On)
	w.now = func() time.Time { return time.Now().Add(time.Hour) }
	w.whole(1, "contacts", "transactions")
	w.expect(young, nil)
}

// A rule that would take far more than its dry run has found stops by itself, before it
// takes it, and says so in every run until the rule is looked at again.
func TestFarMore(t *testing.T) {
	w := newWorld(t)
	var old []string
	for i := range 130 {
		old = append(old, w.transaction("shop", fmt.Sprint(i), "1", aged(time.Hour)))
	}
	w.rule(oldTransactions, retention.Set)
	set, err := w.plain.ReadRules(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rule := set.Rules[0]
	rule.State, rule.Dry = retention.On, &retention.DryRun{Found: 2, OutOf: 130}
	if err := w.plain.KeepRule(t.Context(), set, rule); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		log := metrictest.Capture(t)
		if err := w.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		metrictest.Lines(t, log.String())[0].Expect(t, metrictest.Line{"RetentionFailing": 1})
		if n := len(w.there()); n < 30 || n > 130-90 {
			t.Errorf("%d of 130 are there", n)
		}
	}
	w.rule(oldTransactions, retention.On) // another version, with another dry run
	w.whole(2, "transactions")
	w.expect(nil, old)
}

// Whoever stops all rules stops them at the next page, wherever the run is; so does who
// switches the rule off.
func TestStops(t *testing.T) {
	for name, stop := range map[string]func(w *world){
		"stop": func(w *world) {
			if err := w.plain.Stop(context.Background(), "ann", time.Now()); err != nil {
				w.tb.Fatal(err)
			}
		},
		"off": func(w *world) { w.rule(oldTransactions, retention.Off) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.rule(oldTransactions, retention.On)
			erased := map[int]bool{}
			dynamotest.EveryMoment(t, func(t *testing.T, k int) (struck bool) {
				for i := range 12 {
					w.transaction("shop", "c", fmt.Sprint(i), aged(time.Hour))
				}
				w.every = 0
				atStop := -1
				w.Faults.Interrupt(k, func() {
					stop(w)
					atStop = len(w.there())
				})
				if err := w.run(t.Context()); err != nil {
					t.Fatal(err)
				}
				struck = w.Faults.Struck()
				w.Faults.Calls()
				if left := len(w.there()); struck && atStop-left > 3 {
					t.Errorf("%d were erased after the stop", atStop-left)
				} else if struck {
					erased[left] = true
				}
				if name == "off" {
					w.rule(oldTransactions, retention.On)
				} else if err := w.plain.Resume(t.Context()); err != nil {
					t.Fatal(err)
				}
				w.whole(2, "transactions")
				if n := len(w.there()); n > 0 {
					t.Errorf("%d are left", n)
				}
				return struck
			})
			if len(erased) < 4 {
				t.Errorf("it was stopped with %v left", erased)
			}
		})
	}
}

// Two runs at once do no harm, wherever the one is when the other comes, and in the end
// each sweep has one statement, with no more than there was.
func TestTwoAtOnce(t *testing.T) {
	w := newWorld(t)
	w.rule(oldContacts, retention.On)
	w.rule(oldTransactions, retention.On)
	moments := dynamotest.EveryMoment(t, func(t *testing.T, k int) (struck bool) {
		old, young := w.fill(8)
		plain := *w.Kit
		plain.Rules.DB, plain.Contacts.DB, plain.Customers.DB = w.Plain, w.Plain, w.Plain
		plain.Holds.DB, plain.Erasures.DB = w.Plain, w.Plain
		other := newHandler(&plain)
		w.every, other.every = 0, time.Hour
		before := len(w.statements())
		w.Faults.Interrupt(k, func() {
			if err := other.handle(context.Background(), events.EventBridgeEvent{}); err != nil {
				t.Error(err)
			}
		})
		if err := w.run(t.Context()); err != nil {
			t.Fatal(err)
		}
		struck = w.Faults.Struck()
		w.Faults.Calls()
		w.whole(2, "contacts", "transactions")
		w.expect(young, old)
		for _, s := range w.statements()[before:] {
			if s.Swept.Erased > 8 {
				t.Errorf("%+v", s.Swept)
			}
		}
		return struck
	})
	t.Logf("%d moments", moments)
}
