package erasure

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

// holds is what the model knows of holds: those that it has placed, and what must stand
// because of those that are active.
type holds struct {
	seen map[string]store.Hold      // by id, as each was seen last
	kept map[string]map[string]bool // by line, the ids of the holds because of which it must be there
}

// standing says whether the model has seen that a hold is active on one of these.
func (h holds) standing(kind string, subjects ...string) bool {
	for _, hold := range h.seen {
		if hold.Status == store.Active && hold.Kind == kind && slices.Contains(subjects, hold.Subject) {
			return true
		}
	}
	return false
}

// mark is the marks of holds in a line.
var mark = regexp.MustCompile(`"held":\{"Value":\[[^\]]*\]\},`)

// stored are this run's items without the marks of holds.
func (m *model) stored() map[string]bool {
	lines := map[string]bool{}
	for _, line := range m.Dump(m.tb, m.Kit.Customers.Table, m.Kit.Contacts.Table) {
		if strings.Contains(line, m.shop) || strings.Contains(line, m.tenant) {
			lines[mark.ReplaceAllString(line, "")] = true
		}
	}
	return lines
}

// see looks at every hold. What stands when one has become active must stand from then
// on; when one has ended, what was asked for because of it must be gone in the end.
func (m *model) see(t *rapid.T) {
	for id, was := range m.holds.seen {
		hold, err := m.withoutFaults().Holds.Read(context.Background(), id)
		if errors.Is(err, store.ErrNoHold) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if hold.Subject == "" {
			hold.Subject = was.Subject
		}
		m.holds.seen[id] = hold
		over := hold.Status == store.Releasing || hold.Status == store.Released
		switch wasOver := was.Status == store.Releasing || was.Status == store.Released; {
		case hold.Status == store.Active && was.Status != store.Active:
			m.keep(t, hold)
		case over && !wasOver:
			m.letGo(t, hold)
		}
	}
}

// keep notes what a hold must find to the end.
func (m *model) keep(t *rapid.T, hold store.Hold) {
	lines := m.stored()
	under := map[int]bool{} // contacts
	for line, c := range m.copies {
		if hold.Kind == store.HoldOfNumber && lines[line] && c.under == hold.Subject {
			under[c.contact] = c.whole
		}
	}
	for line := range lines {
		c, isContact := m.copies[line]
		whole, ours := under[c.contact]
		switch {
		case hold.Kind == store.HoldOfCustomer && !isContact && m.ofCustomer(hold.Subject)(line):
		case isContact && ours && (whole && c.whole || c.under == hold.Subject):
		default:
			continue
		}
		if m.holds.kept[line] == nil {
			m.holds.kept[line] = map[string]bool{}
		}
		m.holds.kept[line][hold.ID] = true
	}
}

// letGo forgets what a hold kept, and dooms what was asked for meanwhile.
func (m *model) letGo(t *rapid.T, hold store.Hold) {
	for _, ids := range m.holds.kept {
		delete(ids, hold.ID)
	}
	if hold.Refused != nil {
		m.doom(doomed, m.ofCustomer(hold.Subject))
	}
	for n := range hold.Asked {
		asked, err := m.withoutFaults().Holds.ReadAsked(context.Background(), hold.ID, n)
		if err != nil {
			t.Fatal(err)
		}
		m.overlap = true
		m.doomNumbers(doomed, asked.Numbers)
	}
}

// wantKept checks that everything is there that holds keep.
func (m *model) wantKept(t *rapid.T) {
	lines := m.stored()
	for line, ids := range m.holds.kept {
		if _, known := m.items[line]; known && len(ids) > 0 && !lines[line] {
			t.Fatalf("held by %v, and deleted: %s", slices.Sorted(maps.Keys(ids)), line)
		}
	}
}

