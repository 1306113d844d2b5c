package store_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/quotas"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

// usedAllow is the type that a use answers with, or "no" or the error.
func usedAllow(ctx context.Context, u store.Users, kinds store.AllowTypes, at time.Time, token string) string {
	used, in, err := u.UseTempAllow(ctx, "u", kinds, at, token)
	switch {
	case err != nil:
		return err.Error()
	case !in:
		return "no"
	}
	return strconv.Itoa(used.Type)
}

// Of several types for a single use each is used once, the one that expires first before
// the others, in at most one write more than the first; with one such type in one.
func TestUseOfSeveralTypes(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1_900_000_000_123)
	for name, c := range map[string]struct {
		kinds  store.AllowTypes
		allows map[string]time.Time
		want   string // what one use after the other answers
		calls  int    // of all of them
	}{
		"in the order of their ends": {
			store.AllowTypes{1: true, 4: true, 9: true}, map[string]time.Time{"1": at.Add(3), "4": at.Add(1), "9": at.Add(2)},
			"4 9 1 no no", 2 + 2 + 1 + 1 + 1,
		},
		"two that end together": {
			store.AllowTypes{1: true, 4: true}, map[string]time.Time{"4": at.Add(1), "1": at.Add(1)},
			"1 4 no", 1 + 2 + 1,
		},
		"another than the first type": {
			store.AllowTypes{1: true, 4: true}, map[string]time.Time{"4": at.Add(1)}, "4 no", 2 + 1,
		},
		"one that lasts": {
			store.AllowTypes{1: true, 2: false, 4: true}, map[string]time.Time{"1": at.Add(1), "2": at.Add(1), "4": at.Add(2)},
			"2 2 2", 3,
		},
		"no type for a single use": {
			store.AllowTypes{1: false, 2: false}, map[string]time.Time{"2": at.Add(1)}, "2 2", 2,
		},
		"no type for a single use, none": {
			store.AllowTypes{1: false}, map[string]time.Time{"2": at.Add(1)}, "no no", 2,
		},
		"the default": {
			store.AllowTypes{1: true, 2: false, 3: false}, map[string]time.Time{"1": at.Add(1)}, "1 no no", 3,
		},
		"no types": {store.AllowTypes{}, map[string]time.Time{"1": at.Add(1)}, "no", 1},
	} {
		kit := dynamotest.Open(t)
		inMinutes := map[string]time.Time{}
		for kind, end := range c.allows { // nanoseconds stand for minutes
			inMinutes[kind] = at.Add(time.Duration(end.Sub(at)) * time.Minute)
		}
		kit.Put(t, kit.Users.Table, userWithAllows("u", inMinutes))
		kit.Faults.Calls()
		var got []string
		for i := range len(strings.Fields(c.want)) {
			got = append(got, usedAllow(t.Context(), kit.Users, c.kinds, at, fmt.Sprint("token ", i)))
		}
		if calls := kit.Faults.Calls(); strings.Join(got, " ") != c.want || len(calls) != c.calls {
			t.Errorf("%s: got %s in %d calls, want %s in %d", name, got, len(calls), c.want, c.calls)
		}
	}
}

// However many call at once, each allow for a single use lets one in.
func TestUseOfSeveralTypesAtOnce(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1_900_000_000_123)
	kit := dynamotest.Open(t)
	kinds := store.AllowTypes{1: true, 4: true, 9: true}
	kit.Put(t, kit.Users.Table, userWithAllows("u", map[string]time.Time{
		"1": at.Add(3 * time.Minute), "4": at.Add(time.Minute), "9": at.Add(2 * time.Minute)}))
	const callers = 30
	answers := make([]string, callers)
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() { answers[i] = usedAllow(t.Context(), kit.Users, kinds, at, fmt.Sprint("token ", i)) })
	}
	all.Wait()
	yes := map[string]int{}
	for _, answer := range answers {
		yes[answer]++
	}
	if yes["1"] != 1 || yes["4"] != 1 || yes["9"] != 1 || yes["no"] != callers-3 {
		t.Errorf("answered %v", yes)
	}
}

// A use whose answer is lost at any of its calls is known to the call itself, whichever
// type it was.
func TestLostUse(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1_900_000_000_123)
	kinds := store.AllowTypes{1: true, 4: true}
	dynamotest.Open(t) // skips without an engine
	moments := dynamotest.EveryMoment(t, func(t *testing.T, k int) bool {
		kit := dynamotest.Open(t)
		kit.Put(t, kit.Users.Table, userWithAllows("u", map[string]time.Time{"1": at.Add(2 * time.Minute), "4": at.Add(time.Minute)}))
		kit.Faults.Inject(dynamotest.After, k, k)
		first := usedAllow(t.Context(), kit.Users, kinds, at, "mine")
		struck := kit.Faults.Struck()
		kit.Faults.Calls()
		second := usedAllow(t.Context(), kit.Users, kinds, at, "second")
		third := usedAllow(t.Context(), kit.Users, kinds, at, "third")
		if first != "4" || second != "1" || third != "no" {
			t.Errorf("answered %s, %s, %s", first, second, third)
		}
		return struck
	})
	if moments != 2 && !testing.Short() {
		t.Errorf("%d moments", moments)
	}
}

