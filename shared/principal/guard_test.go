package principal

import (
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

// guarded is a directory with the template's limits.
func guarded(t *testing.T) (Directory, *dynamotest.Kit, *dynamotest.Clock) {
	t.Helper()
	d, kit, clock := newDirectory(t)
	d.Guard.Limit = 10
	return d, kit, clock
}

// guesses makes each wrong key of try another one.
var guesses atomic.Int64

// try is one attempt: how long the caller is locked out, or 0 when the secret was looked at. The key "wrong" is another wrong
// one each time.
func try(t *testing.T, d Directory, source, name, key string) (left time.Duration, in bool) {
	t.Helper()
	if key == "wrong" {
		key = fmt.Sprint("wrong ", guesses.Add(1))
	}
	err := d.APIUser(t.Context(), source, name, key, "shop")
	if locked, ok := errors.AsType[*Locked](err); ok {
		return locked.For, false
	}
	if err != nil && err != ErrNotLetIn {
		t.Fatal(err)
	}
	return 0, err == nil
}

// After ten failures a right key is refused from there as well, for a time that doubles with every further failure, at
// most an hour; from elsewhere it lets in all the time.
func TestGuessingLocksOut(t *testing.T) {
	d, kit, clock := guarded(t)
	for i := range 10 {
		if left, _ := try(t, d, here, "john", "wrong"); left != 0 {
			t.Fatalf("locked out after %d failures", i)
		}
		clock.Advance(time.Second)
	}
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		want *= time.Minute
		left, in := try(t, d, here, "john", "right")
		if in || left > want || left < want-2*time.Second {
			t.Errorf("locked out for %s, want %s (in: %t)", left, want, in)
		}
		kit.Faults.Calls()
		if left, _ := try(t, d, here, "nobody-else", "wrong"); left != 0 {
			t.Errorf("another principal from there is locked out for %s", left)
		}
		if _, in := try(t, d, "192.0.2.2", "john", "right"); !in {
			t.Error("the owner is locked out elsewhere")
		}
		kit.Faults.Calls()
		if left, _ := try(t, d, here, "john", "wrong"); left == 0 {
			t.Error("not locked out")
		}
		if calls := strings.Join(kit.Faults.Calls(), " "); calls != "BatchGetItem UpdateItem" { // as while a typo locks
			t.Errorf("a refusal while locked out takes %s", calls)
		}
		clock.Advance(want)
		if left, _ := try(t, d, here, "john", "wrong"); left != 0 {
			t.Errorf("still locked out for %s", left)
		}
	}
	clock.Advance(3 * time.Hour)
	if left, in := try(t, d, here, "john", "right"); !in {
		t.Errorf("locked out for %s after hours", left)
	}
	for range 9 { // and all is forgotten
		try(t, d, here, "john", "wrong")
	}
	if _, in := try(t, d, here, "john", "right"); !in {
		t.Error("nine failures after hours lock out")
	}
}

// Failures that lie farther apart than the window never lock out, one address that tries many names does, and an address of
// IPv6 is all of its network.
func TestWindowsAndSources(t *testing.T) {
	d, _, clock := guarded(t)
	for i := range 30 {
		if left, _ := try(t, d, here, "john", "wrong"); left != 0 {
			t.Fatalf("locked out after %d failures in as many minutes", i)
		}
		clock.Advance(time.Minute)
	}
	for i := range 100 {
		if left, _ := try(t, d, "192.0.2.9", "name "+strings.Repeat("x", i), "wrong"); left != 0 {
			t.Fatalf("locked out after %d failures for as many names", i)
		}
	}
	if left, _ := try(t, d, "192.0.2.9", "john", "right"); left == 0 {
		t.Error("a hundred failures lock nobody out")
	}
	for range 10 {
		try(t, d, "2001:db8::1", "john", "wrong")
	}
	for source, want := range map[string]bool{"2001:db8::ffff:1": true, "2001:db8:0:1::1": false, "192.0.2.77": false, "::ffff:192.0.2.78": false} {
		if left, _ := try(t, d, source, "john", "right"); (left > 0) != want {
			t.Errorf("%s is locked out for %s", source, left)
		}
	}
}