// waiting says whether an erasure waits for the release of a hold, or for cleanup to open
// it: then what is written now may go.
func (m *model) waiting(numbers []string, code string) bool {
	for _, it := range dynamotest.Items(m.tb, m.Plain, m.Kit.Holds.Table) {
		asked, _ := store.Texts(it["numbers"])
		key := attribute.ReadText(it, "hold")
		if slices.ContainsFunc(numbers, func(n string) bool { return slices.Contains(asked, n) }) {
			return true
		}
		ours := strings.HasPrefix(key, "hold-") && attribute.ReadText(it, "scope") == m.shop
		if ours && it["refused"] != nil && attribute.ReadText(it, "subject") == code {
			return true
		}
	}
	return false
}

// place places a hold, in the process that e works in.
func (m *model) place(t *rapid.T, ctx context.Context, e engine) {
	hold := store.Hold{ID: fmt.Sprint(m.tenant, "-", len(m.holds.seen)), Reason: "court", By: "legal"}
	if rapid.IntRange(0, 2).Draw(t, "hold of") == 0 {
		hold.Kind, hold.Scope, hold.Subject = store.HoldOfCustomer, m.shop, rapid.SampledFrom(codes).Draw(t, "code")
	} else {
		hold.Kind, hold.Scope = store.HoldOfNumber, m.tenant
		hold.Subject = rapid.SampledFrom(numbers).Draw(t, "number")
	}
	digests := m.Digests.EverySubject(hold.Kind, hold.Scope, hold.Subject)
	hold.Digest = digests[0]
	m.holds.seen[hold.ID] = store.Hold{ID: hold.ID, Kind: hold.Kind, Scope: hold.Scope, Subject: hold.Subject}
	_ = recovered(func() error {
		_, _, err := e.holder().Place(ctx, hold, digests, m.clock.Now().Add(time.Minute))
		return err
	})
	m.see(t)
}

