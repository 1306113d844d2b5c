package bench

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	sam "customercare/infra/local/template"
	"customercare/infra/testkit/dynamotest"
)

// README.md, docs/performance.md, results.json and units.json say the same, and no table
// has two rows of one name.
func TestPagesShowTheFigures(t *testing.T) {
	root := dynamotest.Root()
	if os.Getenv("UPDATE") == "1" {
		if err := WritePages(root); err != nil {
			t.Fatal(err)
		}
	}
	f, err := readFigures(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Check(); err != nil {
		t.Error(err)
	}
	for _, table := range Tables {
		if _, measured := f.Measured[table.Name]; !measured || len(f.Table(table.Name).Figures) == 0 {
			t.Errorf("there is no figure of the table %s", table.Name)
		}
	}
	wanted, err := pages(root)
	if err != nil || len(wanted) != 2 {
		t.Fatalf("%d pages, README.md has no place for the table between %q and %q: %v", len(wanted), beginMark,
			endMark, err)
	}
	for name, want := range wanted {
		is, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		if string(is) != want {
			t.Errorf("%s does not say what %s has, UPDATE=1 go test ./infra/bench writes it:\n%s", name, ResultsFile,
				want)
		}
	}
}

// The README's table comes between the marks, and a README without them stays as it is.
func TestWritePages(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"template.yaml", ResultsFile, UnitsFile, SizesFile, "infra/bench/prices.json"} {
		text, err := os.ReadFile(filepath.Join(dynamotest.Root(), filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(root, "docs"), 0o755); err != nil {
		t.Fatal(err)
	}
	readme := filepath.Join(root, "README.md")
	written := func(text string) string {
		t.Helper()
		if err := os.WriteFile(readme, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := WritePages(root); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(readme)
		if err != nil {
			t.Fatal(err)
		}
		return string(got)
	}
	if got := written("before\n"); got != "before\n" {
		t.Errorf("a README without marks is now %q", got)
	}
	got := written("before\n" + beginMark + "old\n" + endMark + "after\n")
	if !strings.HasPrefix(got, "before\n"+beginMark+"| | ours |") || !strings.HasSuffix(got, endMark+"after\n") ||
		strings.Contains(got, "old") {
		t.Errorf("%s", got)
	}
	page, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(pageFile)))
	if err != nil || !strings.HasPrefix(string(page), "# Performance\n") {
		t.Errorf("%.100s, %v", page, err)
	}
}

func TestPrices(t *testing.T) {
	root := dynamotest.Root()
	p, err := ReadPrices(root)
	if err != nil {
		t.Fatal(err)
	}
	if p.Read == "" || p.Region == "" || len(p.Sources) == 0 {
		t.Errorf("prices without a date, region or source: %+v", p)
	}
	template, err := sam.Load(filepath.Join(root, "template.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		of   Counted
		want float64
	}{
		// A write; 5 ms of 512 MB; a request.
		{
			Counted{Function: "set-temporary-allow", ByCaller: true, Request: Count{Trips: 1, Writes: 1}},
			0.625 + 0.2 + 5000*0.5*0.0000133334 + 3.5,
		},
		// Two reads; 31 ms of 1769 MB, of which the slow hash takes 26.
		{
			Counted{Function: "authorize-operator", Request: Count{Trips: 1, Reads: 2}},
			0.25 + 0.2 + 31000*1769/1024.*0.0000133334,
		},
		// Three writes, two of the index; 5 ms; two workers with two reads in all: 10 ms.
		{
			Counted{
				Function: "clean-customer-data", ByCaller: true, Request: Count{Trips: 1, Writes: 3},
				Background: Count{Trips: 2, Reads: 2}, Workers: 2,
			},
			3*0.625 + 2*0.125 + 3*0.2 + 15000*0.5*0.0000133334 + 3.5,
		},
	} {
		if got, err := p.All(test.of, template); err != nil || math.Abs(got-test.want) > 1e-9 {
			t.Errorf("%s: %g, %v, want %g", test.of.Function, got, err, test.want)
		}
	}
	if _, err := p.All(Counted{Function: "nobody"}, template); err == nil {
		t.Error("a function that is not in the template has a price")
	}
}
