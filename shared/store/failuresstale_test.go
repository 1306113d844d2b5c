package store_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

// slowest is an attempt that was decided by what has changed since: others have failed
// in the meantime.
type slowest struct {
	store.Principals
	t   *testing.T
	now time.Time
}

func newSlowest(t *testing.T) slowest {
	return slowest{dynamotest.Open(t).Principals, t, time.UnixMilli(1_900_000_000_000)}
}

func (s slowest) find() store.Failures {
	s.t.Helper()
	_, seen, err := s.Find(s.t.Context(), store.Operator, "ann", "192.0.2.1")
	if err != nil {
		s.t.Fatal(err)
	}
	return seen
}

// fail counts an attempt with this secret, decided by seen. change says what it does to
// all the counts.
func (s slowest) fail(seen store.Failures, secret string, now time.Time, change store.Change) {
	s.t.Helper()
	f := store.Failure{
		Now: now, Expires: now.Add(time.Hour), RememberedSecrets: 10,
		All: change, Principal: change, Repeats: change,
	}
	err := s.CountFailure(s.t.Context(), seen, store.Attempt{Secret: secret, Slow: true}, f)
	if err != nil {
		s.t.Fatal(err)
	}
}

// A lock that others have taken stays, whatever the slowest of the attempts was to do to
// it; and so does a count that others have begun again. The failure is counted.
func TestStaleFailureIsOnlyAdded(t *testing.T) {
	for name, change := range map[string]store.Change{
		"the next lock":  {Locks: 2},
		"no lock":        {},
		"begun again":    {Anew: true, Locks: 1},
		"over, no locks": {Anew: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSlowest(t)
			s.fail(s.find(), "first", s.now, store.Change{Locks: 1})
			stale := s.find()
			later := s.now.Add(time.Minute)
			s.fail(s.find(), "second", later, store.Change{Anew: true, Locks: 2})
			s.fail(s.find(), "third", later, store.Change{Locks: 3})
			s.fail(stale, "slow", later, change)
			after := s.find()
			for what, c := range map[string]store.Count{"all": after.All, "ann's": after.Principal} {
				if c.N != 3 || c.Locks != 3 || !c.Since.Equal(later) {
					t.Errorf("%s: %+v", what, c)
				}
			}
		})
	}
}

// The same for repeats of slow work.
func TestStaleRepeatIsOnlyAdded(t *testing.T) {
	s := newSlowest(t)
	later := s.now.Add(time.Minute)
	for range 2 {
		s.fail(s.find(), "same", s.now, store.Change{})
	}
	stale := s.find()
	repeatAgain := func(seen store.Failures) {
		t.Helper()
		f := store.Failure{
			Now: later, Expires: later.Add(time.Hour), RememberedSecrets: 10, Repeats: store.Change{Anew: true},
		}
		err := s.CountFailure(t.Context(), seen, store.Attempt{Secret: "same", Slow: true}, f)
		if err != nil {
			t.Fatal(err)
		}
	}
	repeatAgain(s.find())
	repeatAgain(stale)
	if after := s.find(); after.Repeats.N != 2 || !after.Repeats.Since.Equal(later) || after.Principal.N != 1 {
		t.Errorf("%+v", after.Repeats)
	}
}

// A reservation is made by what was read, and by nothing that others have changed since.
func TestStaleReservation(t *testing.T) {
	for _, locks := range []int64{0, 1} {
		s := newSlowest(t)
		s.fail(s.find(), "first", s.now, store.Change{Locks: locks})
		stale := s.find()
		for n := locks + 1; n < locks+3; n++ {
			s.fail(s.find(), "more", s.now, store.Change{Locks: n})
			s.fail(s.find(), string(rune('a'+n)), s.now, store.Change{Locks: n})
		}
		r := store.Reservation{Principal: s.now.Add(time.Minute)}
		now, took, err := s.Reserve(t.Context(), stale, r, s.now.Add(time.Hour))
		if err != nil || took || now.Principal.Locks != locks+2 {
			t.Errorf("after %d locks: taken: %v, %+v, %v", locks, took, now.Principal, err)
		}
		if after := s.find(); after.Principal.Locks != locks+2 || !after.Principal.Last.Equal(s.now) {
			t.Errorf("after %d locks: %+v", locks, after.Principal)
		}
	}
}

