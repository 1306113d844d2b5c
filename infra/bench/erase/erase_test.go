package erase

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"customercare/infra/bench/erase/bed"
	"customercare/infra/bench/result"
	"customercare/infra/bench/setup"
	"customercare/infra/testkit/dynamotest"
)

// ready is a set-up with everything built, on the tests' DynamoDB Local.
func ready(t *testing.T) setup.Setup {
	s := setup.In(dynamotest.Root())
	s.Endpoint, s.Log, s.Say = os.Getenv("DYNAMODB_ENDPOINT"), io.Discard, t.Logf
	if s.Endpoint == "" {
		t.Skip("needs a DynamoDB: run `make test`, or set DYNAMODB_ENDPOINT")
	}
	if err := setup.Build(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	return s
}

// At any size every figure is there, and every erasure leaves nothing: else Measure fails.
func TestMeasure(t *testing.T) {
	p := plan{
		customers: []customers{{3, 2}, {60, 1}}, deep: deep{200, 50},
		numbers: 12, contacts: []contacts{{0, 1, 12}, {3, 2, 5}},
	}
	measured, err := p.measure(t.Context(), ready(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := measured.Check(); err != nil {
		t.Error(err)
	}
	for _, want := range []struct {
		table, runs int
		name        string
		against     string
	}{
		{5, 2, "3 transactions", ""}, {5, 1, "60 transactions", ""}, {5, 1, "200 transactions", ""},
		{6, 1, "0 contacts each, accepted", "one write of the same size"}, {6, 1, "0 contacts each, gone", ""},
		{6, 2, "3 contacts each, accepted", "one write of the same size"}, {6, 2, "3 contacts each, gone", "batches, no conditions"},
		{6, 2, "3 contacts each, gone", "transactions with conditions"},
	} {
		at := slices.IndexFunc(measured.Figures, func(f result.Figure) bool {
			return f.Table == want.table && f.Case == want.name && f.Against == want.against
		})
		if at < 0 {
			t.Errorf("table %d has no %q against %q", want.table, want.name, want.against)
		} else if f := measured.Figures[at]; f.Ours <= 0 || f.Floor <= 0 || f.Ratio <= 0 || f.Runs != want.runs {
			t.Errorf("%+v, want %d runs", f, want.runs)
		}
	}
	points := map[string]int{}
	for _, c := range measured.Curves {
		points[c.Picture+", "+c.Name] = len(c.X)
	}
	for name, n := range map[string]int{
		"erasing-a-customer, ours": 3, "erasing-a-customer, floor": 2, "erasing-1000-numbers, ours": 2, "erasing-1000-numbers, floor, batches": 2,
		"erasing-1000-numbers, floor, transactions with conditions": 1,
	} {
		if points[name] != n {
			t.Errorf("%s has %d points, want %d", name, points[name], n)
		}
	}
	if _, err := os.Stat("/proc/self/status"); err != nil {
		return
	}
	for _, name := range []string{"delete-customer, one customer", "clean-customer-data, 12 numbers", "continue-erasure, 12 numbers"} {
		at := slices.IndexFunc(measured.Figures, func(f result.Figure) bool { return f.Table == 9 && f.Case == name })
		if at < 0 || measured.Figures[at].Ours < 2 || !measured.Figures[at].Met { // no Go program has less
			t.Errorf("table 9: %s: %+v", name, measured.Figures)
		}
	}
}

// What is left is told, whoever left it.
func TestLeft(t *testing.T) {
	s := ready(t)
	b, err := bed.Start(t.Context(), s, "erase-left-")
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	floor, err := bed.StartFloor(t.Context(), s, "erase")
	if err != nil {
		t.Fatal(err)
	}
	defer floor.Close()
	customer := customerRun{b, floor}
	if err := customer.fill(t.Context(), "one", 30); err != nil {
		t.Fatal(err)
	}
	if err := customer.least("one", 10, 11); err == nil || !strings.Contains(err.Error(), "10 of 11") {
		t.Errorf("a floor that deletes too few: %v", err)
	}
	// Looked at until the third look has seen the customer still there.
	looks, ended := 0, errors.New("enough")
	soon, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	b.Looked = func() {
		if looks++; looks == 3 {
			cancel(ended)
		}
	}
	nothing := func() error { return nil }
	if _, err := b.UntilGone(soon, "one", nothing); !errors.Is(err, ended) || looks != 3 {
		t.Errorf("a customer with 21 items counts as gone, or %v after %d looks", err, looks)
	}
	b.Looked = nil
	if err := customer.least("one", 0, 21); err != nil {
		t.Error(err)
	}
	if _, err := b.UntilGone(t.Context(), "one", nothing); err != nil {
		t.Error(err)
	}
	numbers := numbersRun{b, floor}
	if err := numbers.nothingLeft(t.Context()); err != nil {
		t.Error(err)
	}
	if err := numbers.fill(t.Context(), []string{"n"}, 1); err != nil {
		t.Fatal(err)
	}
	if err := numbers.nothingLeft(t.Context()); err == nil {
		t.Error("two copies are not seen")
	}
}

func TestFloorThatFails(t *testing.T) {
	s := ready(t)
	s.Endpoint = "http://127.0.0.1:1" // nobody listens there
	floor, err := bed.StartFloor(t.Context(), s, "erase")
	if err != nil {
		t.Fatal(err)
	}
	defer floor.Close()
	if err := floor.Ask(map[string]string{"Table": "t", "Customer": "c"}, &struct{}{}); err == nil || !strings.Contains(err.Error(), "Query") {
		t.Errorf("a floor without a database: %v", err)
	}
}
