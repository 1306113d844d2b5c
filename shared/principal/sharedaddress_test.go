package principal

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"customercare/shared/store"
)

// A right secret after a lock ends it all: the next attempts are not reserved, and nine
// may fail again.
func TestRightSecretClears(t *testing.T) {
	d, kit, clock := guarded(t)
	for range 10 {
		try(t, d, here, "john", "wrong")
	}
	clock.Advance(time.Minute)
	kit.Faults.Calls()
	if _, in := try(t, d, here, "john", "right"); !in {
		t.Error("not let in")
	}
	if calls := strings.Join(kit.Faults.Calls(), " "); calls != "BatchGetItem UpdateItem UpdateItem" {
		t.Errorf("reserved and cleared by %s", calls)
	}
	if _, in := try(t, d, here, "john", "right"); !in || strings.Join(kit.Faults.Calls(), " ") != "BatchGetItem" {
		t.Error("the second costs more than the first")
	}
	_, seen, _ := d.Principals.Find(t.Context(), store.APIUser, "john", here)
	if seen.Principal != (store.Count{}) || seen.All.N != 10 {
		t.Errorf("left: %+v", seen)
	}
	for range 9 {
		if left, _ := try(t, d, here, "john", "wrong"); left != 0 {
			t.Errorf("locked out for %s", left)
		}
	}
}

// A right secret of one person neither locks an office again nor counts against it, and a
// reserved attempt begins a count of the address that is over anew like any other.
func TestReservationLeavesTheAddressAlone(t *testing.T) {
	d, _, clock := guarded(t)
	for range 10 {
		try(t, d, here, "john", "wrong")
	}
	for i := range 89 {
		try(t, d, here, fmt.Sprint("name ", i), "wrong")
	}
	clock.Advance(time.Minute)
	for range 3 {
		if _, in := try(t, d, here, "john", "right"); !in {
			t.Error("not let in")
		}
	}
	if left, _ := try(t, d, here, "idle", "wrong"); left != 0 { // the hundredth
		t.Errorf("locked out for %s", left)
	}
	for range 10 {
		try(t, d, "192.0.2.50", "john", "wrong")
	}
	for i := range 89 {
		try(t, d, "192.0.2.50", fmt.Sprint("name ", i), "wrong")
	}
	clock.Advance(50 * time.Minute)
	try(t, d, "192.0.2.50", "john", "wrong")
	if left, _ := try(t, d, "192.0.2.50", "idle", "wrong"); left != 0 {
		t.Errorf("after a pause: locked out for %s", left)
	}
}

// An office whose address was locked out for all is let in again all at once, and its
// next lock is longer.
func TestLockOfAnAddress(t *testing.T) {
	d, _, clock := guarded(t)
	for _, want := range []time.Duration{1, 2, 4} {
		for i := range 100 {
			if left, _ := try(t, d, here, fmt.Sprint("name ", i), "wrong"); left != 0 {
				t.Fatalf("locked out for %s after %d failures", left, i)
			}
		}
		if left, _ := try(t, d, here, "john", "right"); left != want*time.Minute {
			t.Errorf("locked out for %s, want %d m", left, want)
		}
		clock.Advance(want * time.Minute)
		for range 3 {
			if _, in := try(t, d, here, "john", "right"); !in {
				t.Error("not let in after the lock")
			}
		}
		clock.Advance(10 * time.Minute) // so that the names begin anew
	}
}
