package erasure

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/statement"
	"customercare/shared/store"
)

// statements are those of a record.
type statements struct{ accepted, end string }

// identifiers are what the tests call data subjects by, and no digest or id has.
var identifiers = []string{"wen11", "k@x", "#4711", `"4711"`}

// wantEvidence checks what must hold at every moment, whoever died: each open job has one
// record with the statement that it was accepted, each record without an end has its open
// job, no record vanishes, no statement changes, and nothing that is not sealed is out of
// the index of those (nobody seals in these tests). It looks at nothing once the test
// itself has tampered with evidence.
func (sys *system) wantEvidence(t testing.TB, l ledger) {
	t.Helper()
	if sys.tampered {
		return
	}
	open := map[string]string{} // id of the erasure, by the job's key
	for _, job := range l.open {
		open[job.key] = job.id
	}
	seen := map[string]bool{}
	for _, r := range slices.Concat(l.begun, l.records) {
		seen[r.key] = true
		id := strings.TrimPrefix(r.key, store.RecordPrefix)
		switch before, known := sys.evidence[r.key]; {
		case known && before.accepted != r.accepted, before.end != "" && before.end != r.statement:
			t.Errorf("a statement has changed, it was %+v: %s", before, r.json)
		}
		sys.evidence[r.key] = statements{r.accepted, r.statement}
		// The end puts it there anew: its acceptance may be sealed by then.
		if r.unlogged == "" || r.unloggedAt == 0 || r.unloggedAt != max(r.finishedAt, r.askedAt) {
			t.Errorf("not sealed, and out of the index: %s", r.json)
		}
		begun, err := statement.Parse([]byte(r.accepted))
		if err != nil || begun.Type != statement.Accepted || begun.ID != id || begun.By != r.by ||
			begun.Scope != r.scope || begun.End != nil || begun.Subjects == nil {
			t.Errorf("the statement of an acceptance, %v: %s", err, r.json)
		}
		if r.statement == "" {
			if open[r.job] != id || r.state != "open" {
				t.Errorf("a record without an end, and without its open job: %s", r.json)
			}
			delete(open, r.job)
			continue
		}
		ended, err := statement.Parse([]byte(r.statement))
		what := statement.Erased
		if r.outcomes.Any(store.Held) {
			what = statement.Partial
		}
		if err != nil || ended.Type != what || ended.ID != id || ended.End == nil || r.job != "" ||
			r.state != "done" || !ended.Accepted.Equal(begun.Accepted.Time) || int(ended.Found) != r.found ||
			int(ended.Erased) != r.deleted || ended.AtLeast != r.atLeast || ended.Unreadable != r.unreadable {
			t.Errorf("the statement of an end, %v: %s", err, r.json)
			continue
		}
		if ended.Subjects == nil || ended.Subjects.N != begun.Subjects.N ||
			len(r.outcomes) != (ended.Subjects.N+3)/4 || ended.Finished.Before(ended.Verified.Time) ||
			!ended.BackupsUntil.Equal(ended.Finished.AddDate(0, 0, 35)) {
			t.Errorf("the statement of an end: %s", r.json)
		}
		for _, identifier := range identifiers {
			if strings.Contains(r.accepted+r.statement, identifier) {
				t.Errorf("%q is in a statement: %s", identifier, r.json)
			}
		}
	}
	for job, id := range open {
		t.Errorf("the open job %s has no record %s", job, id)
	}
	for key := range sys.evidence {
		if !seen[key] {
			t.Errorf("the record %s has vanished", key)
		}
	}
}

// wantOutcomes checks what a record, its statement and the tree over its subjects say
// became of each of them, in the order of their identifiers' bytes: e, n or h.
func (sys *system) wantOutcomes(t testing.TB, r entry, digests []string, want string) {
	t.Helper()
	leaves := make([]statement.Subject, len(digests))
	for i, outcome := range []byte(want) {
		if got := r.outcomes.Of(i); "neh"[got] != outcome {
			t.Errorf("subject %d has the outcome %d, want %c: %s", i, got, outcome, r.json)
		}
		leaves[i].Outcome = statement.Outcome(outcome)
		_, sum, _ := strings.Cut(digests[i], ".")
		copy(leaves[i].Commitment[:], unhex(t, sum))
	}
	ended, err := statement.Parse([]byte(r.statement))
	if err != nil || !slices.Equal(ended.Subjects.Root, statement.NewTree(leaves).Subjects().Root) {
		t.Errorf("the root is not that of %s, %v: %s", want, err, r.statement)
	}
}

