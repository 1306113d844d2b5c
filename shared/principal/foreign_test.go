package principal

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

// open fails unless the right key lets john in to his own accounts, at once.
func open(t *testing.T, d Directory, kit *dynamotest.Kit, when string) {
	t.Helper()
	for _, account := range []string{"shop", "shop2"} {
		if left, in, _ := ask(t, d, kit, "john", "right", account); !in {
			t.Errorf("%s: locked out of %s for %s", when, account, left)
		}
	}
}

// Where one wrong key locks, a typo in the account keeps nobody out of the right one. Who
// is not let in is locked out, as by a wrong key.
func TestTypoWhereOneGuessLocks(t *testing.T) {
	for _, key := range []string{"right", "wrong"} {
		d, kit, _ := guarded(t)
		d.Guard.Limit = 1
		ask(t, d, kit, "john", key, "shoq")
		for _, other := range []string{key, "another"} {
			if left, _, _ := ask(t, d, kit, "john", other, "shoq"); left != time.Minute {
				t.Errorf("%s, then %s: locked out for %s", key, other, left)
			}
		}
	}
	d, kit, clock := guarded(t)
	d.Guard.Limit = 1
	for i := range 5 {
		ask(t, d, kit, "john", "right", fmt.Sprint("shoq ", i))
		open(t, d, kit, fmt.Sprint("typo ", i))
		clock.Advance(time.Minute)
	}
	ask(t, d, kit, "john", "wrong", "shop")
	ask(t, d, kit, "john", "wrong", "shop")
	if left, _, _ := ask(t, d, kit, "john", "right", "shop"); left == 0 {
		t.Error("a wrong key does not lock")
	}
}

