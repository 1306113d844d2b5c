package principals

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/operation"
	"customercare/shared/store"
)

const (
	first  = "the first password of it"
	second = "the second password of it"
	third  = "a third password of it"
)

func csr(t *testing.T) (*dynamotest.Kit, Table) {
	t.Helper()
	kit := dynamotest.Open(t)
	table := Table{DB: kit.Plain, Name: kit.Principals.Table, Now: time.Now}
	if err := table.Add(t.Context(), Principal{Kind: operation.Operator, Name: "csr"}, first); err != nil {
		t.Fatal(err)
	}
	return kit, table
}

// Of two rotations at the same moment one is refused, and the other one's secret stays.
func TestTwoRotationsAtOnce(t *testing.T) {
	_, table := csr(t)
	late := table
	late.Now = func() time.Time { // between its look and its write
		if err := table.Rotate(t.Context(), operation.Operator, "csr", second); err != nil {
			t.Error(err)
		}
		return time.Now()
	}
	if err := late.Rotate(t.Context(), operation.Operator, "csr", third); !errors.Is(err, ErrChanged) {
		t.Errorf("%v", err)
	}
	p, err := table.Show(t.Context(), operation.Operator, "csr")
	if err != nil || p.Secrets != 2 {
		t.Fatalf("%+v, %v", p, err)
	}
	if same, err := argon2id.ComparePasswordAndHash(second, p.hashes[1]); !same || err != nil {
		t.Errorf("the first one's password does not let in: %v", err)
	}
}

// While two passwords let in they have one salt, so that a caller's is hashed once.
func TestRotatedPasswordsHaveOneSalt(t *testing.T) {
	_, table := csr(t)
	if err := table.Rotate(t.Context(), operation.Operator, "csr", second); err != nil {
		t.Fatal(err)
	}
	p, err := table.Show(t.Context(), operation.Operator, "csr")
	if err != nil || p.Secrets != 2 {
		t.Fatalf("%+v, %v", p, err)
	}
	salt := func(hash string) string { return strings.Split(hash, "$")[4] }
	if salt(p.hashes[0]) != salt(p.hashes[1]) || p.hashes[0] == p.hashes[1] {
		t.Errorf("%v", p.hashes)
	}
}

// A bound that another program has stored as another type lets nobody in, as with the
// functions: so the list must say.
func TestForeignBoundsReadAsDisabled(t *testing.T) {
	kit, table := csr(t)
	for name, bound := range map[string]types.AttributeValue{
		"disabled": attribute.Text("no"), "validUntil": attribute.Text("2999-01-02T03:04:05Z"),
		"operations": attribute.Text("all"),
	} {
		kit.Put(t, table.Name, attribute.Item{
			"principal": attribute.Text("app#" + name), name: bound, "tenantId": attribute.Text("t"),
		})
		p, err := table.Show(t.Context(), operation.App, name)
		if err != nil || !p.Disabled {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
		found, _, err := kit.Principals.Find(t.Context(), store.App, name, "")
		if err != nil || !found.Disabled {
			t.Errorf("%s: the functions read %+v, %v", name, found, err)
		}
	}
}

// A principal that a newer version has written is neither shown nor changed.
func TestNewerPrincipal(t *testing.T) {
	kit, table := csr(t)
	kit.Put(t, kit.Principals.Table, attribute.Item{
		"principal": attribute.Text("operator#new"), "hashes": attribute.Texts("of a new form"),
		store.SchemaAttribute: attribute.Number(store.Schema + 1),
	})
	before := kit.Dump(t, kit.Principals.Table)
	ctx := t.Context()
	for name, do := range map[string]func() error{
		"list":    func() error { _, err := table.List(ctx); return err },
		"show":    func() error { _, err := table.Show(ctx, operation.Operator, "new"); return err },
		"disable": func() error { return table.SetDisabled(ctx, operation.Operator, "new", true) },
		"enable":  func() error { return table.SetDisabled(ctx, operation.Operator, "new", false) },
		"rotate":  func() error { return table.Rotate(ctx, operation.Operator, "new", second) },
		"finish":  func() error { return table.Finish(ctx, operation.Operator, "new") },
		"remove":  func() error { return table.Remove(ctx, operation.Operator, "new") },
		"add":     func() error { return table.Add(ctx, Principal{Kind: operation.Operator, Name: "new"}, first) },
	} {
		if err := do(); !errors.Is(err, store.ErrNewer) && (name != "add" || !errors.Is(err, ErrThere)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if after := kit.Dump(t, kit.Principals.Table); !slices.Equal(before, after) {
		t.Errorf("%v became %v", before, after)
	}
}
