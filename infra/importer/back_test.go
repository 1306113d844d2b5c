package importer_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"customercare/infra/importer"
	"customercare/infra/testkit/dynamotest"
)

// A line about anybody who was erased is refused by its number, whichever of its parties
// that is, and stops nothing else; the same number of another tenant is somebody else.
func TestNobodyWhoWasErasedIsLoaded(t *testing.T) {
	kit := dynamotest.Open(t)
	var asked []string
	guard := func(o *importer.Options) {
		o.Erased = func(_ context.Context, kind, scope, identifier string) (bool, error) {
			asked = append(asked, kind+" "+scope+" "+identifier)
			return slices.Contains([]string{"customer a 3", "number t 22"}, asked[len(asked)-1]), nil
		}
	}
	lines := strings.Join([]string{
		customerLine(3), customerLine(4), transactionLine(3, 7), transactionLine(4, 8),
		contactLine(1, "11", "22"), contactLine(2, "11", "33"),
		strings.Replace(contactLine(3, "22", "44"), `"tenantId":"t"`, `"tenantId":"a"`, 1),
		`{"kind":"operator","name":"3","password":"sixteen letters!"}`,
	}, "\n")
	for range 2 {
		counts, reports, err := load(t, kit, lines, guard)
		if err == nil || err.Error() != "3 of 8 lines are not loaded" || counts.Back != 3 ||
			counts.String() != "1 customer, 1 transaction, 2 contacts, 1 operator" {
			t.Errorf("%v, %v", counts, err)
		}
		for i, line := range []string{"0001", "0003", "0005"} {
			if len(reports) != 3 || !strings.HasPrefix(reports[i], line+": a data subject of this line was erased") {
				t.Error(reports)
			}
		}
		if n := len(items(t, kit, kit.Customers.Table)); n != 2 {
			t.Errorf("%d items of customers", n)
		}
		if n := len(items(t, kit, kit.Contacts.Table)); n != 4 {
			t.Errorf("%d copies of contacts", n)
		}
	}
	if slices.ContainsFunc(asked, func(of string) bool { return strings.Contains(of, "operator") }) {
		t.Error(asked)
	}
}

// When nobody can say who was erased the load stops, and names the line to go on from.
func TestALoadStopsWhenNobodyKnowsWhoWasErased(t *testing.T) {
	kit, broken := dynamotest.Open(t), errors.New("no ledger")
	counts, _, err := load(t, kit, `{"kind":"user","customerId":"u"}`+"\n"+customerLine(1)+"\n"+customerLine(2),
		func(o *importer.Options) {
			o.Erased = func(context.Context, string, string, string) (bool, error) { return false, broken }
		})
	stopped, early := errors.AsType[*importer.Stopped](err)
	if !early || stopped.Line > 2 || !errors.Is(err, broken) || counts.Loaded["customer"] > 0 {
		t.Errorf("%v, %v", counts, err)
	}
	if n := len(items(t, kit, kit.Customers.Table)); n != 0 {
		t.Errorf("%d items of customers", n)
	}
}

// What operation 1 has removed of a user does not come back by a file; a new user, and
// one who has what the line fills, is loaded, and so is all without the guard.
func TestWhatWasResetIsNotLoaded(t *testing.T) {
	kit := dynamotest.Open(t)
	nobody := func(o *importer.Options) {
		o.Erased = func(context.Context, string, string, string) (bool, error) { return false, nil }
	}
	lines := `{"kind":"user","customerId":"reset","questions":{"q":"1"},"devices":{"d":{}}}
{"kind":"user","customerId":"devices","questions":{"q":"1"},"devices":{"d":{}}}
{"kind":"user","customerId":"stays","questions":{"q":"1"},"devices":{"d":{}}}
{"kind":"user","customerId":"empty","questions":{},"devices":{"d":{}},"name":"x"}`
	for range 2 {
		if counts, reports, err := load(t, kit, lines, nobody); err != nil || counts.Loaded["user"] != 4 {
			t.Fatal(counts, reports, err)
		}
	}
	if err := kit.Users.Reset(t.Context(), "reset", time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := kit.Users.Reset(t.Context(), "empty", time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := kit.Users.UnregisterDevices(t.Context(), "devices", time.Now()); err != nil {
		t.Fatal(err)
	}
	before := kit.Dump(t, kit.Users.Table)
	counts, reports, err := load(t, kit, lines, nobody)
	if err == nil || err.Error() != "2 of 4 lines are not loaded" || counts.Back != 2 ||
		!strings.HasPrefix(reports[0], "0001: the user stands without") || !strings.HasPrefix(reports[1], "0002: ") {
		t.Errorf("%v, %v, %v", counts, reports, err)
	}
	after := kit.Dump(t, kit.Users.Table)
	for i := range before { // the empty map of "empty" fills nothing, and is loaded
		if before[i] != after[i] && !strings.Contains(before[i], `"empty"`) {
			t.Errorf("before %s\nafter %s", before[i], after[i])
		}
	}
	if counts, _, err := load(t, kit, lines); err != nil || counts.Loaded["user"] != 4 {
		t.Errorf("without the guard: %v, %v", counts, err)
	}
}
