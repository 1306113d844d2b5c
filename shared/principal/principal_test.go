package principal

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/dynamotest"
	"customercare/shared/store"
)

type item = map[string]types.AttributeValue

func s(text string) types.AttributeValue { return &types.AttributeValueMemberS{Value: text} }

func newDirectory(t testing.TB) (Directory, *dynamotest.Kit, *dynamotest.Clock) {
	t.Helper()
	kit := dynamotest.Open(t)
	clock := &dynamotest.Clock{Time: time.Unix(1_800_000_000, 999_000_000)}
	hash, err := argon2id.CreateHash("right", &argon2id.Params{Memory: 19 << 10, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	if err != nil {
		t.Fatal(err)
	}
	key := func(kind, name string) types.AttributeValue { return s(store.PrincipalKey(kind, name)) }
	kit.Put(t, kit.Principals.Table,
		item{"principal": key(store.Operator, "csr"), "passwordHash": s(hash)},
		item{"principal": key(store.Operator, "hashless")},
		item{"principal": key(store.APIUser, "john"), "keyHash": s(Hash("right")), "accounts": &types.AttributeValueMemberL{Value: []types.AttributeValue{s("shop"), s("shop2")}}},
		item{"principal": key(store.APIUser, "hashless"), "accounts": &types.AttributeValueMemberL{Value: []types.AttributeValue{s("shop")}}},
		item{"principal": key(store.App, "app"), "secretHash": s(Hash("right")), "tenantId": s("acme")},
		item{"principal": key(store.App, "homeless"), "secretHash": s(Hash("right"))},
	)
	return Directory{Principals: kit.Principals, Now: clock.Now}, kit, clock
}

// Who gets in, and that everybody else gets the same error for the same single read.
func TestWhoGetsIn(t *testing.T) {
	d, kit, _ := newDirectory(t)
	ctx := t.Context()
	operator := func(name, password string) error { return d.Operator(ctx, name, password) }
	user := func(name, key, account string) error { return d.APIUser(ctx, name, key, account) }
	app := func(key, secret string) error { _, err := d.App(ctx, key, secret); return err }
	for _, test := range []struct {
		name string
		err  func() error
		in   bool
	}{
		{"operator", func() error { return operator("csr", "right") }, true},
		{"operator, wrong password", func() error { return operator("csr", "wrong") }, false},
		{"operator, no password", func() error { return operator("csr", "") }, false},
		{"operator, password longer by a byte", func() error { return operator("csr", "right ") }, false},
		{"operator, the hash as password", func() error { return operator("csr", decoy) }, false},
		{"operator, unknown", func() error { return operator("nobody", "right") }, false},
		{"operator, without a hash", func() error { return operator("hashless", "") }, false},
		{"operator, another kind's name", func() error { return operator("john", "right") }, false},
		{"operator, another kind's key in the name", func() error { return operator("x#apiUser#john", "right") }, false},
		{"user", func() error { return user("john", "right", "shop") }, true},
		{"user, other account", func() error { return user("john", "right", "shop2") }, true},
		{"user, foreign account", func() error { return user("john", "right", "shop3") }, false},
		{"user, no account", func() error { return user("john", "right", "") }, false},
		{"user, wrong key", func() error { return user("john", "wrong", "shop") }, false},
		{"user, no key", func() error { return user("john", "", "shop") }, false},
		{"user, the hash as key", func() error { return user("john", Hash("right"), "shop") }, false},
		{"user, unknown", func() error { return user("nobody", "right", "shop") }, false},
		{"user, without a hash", func() error { return user("hashless", "", "shop") }, false},
		{"user, another kind's name", func() error { return user("app", "right", "shop") }, false},
		{"app", func() error { return app("app", "right") }, true},
		{"app, wrong secret", func() error { return app("app", "wrong") }, false},
		{"app, unknown", func() error { return app("nobody", "right") }, false},
		{"app, without a tenant", func() error { return app("homeless", "right") }, false},
	} {
		kit.Faults.Calls()
		err := test.err()
		if test.in && err != nil || !test.in && err != ErrRefused {
			t.Errorf("%s: %v", test.name, err)
		}
		if calls := kit.Faults.Calls(); !slices.Equal(calls, []string{"GetItem"}) {
			t.Errorf("%s took %v", test.name, calls)
		}
	}
	for _, name := range []string{"", strings.Repeat("n", 257)} {
		if err := errors.Join(operator(name, "right"), user(name, "right", "shop"), app(name, "right")); !errors.Is(err, ErrRefused) {
			t.Errorf("a name of %d bytes: %v", len(name), err)
		}
	}
	// A failure of ours is no refusal, and says nothing of who it was.
	kit.Faults.Inject(dynamotest.Before, 1, 100)
	if err := user("john", "right", "shop"); err == nil || errors.Is(err, ErrRefused) || strings.Contains(err.Error(), "john") {
		t.Errorf("a failing read: %v", err)
	}
}

// An unknown operator costs the same slow hash as a wrong password, so that time tells nobody who exists. The hash's
// memory is measured: it is its work, and other than its time the machine's other work does not disturb it.
func TestUnknownOperatorTakesTheSameWork(t *testing.T) {
	d, _, _ := newDirectory(t)
	allocated := func(name string) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if err := d.Operator(t.Context(), name, "wrong"); err != ErrRefused {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		return (after.TotalAlloc - before.TotalAlloc) >> 20
	}
	for _, name := range []string{"csr", "hashless", "nobody"} {
		if mb := allocated(name); mb < 19 || mb > 21 {
			t.Errorf("%s: %d MB, a hash takes 19", name, mb)
		}
	}
	// Two passes, as every stored hash: the parameters stand in it.
	params, _, _, err := argon2id.DecodeHash(decoy)
	if err != nil || *params != (argon2id.Params{Memory: 19 << 10, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}) {
		t.Errorf("the decoy has %+v, %v", params, err)
	}
}

// A token ends by the clock, whether or not DynamoDB has removed it; it is stored as a hash alone.
func TestTokenEndsByTheClock(t *testing.T) {
	d, kit, clock := newDirectory(t)
	token, created, err := d.IssueToken(t.Context(), "app", "acme", 10*time.Second)
	if err != nil || !created.Equal(clock.Time) || len(token) != 43 {
		t.Fatal(token, created, err)
	}
	other, _, _ := d.IssueToken(t.Context(), "app", "acme", 10*time.Second)
	if other == token {
		t.Error("two tokens are the same")
	}
	stored := strings.Join(kit.Dump(t, kit.Principals.Table), "\n")
	if strings.Contains(stored, token) || !strings.Contains(stored, Hash(token)) {
		t.Errorf("stored: %s", stored)
	}
	check := func(want error) {
		t.Helper()
		app, tenant, err := d.Token(context.Background(), token)
		if err != want || err == nil && (app != "app" || tenant != "acme") {
			t.Errorf("%v after: %s, %s, %v, want %v", clock.Sub(created), app, tenant, err, want)
		}
	}
	check(nil)
	clock.Advance(9 * time.Second)
	check(nil)
	clock.Advance(time.Second)
	check(ErrRefused)
	clock.Advance(-2 * time.Second)
	check(nil)
	for _, wrong := range []string{"", token[:42], Hash(token), token + "A"} {
		if _, _, err := d.Token(t.Context(), wrong); err != ErrRefused {
			t.Errorf("token %q: %v", wrong, err)
		}
	}
}
