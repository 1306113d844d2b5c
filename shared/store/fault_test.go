package store_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"customercare/infra/dynamotest"
	"customercare/shared/store"
)

// TestOneCallFailsOnce lets the one call of operations 1, 2 and 5 fail in every way: the client tries again, and the effect
// is there once and whole.
func TestOneCallFailsOnce(t *testing.T) {
	t.Parallel()
	kit := dynamotest.Open(t)
	now := time.UnixMilli(1_900_000_000_000)
	for name, do := range map[string]func() error{
		"cancel temporary allows": func() error { return kit.Users.CancelTempAllows(t.Context(), "u") },
		"unregister devices":      func() error { return kit.Users.UnregisterDevices(t.Context(), "u") },
		"reset":                   func() error { return kit.Users.Reset(t.Context(), "u") },
		"set a temporary allow": func() error {
			return kit.Users.SetTempAllow(t.Context(), "u", store.TempAllow{Type: 2, Expires: now, GrantedAt: now, GrantedBy: "csr"})
		},
		"issue a token": func() error { return kit.Principals.PutToken(t.Context(), "hash", "app", "acme", now) },
	} {
		outcome := func(fault dynamotest.Fault) string {
			kit.Put(t, kit.Users.Table, userWithAllows("u", map[string]time.Time{"1": now}), userWithAllows("other", map[string]time.Time{"1": now}))
			kit.Faults.Inject(fault, 1, 1)
			if fault == "" {
				kit.Faults.Calls()
			}
			if err := do(); err != nil {
				t.Fatalf("%s, %s: %v", name, fault, err)
			}
			want := []string{"UpdateItem", "UpdateItem"}
			if fault == "" {
				want = want[:1]
			}
			if calls := kit.Faults.Calls(); len(calls) != len(want) {
				t.Errorf("%s, %s: calls %s", name, fault, calls)
			}
			return strings.Join(slices.Concat(kit.Dump(t, kit.Users.Table), kit.Dump(t, kit.Principals.Table)), "\n")
		}
		want := outcome("")
		for _, fault := range []dynamotest.Fault{dynamotest.Before, dynamotest.After, dynamotest.Throttle, dynamotest.Timeout} {
			if got := outcome(fault); got != want {
				t.Errorf("%s, %s:\n%s\nwant\n%s", name, fault, got, want)
			}
		}
	}
}