// Whatever happens right before a use's write decides: an allow that is cancelled, set
// again, or used by another call, and one that lasts and is set at that moment.
func TestUseAtTheMomentOfAnother(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1_900_000_000_123)
	kinds := store.AllowTypes{1: true, 2: false, 4: true}
	for name, c := range map[string]struct {
		do   func(u store.Users) error
		want []string // by the call that it comes before
	}{
		"cancelled": {func(u store.Users) error { return u.CancelTempAllows(t.Context(), "u", at) }, []string{"no", "no"}},
		"one that lasts": {func(u store.Users) error {
			return u.SetTempAllow(t.Context(), "u", store.TempAllow{Type: 2, Expires: at.Add(time.Hour), GrantedAt: at})
		}, []string{"2", "2"}},
		"used": {func(u store.Users) error {
			_, _, err := u.UseTempAllow(t.Context(), "u", kinds, at, "another")
			return err
		}, []string{"1", "1"}},
		"all used": {func(u store.Users) error {
			_, _, err := u.UseTempAllow(t.Context(), "u", kinds, at, "another")
			_, _, again := u.UseTempAllow(t.Context(), "u", kinds, at, "a third")
			return errors.Join(err, again)
		}, []string{"no", "no"}},
	} {
		for k, want := range c.want {
			kit := dynamotest.Open(t)
			kit.Put(t, kit.Users.Table, userWithAllows("u", map[string]time.Time{"1": at.Add(2 * time.Minute), "4": at.Add(time.Minute)}))
			plain := store.Users{DB: kit.Plain, Table: kit.Users.Table}
			kit.Faults.Interrupt(k+1, func() {
				if err := c.do(plain); err != nil {
					t.Error(err)
				}
			})
			if got := usedAllow(t.Context(), kit.Users, kinds, at, "mine"); got != want {
				t.Errorf("%s before call %d: %s, want %s", name, k+1, got, want)
			}
		}
	}
}

// An item that has no room for the mark loses the entry in place of it: one use all the
// same.
func TestUseInAFullItem(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1_900_000_000_123)
	kinds := store.AllowTypes{1: true, 2: false}
	kit := dynamotest.Open(t)
	user := userWithAllows("u", map[string]time.Time{"1": at.Add(time.Minute)})
	user["filling"] = text("")
	user["filling"] = text(strings.Repeat("x", quotas.MaxItem-quotas.Size(user)-32))
	kit.Put(t, kit.Users.Table, user)
	kit.Faults.Calls()
	if got := usedAllow(t.Context(), kit.Users, kinds, at, strings.Repeat("t", 64)); got != "1" {
		t.Fatal(got)
	}
	if calls := kit.Faults.Calls(); len(calls) != 2 {
		t.Errorf("%d calls", len(calls))
	}
	if got := usedAllow(t.Context(), kit.Users, kinds, at, "second"); got != "no" {
		t.Error(got)
	}
	if left := one(t, kit, kit.Users.Table); left["activeAt"] != nil || left["filling"] == nil {
		t.Error("more than the entry is gone, or a time stands that nobody can trust")
	}
}

// A used allow stays until it has expired, and the sweep takes it then; one that is set
// again at that moment stays.
func TestSweepOfUsedAllows(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1_900_000_000_123)
	kit := dynamotest.Open(t)
	kit.Put(t, kit.Users.Table, userWithAllows("u", map[string]time.Time{"1": at.Add(time.Minute)}))
	if got := usedAllow(t.Context(), kit.Users, store.AllowTypes{1: true}, at, "mine"); got != "1" {
		t.Fatal(got)
	}
	for _, c := range []struct {
		by   time.Time
		want int
	}{{at, 0}, {at.Add(time.Minute - time.Millisecond), 0}, {at.Add(time.Minute), 1}} {
		if removed, err := kit.Users.SweepTempAllows(t.Context(), 0, 1, c.by); removed != c.want || err != nil {
			t.Errorf("%d removed at %s, %v", removed, c.by, err)
		}
	}
	if left := kit.Dump(t, kit.Users.Table)[0]; strings.Contains(left, "usedAt") {
		t.Error(left)
	}
	if last, known := store.LastActive(one(t, kit, kit.Users.Table)); !known || !last.Equal(at) {
		t.Errorf("active at %s, %v", last, known)
	}
}