// numbersDigests are the digests of numbers of acme, in their order.
func (sys *system) numbersDigests(numbers []string) (all []string) {
	for _, number := range slices.Sorted(slices.Values(numbers)) {
		all = append(all, sys.Digests.Subject("number", "acme", number))
	}
	return all
}

// eachCall looks before every call that goes through it.
type eachCall struct {
	next http.RoundTripper
	look func()
}

func (e eachCall) RoundTrip(r *http.Request) (*http.Response, error) {
	e.look()
	return e.next.RoundTrip(r)
}

// At every moment of an erasure, before any call of anybody, its evidence is whole. An
// acceptance that was written before or behind its job would be seen here.
func TestEvidenceBeforeEveryCall(t *testing.T) {
	t.Parallel()
	for name, ask := range map[string]func(e engine) error{
		"customer": func(e engine) error {
			return e.Customer(context.Background(), "shop", "4711", "john", time.Minute)
		},
		"numbers":         func(e engine) error { return e.Numbers(context.Background(), "acme", twoNumbers, "app") },
		"several numbers": func(e engine) error { return e.Numbers(context.Background(), "acme", severalNumbers(), "app") },
		"many numbers":    func(e engine) error { return e.Numbers(context.Background(), "acme", manyNumbers(), "app") },
	} {
		for _, transactions := range []int{2, 30} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				sys := newSystem(t)
				sys.putCustomer(t, "shop", "4711", transactions)
				sys.putContact(t, "acme", "c1", "135", "200")
				var one sync.Mutex // calls are made at once, too
				watched := sys.through(func(next http.RoundTripper) http.RoundTripper {
					return eachCall{next, func() {
						one.Lock()
						defer one.Unlock()
						sys.ledger(t)
					}}
				})
				for range 2 {
					if err := ask(watched); err != nil {
						t.Fatal(err)
					}
				}
				sys.clock.Advance(11 * time.Minute) // a repeat that comes too late for the end
				if err := ask(watched); err != nil {
					t.Fatal(err)
				}
				sys.clock.Advance(2 * time.Minute)
				for range 3 {
					if _, err := watched.Due(t.Context()); err != nil {
						t.Fatal(err)
					}
					sys.clock.Advance(13 * time.Minute)
				}
				if l := sys.ledger(t); len(l.records) != 2 || len(l.open) != 0 {
					t.Errorf("%d records, %d open jobs, want the first erasure and that of the late repeat: %+v",
						len(l.records), len(l.open), l.records)
				}
			})
		}
	}
}

// Outcomes are right whatever call a worker dies at, in the first pass or in the last:
// for numbers in other windows that only another's contact names, and for a number of
// which something comes while late writers are waited for.
func TestOutcomesUnderDeadWorkers(t *testing.T) {
	t.Parallel()
	for name, numbers := range map[string][]string{
		"few": {"135", "late", "nobody", "peer", "wen11"}, "many": append([]string{"135", "late", "nobody", "peer", "wen11"}, nobody...),
	} {
		var want strings.Builder
		for _, number := range slices.Sorted(slices.Values(numbers)) {
			if slices.Contains([]string{"135", "late", "peer", "wen11"}, number) {
				want.WriteByte('e')
			} else {
				want.WriteByte('n')
			}
		}
		for _, dies := range []string{"in the first pass", "in the last"} {
			t.Run(name+" "+dies, func(t *testing.T) {
				t.Parallel()
				sys := newSystem(t)
				dynamotest.EveryMoment(t, func(t *testing.T, k int) (struck bool) {
					sys.putContact(t, "acme", "c1", "135", "200")
					sys.putContact(t, "acme", "c2", "wen11", "peer")
					sys.eraseNumbers(t, numbers...)
					first := context.Background()
					if dies == "in the first pass" {
						first = sys.Faults.Die((k+1)/2, k%2 == 0)
					}
					_ = sys.Continue(first, sys.numbersJob(numbers...))
					sys.putContact(t, "acme", "c3", "late", "300")
					if dies == "in the last" {
						sys.finishAll(t, sys.Faults.Die((k+1)/2, k%2 == 0))
					}
					sys.Faults.Calls()
					struck = sys.Faults.Struck()
					sys.finishAll(t)
					sys.wantEmpty(t, sys.Kit.Contacts.Table)
					sys.wantCounts(t, 3) // c3 may have come into a dead worker's range
					records := sys.ledger(t).records
					sys.wantOutcomes(t, records[0], sys.numbersDigests(numbers), want.String())
					sys.clear(t)
					return struck
				})
			})
		}
	}
}

