package principal

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"customercare/infra/testkit/dynamotest"
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

// try is one attempt: how long the caller is locked out, or 0 when the secret was looked
// at. The key "wrong" is another wrong one each time.
func try(t *testing.T, d Directory, source, name, key string) (left time.Duration, in bool) {
	t.Helper()
	if key == "wrong" {
		key = fmt.Sprint("wrong ", guesses.Add(1))
	}
	err := d.APIUser(t.Context(), source, name, key, "shop")
	if locked, ok := errors.AsType[*Locked](err); ok {
		return locked.For, false
	}
	if err != nil && !errors.Is(err, ErrNotLetIn) {
		t.Fatal(err)
	}
	return 0, err == nil
}

// After ten failures a right key is refused from there as well, for a time that doubles
// with every further failure, at most an hour; from elsewhere it lets in all the time.
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

// Failures that lie farther apart than the window never lock out, one address that tries
// many names does, and an address of IPv6 is all of its network.
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

// Nobody who is locked out makes a slow hash, and an address that nobody knows locks
// nobody out.
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