// What a reservation took goes back only while nobody else has reserved since, be it on
// top of that reservation or after it had gone back already.
func TestStaleReservationIsNotGivenBack(t *testing.T) {
	for _, locks := range []int64{0, 1} {
		for _, wentBack := range []bool{false, true} {
			t.Run(fmt.Sprint(locks, " locks, went back ", wentBack), func(t *testing.T) {
				s := newSlowest(t)
				s.fail(s.find(), "same", s.now, store.Change{Locks: locks})
				before, want := s.find(), locks+2
				reserve := func(seen store.Failures, until time.Time) (store.Failures, store.Reservation) {
					t.Helper()
					r := store.Reservation{Principal: until}
					after, took, err := s.Reserve(t.Context(), seen, r, s.now.Add(time.Hour))
					if err != nil || !took {
						t.Fatalf("taken: %v, %v", took, err)
					}
					return after, r
				}
				first, r := reserve(before, s.now.Add(time.Minute))
				giveBack := func() {
					t.Helper()
					f := store.Failure{
						Now: s.now, Expires: s.now.Add(time.Hour), RememberedSecrets: 10,
						Principal: store.Change{Locks: locks}, Reserved: r, Before: before.Principal,
					}
					if err := s.CountFailure(t.Context(), first, store.Attempt{Secret: "same"}, f); err != nil {
						t.Fatal(err)
					}
				}
				if wentBack {
					want = locks + 1
					giveBack()
					if after := s.find().Principal; after != before.Principal {
						t.Errorf("given back: %+v", after)
					}
				}
				reserve(s.find(), s.now.Add(2*time.Minute))
				giveBack()
				after := s.find().Principal
				if after.Locks != want || !after.Last.Equal(s.now.Add(2*time.Minute)) {
					t.Errorf("%+v", after)
				}
			})
		}
	}
}

// A count of somebody else that looked over is not dropped when it has changed since.
func TestStaleCountsOfOthersStay(t *testing.T) {
	s := newSlowest(t)
	bob := func(now time.Time) (seen store.Failures) {
		t.Helper()
		_, seen, err := s.Find(t.Context(), store.Operator, "bob", "192.0.2.1")
		if err != nil {
			t.Fatal(err)
		}
		if !now.IsZero() {
			s.fail(seen, now.String(), now, store.Change{})
		}
		return seen
	}
	bob(s.now)
	stale := s.find()
	if len(stale.Others) != 1 {
		t.Fatalf("others: %+v", stale.Others)
	}
	count := func(seen store.Failures, secret string) {
		t.Helper()
		f := store.Failure{
			Now: s.now, Expires: s.now.Add(time.Hour), RememberedSecrets: 10,
			Forget: slices.Collect(maps.Keys(seen.Others)),
		}
		err := s.CountFailure(t.Context(), seen, store.Attempt{Secret: secret}, f)
		if err != nil {
			t.Fatal(err)
		}
	}
	bob(s.now.Add(time.Minute))
	count(stale, "slow")
	if after := bob(time.Time{}); after.Principal.N != 2 {
		t.Errorf("bob's: %+v", after.Principal)
	}
	count(s.find(), "in time")
	if after := bob(time.Time{}); after.Principal.N != 0 || after.All.N != 4 {
		t.Errorf("bob's are not dropped: %+v", after.Principal)
	}
}

// A turn is one attempt's until that ends it; nobody takes it, or ends it, by what was
// there before.
func TestStaleTurn(t *testing.T) {
	s := newSlowest(t)
	expires := s.now.Add(time.Hour)
	take := func(seen store.Failures, until time.Time) string {
		t.Helper()
		_, turn, err := s.TakeTurn(t.Context(), seen, until, expires)
		if err != nil {
			t.Fatal(err)
		}
		return turn
	}
	s.fail(s.find(), "same", s.now, store.Change{})
	none := s.find()
	first := take(none, s.now.Add(time.Second))
	if first == "" || take(none, s.now.Add(time.Minute)) != "" {
		t.Errorf("two have a turn, or none has: %q", first)
	}
	stale := s.find()
	second := take(stale, s.now.Add(2*time.Minute))
	if second == "" || take(stale, s.now.Add(3*time.Minute)) != "" {
		t.Errorf("two have a turn after one that is over, or none has: %q", second)
	}
	if err := s.EndTurn(t.Context(), stale, first, expires); err != nil {
		t.Error(err)
	}
	if after := s.find(); !after.Turn.Equal(s.now.Add(2 * time.Minute)) {
		t.Errorf("the turn is until %s", after.Turn)
	}
}