// After somebody else's guesses and the end of their lock, a typo takes no lock that
// keeps the right key out, neither while it is looked at nor after.
func TestTypoAfterALock(t *testing.T) {
	d, kit, clock := guarded(t)
	for i := range 10 {
		ask(t, d, kit, "john", fmt.Sprint("wrong ", i), "shop")
	}
	clock.Advance(time.Minute)
	if left, _, calls := ask(t, d, kit, "john", "right", "shoq"); left != 0 ||
		calls != "BatchGetItem UpdateItem UpdateItem" {
		t.Errorf("a typo: locked out for %s, %s", left, calls)
	}
	if left, _, _ := ask(t, d, kit, "john", "right", "shoq"); left != 2*time.Minute {
		t.Errorf("a typo locks itself out for %s", left)
	}
	open(t, d, kit, "after the typo")
	for i := range 10 {
		ask(t, d, kit, "john", fmt.Sprint("wrong ", i), "shop")
	}
	clock.Advance(time.Hour)
	typo := attempt{Directory: d, seen: counted(t, d, store.APIUser, "john"), now: clock.Now()}
	if err := typo.reserve(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if left, _, _ := ask(t, d, kit, "john", "wrong 3", "shop"); left != 15*time.Second {
		t.Errorf("while a typo is looked at: another is locked out for %s", left)
	}
	open(t, d, kit, "while a typo is looked at")
}

// Fewer accounts than lock never do, in whichever order they are asked for.
func TestAccountsInALoop(t *testing.T) {
	for _, key := range []string{"right", "wrong"} {
		for _, cycle := range []int{2, 11, 99} {
			d, kit, _ := guarded(t)
			for i := range 300 {
				if left, _, _ := ask(t, d, kit, "john", key, fmt.Sprint("shoq ", i%cycle)); left != 0 {
					t.Fatalf("%s, %d accounts: locked out after %d", key, cycle, i)
				}
			}
			if seen := counted(t, d, store.APIUser, "john"); seen.Accounts.N > int64(cycle) {
				t.Errorf("%d accounts are counted as %d", cycle, seen.Accounts.N)
			}
		}
	}
}

// users puts more API users with the key "right" and the account shop.
func users(t *testing.T, kit *dynamotest.Kit, n int) (names []string) {
	t.Helper()
	for i := range n {
		names = append(names, fmt.Sprint("user ", i))
		kit.Put(
			t,
			kit.Principals.Table,
			item{
				"principal": s(store.PrincipalKey(store.APIUser, names[i])),
				"hashes":    list(Hash("right")),
				"accounts":  list("shop"),
			},
		)
	}
	return names
}

// An office whose users each get one account wrong keeps nobody out who gets it right,
// and one more wrong key in it counts with the wrong keys before.
func TestTyposOfAnOffice(t *testing.T) {
	for guesses := range 3 {
		d, kit, clock := guarded(t)
		d.Guard.Limit = 2
		for i, name := range users(t, kit, 20) {
			key := "right"
			if i < 19*min(guesses, 1) { // nobody, or all but one
				key = "wrong"
			}
			if left, _, _ := ask(t, d, kit, name, key, "shoq"); left != 0 {
				t.Fatalf("locked out after %d", i)
			}
		}
		if left, _, _ := ask(t, d, kit, "changing", "right", "shoq"); left != time.Minute {
			t.Errorf("who is not let in is locked out for %s", left)
		}
		open(t, d, kit, "after twenty typos")
		if guesses == 2 {
			ask(t, d, kit, "user 3", "wrong", "shop") // again
			open(t, d, kit, "after a repeat")
			ask(t, d, kit, "user 3", "another", "shop")
			if left, _, _ := ask(t, d, kit, "john", "right", "shop"); left != time.Minute {
				t.Errorf("after twenty wrong keys: %s", left)
			}
		}
		clock.Advance(time.Minute)
		open(t, d, kit, "after the lock")
	}
}

// A lock stands that a right key with a mistyped account has completed. Then each wrong
// key is still counted, once: otherwise somebody could wait for such a lock and try any
// number of keys. The answers are those of any other lock.
func TestGuessesWhileATypoLocks(t *testing.T) {
	d, kit, _ := guarded(t)
	for i := range 8 {
		ask(t, d, kit, "john", fmt.Sprint("wrong ", i), "shop")
	}
	ask(t, d, kit, "john", "right", "shoq")
	ask(t, d, kit, "john", "wrong 8", "shop")
	open(t, d, kit, "after nine guesses and a typo")
	for range 19 {
		for _, key := range []string{"wrong 3", "right"} { // nothing new
			if left, _, calls := ask(t, d, kit, "john", key, "shoq"); left != time.Minute ||
				calls != "BatchGetItem UpdateItem" {
				t.Errorf("locked out for %s, %s", left, calls)
			}
		}
	}
	open(t, d, kit, "after repeats")
	for range 19 {
		if left, _, calls := ask(t, d, kit, "john", "wrong 9", "shop"); left != time.Minute ||
			calls != "BatchGetItem UpdateItem" {
			t.Errorf("locked out for %s, %s", left, calls)
		}
	}
	if left, _, calls := ask(t, d, kit, "john", "right", "shop"); left != time.Minute ||
		calls != "BatchGetItem UpdateItem" {
		t.Errorf("after ten guesses: locked out for %s, %s", left, calls)
	}
	if seen := counted(t, d, store.APIUser, "john"); seen.Guesses.N != 10 || seen.Principal.N != 10 {
		t.Errorf("counted %+v, %+v", seen.Guesses, seen.Principal)
	}
}

// Nobody who does not know an account of the user can tell a right key from a wrong one:
// whatever they try and whenever, one that is right is answered as one that is not, by
// the same calls.
func TestRightKeyIsNoOracle(t *testing.T) {
	for seed := range uint64(8) {
		run := func(third string) (told []string) {
			random := rand.New(rand.NewPCG(seed, 0))
			d, kit, clock := guarded(t)
			d.Guard.Limit = 1 + random.Int64N(4)
			names := []string{"john", "changing", "nobody"}
			for range 120 {
				key := fmt.Sprint("key ", random.IntN(2+2*int(d.Guard.Limit)))
				if key == "key 3" || key == "key 1" {
					key = third
				}
				name, account := names[random.IntN(10)%3], fmt.Sprint("shoq ", random.IntN(30))
				left, in, calls := ask(t, d, kit, name, key, account)
				if in {
					t.Fatal("let in")
				}
				told = append(told, fmt.Sprint(left, " ", calls))
				if random.IntN(4) == 0 {
					clock.Advance(time.Duration(random.IntN(150)) * time.Second)
				}
			}
			return told
		}
		right, wrong := run("right"), run("tight")
		for i := range right {
			if right[i] != wrong[i] {
				t.Errorf("seed %d: attempt %d is told %s, a wrong key %s", seed, i, right[i], wrong[i])
				break
			}
		}
	}
}

// As long as fewer wrong keys than lock were tried, the right one lets in to the user's
// own accounts: after any failures of it, at any moment.
func TestOwnAccountsStayOpen(t *testing.T) {
	for seed := range uint64(6) {
		random := rand.New(rand.NewPCG(seed, 1))
		d, kit, clock := guarded(t)
		d.Guard.Limit = 2 + random.Int64N(3)
		for i := range 80 {
			key := "right"
			if random.IntN(3) == 0 {
				key = fmt.Sprint("wrong ", random.Int64N(d.Guard.Limit-1))
			}
			ask(t, d, kit, "john", key, fmt.Sprint("shoq ", random.IntN(60)))
			if random.IntN(5) == 0 {
				clock.Advance(time.Duration(random.IntN(90)) * time.Second)
			}
			if left, in, _ := ask(t, d, kit, "john", "right", "shop"); !in {
				// A wrong key that was tried in another window is another guess.
				if seen := counted(t, d, store.APIUser, "john"); seen.Guesses.N < d.Guard.Limit {
					t.Fatalf("seed %d, after %d: locked out for %s by %+v", seed, i, left, seen.Guesses)
				}
			}
		}
	}
}

// Right keys with foreign accounts and guesses at the same moment: each is counted for
// what it is.
func TestForeignAccountsAtOnce(t *testing.T) {
	for round := range 5 {
		d, _, _ := guarded(t)
		var all sync.WaitGroup
		for i := range 40 {
			all.Go(func() {
				key := fmt.Sprint("wrong ", i%3)
				if i%2 == 0 {
					key = "right"
				}
				if err := d.APIUser(t.Context(), here, "john", key, "shoq"); !errors.Is(err, ErrNotLetIn) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if seen := counted(t, d, store.APIUser, "john"); seen.Guesses.N != 3 || seen.AllGuesses.N != 3 ||
			seen.Principal.N != 4 ||
			seen.All.N != 4 {
			t.Errorf("round %d: counted %+v", round, seen)
		}
	}
}

// An answer that is lost, and a call that fails, make no guess of a foreign account.
func TestForeignAccountThroughFaults(t *testing.T) {
	for n := 1; n <= 4; n++ {
		for _, fault := range []dynamotest.Fault{dynamotest.Before, dynamotest.After} {
			for _, guesses := range []int{0, 9, 10} {
				d, kit, clock := guarded(t)
				for i := range guesses {
					ask(t, d, kit, "john", fmt.Sprint("wrong ", i), "shop")
				}
				clock.Advance(time.Minute)
				kit.Faults.Calls()
				kit.Faults.Inject(fault, n, n)
				_ = d.APIUser(t.Context(), here, "john", "right", "shoq")
				kit.Faults.Calls()
				kit.Faults.Inject(fault, 1000, 1000)
				if seen := counted(t, d, store.APIUser, "john"); seen.Guesses.N != int64(guesses) ||
					seen.AllGuesses.N != int64(guesses) {
					t.Errorf("%d guesses, fault %v at call %d: counted %+v", guesses, fault, n, seen)
				}
				open(t, d, kit, fmt.Sprintf("%d guesses, fault %v at call %d", guesses, fault, n))
			}
		}
	}
}

// What is counted apart is taken away with what it is a part of.
func TestCountsApartDoNotGrow(t *testing.T) {
	d, kit, clock := guarded(t)
	for _, name := range users(t, kit, 30) {
		ask(t, d, kit, name, "right", "shoq")
	}
	clock.Advance(6 * time.Minute)
	for i := range 2 {
		ask(t, d, kit, "nobody", fmt.Sprint("wrong ", i), "shop")
	}
	for _, line := range kit.Dump(t, kit.Principals.Table) {
		if n := strings.Count(line, `"n`); strings.Contains(line, store.FailuresPrefix) && n > 4 {
			t.Errorf("%d counts are left: %s", n, line)
		}
	}
}
