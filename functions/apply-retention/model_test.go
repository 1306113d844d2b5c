package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/retention"
	"customercare/shared/store"
)

// state is what the model knows: what was put and is older than the rules' age by the
// true clock (due), what is not (young), and what a hold keeps.
type state struct {
	*world
	random     *rand.Rand
	young, due map[string]bool
	held       map[string]bool // keys that were there when a hold became active, or came later
	holds      int
	of         map[string][]string // keys by customer or number
}

func (m *state) put() {
	at, of := m.since, m.due
	if m.random.IntN(2) == 0 {
		at, of = m.since.Add(2*time.Hour), m.young
	}
	id := fmt.Sprint(m.random.IntN(1 << 30))
	code, number, other := fmt.Sprint("c", m.random.IntN(3)), fmt.Sprint(m.random.IntN(4)), fmt.Sprint(4+m.random.IntN(4))
	m.note(of, "customer "+code, m.transaction("shop", code, id, at))
	for _, key := range m.contact("acme", id, at, number, other) {
		m.note(of, "number "+number, key)
		m.note(of, "number "+other, key)
	}
}

// note notes a key that was put, which is held if its subject is.
func (m *state) note(of map[string]bool, subject, key string) {
	of[key] = true
	m.of[subject] = append(m.of[subject], key)
	if m.held[subject] {
		m.held[key] = true
	}
}

// place places a hold on a customer or a number. What is there when it is active stays.
func (m *state) place() {
	kind, scope, subject := store.HoldOfCustomer, "shop", fmt.Sprint("c", m.random.IntN(3))
	if m.random.IntN(2) == 0 {
		kind, scope, subject = store.HoldOfNumber, "acme", fmt.Sprint(m.random.IntN(8))
	}
	m.holds++
	m.hold(fmt.Sprint("case-", m.holds), kind, scope, subject)
	there, name := m.there(), kind+" "+subject
	m.held[name] = true
	for _, key := range m.of[name] {
		if there[key] {
			m.held[key] = true
		}
	}
}

// check counts what is lost that is young or held.
func (m *state) check() (lost int) {
	there := m.there()
	for _, keys := range []map[string]bool{m.young, m.held} {
		for key := range keys {
			if (m.young[key] || m.due[key]) && !there[key] {
				m.tb.Errorf("%s is lost; held: %t", key, m.held[key])
				lost++
			}
		}
	}
	return lost
}

// TestRetentionKillsAndInterleavings runs the function over random states, with a clock
// that jumps by an hour, while it dies, a call fails, somebody writes, places a hold,
// switches the rules off or on, or another run comes, at any call. Of what a hold or the
// rules keep nothing is lost, and in the end nothing is left that was to go.
func TestRetentionKillsAndInterleavings(t *testing.T) {
	checks := 8
	if os.Getenv("CHAOS_CHECKS") != "" { // `make chaos` runs many
		checks = 60
	}
	lost, left, gone, held := 0, 0, 0, 0
	for seed := range checks {
		w := newWorld(t)
		w.every = 0
		m := &state{
			world: w, random: rand.New(rand.NewPCG(uint64(seed), 21)), young: map[string]bool{}, due: map[string]bool{},
			held: map[string]bool{}, of: map[string][]string{},
		}
		for range 6 {
			m.put()
		}
		states := []retention.State{retention.On, retention.On, retention.On, retention.Off}
		switchRules := func() {
			w.rule(oldContacts, states[m.random.IntN(len(states))])
			w.rule(oldTransactions, states[m.random.IntN(len(states))])
		}
		switchRules()
		for range 12 {
			jump := time.Duration(m.random.IntN(3)-1) * time.Hour
			w.now = func() time.Time { return time.Now().Add(jump) }
			k, ctx := 1+m.random.IntN(40), context.Background()
			switch m.random.IntN(8) {
			case 0:
				ctx = w.Faults.Die(k, m.random.IntN(2) == 0)
			case 1:
				w.Faults.Inject(dynamotest.Refused, k, k+m.random.IntN(3))
			case 2:
				w.Faults.Inject(dynamotest.After, k, k+m.random.IntN(3))
			case 3, 4:
				w.Faults.Interrupt(k, m.place)
			case 5:
				w.Faults.Interrupt(k, m.put)
			case 6:
				w.Faults.Interrupt(k, switchRules)
			default:
				w.Faults.Interrupt(k, func() { _ = w.run(context.Background()) })
			}
			_ = w.run(ctx)
			w.Faults.Calls()
			lost += m.check()
			if m.random.IntN(3) == 0 {
				m.put()
			}
		}
		w.now = time.Now
		w.rule(oldContacts, retention.On)
		w.rule(oldTransactions, retention.On)
		for range 3 {
			if err := w.run(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		lost += m.check()
		there := w.there()
		for key := range m.due {
			switch {
			case m.held[key]:
				held++
			case there[key]:
				t.Errorf("seed %d: %s is left", seed, key)
				left++
			default:
				gone++
			}
		}
	}
	t.Logf("items erased: %d, items held: %d, items kept that are lost: %d, items due that are left: %d", gone, held, lost, left)
	if gone == 0 || held == 0 {
		t.Error("nothing was ever erased, or nothing was ever held")
	}
}

// alone names the variable with the tables' prefix for a process that TestKilled ends.
const alone = "RETENTION_TABLES"

// A process that is killed in the middle leaves what another one ends.
func TestKilled(t *testing.T) {
	if os.Getenv(alone) != "" {
		t.Skip("this is the process that is killed")
	}
	for n := range 3 {
		w := newWorld(t)
		old, young := w.fill(60)
		w.rule(oldContacts, retention.On)
		w.rule(oldTransactions, retention.On)
		command := exec.Command(os.Args[0], "-test.run=^TestAlone$")
		command.Env = append(os.Environ(), alone+"="+w.Rules.Table[:len(w.Rules.Table)-len("Rules")])
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		all := len(w.there())
		for len(w.there()) > all-1-n*8 {
			if t.Context().Err() != nil {
				break
			}
		}
		_ = command.Process.Kill()
		_ = command.Wait()
		w.expect(young, nil)
		left := len(w.there()) - len(young)
		w.whole(3, "contacts", "transactions")
		w.expect(young, old)
		t.Logf("killed with %d of %d left", left, len(old))
	}
}

// TestAlone is no test: it is the process that TestKilled ends.
func TestAlone(t *testing.T) {
	prefix := os.Getenv(alone)
	if prefix == "" {
		t.Skip("TestKilled runs it")
	}
	w := newWorld(t)
	for table, of := range map[*string]string{
		&w.handler.rules.Table: "Rules", &w.handler.contacts.Table: "Contacts", &w.handler.customers.Table: "Customers",
		&w.handler.holds.Table: "Holds", &w.handler.ledger.Table: "Erasures",
	} {
		*table = prefix + of
	}
	if err := w.run(context.Background()); err != nil {
		t.Fatal(err)
	}
}
