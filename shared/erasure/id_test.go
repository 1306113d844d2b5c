package erasure

import (
	"errors"
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
		"customer": customer, "numbers": numbers(twoNumbers), "several numbers": numbers(severalNumbers()), "many numbers": numbers(manyNumbers()),
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

// A repeat names the erasure of a customer for 30 days from its end, to the second. After
// that nobody knows the customer. The record stays, and has no time at which DynamoDB
// would take it away.
func TestARepeatIsAnsweredForThirtyDays(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.putCustomer(t, "shop", "4711", 3)
	ask := func() (string, error) {
		asked := CustomerRequest{Account: "shop", Code: "4711", By: "john"}
		return sys.customerIntake().Customer(t.Context(), asked, time.Minute)
	}
	first, err := ask()
	if err != nil {
		t.Fatal(err)
	}
	sys.finishAll(t)
	record := sys.ledger(t).records[0]
	forgotten := time.UnixMilli(record.finishedAt).Add(30 * 24 * time.Hour).Truncate(time.Second)
	sys.clock.Advance(forgotten.Add(-time.Millisecond).Sub(sys.clock.Now()))
	if id, err := ask(); err != nil || id != first {
		t.Errorf("in the last second of 30 days: %q, %v; the first call has %q", id, err, first)
	}
	sys.clock.Advance(time.Millisecond)
	if id, err := ask(); !errors.Is(err, ErrUnknownCustomer) || id != "" {
		t.Errorf("after 30 days: %q, %v", id, err)
	}
	for _, e := range sys.ledger(t).all {
		if pointer := e.key == sys.customerJob(); e.has("expires") != pointer {
			t.Errorf("expires: %s", e.json)
		}
	}
	if after := sys.ledger(t).records; len(after) != 1 || after[0].json != record.json {
		t.Errorf("the record is %v, it was %s", after, record.json)
	}
}
