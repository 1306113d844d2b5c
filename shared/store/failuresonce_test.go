package store_test

import (
	"testing"
	"time"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

// attempts counts failures of ann's, decided by what was seen.
type attempts struct {
	slowest
	kit *dynamotest.Kit
}

func newAttempts(t *testing.T) attempts {
	kit := dynamotest.Open(t)
	return attempts{slowest{kit.Principals, t, time.UnixMilli(1_900_000_000_000)}, kit}
}

func (a attempts) count(seen store.Failures, secret string, right bool, remembered int) {
	a.t.Helper()
	f := store.Failure{Now: a.now, Expires: a.now.Add(time.Hour), RememberedSecrets: remembered}
	err := a.CountFailure(a.t.Context(), seen, store.Attempt{Secret: secret, Right: right}, f)
	if err != nil {
		a.t.Fatal(err)
	}
}

// Of the same secret at the same moment one counts, also where it takes the place of
// another among those that are remembered.
func TestTheSameSecretAtOnceCountsOnce(t *testing.T) {
	for _, remembered := range []int{1, 10} {
		a := newAttempts(t)
		a.count(a.find(), "first", false, remembered)
		seen := a.find()
		a.count(seen, "same", false, remembered)
		a.count(seen, "same", false, remembered)
		if after := a.find(); after.Principal.N != 2 || !after.Remembers("same") {
			t.Errorf("of %d remembered: %+v", remembered, after.Principal)
		}
	}
}

// The first failures of an address, at the same moment, make one salt: both secrets are
// known again.
func TestFirstFailuresAtOnceHaveOneSalt(t *testing.T) {
	a := newAttempts(t)
	seen := a.find()
	a.count(seen, "one", false, 10)
	a.count(seen, "another", false, 10)
	if after := a.find(); after.Principal.N != 2 || !after.Remembers("one") || !after.Remembers("another") {
		t.Errorf("%+v", after)
	}
}

// A right secret that fails begins to count guesses apart, with all there were, however
// many came at the same moment; and those that come at the same moment are counted there.
func TestGuessesAreCountedApartFromTheFirst(t *testing.T) {
	for name, order := range map[string][]bool{
		"a guess was slow": {true, false}, "the right one was slow": {false, true},
	} {
		a := newAttempts(t)
		a.count(a.find(), "first", false, 10)
		seen := a.find()
		for _, right := range order {
			a.count(seen, map[bool]string{true: "right", false: "wrong"}[right], right, 10)
		}
		after := a.find()
		if !after.Apart() || after.Guesses.N != 2 || after.AllGuesses.N != 2 || after.Principal.N != 3 || after.All.N != 3 {
			t.Errorf("%s: %+v", name, after)
		}
	}
}

// A reservation and a turn whose answers are lost are their attempt's when they are sent
// again.
func TestLostAnswersTakeOnce(t *testing.T) {
	a := newAttempts(t)
	expires := a.now.Add(time.Hour)
	lose := func() {
		a.kit.Faults.Calls()
		a.kit.Faults.Inject(dynamotest.After, 1, 1)
	}
	a.count(a.find(), "first", false, 10)
	for locks := int64(1); locks <= 2; locks++ {
		seen, r := a.find(), store.Reservation{Principal: a.now.Add(time.Minute)}
		lose()
		if _, took, err := a.Reserve(t.Context(), seen, r, expires); err != nil || !took {
			t.Errorf("the reservation of lock %d: %v, %v", locks, took, err)
		}
		a.kit.Faults.Calls()
		if after := a.find().Principal; after.Locks != locks {
			t.Errorf("%d locks, want %d", after.Locks, locks)
		}
	}
	for n := range 2 {
		seen, until := a.find(), a.now.Add(time.Duration(n+1)*time.Second)
		lose()
		if _, turn, err := a.TakeTurn(t.Context(), seen, until, expires); err != nil || turn == "" {
			t.Errorf("turn %d: %q, %v", n, turn, err)
		}
		a.kit.Faults.Calls()
		if after := a.find(); !after.Turn.Equal(until) {
			t.Errorf("turn %d is until %s", n, after.Turn)
		}
	}
}
