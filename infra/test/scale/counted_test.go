package scale

import (
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"customercare/infra/testkit/dynamotest"
)

// TestAsCounted holds what this page takes an erasure to cost against what
// infra/bench/units counts: its guard's own table, which its test compares with the real
// calls.
func TestAsCounted(t *testing.T) {
	c := reading(t)
	counted := guard(t)
	compare := func(name string, request, background [3]int) {
		t.Helper()
		got, ok := counted[name]
		if !ok {
			t.Errorf("%q is not counted any more", name)
		} else if got != [2][3]int{request, background} {
			t.Errorf("%s: counted are %v, this page has %v (trips, reads, writes of the request and behind it)", name, got, [2][3]int{request, background})
		}
	}
	for _, n := range []int{0, 3, c.batchSize} { // of less than 4 KB
		request := [3]int{customerRequestTrips + 1, customerReads, customerRequestWrites + n}
		if n <= c.fewRecords {
			request = [3]int{fewRequestTrips, customerReads, fewRequestWrites + 2*n}
		}
		compare("3: "+strconv.Itoa(n)+" transactions", request, [3]int{customerEndTrips, customerEndReads, customerEndWrites})
	}
	for _, of := range cleanings {
		got := find(t, counted, "4: "+strconv.Itoa(of.numbers)+" number", false)
		if sum := (cleaning{of.numbers, got[0][2] + got[1][2], got[0][1] + got[1][1], got[0][0] + got[1][0]}); sum != of {
			t.Errorf("%d numbers: counted are %+v, this page has %+v", of.numbers, sum, of)
		}
	}
	got := find(t, counted, "4: 1000 number", true)
	of := cleanings[len(cleanings)-1]
	writes, reads, trips := got[0][2]+got[1][2], got[0][1]+got[1][1], got[0][0]+got[1][0]
	wantWrites, wantTrips := c.ofCall(of)
	if math.Abs(float64(writes-wantWrites)) > 2 || reads != of.reads || trips != wantTrips {
		t.Errorf("1000 numbers with contacts: counted are %d writes, %d reads and %d trips, this page has %d, %d and %d", writes, reads, trips, wantWrites, of.reads, wantTrips)
	}
}

// find is the only row whose name begins so and speaks of contacts, or does not.
func find(t *testing.T, counted map[string][2][3]int, begins string, contacts bool) (got [2][3]int) {
	t.Helper()
	found := 0
	for name, counts := range counted {
		if strings.HasPrefix(name, begins) && strings.Contains(name, "contacts") == contacts {
			got = counts
			found++
		}
	}
	if found != 1 {
		t.Errorf("%d rows begin with %q", found, begins)
	}
	return got
}

// guard is the table of infra/bench/units/units_test.go by name: trips, reads and writes
// of the request and behind it.
func guard(t *testing.T) map[string][2][3]int {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dynamotest.Root(), "infra", "bench", "units", "units_test.go"), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][2][3]int{}
	ast.Inspect(file, func(n ast.Node) bool {
		row, ok := n.(*ast.CompositeLit)
		if !ok || len(row.Elts) != 3 {
			return true
		}
		name, ok := row.Elts[0].(*ast.BasicLit)
		if !ok || name.Kind != token.STRING {
			return true
		}
		var counts [2][3]int
		for i := range counts {
			count, ok := row.Elts[1+i].(*ast.CompositeLit)
			if !ok {
				return true
			}
			for j, figure := range count.Elts {
				if literal, ok := figure.(*ast.BasicLit); ok && j < 3 {
					v, _ := strconv.ParseFloat(literal.Value, 64)
					counts[i][j] = int(v)
				}
			}
		}
		all[strings.Trim(name.Value, `"`)] = counts
		return true
	})
	return all
}