// With as many types as there may be, of either kind, the conditions are ones that
// DynamoDB takes.
func TestUseOfMostTypes(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1_900_000_000_123)
	const most = 16 // tempallow.MaxTypes
	for _, once := range []int{0, 1, most / 2, most} {
		kit := dynamotest.Open(t)
		kit.Faults.Next = expressions{t, kit.Faults.Next}
		kinds, allows := store.AllowTypes{}, map[string]time.Time{}
		for i := range most {
			kinds[999_999_980+i] = i < once
			if i < once {
				allows[strconv.Itoa(999_999_980+i)] = at.Add(time.Duration(most-i) * time.Minute)
			}
		}
		kit.Put(t, kit.Users.Table, userWithAllows("u", allows))
		for i := range once {
			want := strconv.Itoa(999_999_980 + once - 1 - i)
			if got := usedAllow(t.Context(), kit.Users, kinds, at, fmt.Sprint("token ", i)); got != want {
				t.Errorf("%d of %d: %s, want %s", i, once, got, want)
			}
		}
		if got := usedAllow(t.Context(), kit.Users, kinds, at, "last"); got != "no" {
			t.Errorf("%d: %s", once, got)
		}
	}
}

// Numbers that another writer may store as an end: the write's condition and the reading
// of the item agree on each of them.
func TestEndsOfOtherWriters(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1_900_000_000_123)
	for end, want := range map[string]bool{
		"1900000000123": false, "1900000000123.9": false, "1900000000124": true, "1900000000124.5": true,
		"0": false, "-1": false, "253402300799999": true, "253402300800000": false, "9E+30": false, "1E+14": true, "1.9E+12": false, "1.91E+12": true,
	} {
		for _, once := range []bool{true, false} {
			kit := dynamotest.Open(t)
			kinds := store.AllowTypes{1: once}
			kit.Put(t, kit.Users.Table, item{"customerId": text("u"), "tempAllows": mapOf(item{"1": mapOf(item{"expires": number(end)})})})
			read, err := kit.Users.ReadProvision(t.Context(), "u", kinds, at)
			if err != nil || (len(read.Allows) == 1) != want {
				t.Errorf("%s: read %v, %v", end, read.Allows, err)
			}
			if got := usedAllow(t.Context(), kit.Users, kinds, at, "mine"); (got == "1") != want || got != "1" && got != "no" {
				t.Errorf("%s, once %t: used %s", end, once, got)
			}
		}
	}
}

// What a user has is counted, whatever another writer has stored there.
func TestReadProvision(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1_900_000_000_123)
	kit := dynamotest.Open(t)
	kinds := store.AllowTypes{1: true, 2: false}
	for name, c := range map[string]struct {
		value      types.AttributeValue
		there      bool
		members, n int
	}{
		"absent": {nil, false, 0, 0}, "null": {&types.AttributeValueMemberNULL{Value: true}, false, 0, 0},
		"text": {text("x"), true, 0, 0}, "empty map": {mapOf(item{}), true, 0, 0},
		"map":  {mapOf(item{"1": mapOf(item{"expires": millis(at.Add(time.Minute))}), "b": text("")}), true, 2, 1},
		"list": {list(text("a"), text("b")), true, 2, 0}, "set": {set("a", "b", "c"), true, 3, 0},
		"numbers": {&types.AttributeValueMemberNS{Value: []string{"1"}}, true, 1, 0},
		"bytes":   {&types.AttributeValueMemberBS{Value: [][]byte{{1}, {2}}}, true, 2, 0},
	} {
		user := item{"customerId": text("u"), "activeAt": millis(at)}
		if c.value != nil {
			for _, attribute := range []string{"registration", "questions", "images", "phrases", "devices", "tempAllows"} {
				user[attribute] = c.value
			}
		}
		kit.Put(t, kit.Users.Table, user)
		got, err := kit.Users.ReadProvision(t.Context(), "u", kinds, at)
		if err != nil || got.Registered != c.there || got.Questions != c.members || got.Images != c.members ||
			got.Phrases != c.members || got.Devices != c.members || len(got.Allows) != c.n {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if _, err := kit.Users.ReadProvision(t.Context(), "nobody", kinds, at); err != store.ErrNoUser {
		t.Error(err)
	}
	kit.Faults.FailOn("GetItem")
	if _, err := kit.Users.ReadProvision(t.Context(), "u", kinds, at); err == nil || errors.Is(err, store.ErrNoUser) {
		t.Error(err)
	}
}
