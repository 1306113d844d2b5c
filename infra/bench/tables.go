// Package bench holds the figures of a measurement and what is counted of each
// operation, and writes them into docs/performance.md and the README. `make bench`
// (infra/test/bench) measures them, infra/test/units counts.
package bench

import "slices"

// Table is one table of the page.
type Table struct {
	Name    string // in results.json and BENCH_ONLY
	Title   string // its heading
	Against string // what Floor is where a figure does not say
	Long    bool   // measured by `make bench-long` and not by `make bench`
}

// Tables are in the order of the page. `make bench` (infra/test/bench) measures each in a
// file of its own, but for memory, which the others bring.
var Tables = []Table{
	{"start", "Process start to the first question for work", "a hello with the same SDK", false},
	{"warm", "Warm invocation through the Runtime API, p50", "only the same DynamoDB calls", false},
	{"customers", "Erasing one customer, by the number of transactions", "the same deletions alone", false},
	{"numbers", "1000 numbers in one call, by the contacts of each", "the same deletions alone", false},
	{"clients", "Customers erased over HTTP, 3 transactions each", "the same deletions alone", false},
	{"peers", "Erasing one customer, beside other libraries", "the library", false},
	{"busy", "The same on a busy machine", "the library", false},
	{"weather", "The same in bad weather", "", true},
	{"bulk", "Erasing the customers of a file, 3 transactions each", "the same deletions alone", true},
	{"sealing", "Sealing statements that wait", "", true},
	{"verify", "Verifying a whole log", "reading and hashing its files", true},
	{"preview", "Preview of a large customer", "reading the same keys alone", true},
	{"memory", "Peak memory of each function under these loads", "the smallest Lambda", false},
}

// TableNumber is a table's place on the page, -1 when there is none of that name.
func TableNumber(name string) int {
	return slices.IndexFunc(Tables, func(t Table) bool { return t.Name == name })
}
