package result

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"time"
)

// File is results.json: a whole run, and what its tables and pictures are made of.
type File struct {
	When    time.Time `json:"when"`
	Machine Machine   `json:"machine"`
	Figures []Figure  `json:"figures"`
	Curves  []Curve   `json:"curves"`
}

// Read reads the file called name.
func Read(name string) (f File, err error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return f, err
	}
	if err := json.Unmarshal(text, &f); err != nil {
		return f, fmt.Errorf("%s: %w", name, err)
	}
	return f, nil
}

// Write writes the file called name.
func (f File) Write(name string) error {
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(text, '\n'), 0o644)
}

// Put takes what was measured of the tables in place of what the file had of them.
func (f *File) Put(tables []int, m Measured) {
	f.Figures = slices.DeleteFunc(f.Figures, func(old Figure) bool { return slices.Contains(tables, old.Table) })
	f.Curves = slices.DeleteFunc(f.Curves, func(old Curve) bool {
		return slices.ContainsFunc(m.Curves, func(c Curve) bool { return c.Picture == old.Picture && c.Name == old.Name })
	})
	f.Add(tables, m)
}

// Add takes what was measured of the tables besides what the file has of them.
func (f *File) Add(tables []int, m Measured) {
	for _, figure := range m.Figures {
		if slices.Contains(tables, figure.Table) {
			f.Figures = append(f.Figures, figure)
		}
	}
	slices.SortStableFunc(f.Figures, func(a, b Figure) int { return a.Table - b.Table })
	for _, c := range m.Curves {
		// One curve may come from several measurements, from left to right.
		at := slices.IndexFunc(f.Curves, func(known Curve) bool { return known.Picture == c.Picture && known.Name == c.Name })
		if at < 0 {
			f.Curves = append(f.Curves, c)
			continue
		}
		f.Curves[at].X, f.Curves[at].Y = append(f.Curves[at].X, c.X...), append(f.Curves[at].Y, c.Y...)
	}
	slices.SortStableFunc(f.Curves, func(a, b Curve) int { return strings.Compare(a.Picture, b.Picture) })
}

// Markdown is the tables and the pictures, which lie in the folder called pictures, and what they were measured on.
func (f File) Markdown(pictures string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Measured on %s: %s.\n\n%s", f.When.UTC().Format(time.DateOnly), f.Machine, Markdown(f.Figures))
	for _, p := range Pictures(f.Curves) {
		fmt.Fprintf(&b, "![%s](%s/%s)\n", p.Title, pictures, p.File())
	}
	return b.String()
}

// Check refuses what no measurement can yield, which would be shown as if it were one.
func (m Measured) Check() error {
	var errs []error
	for _, f := range m.Figures {
		if f.Table < 1 || f.Table > len(Titles) {
			errs = append(errs, fmt.Errorf("%s is of table %d", f.Case, f.Table))
		}
		if f.Case == "" || f.Runs < 1 || f.Goal == "" && !f.Met {
			errs = append(errs, fmt.Errorf("table %d: %q has no case, no runs or misses no goal", f.Table, f.Case))
		}
		values := []float64{f.Ours, f.Floor, f.Ratio}
		for _, n := range f.Also {
			values = append(values, n.Value)
		}
		if slices.ContainsFunc(values, bad) {
			errs = append(errs, fmt.Errorf("table %d: %s is %v", f.Table, f.Case, values))
		}
	}
	for _, c := range m.Curves {
		if c.Picture == "" || c.Name == "" || len(c.X) == 0 || len(c.X) != len(c.Y) ||
			slices.ContainsFunc(c.X, bad) || slices.ContainsFunc(c.Y, bad) {
			errs = append(errs, fmt.Errorf("curve %q of picture %q: %v, %v", c.Name, c.Picture, c.X, c.Y))
		}
	}
	return errors.Join(errs...)
}

func bad(value float64) bool { return math.IsNaN(value) || math.IsInf(value, 0) || value < 0 }
