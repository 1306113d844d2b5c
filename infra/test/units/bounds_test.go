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
			evidentCustomer(customer{25, 1, 3}), Bound{Request: counts(1+1+1, 2+3, 10+25+3), Background: counts(3, 1, 1+4+4+2)},
		},
		"one transaction full": {
			evidentCustomer(customer{96, 1, 3}), Bound{Request: counts(1+1+1, 2+3, 10+96+3), Background: counts(3, 1, 11)},
		},
		"and one more": {
			evidentCustomer(customer{197, 2, 3}),
			Bound{Request: counts(1+2+1+2, 2+3, 10+197+3), Background: counts(3, 1, 11)},
		},
		"no transactions": {
			evidentCustomer(customer{0, 1, 1}), Bound{Request: counts(3, 3, 10), Background: counts(3, 1, 11)},
		},
		"few transactions": {
			evidentCustomer(customer{2, 1, 1}), Bound{Request: counts(3, 3, 10+2+2), Background: counts(3, 1, 11)},
		},
		"one number": {
			cleaning{[]string{"135"}, 0, 2}.bare(), Bound{Request: counts(1, 0, 1), Background: counts(1, 1, 0)},
		},
		"one number, evident": {
			cleaning{[]string{"135"}, 0, 2}.evident(),
			Bound{Request: counts(1, 0, 6), Background: counts(1+1+1+1+1+1, 2, 3+1+4+2+2)},
		},
		"ten numbers, evident": {
			cleaning{thousand[:10], 0, 2}.evident(),
			Bound{Request: counts(1, 0, 6+1), Background: counts(4+20+1, 20+1, 3+1+4+2+2)},
		},
		"100 numbers, evident": { // 1,400 bytes: 2 KB of list, 4 KB of digests
			cleaning{thousand[:100], 0, 2}.evident(),
			Bound{Request: counts(1, 0, 6+4+4), Background: counts(4+200+1+2, 200+1+2, 3+1+4+2+4+2)},
		},
		"1000 numbers": {
			cleaning{thousand, 10_000, 2}.bare(),
			Bound{Request: counts(1, 0, 1), Background: counts(1200, 1000, 20_000)},
		},
		"1000 numbers, evident": {
			cleaning{thousand, 10_000, 2}.evident(),
			Bound{
				Request:    counts(1, 0, 6+2*14+32),
				Background: counts(2007+2+200, 2000+2*4+8+1, 1+40_000+3+1+4+2+2*14+2),
			},
		},
		"sealing": {bareSealing(100, 20), Bound{Request: counts(208, 208, 200+300+2*(8+15+2)+4)}},
	} {
		if test.got != test.want {
			t.Errorf("%s: %+v, want %+v", what, test.got, test.want)
		}
	}
}

func counts(trips int, reads, writes float64) Count {
	return Count{Trips: trips, Reads: reads, Writes: writes}
}
