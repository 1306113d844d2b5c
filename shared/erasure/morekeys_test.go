package erasure

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"customercare/shared/digest"
)

// vault is a stand-in for the secret: what it holds, and how often it was read.
type vault struct {
	keys  map[string][]byte
	err   error
	reads int
}

func (v *vault) read(context.Context) (map[string][]byte, error) {
	v.reads++
	return maps.Clone(v.keys), v.err
}

// rotating is two engines on the same tables while keys are rotated: that of sys, whose
// process started before the secret had its second key, and a fresh one, which makes
// digests with that.
func rotating(t *testing.T) (sys *system, fresh engine, secret *vault) {
	sys = newSystem(t)
	fresh, _ = sys.another()
	fresh.Digests = rotated(sys.Digests)
	secret = &vault{keys: sys.Digests.Keys}
	sys.Digests = digest.New(sys.Digests.Current, sys.Digests.Keys, secret.read, sys.clock.Now)
	return sys, fresh, secret
}

// Who was erased by a process with a newer key is known to one of before: while the
// erasure is open, after its end, and after that for 30 days. The secret is read once,
// and not at all where nothing is missing.
func TestRepeatAtAProcessOfBeforeTheRotation(t *testing.T) {
	t.Parallel()
	sys, fresh, secret := rotating(t)
	sys.putCustomer(t, "shop", "4710", 2)
	if err := sys.Customer(t.Context(), "shop", "4710", "john", time.Minute); err != nil {
		t.Fatal(err)
	}
	if secret.reads != 0 {
		t.Errorf("%d reads for a customer who is there", secret.reads)
	}
	secret.keys = fresh.Digests.Keys
	sys.putCustomer(t, "shop", "4711", 2)
	sys.eraseCustomerBy(t, fresh)
	sys.finishAll(t)
	sys.eraseCustomerIn(t, "Query", "UpdateItem", "UpdateItem")
	sys.eraseCustomerIn(t, "Query", "UpdateItem", "UpdateItem")
	if secret.reads != 1 {
		t.Errorf("%d reads of the secret", secret.reads)
	}
	if n := len(sys.ledger(t).records); n != 2 {
		t.Errorf("%d records", n)
	}
	sys.clock.Advance(31 * 24 * time.Hour)
	if err := sys.Customer(t.Context(), "shop", "4711", "john", time.Minute); !errors.Is(err, ErrUnknownCustomer) {
		t.Errorf("after 31 days: %v", err)
	}
}

// A tombstone that names a job of an unknown key leads to it, and to the key: a second
// job beside the first is never opened, also where a writer without conditions puts the
// customer back or somebody takes the tombstone away.
func TestOpenErasureAtAProcessOfBeforeTheRotation(t *testing.T) {
	t.Parallel()
	sys, fresh, secret := rotating(t)
	secret.keys = fresh.Digests.Keys
	sys.putCustomer(t, "shop", "4711", 2)
	sys.eraseCustomerBy(t, fresh)
	sys.eraseCustomerIn(t, "Query", "UpdateItem")
	sys.putCustomer(t, "shop", "4711", 0)
	sys.eraseCustomer(t)
	if n := len(sys.ledger(t).open); n != 1 {
		t.Errorf("%d open jobs", n)
	}
	sys.takeCustomerAway(t)
	sys.eraseCustomer(t)
	sys.finishAll(t)
	if record := sys.wantRecord(t, 4); secret.reads != 1 || record.requests != 4 {
		t.Errorf("%d reads, record %s", secret.reads, record.json)
	}
}

// However often a code is asked for that nobody has, the secret is read once a minute;
// what cannot be read, or holds no other key, changes no answer, and no key is forgotten.
func TestLooksForKeysAreBounded(t *testing.T) {
	t.Parallel()
	sys, fresh, secret := rotating(t)
	asked := func(code string) error {
		return sys.Customer(t.Context(), "shop", code, "john", time.Minute)
	}
	for n, c := range []struct {
		keys map[string][]byte
		err  error
	}{
		{err: errors.New("no answer")},
		{keys: sys.Digests.Keys},
		{keys: nil},
		{keys: fresh.Digests.Keys}, // from here on there is one key more to look under
		{keys: sys.Digests.Keys},
		{err: errors.New("no answer")},
	} {
		secret.keys, secret.err = c.keys, c.err
		for range 3 {
			sys.Faults.Calls()
			if err := asked("nobody"); !errors.Is(err, ErrUnknownCustomer) {
				t.Errorf("%d: %v", n, err)
			}
			want := []string{"Query", "UpdateItem"}
			if n >= 3 {
				want = append(want, "UpdateItem")
			}
			if calls := sys.Faults.Calls(); !slices.Equal(calls, want) {
				t.Errorf("%d: calls %s, want %s", n, calls, want)
			}
		}
		if secret.reads != n+1 {
			t.Errorf("%d: %d reads", n, secret.reads)
		}
		sys.clock.Advance(digest.LookAgain)
	}
}

// A ledger that cannot be read under the new keys is no reason to say that there is no
// such customer.
func TestLedgerFailsUnderTheNewKeys(t *testing.T) {
	t.Parallel()
	sys, fresh, secret := rotating(t)
	secret.keys = fresh.Digests.Keys
	sys.putCustomer(t, "shop", "4711", 2)
	sys.eraseCustomerBy(t, fresh)
	sys.finishAll(t)
	sys.Faults.Inject("refused", 3, 3)
	err := sys.Customer(t.Context(), "shop", "4711", "john", time.Minute)
	sys.Faults.Calls()
	if err == nil || errors.Is(err, ErrUnknownCustomer) {
		t.Errorf("the ledger could not be read: %v", err)
	}
	sys.eraseCustomer(t)
}

// Many who ask at the same time read the secret once, and all of them know what it says.
func TestLookAtTheSameTime(t *testing.T) {
	t.Parallel()
	keys := map[string][]byte{"1": []byte("one"), "2": []byte("two")}
	secret := &vault{keys: keys}
	d := digest.New("1", map[string][]byte{"1": keys["1"]}, secret.read, time.Now)
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			d.Look(t.Context())
			all := d.EverySubject("customer", "shop", "4711")
			if len(all) != 2 || !strings.HasPrefix(all[1], "2.") || !d.Knows("2") {
				t.Errorf("digests %s", all)
			}
		})
	}
	group.Wait()
	if secret.reads != 1 {
		t.Errorf("%d reads", secret.reads)
	}
}