// release releases a hold, in the process that e works in.
func (m *model) release(t *rapid.T, ctx context.Context, e engine) {
	var ids []string
	for id, hold := range m.holds.seen {
		if hold.Status == store.Active || hold.Status == store.Placing {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return
	}
	slices.Sort(ids)
	m.wantKept(t)
	_, _ = e.holder().Release(ctx, rapid.SampledFrom(ids).Draw(t, "hold"), "legal")
	m.see(t)
}

// goOnWithHolds lets cleanup go on with holds, in the process that e works in.
func (m *model) goOnWithHolds(t *rapid.T, ctx context.Context, e engine) {
	_, _ = e.holder().Due(ctx, dynamotest.StandingIndex)
	m.see(t)
}

// keepLater notes a contact that is filed under a number which is held already, or with
// the marks of holds, by their ids.
func (m *model) keepLater(line string, parties, marks []string) {
	kept := map[string]bool{}
	for id, hold := range m.holds.seen {
		filed := hold.Kind == store.HoldOfNumber && slices.Contains(parties, hold.Subject)
		if hold.Status == store.Active && (filed || slices.Contains(marks, id)) {
			kept[id] = true
		}
	}
	m.holds.kept[line] = kept
}

// beside lets a worker run, and something else with holds or contacts at any of its
// calls.
func (m *model) beside(t *rapid.T) {
	do := rapid.IntRange(0, 4).Draw(t, "beside")
	m.Faults.Interrupt(rapid.IntRange(1, 24).Draw(t, "at call"), func() {
		e := m.withoutFaults()
		switch do {
		case 0, 1:
			m.place(t, context.Background(), e)
		case 2:
			m.release(t, context.Background(), e)
		case 3:
			m.goOnWithHolds(t, context.Background(), e)
		case 4:
			m.fileAgain(t)
		}
	})
	_, _ = m.Due(context.Background())
	m.Faults.Calls()
	m.see(t)
}

// besideAHold lets a hold be placed, and a worker run at any of the calls.
func (m *model) besideAHold(t *rapid.T) {
	m.Faults.Interrupt(rapid.IntRange(1, 8).Draw(t, "at call"), func() {
		_, _ = m.withoutFaults().Due(context.Background())
	})
	m.place(t, context.Background(), m.engine)
	m.Faults.Calls()
}

// marked is, by contact, whether a copy of it has the mark of a hold that stands.
func (m *model) marked(lines []string) map[int]bool {
	marked := map[int]bool{}
	for _, line := range lines {
		c, known := m.copies[mark.ReplaceAllString(line, "")]
		for id, hold := range m.holds.seen {
			if known && hold.Status == store.Active && strings.Contains(mark.FindString(line), `"`+id+`"`) {
				marked[c.contact] = true
			}
		}
	}
	return marked
}

// checkHeld lets all erasures end while the holds stand: what nothing holds is gone, and
// what is held is there. A contact goes as a whole, so a mark on any copy holds all: it
// stays there when the contact leaves the number. Then it releases them.
func (m *model) checkHeld(t *rapid.T) {
	due := func() {
		m.clock.Advance(time.Hour)
		m.dueHolds(m.tb)
		m.see(t)
		m.finishAll(m.tb)
	}
	due()
	m.wantKept(t)
	lines := m.Dump(m.tb, m.Kit.Customers.Table, m.Kit.Contacts.Table)
	marked := m.marked(lines)
	for _, line := range lines {
		c := m.copies[mark.ReplaceAllString(line, "")]
		held := marked[c.contact] || m.holds.standing(store.HoldOfNumber, append(c.parties, c.under)...) ||
			c.contact == 0 && slices.ContainsFunc(codes, func(code string) bool {
				return m.ofCustomer(code)(line) && m.holds.standing(store.HoldOfCustomer, code)
			})
		if m.items[mark.ReplaceAllString(line, "")] == doomed && !held {
			t.Fatalf("nothing holds it, and it is there: %s", line)
		}
	}
	for id, hold := range m.holds.seen {
		if hold.Status == store.Active {
			if _, err := m.withoutFaults().holder().Release(context.Background(), id, "legal"); err != nil {
				t.Fatal(err)
			}
			m.see(t)
		}
	}
	due()
	for id, hold := range m.holds.seen {
		if hold.Status != "" && hold.Status != store.Released {
			t.Fatalf("%s is %s", id, hold.Status)
		}
	}
}

// TestHoldsInterleaved is TestInterleavings with holds: placed and released by processes
// that die at any call, beside workers at any of theirs, with contacts filed again
// meanwhile.
func TestHoldsInterleaved(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.shortenPages(3)
	_ = flag.Set("rapid.checks", cmp.Or(os.Getenv("CHAOS_CHECKS"), "20"))
	if os.Getenv("CHAOS_CHECKS") == "" { // the same states each time; `make chaos` tries others
		_ = flag.Set("rapid.seed", "20261127")
	}
	checks, placed := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		checks++
		m := newModel(sys, fmt.Sprint("h", checks))
		in := func(do func(*rapid.T, context.Context, engine)) func(*rapid.T) {
			return func(t *rapid.T) {
				do(t, m.process(t), m.engine)
				m.Faults.Calls()
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"write many":    m.writeTransactions,
			"write contact": m.writeContact, "write another": m.writeContact,
			"file again":     m.fileAgain,
			"erase customer": m.eraseCustomer,
			"erase numbers":  m.eraseNumbers, "erase others": m.eraseNumbers,
			"work":          func(t *rapid.T) { m.work(t); m.see(t) },
			"place":         in(m.place),
			"release":       in(m.release),
			"go on":         in(m.goOnWithHolds),
			"beside":        m.beside,
			"beside a hold": m.besideAHold,
			"let time pass": func(t *rapid.T) {
				m.clock.Advance(time.Duration(rapid.IntRange(0, 600).Draw(t, "s")) * time.Second)
			},
		})
		m.checkHeld(t)
		m.check(t)
		placed += len(m.holds.seen)
	})
	t.Logf("%d holds", placed)
}
