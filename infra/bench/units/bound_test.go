package units

import (
	"math"
	"testing"

	"customercare/infra/local/template"
	"customercare/infra/testkit/dynamotest"
)

// The bounds, worked out by hand.
func TestBounds(t *testing.T) {
	thousand := make([]string, 1000)
	for i := range thousand {
		thousand[i] = "1234567890123" // 14,000 bytes with their lengths: 14 KB with the overhead
	}
	for what, test := range map[string]struct{ got, want Bound }{
		"customer, bare":        {bareCustomer(customer{25, 1, 3}), Bound{Request: Count{1 + 1 + 1, 1 + 3, 26}}},
		"customer, evident":     {evidentCustomer(customer{25, 1, 3}), Bound{Count{1 + 1 + 1, 2 + 3, 25 + 3}, Count{2, 1, 4}}},
		"one transaction full":  {evidentCustomer(customer{98, 1, 3}), Bound{Count{1 + 1 + 1, 2 + 3, 98 + 3}, Count{2, 1, 4}}},
		"and one more":          {evidentCustomer(customer{199, 2, 3}), Bound{Count{1 + 2 + 1 + 2, 2 + 3, 199 + 3}, Count{2, 1, 4}}},
		"no transactions":       {evidentCustomer(customer{0, 1, 1}), Bound{Count{3, 3, 3}, Count{2, 1, 4}}},
		"one number":            {cleaning{[]string{"135"}, 0, 2}.bare(), Bound{Count{1, 0, 1}, Count{1, 1, 0}}},
		"one number, evident":   {cleaning{[]string{"135"}, 0, 2}.evident(), Bound{Count{1, 0, 2}, Count{3, 2, 3}}},
		"1000 numbers":          {cleaning{thousand, 10_000, 2}.bare(), Bound{Count{1, 0, 1}, Count{1200, 1000, 20_000}}},
		"1000 numbers, evident": {cleaning{thousand, 10_000, 2}.evident(), Bound{Count{1, 0, 15}, Count{2201, 2000, 20_000 + 32 + 14 + 1}}},
	} {
		if test.got != test.want {
			t.Errorf("%s: %+v, want %+v", what, test.got, test.want)
		}
	}
}

func TestPrices(t *testing.T) {
	p, err := readPrices()
	if err != nil {
		t.Fatal(err)
	}
	if p.Read == "" || p.Region == "" || len(p.Sources) == 0 {
		t.Errorf("prices without a date, region or source: %+v", p)
	}
	template, err := template.Load(dynamotest.Root()+"/template.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	calls := func(n int, use Use) (all []Call) {
		for range n {
			all = append(all, Call{On: []Use{use}})
		}
		return all
	}
	for _, test := range []struct {
		op   Operation
		want float64
	}{
		// A write; 5 ms of 512 MB; a request.
		{Operation{Function: "set-temporary-allow", ByCaller: true, Request: calls(1, Use{Writes: 1})}, 0.625 + 0.2 + 5000*0.5*0.0000133334 + 3.5},
		// Two reads; 31 ms of 1769 MB, of which the slow hash takes 26.
		{Operation{Function: "authorize-operator", Request: calls(1, Use{Reads: 2})}, 0.25 + 0.2 + 31000*1769/1024.*0.0000133334},
		// Three writes, two of the index; 5 ms; two workers with two reads in all: 10 ms.
		{Operation{Function: "clean-customer-data", ByCaller: true, Request: calls(1, Use{Writes: 1, InIndex: 2}), Background: calls(2, Use{Reads: 1}), Workers: 2},
			3*0.625 + 2*0.125 + 3*0.2 + 15000*0.5*0.0000133334 + 3.5},
	} {
		if got, err := p.all(test.op, template); err != nil || math.Abs(got-test.want) > 1e-9 {
			t.Errorf("%s: %g, %v, want %g", test.op.Function, got, err, test.want)
		}
	}
	if _, err := p.all(Operation{Function: "nobody"}, template); err == nil {
		t.Error("a function that is not in the template has a price")
	}
}
