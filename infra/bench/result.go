package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"time"
)

// Figure is one line of a table. A figure of 0 was not measured and is shown as "-".
type Figure struct {
	Table   string   `json:"table"` // its name, see Tables
	Case    string   `json:"case"`  // "delete-customer", "1000 transactions", "8 clients"
	Unit    string   `json:"unit"`  // of Ours and Floor: "ms", "MB", "items/s"
	Ours    float64  `json:"ours"`
	Floor   float64  `json:"floor,omitzero"`   // what it is compared with
	Against string   `json:"against,omitzero"` // what Floor is; "": what the table says
	Ratio   float64  `json:"ratio,omitzero"`   // Ours to Floor, the median of the runs' own ratios
	Goal    string   `json:"goal,omitzero"`    // "<= 1.5x"; "" where there is none
	Met     bool     `json:"met"`              // true where there is no goal
	Runs    int      `json:"runs"`             // interleaved pairs
	Also    []Number `json:"also,omitempty"`   // other figures of the same case, such as the p99
	Said    string   `json:"said,omitzero"`    // what a library said, where that matters
}

// Number is a named figure with its unit, as "p99" 1.2 "ms".
type Number struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
}

// Measured is when a table was measured, and on what.
type Measured struct {
	When    time.Time `json:"when"`
	Machine Machine   `json:"machine"`
}

// File is results.json: the figures of every table, and of each table, by its name, when
// and on what it was measured.
type File struct {
	Measured map[string]Measured `json:"measured"`
	Figures  []Figure            `json:"figures"`
}

// With is f with the tables that newer has measured in place of its own. A figure of
// another table, such as the memory that a measurement brings, replaces the one of its
// name.
func (f File) With(newer File) File {
	old := slices.DeleteFunc(slices.Clone(f.Figures), func(figure Figure) bool {
		_, again := newer.Measured[figure.Table]
		return again || slices.ContainsFunc(newer.Figures, figure.same)
	})
	both := File{Measured: maps.Clone(f.Measured), Figures: append(old, newer.Figures...)}
	if both.Measured == nil {
		both.Measured = map[string]Measured{}
	}
	maps.Copy(both.Measured, newer.Measured)
	for _, figure := range newer.Figures {
		if _, own := newer.Measured[figure.Table]; own {
			continue
		}
		for _, beside := range newer.Measured {
			both.Measured[figure.Table] = beside
		}
	}
	return both
}

// ReadFile reads the file called name.
func ReadFile(name string) (f File, err error) {
	err = readJSON(name, &f)
	return f, err
}

func readJSON(name string, into any) error {
	text, err := os.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	return err
}

// Write writes the file called name.
func (f File) Write(name string) error {
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(text, '\n'), 0o644)
}

// Markdown is all tables that have figures, and what they were measured on.
func (f File) Markdown() (string, error) { return text("tables.tmpl", f) }

// ResultsFile has the figures, from the repository's root.
const ResultsFile = "infra/bench/results.json"

// AtMost gives the figure with a goal for its ratio, such as "<= 1.3x".
func (f Figure) AtMost(ratio float64) Figure {
	f.Goal, f.Met = fmt.Sprintf("<= %gx", ratio), f.Ratio <= ratio
	return f
}

// AtLeast does the same for a ratio that is to be reached, such as ">= 0.95x".
func (f Figure) AtLeast(ratio float64) Figure {
	f.Goal, f.Met = fmt.Sprintf(">= %gx", ratio), f.Ratio >= ratio
	return f
}

// same says whether both stand in one table under one name.
func (f Figure) same(other Figure) bool { return f.Table == other.Table && f.Case == other.Case }

// Check returns an error for every figure that cannot be shown, and for two of one name
// in one table.
func (f File) Check() error {
	var faults []error
	for i, figure := range f.Figures {
		numbers := []float64{figure.Ours, figure.Floor, figure.Ratio}
		for _, also := range figure.Also {
			numbers = append(numbers, also.Value)
		}
		noNumber := slices.ContainsFunc(numbers, func(n float64) bool { return math.IsNaN(n) || math.IsInf(n, 0) })
		unnamed := TableNumber(figure.Table) < 0 || figure.Case == ""
		if noNumber || unnamed || figure.Runs < 1 || figure.Goal == "" && !figure.Met {
			faults = append(faults, fmt.Errorf("%s has a row that cannot be shown: %+v", figure.Table, figure))
		}
		if slices.ContainsFunc(f.Figures[:i], figure.same) {
			faults = append(faults, fmt.Errorf("%s has two rows %q", figure.Table, figure.Case))
		}
	}
	return errors.Join(faults...)
}
