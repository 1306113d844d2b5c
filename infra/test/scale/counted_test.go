package scale

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"customercare/infra/bench"
	"customercare/infra/testkit/dynamotest"
)

// TestAsCounted holds what this page takes an erasure to cost against what
// infra/test/units counts.
func TestAsCounted(t *testing.T) {
	c := reading(t)
	all, err := bench.ReadCounted(dynamotest.Root())
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 3, c.batchSize} { // of less than 4 KB
		request := bench.Count{
			Trips:  customerRequestTrips + 1,
			Reads:  customerReads,
			Writes: float64(customerRequestWrites + n),
		}
		if n <= c.fewRecords {
			request.Trips, request.Writes = fewRequestTrips, float64(fewRequestWrites+2*n)
			request.Reads = fewReads
		}
		end := bench.Count{Trips: customerEndTrips, Reads: customerEndReads, Writes: customerEndWrites}
		got := find(t, all, "3: "+strconv.Itoa(n)+" transactions", false)
		if got.Request != request || got.Background != end {
			t.Errorf("%s: counted are %v and %v, this page has %v and %v", got.Name, got.Request, got.Background,
				request, end)
		}
	}
	const together = 100
	sealed := find(t, all, "seal-ledger, 100", false)
	if want := (bench.Count{Trips: sealed.Request.Trips, Reads: sealingReads * together, Writes: sealingWrites * together}); sealed.Request != want {
		t.Errorf("%s: counted are %v, this page has %v", sealed.Name, sealed.Request, want)
	}
	for _, of := range cleanings {
		got := find(t, all, "4: "+strconv.Itoa(of.numbers)+" number", false)
		if both := got.Request.Plus(got.Background); both != of.count() {
			t.Errorf("%s: counted are %v, this page has %v", got.Name, both, of.count())
		}
	}
	got := find(t, all, "4: 1000 number", true)
	both, of := got.Request.Plus(got.Background), cleanings[len(cleanings)-1]
	writes, trips := c.ofCall(of)
	if math.Abs(both.Writes-float64(writes)) > 2 || both.Reads != float64(of.reads+c.windows(of.numbers)) || both.Trips != trips {
		t.Errorf("%s: counted are %v, this page has %d writes and %d trips", got.Name, both, writes, trips)
	}
}

func (of cleaning) count() bench.Count {
	return bench.Count{Trips: of.trips, Reads: float64(of.reads), Writes: float64(of.writes)}
}

// find is the only operation whose name begins so and speaks of contacts, or does not.
func find(t *testing.T, all []bench.Counted, begins string, contacts bool) (found bench.Counted) {
	t.Helper()
	n := 0
	for _, one := range all {
		if strings.HasPrefix(one.Name, begins) && strings.Contains(one.Name, "contacts") == contacts {
			found = one
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d operations begin with %q", n, begins)
	}
	return found
}
