package principal

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

// readers is a directory with an operator and an API user who have the same name.
func readers(t *testing.T) (Directory, *dynamotest.Kit, *dynamotest.Clock) {
	t.Helper()
	d, kit, clock := newDirectory(t)
	d.Guard = Guard{Limit: 10, Window: 5 * time.Minute}
	kit.Put(t, kit.Principals.Table,
		item{"principal": s(store.PrincipalKey(store.Operator, "both")), "hashes": list(HashPasswords([]string{"password"}, nil)...)},
		item{"principal": s(store.PrincipalKey(store.APIUser, "both")), "hashes": list(Hash("key")), "accounts": list("shop")},
	)
	return d, kit, clock
}

// Who a reader is, by one round trip; the secret decides where a name is of both kinds.
func TestReader(t *testing.T) {
	d, kit, _ := readers(t)
	all := []string{"delete-customer-info", "set-temporary-allow", "read-provision", "use-temporary-allow", "read-erasures", "preview-erasures", "hold-erasures"}
	for _, row := range []struct {
		name, secret string
		want         Reader // without a name: not let in
	}{
		{"csr", "right", Reader{Kind: store.Operator, Name: "csr", Operations: all}},
		{"setter", "right", Reader{Kind: store.Operator, Name: "setter", Operations: []string{"set-temporary-allow"}}},
		{"john", "right", Reader{Kind: store.APIUser, Name: "john", Accounts: []string{"shop", "shop2"}}},
		{"both", "password", Reader{Kind: store.Operator, Name: "both", Operations: all}},
		{"both", "key", Reader{Kind: store.APIUser, Name: "both", Accounts: []string{"shop"}}},
		{"both", "right", Reader{}}, {"csr", "wrong", Reader{}}, {"off", "right", Reader{}}, {"past", "right", Reader{}},
		{"idle", "right", Reader{}}, // may not delete customers
		{"hashless", "", Reader{}}, {"garbled", "no hash", Reader{}}, {"nobody", "right", Reader{}},
		{"odd scope", "right", Reader{}}, {"app", "right", Reader{}},
	} {
		kit.Faults.Calls()
		got, err := d.Reader(t.Context(), here, row.name, row.secret)
		if (err == nil) != (row.want.Name != "") || fmt.Sprint(got) != fmt.Sprint(row.want) || err != nil && err != ErrNotLetIn {
			t.Errorf("%s, %s: %+v, %v", row.name, row.secret, got, err)
		}
		want := []string{"BatchGetItem"}
		if row.want.Name == "" {
			want = append(want, "UpdateItem") // the guess is counted, whoever stands there
		}
		if calls := kit.Faults.Calls(); !slices.Equal(calls, want) {
			t.Errorf("%s, %s: the calls %v, want %v", row.name, row.secret, calls, want)
		}
	}
	long := strings.Repeat("x", maxSecret+1) // right, and never hashed
	kit.Put(t, kit.Principals.Table, item{
		"principal": s(store.PrincipalKey(store.APIUser, "long")), "hashes": list(Hash(long)), "accounts": list("shop"),
	})
	for name, secret := range map[string]string{"": "right", strings.Repeat("x", store.MaxName+1): "right", "long": long} {
		if _, err := d.Reader(t.Context(), here, name, secret); err != ErrNotLetIn || len(kit.Faults.Calls()) != 0 {
			t.Errorf("a name of %d bytes and a secret of %d: %v", len(name), len(secret), err)
		}
	}
	if got, err := d.Reader(t.Context(), "", "both", "key"); err != nil || got.Kind != store.APIUser {
		t.Errorf("without an address: %+v, %v", got, err)
	}
}

// A wrong secret is one guess whoever stands there, locks and tells nothing, and keeps
// the right secrets of both kinds out as long as the lock stands. A right one counts
// nothing.
func TestReadersGuesses(t *testing.T) {
	for _, name := range []string{"csr", "john", "both", "nobody"} {
		d, _, clock := readers(t)
		for range 30 {
			_, _ = d.Reader(t.Context(), here, "both", "key")
			_, _ = d.Reader(t.Context(), here, "both", "password")
		}
		for i := range 10 {
			for range 2 { // the same wrong secret again is no other guess
				if _, err := d.Reader(t.Context(), here, name, fmt.Sprint("wrong ", i)); err != ErrNotLetIn && i < 9 {
					t.Fatalf("%s, guess %d: %v", name, i, err)
				}
			}
		}
		both, err := d.Principals.FindBoth(t.Context(), name, network(here))
		if n := both.OperatorFailures.Principal.N; err != nil || n != 10 || both.OperatorFailures.All.N != 10 ||
			both.APIUserFailures.Principal.N != 0 {
			t.Errorf("%s: %+v, %v", name, both.OperatorFailures.Principal, err)
		}
		for _, secret := range []string{"wrong", "right", "key", "password"} {
			if _, err := d.Reader(t.Context(), here, name, secret); fmt.Sprintf("%T", err) != "*principal.Locked" {
				t.Errorf("%s, %s during the lock: %v", name, secret, err)
			}
		}
		clock.Advance(time.Minute)
		want := error(nil)
		if name == "nobody" {
			want = ErrNotLetIn
		}
		secret := map[string]string{"both": "key"}[name]
		if secret == "" {
			secret = "right"
		}
		if _, err := d.Reader(t.Context(), here, name, secret); err != want {
			t.Errorf("%s after the lock: %v", name, err)
		}
	}
}

// A lock of the operation that deletes customers holds here too, for every secret and
// for both kinds alike.
func TestReadersLocksOfTheKey(t *testing.T) {
	d, _, _ := readers(t)
	for _, name := range []string{"john", "both", "csr", "nobody"} {
		for i := range 10 {
			_ = d.APIUser(t.Context(), here, name, fmt.Sprint("wrong ", i), "shop")
		}
		for _, secret := range []string{"right", "key", "password", "wrong"} {
			if _, err := d.Reader(t.Context(), here, name, secret); fmt.Sprintf("%T", err) != "*principal.Locked" {
				t.Errorf("%s, %s: %v", name, secret, err)
			}
		}
	}
}

// Faults of the database are no refusals.
func TestReadersDatabase(t *testing.T) {
	d, kit, _ := readers(t)
	kit.Faults.Inject(dynamotest.Before, 1, 100)
	if _, err := d.Reader(t.Context(), here, "both", "key"); err == nil || err == ErrNotLetIn {
		t.Error(err)
	}
}
