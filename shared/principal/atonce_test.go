package principal

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

// Guesses at the same moment are all counted, also when a count of before begins anew.
// The first of them are looked at together; after the lock there is one at a time,
// however many come at once.
func TestGuessesAtOnceAreAllCounted(t *testing.T) {
	d, _, clock := guarded(t)
	for round := range 2 {
		at := func() (looked int64) {
			var guesses sync.WaitGroup
			var mu sync.Mutex
			for range 40 {
				guesses.Go(func() {
					if left, _ := try(t, d, here, "john", "wrong"); left == 0 {
						mu.Lock()
						defer mu.Unlock()
						looked++
					}
				})
			}
			guesses.Wait()
			return looked
		}
		looked := at()
		_, seen, err := d.Principals.Find(t.Context(), store.APIUser, "john", here)
		if err != nil || seen.Principal.N != looked || seen.All.N != looked || looked < 10 {
			t.Errorf("round %d: of %d guesses %+v are counted, %v", round, looked, seen, err)
		}
		if left, _ := try(t, d, here, "john", "right"); left == 0 || left > time.Minute {
			t.Errorf("round %d: locked out for %s", round, left)
		}
		clock.Advance(time.Minute)
		if looked := at(); looked != 1 {
			t.Errorf("round %d: %d guesses are looked at after the lock", round, looked)
		}
		clock.Advance(48 * time.Hour)
	}
}

// What one caller forgets is not what another has just failed at: a count that changed
// since it was read stays.
func TestForgettingLosesNothing(t *testing.T) {
	d, _, clock := guarded(t)
	for i := range 30 { // more than one write takes away
		try(t, d, here, fmt.Sprint("name ", i), "wrong")
	}
	clock.Advance(6 * time.Minute)
	try(t, d, here, "somebody", "wrong")
	read := func(name string) store.Failures {
		t.Helper()
		_, seen, err := d.Principals.Find(t.Context(), store.APIUser, name, here)
		if err != nil {
			t.Fatal(err)
		}
		return seen
	}
	stale := read("other")
	victim := ""
	for i := range 30 {
		if name := fmt.Sprint("name ", i); read(name).Principal.N == 1 {
			victim = name
		}
	}
	if victim == "" || len(stale.Others) != 11 {
		t.Fatalf("%d counts are left", len(stale.Others))
	}
	for range 9 {
		try(t, d, here, victim, "wrong")
	}
	late := attempt{Directory: d, seen: stale, now: clock.Now()}
	if err := late.count(t.Context(), verdict{work: "another"}, false, false); err != nil { // the slow one comes last
		t.Fatal(err)
	}
	if seen := read(victim); seen.Principal.N != 9 || seen.All.N != 11 {
		t.Errorf("counted %+v", seen)
	}
}

// A write that is done and whose answer is lost is made again by the SDK, and counts
// once.
func TestLostAnswersCountOnce(t *testing.T) {
	d, kit, clock := guarded(t)
	for range 9 {
		kit.Faults.Calls()
		kit.Faults.Inject(dynamotest.After, 2, 2) // the write behind the reading
		if left, _ := try(t, d, here, "john", "wrong"); left != 0 {
			t.Fatalf("locked out for %s", left)
		}
	}
	_, seen, err := d.Principals.Find(t.Context(), store.APIUser, "john", here)
	if err != nil || seen.Principal.N != 9 || seen.All.N != 9 {
		t.Errorf("counted %+v, %v", seen, err)
	}
	try(t, d, here, "john", "wrong")
	clock.Advance(time.Minute)
	kit.Faults.Calls()
	kit.Faults.Inject(dynamotest.After, 2, 2)
	if left, in := try(t, d, here, "john", "right"); !in {
		t.Errorf("a reservation whose answer was lost: locked out for %s", left)
	}
}

// A right secret whose failures cannot be cleared lets in, and keeps the next attempt
// waiting for seconds, not minutes.
func TestClearThatFails(t *testing.T) {
	d, kit, clock := guarded(t)
	for range 10 {
		try(t, d, here, "john", "wrong")
	}
	clock.Advance(time.Minute)
	kit.Faults.Calls()
	kit.Faults.Inject(dynamotest.Before, 3, 100)
	if left, in := try(t, d, here, "john", "right"); !in {
		t.Errorf("locked out for %s", left)
	}
	kit.Faults.Calls()
	if left, _ := try(t, d, here, "john", "right"); left != 15*time.Second {
		t.Errorf("locked out for %s", left)
	}
	clock.Advance(15 * time.Second)
	if _, in := try(t, d, here, "john", "right"); !in {
		t.Error("still locked out")
	}
}
