package units

import "testing"

// The bounds, worked out by hand.
func TestBounds(t *testing.T) {
	thousand := make([]string, 1000)
	for i := range thousand {
		thousand[i] = "1234567890123" // 14,000 bytes with their lengths: 14 KB with the overhead
	}
	for what, test := range map[string]struct{ got, want Bound }{
		"customer, bare": {bareCustomer(customer{25, 1, 3}), Bound{Request: counts(1+1+1, 1+3, 26)}},
		"customer, evident": {
			evidentCustomer(customer{25, 1, 3}), Bound{Request: counts(1+1+1, 2+3, 25+3), Background: counts(2, 1, 4)},
		},
		"one transaction full": {
			evidentCustomer(customer{98, 1, 3}), Bound{Request: counts(1+1+1, 2+3, 98+3), Background: counts(2, 1, 4)},
		},
		"and one more": {
			evidentCustomer(customer{199, 2, 3}),
			Bound{Request: counts(1+2+1+2, 2+3, 199+3), Background: counts(2, 1, 4)},
		},
		"no transactions": {
			evidentCustomer(customer{0, 1, 1}), Bound{Request: counts(3, 3, 3), Background: counts(2, 1, 4)},
		},
		"one number": {
			cleaning{[]string{"135"}, 0, 2}.bare(), Bound{Request: counts(1, 0, 1), Background: counts(1, 1, 0)},
		},
		"one number, evident": {
			cleaning{[]string{"135"}, 0, 2}.evident(), Bound{Request: counts(1, 0, 2), Background: counts(3, 2, 3)},
		},
		"1000 numbers": {
			cleaning{thousand, 10_000, 2}.bare(),
			Bound{Request: counts(1, 0, 1), Background: counts(1200, 1000, 20_000)},
		},
		"1000 numbers, evident": {
			cleaning{thousand, 10_000, 2}.evident(),
			Bound{Request: counts(1, 0, 15), Background: counts(2201, 2000, 20_000+32+14+1)},
		},
	} {
		if test.got != test.want {
			t.Errorf("%s: %+v, want %+v", what, test.got, test.want)
		}
	}
}

func counts(trips int, reads, writes float64) Count {
	return Count{Trips: trips, Reads: reads, Writes: writes}
}