// Guesses at the same moment are all counted, also when a count of before begins anew. The first of them are looked at
// together; after the lock there is one at a time, however many come at once.
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

// A right secret after a lock ends it all: the next attempts are not reserved, and nine may fail again.
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

// What one caller forgets is not what another has just failed at: a count that changed since it was read stays.
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

// A lock is remembered for twelve windows after its end.
func TestLocksAreForgotten(t *testing.T) {
	for quiet, want := range map[time.Duration]time.Duration{time.Minute + 59*time.Minute: 2 * time.Minute, time.Minute + 61*time.Minute: 0} {
		d, _, clock := guarded(t)
		for range 10 {
			try(t, d, here, "john", "wrong")
		}
		clock.Advance(quiet)
		try(t, d, here, "john", "wrong")
		if left, _ := try(t, d, here, "john", "right"); left != want {
			t.Errorf("after %s: locked out for %s, want %s", quiet, left, want)
		}
	}
}

// Nobody who is locked out makes a slow hash, and an address that nobody knows locks nobody out.
func TestLockedOutBeforeTheHash(t *testing.T) {
	d, _, _ := guarded(t)
	for i := range 10 {
		if _, err := d.Operator(t.Context(), here, "csr", fmt.Sprint("wrong ", i)); err != ErrNotLetIn {
			t.Fatal(err)
		}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := d.Operator(t.Context(), here, "csr", "right"); err == nil || err == ErrNotLetIn {
		t.Error(err)
	}
	runtime.ReadMemStats(&after)
	if mb := (after.TotalAlloc - before.TotalAlloc) >> 20; mb > 5 {
		t.Errorf("%d MB: a slow hash is made", mb)
	}
	for range 12 {
		try(t, d, "", "john", "wrong")
	}
	if _, in := try(t, d, "", "john", "right"); !in {
		t.Error("locked out without an address")
	}
	for one, other := range map[string]string{"::ffff:192.0.2.1": "192.0.2.1", "2001:db8::1": "2001:db8::2:3", "fe80::1%eth0": "fe80::2%eth1"} {
		if network(one) != network(other) || network(one) == "" {
			t.Errorf("%s is %s, %s is %s", one, network(one), other, network(other))
		}
	}
}

// A right secret of one person neither locks an office again nor counts against it, and a reserved attempt begins a count of
// the address that is over anew like any other.
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

// A write that is done and whose answer is lost is made again by the SDK, and counts once.
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

// A right secret whose failures cannot be cleared lets in, and keeps the next attempt waiting for seconds, not minutes.
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

// An office whose address was locked out for all is let in again all at once, and its next lock is longer.
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

// Whoever tries a new name each time fills no item: what is over is taken away again.
func TestFailuresDoNotGrow(t *testing.T) {
	d, kit, clock := guarded(t)
	for i := range 400 {
		try(t, d, here, fmt.Sprint("name ", i), "wrong")
		clock.Advance(10 * time.Second) // 30 in a window
	}
	for _, line := range kit.Dump(t, kit.Principals.Table) {
		if strings.Contains(line, store.FailuresPrefix) && strings.Count(line, `"since`) > 50 {
			t.Errorf("%d counts are kept", strings.Count(line, `"since`))
		}
	}
}

// No address and no name stands in the table, and DynamoDB removes what is counted.
func TestFailuresNameNobody(t *testing.T) {
	d, kit, clock := guarded(t)
	try(t, d, "198.51.100.7", "somebody", "wrong")
	for _, line := range kit.Dump(t, kit.Principals.Table) {
		if strings.Contains(line, "198.51.100") || strings.Contains(line, "somebody") {
			t.Error(line)
		}
		if strings.Contains(line, store.FailuresPrefix) && !strings.Contains(line, `"expires":{"Value":"`+strconv.FormatInt(clock.Add(d.Guard.kept()).Unix(), 10)) {
			t.Errorf("never removed: %s", line)
		}
	}
}
