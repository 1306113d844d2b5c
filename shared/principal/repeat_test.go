package principal

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

// ask is one attempt of an API user with exactly this key: how long they are locked out,
// or 0, and the calls that it took.
func ask(
	t *testing.T,
	d Directory,
	kit *dynamotest.Kit,
	name, key, account string,
) (left time.Duration, in bool, calls string) {
	t.Helper()
	kit.Faults.Calls()
	err := d.APIUser(t.Context(), here, name, key, account)
	locked, ok := err.(*Locked)
	switch {
	case ok:
		left = locked.For
	case err != nil && !errors.Is(err, ErrNotLetIn):
		t.Fatal(err)
	}
	return left, err == nil, strings.Join(kit.Faults.Calls(), " ")
}

func counted(t *testing.T, d Directory, kind, name string) store.Failures {
	t.Helper()
	_, seen, err := d.Principals.Find(t.Context(), kind, name, here)
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

// A client that repeats one wrong secret has guessed once, by whichever process it is
// answered, and costs each time what a guess costs. For every kind of principal, somebody
// unknown included.
func TestSameSecretAgain(t *testing.T) {
	for _, c := range []struct {
		kind, name string
		try        func(d Directory, name, secret string) error
	}{
		{store.Operator, "csr", func(d Directory, name, secret string) error {
			_, err := d.Operator(t.Context(), here, name, secret)
			return err
		}},
		{store.APIUser, "john", func(d Directory, name, secret string) error {
			return d.APIUser(t.Context(), here, name, secret, "shop")
		}},
		{store.App, "app", func(d Directory, name, secret string) error {
			_, err := d.App(t.Context(), here, name, secret)
			return err
		}},
	} {
		d, kit, _ := guarded(t)
		for _, name := range []string{c.name, "nobody"} {
			for i := range 19 {
				another := Directory{Principals: d.Principals, Guard: d.Guard, Now: d.Now}
				kit.Faults.Calls()
				if err := c.try(another, name, "wrong"); err != ErrNotLetIn {
					t.Fatalf("%s %s, time %d: %v", c.kind, name, i, err)
				}
				if calls := strings.Join(kit.Faults.Calls(), " "); calls != "BatchGetItem UpdateItem" {
					t.Errorf("%s %s, time %d takes %s", c.kind, name, i, calls)
				}
			}
			if seen := counted(t, d, c.kind, name); seen.Principal.N != 1 || seen.Principal.Locks != 0 {
				t.Errorf("%s %s: counted %+v", c.kind, name, seen.Principal)
			}
		}
		if seen := counted(t, d, c.kind, c.name); seen.All.N != 2 {
			t.Errorf("%s: the same secret for two names counts %d", c.kind, seen.All.N)
		}
		if err := c.try(d, c.name, "right"); err != nil {
			t.Errorf("%s: %v", c.kind, err)
		}
		for i := range 9 { // the tenth different one locks; each before it is given twice
			for range min(2, 9-i) {
				if err := c.try(d, c.name, fmt.Sprint("other ", i)); err != ErrNotLetIn {
					t.Fatalf("%s, other %d: %v", c.kind, i, err)
				}
			}
		}
		if _, ok := c.try(d, c.name, "right").(*Locked); !ok {
			t.Errorf("%s: ten different secrets do not lock", c.kind)
		}
	}
}

// The same wrong secret many times at one moment, as by a browser's connections, is one
// guess, also where nothing had failed before; and none of it is lost.
func TestSameSecretAtOnce(t *testing.T) {
	for round := range 5 {
		d, _, _ := guarded(t)
		var all sync.WaitGroup
		for i := range 40 {
			all.Go(func() {
				if err := d.APIUser(t.Context(), here, "john", fmt.Sprint("wrong ", i%3), "shop"); err != ErrNotLetIn {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if seen := counted(t, d, store.APIUser, "john"); seen.Principal.N != 3 || seen.All.N != 3 {
			t.Errorf("round %d: counted %+v", round, seen)
		}
	}
}

// What was counted before the last window is a guess again; the lock's end is none: a
// repeat after it neither locks again nor keeps the right secret out, another guess does.
func TestSameSecretLater(t *testing.T) {
	d, kit, clock := guarded(t)
	for range 30 {
		ask(t, d, kit, "john", "wrong", "shop")
		clock.Advance(time.Minute)
	}
	if seen := counted(t, d, store.APIUser, "john"); seen.Principal.N != 1 ||
		clock.Sub(seen.Principal.Since) > 6*time.Minute {
		t.Errorf("counted %+v", seen.Principal)
	}
	clock.Advance(6 * time.Minute)
	for i := range 10 {
		ask(t, d, kit, "john", fmt.Sprint("wrong ", i), "shop")
	}
	clock.Advance(time.Minute)
	before := counted(t, d, store.APIUser, "john").Principal
	for range 3 {
		left, in, calls := ask(t, d, kit, "john", "wrong 9", "shop")
		if left != 0 || in || calls != "BatchGetItem UpdateItem UpdateItem" {
			t.Errorf("a repeat after the lock: locked out for %s, %s", left, calls)
		}
		if after := counted(t, d, store.APIUser, "john").Principal; after != before {
			t.Errorf("a repeat makes %+v of %+v", after, before)
		}
	}
	left, _, calls := ask(t, d, kit, "john", "wrong 10", "shop")
	if left != 0 || calls != "BatchGetItem UpdateItem UpdateItem" {
		t.Errorf("a guess after the lock: %s, %s", left, calls)
	}
	if left, _, _ := ask(t, d, kit, "john", "right", "shop"); left != 2*time.Minute {
		t.Errorf("the next lock lasts %s", left)
	}
	clock.Advance(2 * time.Minute)
	if left, _, _ := ask(t, d, kit, "john", "wrong 10", "shop"); left != 0 {
		t.Errorf("locked out for %s", left)
	}
	if _, in, _ := ask(t, d, kit, "john", "right", "shop"); !in {
		t.Error("a repeat after the second lock keeps the right key out")
	}
	ask(t, d, kit, "john", "wrong 10", "shop")
	if seen := counted(t, d, store.APIUser, "john").Principal; seen.N != 1 || seen.Locks != 0 {
		t.Errorf("after the right key: %+v", seen)
	}
}

// An answer that is lost on the way, and a call that fails, count no secret twice.
func TestSameSecretThroughFaults(t *testing.T) {
	for n := 1; n <= 4; n++ {
		for _, fault := range []dynamotest.Fault{dynamotest.Before, dynamotest.After} {
			d, kit, clock := guarded(t)
			for i := range 10 {
				ask(t, d, kit, "john", fmt.Sprint("wrong ", i), "shop")
			}
			clock.Advance(time.Minute)
			kit.Faults.Calls()
			kit.Faults.Inject(fault, n, n)
			_ = d.APIUser(t.Context(), here, "john", "wrong 3", "shop")
			kit.Faults.Calls()
			if seen := counted(t, d, store.APIUser, "john").Principal; seen.N != 10 || seen.Locks != 1 {
				t.Errorf("fault %v at call %d: counted %+v", fault, n, seen)
			}
		}
	}
}

// A right key with accounts that are not the user's cannot be told from a wrong key with
// the same accounts: not by a refusal, not by the calls that it takes, not by when it
// locks. Ten times as many different ones as guesses lock the key out with any further
// one; the user's own accounts stay open, whatever else is asked for.
func TestForeignAccounts(t *testing.T) {
	steps := func(key string) (told []string, d Directory, kit *dynamotest.Kit, clock *dynamotest.Clock) {
		d, kit, clock = guarded(t)
		for i := range 130 {
			for range 2 { // a repeat of an account is none
				left, in, calls := ask(t, d, kit, "john", key, fmt.Sprint("shoq ", i))
				if in {
					t.Fatal("let in")
				}
				told = append(told, fmt.Sprint(left, " ", calls))
			}
			if i == 5 { // a typo, in a program's loop
				for range 200 {
					ask(t, d, kit, "john", key, "shoq 1")
				}
			}
			if i == 98 && key == "right" {
				if _, in, _ := ask(t, d, kit, "john", "right", "shop2"); !in {
					t.Error("locked out of an account of their own")
				}
			}
		}
		return told, d, kit, clock
	}
	right, d, kit, clock := steps("right")
	wrong, _, _, _ := steps("wrong")
	if !slices.Equal(right, wrong) {
		t.Errorf("a right key is told:\n%q\na wrong one:\n%q", right, wrong)
	}
	locked := slices.IndexFunc(right, func(told string) bool { return !strings.HasPrefix(told, "0s") })
	if locked != 199 { // each account is asked for twice
		t.Errorf("locked out after %d attempts", locked)
	}
	if seen := counted(t, d, store.APIUser, "john"); seen.Principal.N != 1 || seen.All.N != 1 ||
		seen.Accounts.N != 100 {
		t.Errorf("counted %+v", seen)
	}
	if left, in, calls := ask(t, d, kit, "john", "right", "shop"); !in || calls != "BatchGetItem" {
		t.Errorf("locked out of their own account for %s, %s", left, calls)
	}
	if left, _, calls := ask(t, d, kit, "john", "right", "shoq"); left != time.Minute ||
		calls != "BatchGetItem UpdateItem" {
		t.Errorf("locked out of another account for %s, %s", left, calls)
	}
	if left, _, _ := ask(t, d, kit, "john", "another wrong one", "shop"); left != 0 {
		t.Errorf("a guess is not counted, but locked out for %s", left)
	}
	if _, in, _ := ask(t, d, kit, "changing", "right", "shop"); !in {
		t.Error("another user there is locked out")
	}
	if err := d.APIUser(t.Context(), "192.0.2.2", "john", "right", "shop"); err != nil {
		t.Errorf("locked out elsewhere: %v", err)
	}
	clock.Advance(time.Minute)
	if _, in, _ := ask(t, d, kit, "john", "right", "shop"); !in {
		t.Error("still locked out")
	}
	for i := range 100 { // and the next lock is longer
		ask(t, d, kit, "john", "right", fmt.Sprint("shor ", i))
	}
	if left, _, _ := ask(t, d, kit, "john", "right", "shoq"); left != 2*time.Minute {
		t.Errorf("the second lock lasts %s", left)
	}
	if left, in, _ := ask(t, d, kit, "john", "right", "shop"); !in {
		t.Errorf("the second lock keeps them out of their own account for %s", left)
	}
}

// A right key with a foreign account among guesses does not show by one guess more or
// less.
func TestForeignAccountAmongGuesses(t *testing.T) {
	for _, keys := range [][]string{{"k0", "k1", "right", "k3", "k4", "k5", "k6", "k7", "k8", "k9"}, {"k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8", "k9"}} {
		d, kit, _ := guarded(t)
		for i, key := range keys {
			if left, _, _ := ask(t, d, kit, "john", key, "foreign"); left != 0 {
				t.Errorf("%v: locked out after %d", keys, i)
			}
		}
		if left, _, _ := ask(t, d, kit, "john", "k10", "foreign"); left != time.Minute {
			t.Errorf("%v: locked out for %s after ten", keys, left)
		}
	}
}

// What is remembered of a secret is short, says nothing without the work on it, is
// another at each address, and does not grow.
func TestTagsAreShort(t *testing.T) {
	d, kit, clock := guarded(t)
	tags := func() map[string]string {
		all := map[string]string{}
		for _, line := range kit.Dump(t, kit.Principals.Table) {
			if strings.Contains(line, store.FailuresPrefix) {
				key, list := line[strings.Index(line, store.FailuresPrefix):], line[strings.Index(line, `"tags`):]
				all[key[:len(store.FailuresPrefix)+24]] = list[:strings.Index(list, "]")]
			}
		}
		return all
	}
	for _, source := range []string{here, "192.0.2.2"} {
		if err := d.APIUser(t.Context(), source, "john", "a wrong key", "shop"); err != ErrNotLetIn {
			t.Fatal(err)
		}
	}
	lists := slices.Collect(maps.Values(tags()))
	if len(lists) != 2 || lists[0] == lists[1] || strings.Count(lists[0], `"Value":"`) != 1 {
		t.Errorf("the same secret at two addresses: %q", lists)
	}
	if all := strings.Join(kit.Dump(t, kit.Principals.Table), "\n"); strings.Contains(all, Hash("a wrong key")[:6]) ||
		strings.Contains(all, "a wrong key") {
		t.Error("the secret or its hash is stored")
	}
	for i := range 60 {
		ask(t, d, kit, "john", fmt.Sprint("wrong ", i), "shop")
		clock.Advance(time.Hour) // past any lock, before anything is forgotten
	}
	for i := range 60 {
		ask(t, d, kit, "changing", "wrong", fmt.Sprint("shoq ", i))
	}
	for i := range 60 {
		ask(t, d, kit, "changing", "wrong", fmt.Sprint("shor ", i))
	}
	long := 0
	for _, line := range kit.Dump(t, kit.Principals.Table) {
		for _, list := range strings.Split(line, `"tags`)[1:] {
			switch n := strings.Count(list[:strings.Index(list, "]")], `{"Value":"`); {
			case n > 100:
				t.Errorf("%d are remembered: %s", n, list)
			case n > 10:
				long++ // the accounts: as many as lock
			}
		}
	}
	if long != 1 {
		t.Errorf("%d lists are longer than the secrets'", long)
	}
}
