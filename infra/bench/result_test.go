package bench

import (
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func whole() File {
	return File{
		Measured: map[string]Measured{
			"start": {
				When:    time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC),
				Machine: Machine{CPU: "an abacus", Cores: 2, Go: "go1.26", Engine: "dynoxide 1.2.1"},
			},
			"clients": {When: time.Date(2026, 3, 4, 9, 0, 0, 0, time.UTC), Machine: Machine{Engine: "another"}},
		},
		Figures: []Figure{
			{
				Table: "start",
				Case:  "cleanup",
				Unit:  "ms",
				Ours:  4.2,
				Floor: 3,
				Ratio: 1.4,
				Goal:  "<= 1.5x",
				Met:   true,
				Runs:  15,
			},
			{
				Table: "warm", Case: "delete-customer", Unit: "ms", Ours: 2, Floor: 1, Ratio: 2.01, Goal: "<= 1.3x",
				Runs: 5,
				Also: []Number{{"p99", 3.5, "ms"}, {"in all", 0.25, "s"}},
			},
			{
				Table:   "clients",
				Case:    "in a loop",
				Unit:    "items/s",
				Ours:    12345.6,
				Floor:   1000,
				Against: "a | b",
				Met:     true,
				Runs:    5,
			},
			{Table: "clients", Case: "nothing", Unit: "items/s", Met: true, Runs: 1},
		},
	}
}

func TestWrittenAndReadIsTheSame(t *testing.T) {
	want, name := whole(), filepath.Join(t.TempDir(), "results.json")
	if err := want.Write(name); err != nil {
		t.Fatal(err)
	}
	got, err := ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) || markdown(t, got) != markdown(t, want) {
		t.Errorf("read %+v, written %+v", got, want)
	}
}

func markdown(t *testing.T, f File) string {
	t.Helper()
	text, err := f.Markdown()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Every figure is in the table, as a reader wants to see it.
func TestMarkdown(t *testing.T) {
	text := markdown(t, whole())
	for _, want := range []string{
		"Measured on 2026-03-02: 2 cores of an abacus, go1.26, dynoxide 1.2.1 in memory.",
		"**" + Tables[0].Title + "**", "|  | ours | " + Tables[0].Against + " | ratio |",
		"| cleanup | 4.2 ms | 3 ms | 1.4x | <= 1.5x | yes | 15 |  |",
		"| delete-customer | 2 ms | 1 ms | 2.01x | <= 1.3x | **no** | 5 | p99 3.5 ms, in all 0.25 s |",
		`| in a loop | 12,346 items/s | 1,000 items/s (a \| b) | - |  |  | 5 |  |`,
		"| nothing | - | - | - |  |  | 1 |  |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s\nis not in\n%s", want, text)
		}
	}
	if strings.Contains(text, Tables[2].Title) {
		t.Error("a table without figures is shown")
	}
}

func TestDigits(t *testing.T) {
	for value, want := range map[float64]string{
		0: "0", 0.00012345: "0.000123", 0.5: "0.5", 1.005: "1", 12.34: "12.3", 123.4: "123", 999.6: "1,000",
		1234567.8: "1,234,568", 1000: "1,000",
	} {
		if got := digits(value); got != want {
			t.Errorf("%v: %s, want %s", value, got, want)
		}
	}
}

func TestCheck(t *testing.T) {
	if err := whole().Check(); err != nil {
		t.Error(err)
	}
	for name, f := range map[string]Figure{
		"no number": {Table: "warm", Case: "a", Ours: math.NaN(), Runs: 1, Met: true},
		"no end":    {Table: "warm", Case: "a", Ratio: math.Inf(1), Runs: 1, Met: true},
		"no table":  {Table: "size", Case: "a", Runs: 1, Met: true},
		"no case":   {Table: "warm", Runs: 1, Met: true},
		"no runs":   {Table: "warm", Case: "a", Met: true},
		"no goal":   {Table: "warm", Case: "a", Runs: 1},
		"also":      {Table: "warm", Case: "a", Runs: 1, Met: true, Also: []Number{{"p99", math.NaN(), "ms"}}},
	} {
		if (File{Figures: []Figure{f}}).Check() == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	twice := whole()
	twice.Figures = append(twice.Figures, Figure{Table: "clients", Case: "nothing", Ours: 7, Met: true, Runs: 2})
	if err := twice.Check(); err == nil || !strings.Contains(err.Error(), `two rows "nothing"`) {
		t.Errorf("two rows of one name: %v", err)
	}
	twice.Figures[len(twice.Figures)-1].Against = "another floor"
	if err := twice.Check(); err == nil {
		t.Error("two rows of one name beside different floors are accepted")
	}
}

// What is measured again replaces a whole table, and what comes beside it one figure.
func TestWith(t *testing.T) {
	day := time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
	got := whole().With(File{
		Measured: map[string]Measured{"clients": {When: day}},
		Figures: []Figure{
			{Table: "clients", Case: "8 at once", Ours: 5, Met: true, Runs: 1},
			{Table: "start", Case: "cleanup", Ours: 6, Met: true, Runs: 1},
		},
	})
	var names []string
	for _, f := range got.Figures {
		names = append(names, fmt.Sprint(f.Table, " ", f.Case, " ", f.Ours))
	}
	if want := "[warm delete-customer 2 clients 8 at once 5 start cleanup 6]"; fmt.Sprint(names) != want {
		t.Errorf("%v, want %s", names, want)
	}
	if got.Measured["clients"].When != day || got.Measured["start"].When != day {
		t.Errorf("%v", got.Measured)
	}
	if days := got.Days("start", "clients", "warm"); days != "2026-04-01" {
		t.Error(days)
	}
	if days := whole().Days("start", "clients", "warm"); days != "2026-03-02 to 2026-03-04" {
		t.Error(days)
	}
	if len(whole().Figures) != 4 || whole().Measured["clients"].When == day {
		t.Error("the file itself has changed")
	}
}

// The README's lines about libraries are there once they are measured.
func TestLibrariesInTheSummary(t *testing.T) {
	if f := whole(); f.Next("1000") != nil || f.Weather() != nil {
		t.Error("what was not measured is shown")
	}
	left := func(name string, rounds ...float64) Figure {
		f := Figure{Table: "weather", Case: name}
		for _, n := range rounds {
			f.Also = append(f.Also, Number{"round", n, "items"})
		}
		return f
	}
	f := File{Figures: []Figure{
		{Table: "peers", Case: "1000 transactions: the deletions alone", Floor: 9},
		{Table: "peers", Case: "1000 transactions: a", Floor: 5, Goal: ">= 1.5x"},
		{Table: "peers", Case: "2000 transactions: b", Floor: 7, Goal: ">= 1.5x"},
		left("ours", 0, 0), left("a", 0, 3), left("b", 7, 0), left("c", 0, 0),
	}}
	if next := f.Next("1000 transactions: "); next == nil || next.Library() != "a" {
		t.Errorf("%+v", next)
	}
	if w := f.Weather(); w == nil || *w != (weather{0, 7, 2}) {
		t.Errorf("%+v", w)
	}
}