// A customer of whom something was found is erased.
func TestOutcomeOfACustomer(t *testing.T) {
	t.Parallel()
	for _, transactions := range []int{0, 30} {
		sys := newSystem(t)
		sys.putCustomer(t, "shop", "4711", transactions)
		sys.eraseCustomer(t)
		sys.finishAll(t)
		digest := sys.Digests.Subject("customer", "shop", "4711")
		sys.wantOutcomes(t, sys.wantRecord(t, transactions+1), []string{digest}, "e")
	}
}

// What a statement says to be verified is when the last search began, not when it ended:
// what was filed in between nobody has looked for.
func TestVerifiedIsWhenTheLastSearchBegan(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.eraseNumbers(t, twoNumbers...)
	sys.clock.Advance(7 * time.Minute) // so that the first pass is the last
	begun := sys.clock.Now()
	slow := sys.through(func(next http.RoundTripper) http.RoundTripper {
		return eachCall{next, func() { sys.clock.Advance(time.Millisecond) }}
	})
	if err := slow.Continue(t.Context(), sys.numbersJob(twoNumbers...)); err != nil {
		t.Fatal(err)
	}
	ended, err := statement.Parse([]byte(sys.ledger(t).records[0].statement))
	if err != nil {
		t.Fatal(err)
	}
	search, end := ended.Verified.Sub(begun), ended.Finished.Sub(ended.Verified.Time)
	if search < time.Millisecond || search > 2*time.Millisecond || end < 2*time.Millisecond {
		t.Errorf("the last search began after %v, and ended %v later", search, end)
	}
}

// An erasure that begins for a late repeat has an outcome of its own: nothing was found
// where the one before it had erased all, and something where the customer was written
// over the tombstone meanwhile.
func TestOutcomeOfARepeatedCustomer(t *testing.T) {
	t.Parallel()
	for _, want := range []string{"n", "e"} {
		sys := newSystem(t)
		sys.putCustomer(t, "shop", "4711", 2)
		sys.eraseCustomer(t)
		sys.clock.Advance(11 * time.Minute)
		sys.eraseCustomer(t)
		sys.clock.Advance(2 * time.Minute)
		sys.cleanUp(t)
		if want == "e" {
			sys.putCustomer(t, "shop", "4711", 0)
			sys.eraseCustomer(t)
		}
		sys.finishAll(t)
		records := sys.ledger(t).records
		if len(records) != 2 {
			t.Fatalf("%d records", len(records))
		}
		digest := []string{sys.Digests.Subject("customer", "shop", "4711")}
		slices.SortFunc(records, func(a, b entry) int { return cmp.Compare(a.askedAt, b.askedAt) })
		sys.wantOutcomes(t, records[0], digest, "e")
		sys.wantOutcomes(t, records[1], digest, want)
	}
}

// The ticket of a call is in both statements, and nowhere as it was sent. An erasure that
// begins for a late repeat has the repeat's ticket and the repeat's caller.
func TestTicketsAndCallers(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	asked := NumbersRequest{Tenant: "acme", Numbers: twoNumbers, By: "first", Ticket: "TICKET-1"}
	ask := func() {
		t.Helper()
		if _, err := sys.numbersIntake().Numbers(t.Context(), asked); err != nil {
			t.Fatal(err)
		}
	}
	ask()
	sys.goOn(t, sys.numbersJob(twoNumbers...))
	sys.clock.Advance(11 * time.Minute)
	asked.By, asked.Ticket = "second", "TICKET-2"
	ask()
	sys.clock.Advance(2 * time.Minute)
	sys.cleanUp(t)
	sys.finishAll(t)
	said := map[string]int{}
	for _, r := range sys.ledger(t).records {
		for _, line := range []string{r.accepted, r.statement} {
			s, err := statement.Parse([]byte(line))
			if err != nil {
				t.Fatal(err)
			}
			for _, ticket := range []string{"TICKET-1", "TICKET-2"} {
				if slices.Equal(s.Ticket, hashOf(ticket)) {
					said[s.By+" "+ticket]++
				}
			}
		}
	}
	if len(said) != 2 || said["first TICKET-1"] != 2 || said["second TICKET-2"] != 2 {
		t.Errorf("the statements say %v", said)
	}
	sys.wantNowhere(t, "TICKET-")
}
