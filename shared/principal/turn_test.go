package principal

import (
	"strings"
	"sync"
	"testing"
	"time"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

// enter is one attempt of the operator csr: whether the password was looked at, let in,
// and the calls that it took.
func enter(t *testing.T, d Directory, kit *dynamotest.Kit, password string) (looked, in bool, calls string) {
	t.Helper()
	kit.Faults.Calls()
	_, err := d.Operator(t.Context(), here, "csr", password)
	if _, ok := err.(*Locked); !ok && err != nil && err != ErrNotLetIn {
		t.Fatal(err)
	}
	return err == nil || err == ErrNotLetIn, err == nil, strings.Join(kit.Faults.Calls(), " ")
}

// repeat counts the password "wrong" of the operator csr so often, without its slow
// hashes.
func repeat(t *testing.T, d Directory, times int) {
	t.Helper()
	p, _, err := d.Principals.Find(t.Context(), store.Operator, "csr", here)
	if err != nil {
		t.Fatal(err)
	}
	_, work := samePassword("wrong", p.Hashes)
	for range times {
		a := attempt{Directory: d, seen: counted(t, d, store.Operator, "csr"), now: d.Now(), slow: true}
		if err := a.count(t.Context(), verdict{work: work}, false, false); err != nil {
			t.Fatal(err)
		}
	}
}

// One wrong password again and again is looked at as it comes, ten times the limit in a
// window; then one at a time. It is never a guess, and keeps nobody out.
func TestRepeatsAreHashedOneAtATime(t *testing.T) {
	d, kit, clock := guarded(t)
	d.Guard.Limit = 2
	for range 2 { // the second time in another window
		for i := range 25 {
			want := "BatchGetItem UpdateItem"
			if i > 20 { // one guess and twenty repeats
				want = "BatchGetItem UpdateItem UpdateItem"
			}
			if looked, _, calls := enter(t, d, kit, "wrong"); !looked || calls != want {
				t.Fatalf("time %d: looked at: %t, %s", i, looked, calls)
			}
		}
		for range 2 {
			if _, in, calls := enter(t, d, kit, "right"); !in || calls != "BatchGetItem UpdateItem UpdateItem" {
				t.Errorf("the right password: %t, %s", in, calls)
			}
		}
		seen := counted(t, d, store.Operator, "csr")
		if seen.Principal.N != 1 || seen.Principal.Locks != 0 || !seen.Turn.IsZero() {
			t.Errorf("counted %+v, a turn until %s", seen.Principal, seen.Turn)
		}
		// Somebody who is looked at, and whose process ends.
		_, turn, err := d.Principals.TakeTurn(t.Context(), seen, clock.Add(reservation), clock.Add(time.Hour))
		if err != nil || turn == "" {
			t.Fatal(turn, err)
		}
		for _, password := range []string{"wrong", "right"} {
			if looked, _, calls := enter(t, d, kit, password); looked || calls != "BatchGetItem" {
				t.Errorf("%s, in another's turn: looked at: %t, %s", password, looked, calls)
			}
		}
		if _, err := d.Operator(t.Context(), here, "changing", "right"); err != nil {
			t.Errorf("another operator there: %v", err)
		}
		if _, err := d.Operator(t.Context(), "192.0.2.2", "csr", "right"); err != nil {
			t.Errorf("elsewhere: %v", err)
		}
		clock.Advance(reservation)
		if _, in, _ := enter(t, d, kit, "right"); !in {
			t.Error("kept out after the turn")
		}
		clock.Advance(d.Guard.Window)
	}
	clock.Advance(-d.Guard.Window)
	enter(t, d, kit, "another") // in a turn, and a guess all the same
	if looked, _, calls := enter(t, d, kit, "right"); looked || calls != "BatchGetItem" {
		t.Errorf("after two guesses: looked at: %t, %s", looked, calls)
	}
}

// Of many at one moment one is looked at, whatever the passwords.
func TestTurnsAtOnce(t *testing.T) {
	d, _, _ := guarded(t)
	d.Guard.Limit = 2
	repeat(t, d, 21)
	seen := counted(t, d, store.Operator, "csr")
	var all sync.WaitGroup
	var mu sync.Mutex
	taken := 0
	for range 20 {
		all.Go(func() {
			a := attempt{Directory: d, seen: seen, now: d.Now()}
			err := a.takeTurn(t.Context())
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				taken++
			} else if _, ok := err.(*Locked); !ok {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if taken != 1 {
		t.Errorf("%d are looked at at once", taken)
	}
}

// A turn through lost answers and failing calls: nobody is kept out for longer than it
// may take, and nothing is a guess.
func TestTurnsThroughFaults(t *testing.T) {
	for n := 1; n <= 4; n++ {
		for _, fault := range []dynamotest.Fault{dynamotest.Before, dynamotest.After} {
			for _, password := range []string{"wrong", "right"} {
				d, kit, clock := guarded(t)
				d.Guard.Limit = 2
				repeat(t, d, 21)
				kit.Faults.Calls()
				kit.Faults.Inject(fault, n, n)
				_, err := d.Operator(t.Context(), here, "csr", password)
				kit.Faults.Calls()
				kit.Faults.Inject(fault, 1000, 1000)
				clock.Advance(reservation)
				if _, in, _ := enter(t, d, kit, "right"); !in {
					t.Errorf("%s, fault %v at call %d: %v, and kept out", password, fault, n, err)
				}
			}
		}
	}
}
