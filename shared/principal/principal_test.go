package principal

import (
	"errors"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

type item = map[string]types.AttributeValue

func s(text string) types.AttributeValue { return &types.AttributeValueMemberS{Value: text} }

func list(all ...string) types.AttributeValue {
	l := &types.AttributeValueMemberL{}
	for _, text := range all {
		l.Value = append(l.Value, s(text))
	}
	return l
}

func newDirectory(t testing.TB) (Directory, *dynamotest.Kit, *dynamotest.Clock) {
	t.Helper()
	kit := dynamotest.Open(t)
	clock := &dynamotest.Clock{Time: time.Unix(1_800_000_000, 999_000_000)}
	key := func(kind, name string) types.AttributeValue { return s(store.PrincipalKey(kind, name)) }
	one, two := list(HashPasswords([]string{"right"}, nil)...), list(HashPasswords([]string{"right", "next"}, nil)...)
	yes := &types.AttributeValueMemberBOOL{Value: true}
	until := func(at time.Time) types.AttributeValue {
		return &types.AttributeValueMemberN{Value: strconv.FormatInt(at.Unix(), 10)}
	}
	past, future := until(clock.Time), until(clock.Add(2*time.Second))
	kit.Put(
		t,
		kit.Principals.Table,
		item{"principal": key(store.Operator, "csr"), "hashes": one},
		item{"principal": key(store.Operator, "changing"), "hashes": two},
		item{"principal": key(store.Operator, "setter"), "hashes": one, "operations": list("set-temporary-allow")},
		item{"principal": key(store.Operator, "off"), "hashes": one, "disabled": yes},
		item{"principal": key(store.Operator, "past"), "hashes": one, "validUntil": past},
		item{"principal": key(store.Operator, "future"), "hashes": one, "validUntil": future},
		item{"principal": key(store.Operator, "hashless")},
		item{"principal": key(store.Operator, "garbled"), "hashes": list("no hash")},
		item{
			"principal":  key(store.Operator, "ended"),
			"hashes":     one,
			"validUntil": &types.AttributeValueMemberN{Value: "0"},
		},
		item{"principal": key(store.Operator, "odd off"), "hashes": one, "disabled": s("false")},
		item{"principal": key(store.Operator, "odd end"), "hashes": one, "validUntil": s("2999-01-01T00:00:00Z")},
		item{"principal": key(store.Operator, "odd scope"), "hashes": one, "operations": s("set-temporary-allow")},
		item{"principal": key(store.APIUser, "john"), "hashes": list(Hash("right")), "accounts": list("shop", "shop2")},
		item{
			"principal": key(store.APIUser, "changing"),
			"hashes":    list(Hash("right"), Hash("next")),
			"accounts":  list("shop"),
		},
		item{
			"principal":  key(store.APIUser, "idle"),
			"hashes":     list(Hash("right")),
			"accounts":   list("shop"),
			"operations": list(),
		},
		item{
			"principal": key(store.APIUser, "off"),
			"hashes":    list(Hash("right")),
			"accounts":  list("shop"),
			"disabled":  yes,
		},
		item{
			"principal":  key(store.APIUser, "past"),
			"hashes":     list(Hash("right")),
			"accounts":   list("shop"),
			"validUntil": past,
		},
		item{"principal": key(store.APIUser, "hashless"), "accounts": list("shop")},
		item{"principal": key(store.App, "app"), "hashes": list(Hash("right")), "tenantId": s("acme")},
		item{
			"principal": key(store.App, "changing"),
			"hashes":    list(Hash("right"), Hash("next")),
			"tenantId":  s("acme"),
		},
		item{
			"principal":  key(store.App, "idle"),
			"hashes":     list(Hash("right")),
			"tenantId":   s("acme"),
			"operations": list("other"),
		},
		item{"principal": key(store.App, "off"), "hashes": list(Hash("right")), "tenantId": s("acme"), "disabled": yes},
		item{"principal": key(store.App, "homeless"), "hashes": list(Hash("right"))},
	)
	return Directory{
		Principals: kit.Principals,
		Guard:      Guard{Limit: 1000, Window: 5 * time.Minute},
		Now:        clock.Now,
	}, kit, clock
}

// here is where callers come from.
const here = "192.0.2.1"

// Who gets in, and that everybody else gets the same error for the same single reading
// and the same write.
func TestWhoGetsIn(t *testing.T) {
	d, kit, _ := newDirectory(t)
	ctx := t.Context()
	operator := func(name, password string) error { _, err := d.Operator(ctx, here, name, password); return err }
	user := func(name, key, account string) error { return d.APIUser(ctx, here, name, key, account) }
	app := func(key, secret string) error { _, err := d.App(ctx, here, key, secret); return err }
	// The last three cost the same.
	const in, known, stranger, guess = "in", "known but refused", "known, and not allowed", "guess"
	for _, test := range []struct {
		name string
		err  func() error
		want string
	}{
		{"operator", func() error { return operator("csr", "right") }, in},
		{"operator, old password", func() error { return operator("changing", "right") }, in},
		{"operator, new password", func() error { return operator("changing", "next") }, in},
		{"operator, neither", func() error { return operator("changing", "rightnext") }, guess},
		{"operator, still valid", func() error { return operator("future", "right") }, in},
		{"operator, not valid any more", func() error { return operator("past", "right") }, known},
		{"operator, disabled", func() error { return operator("off", "right") }, known},
		{"operator, ended in 1970", func() error { return operator("ended", "right") }, known},
		{"operator, disabled as another type", func() error { return operator("odd off", "right") }, known},
		{"operator, ended as another type", func() error { return operator("odd end", "right") }, known},
		{"operator, scopes as another type", func() error { return operator("odd scope", "right") }, known},
		{"operator, wrong password", func() error { return operator("csr", "wrong") }, guess},
		{"operator, no password", func() error { return operator("csr", "") }, guess},
		{"operator, password longer by a byte", func() error { return operator("csr", "right ") }, guess},
		{"operator, the hash as password", func() error { return operator("csr", decoy) }, guess},
		{"operator, unknown", func() error { return operator("nobody", "right") }, guess},
		{"operator, without a hash", func() error { return operator("hashless", "") }, guess},
		{"operator, a hash that nobody can read", func() error { return operator("garbled", "no hash") }, guess},
		{"operator, another kind's name", func() error { return operator("john", "right") }, guess},
		{"operator, another kind's key in the name", func() error { return operator("x#apiUser#john", "right") }, guess},
		{"user", func() error { return user("john", "right", "shop") }, in},
		{"user, other account", func() error { return user("john", "right", "shop2") }, in},
		{"user, old key", func() error { return user("changing", "right", "shop") }, in},
		{"user, new key", func() error { return user("changing", "next", "shop") }, in},
		{"user, foreign account", func() error { return user("john", "right", "shop3") }, stranger},
		{"user, no account", func() error { return user("john", "right", "") }, stranger},
		{"user, no operation", func() error { return user("idle", "right", "shop") }, stranger},
		{"user, disabled", func() error { return user("off", "right", "shop") }, known},
		{"user, not valid any more", func() error { return user("past", "right", "shop") }, known},
		{"user, wrong key", func() error { return user("john", "wrong", "shop") }, guess},
		{"user, no key", func() error { return user("john", "", "shop") }, guess},
		{"user, the hash as key", func() error { return user("john", Hash("right"), "shop") }, guess},
		{"user, unknown", func() error { return user("nobody", "right", "shop") }, guess},
		{"user, without a hash", func() error { return user("hashless", "", "shop") }, guess},
		{"user, another kind's name", func() error { return user("app", "right", "shop") }, guess},
		{"app", func() error { return app("app", "right") }, in},
		{"app, old secret", func() error { return app("changing", "right") }, in},
		{"app, new secret", func() error { return app("changing", "next") }, in},
		{"app, wrong secret", func() error { return app("app", "wrong") }, guess},
		{"app, unknown", func() error { return app("nobody", "right") }, guess},
		{"app, no operation", func() error { return app("idle", "right") }, stranger},
		{"app, disabled", func() error { return app("off", "right") }, known},
		{"app, without a tenant", func() error { return app("homeless", "right") }, stranger},
	} {
		kit.Faults.Calls()
		err := test.err()
		want := map[string]error{known: ErrNotLetIn, stranger: ErrNotAllowed, guess: ErrNotLetIn}[test.want]
		if err != want || test.want != in && !errors.Is(err, ErrNotLetIn) {
			t.Errorf("%s: %v", test.name, err)
		}
		calls := []string{"BatchGetItem"}
		if test.want != in {
			calls = append(calls, "UpdateItem")
		}
		if made := kit.Faults.Calls(); !slices.Equal(made, calls) {
			t.Errorf("%s took %v", test.name, made)
		}
	}
	for _, name := range []string{"", strings.Repeat("n", 257)} {
		kit.Faults.Calls()
		if err := errors.Join(operator(name, "right"), user(name, "right", "shop"), app(name, "right")); !errors.Is(
			err,
			ErrNotLetIn,
		) {
			t.Errorf("a name of %d bytes: %v", len(name), err)
		}
		if err := operator("csr", strings.Repeat("x", 1025)); err != ErrNotLetIn {
			t.Error(err)
		}
		if calls := kit.Faults.Calls(); len(calls) != 0 {
			t.Errorf("a name of %d bytes, a password of 1025: %v", len(name), calls)
		}
	}
	for name, want := range map[string][]string{"csr": {"delete-customer-info", "set-temporary-allow", "read-provision", "use-temporary-allow", "read-erasures", "preview-erasures", "hold-erasures"}, "setter": {"set-temporary-allow"}} {
		if operations, err := d.Operator(ctx, here, name, "right"); err != nil || !slices.Equal(operations, want) {
			t.Errorf("%s may call %v, %v", name, operations, err)
		}
	}
	// A failure of ours is no refusal, and says nothing of who it was.
	kit.Faults.Inject(dynamotest.Before, 1, 100)
	if err := user("john", "right", "shop"); err == nil || errors.Is(err, ErrNotLetIn) ||
		strings.Contains(err.Error(), "john") {
		t.Errorf("a failing read: %v", err)
	}
}

// An unknown operator costs the same slow hash as a wrong password, so that time tells
// nobody who exists. The hash's memory is measured: it is its work, and other than its
// time the machine's other work does not disturb it.
func TestUnknownOperatorTakesTheSameWork(t *testing.T) {
	d, _, _ := newDirectory(t)
	allocated := func(name string) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := d.Operator(t.Context(), here, name, "wrong"); err != ErrNotLetIn {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		return (after.TotalAlloc - before.TotalAlloc) >> 20
	}
	for _, name := range []string{"csr", "changing", "off", "hashless", "garbled", "nobody"} {
		if mb := allocated(name); mb < 19 || mb > 21 {
			t.Errorf("%s: %d MB, a hash takes 19", name, mb)
		}
	}
	// Two passes, as every stored hash: the parameters stand in it.
	params, _, _, err := argon2id.DecodeHash(decoy)
	if err != nil ||
		*params != (argon2id.Params{Memory: 19 << 10, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}) {
		t.Errorf("the decoy has %+v, %v", params, err)
	}
}

// Keys that DynamoDB leaves unprocessed are asked for again; an answer that never comes
// is no refusal.
func TestUnprocessedKeys(t *testing.T) {
	d, kit, _ := newDirectory(t)
	kit.Faults.Inject(dynamotest.Unprocessed, 1, 1)
	if err := d.APIUser(t.Context(), here, "john", "right", "shop"); err != nil {
		t.Error(err)
	}
}
