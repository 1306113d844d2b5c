package erasure

import (
	"strings"
	"testing"
	"time"

	"customercare/shared/store"
)

// A repeat is answered with the id of the erasure that it joins, or that ended lately.
// Only where a customer came back, or an erasure of numbers has ended, there is another.
func TestRepeatsHaveTheIDOfTheFirst(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	customer := func() string {
		t.Helper()
		asked := CustomerRequest{Account: "shop", Code: "4711", By: "john"}
		id, err := sys.customerIntake().Customer(t.Context(), asked, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	numbers := func(list []string) func() string {
		return func() string {
			t.Helper()
			asked := NumbersRequest{Tenant: "acme", Numbers: list, By: "app"}
			id, err := sys.numbersIntake().Numbers(t.Context(), asked)
			if err != nil {
				t.Fatal(err)
			}
			return id
		}
	}
	sys.putCustomer(t, "shop", "4711", 3)
	asks := map[string]func() string{
		"customer": customer, "numbers": numbers(twoNumbers), "many numbers": numbers(manyNumbers()),
	}
	first := map[string]string{}
	for name, ask := range asks {
		first[name] = ask()
		if repeat := ask(); repeat != first[name] || repeat == "" {
			t.Errorf("%s: a repeat has the id %q, the first call %q", name, repeat, first[name])
		}
	}
	sys.putCustomer(t, "shop", "4711", 0) // over the tombstone
	if id := customer(); id != first["customer"] {
		t.Errorf("a repeat that puts the tombstone back has the id %q, want %q", id, first["customer"])
	}
	sys.finishAll(t)
	for name, ask := range asks {
		if !strings.Contains(sys.ledger(t).keys(), store.RecordPrefix+first[name]+" ") {
			t.Errorf("%s: no record of %q among %s", name, first[name], sys.ledger(t).keys())
		}
		again := ask()
		if ofCustomer := name == "customer"; ofCustomer != (again == first[name]) || again == "" {
			t.Errorf("%s: a repeat after the end has the id %q, the first call %q", name, again, first[name])
		}
	}
	sys.putCustomer(t, "shop", "4711", 0)
	if id := customer(); id == first["customer"] || id == "" {
		t.Errorf("a customer who came back is erased under the id %q", id)
	}
}
