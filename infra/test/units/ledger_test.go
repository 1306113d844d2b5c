package units

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"customercare/infra/bench"
	"customercare/infra/testkit/dynamotest"
)

// The tables of docs/ledger.md about what an erasure writes add up, to what was counted
// and to its bound.
func TestLedgerPage(t *testing.T) {
	root := dynamotest.Root()
	page, err := os.ReadFile(filepath.Join(root, "docs", "ledger.md"))
	if err != nil {
		t.Fatal(err)
	}
	counted, err := bench.ReadCounted(root)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for _, op := range counted {
		want[op.Name] = figures(op.Request.Plus(op.Background).Writes, op.Evident.Total().Writes)
	}
	for operation, names := range map[string][]string{
		"3": {"3: 3 transactions", "3: 25 transactions", "3: 1000 transactions"},
		"4": {"4: 1 number", "4: 10 numbers", "4: 1000 numbers"},
	} {
		_, table, found := strings.Cut(string(page), "\n| operation "+operation+" |")
		table, _, _ = strings.Cut(table, "\n\n")
		if !found {
			t.Fatalf("no table of operation %s", operation)
		}
		rows := strings.Split(table, "\n")[2:]
		for column, name := range names {
			ours, bound, said := 0., 0., ""
			for _, row := range rows {
				cells := strings.Split(row, "|")
				said = strings.ReplaceAll(strings.TrimSpace(cells[3+column]), ",", "")
				o, b := parse(t, said)
				if strings.TrimSpace(cells[1]) == "all" {
					break
				}
				ours, bound = ours+o, bound+b
			}
			if sum := figures(ours, bound); said != sum || said != want[name] {
				t.Errorf("%s: the page says %s, its rows add up to %s, counted was %s", name, said, sum, want[name])
			}
		}
	}
}

// figures is ours, with the bound in parentheses where it is less.
func figures(ours, bound float64) string {
	if ours == bound {
		return fmt.Sprint(ours)
	}
	return fmt.Sprintf("%g (%g)", ours, bound)
}

var cell = regexp.MustCompile(`^([0-9]+)(?: \(([0-9]+)\))?$`)

// parse reads what figures has written.
func parse(t *testing.T, said string) (ours, bound float64) {
	t.Helper()
	parts := cell.FindStringSubmatch(said)
	if parts == nil {
		t.Fatalf("%q is no figure", said)
	}
	ours, _ = strconv.ParseFloat(parts[1], 64)
	if bound = ours; parts[2] != "" {
		bound, _ = strconv.ParseFloat(parts[2], 64)
	}
	return ours, bound
}
