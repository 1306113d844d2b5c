package bench

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Markdown is all tables that have figures, and what they were measured on.
func (f File) Markdown() string {
	text := f.measured() + "\n\n"
	for _, t := range tables {
		if rows := f.table(t.name); rows != "" {
			text += "**" + t.title + "**\n\n" + rows + "\n"
		}
	}
	return text
}

// measured is when and on what.
func (f File) measured() string {
	return fmt.Sprintf("Measured on %s: %s.", f.When.UTC().Format("2006-01-02"), f.Machine)
}

// table is the rows of a table of this name, "" without any. Text is on the left in the
// first column and on the right in the others.
func (f File) table(name string) string {
	against := tables[tableNumber(name)].against
	text := "|  | ours | " + against + " | ratio | goal | met | runs | also |\n|---|--:|--:|--:|--:|--:|--:|--:|\n"
	head := len(text)
	for _, figure := range f.Figures {
		if figure.Table == name {
			for _, cell := range figure.row() {
				text += "| " + strings.ReplaceAll(cell, "|", `\|`) + " "
			}
			text += "|\n"
		}
	}
	if len(text) == head {
		return ""
	}
	return text
}

func (f Figure) row() []string {
	floor := amount(f.Floor, f.Unit)
	if f.Against != "" {
		floor += " (" + f.Against + ")"
	}
	ratio, met := "-", ""
	if f.Ratio != 0 {
		ratio = digits(f.Ratio) + "x"
	}
	if f.Goal != "" {
		met = "**no**"
		if f.Met {
			met = "yes"
		}
	}
	also := make([]string, len(f.Also))
	for i, n := range f.Also {
		also[i] = n.Name + " " + strings.TrimSpace(digits(n.Value)+" "+n.Unit)
	}
	runs := strconv.Itoa(f.Runs)
	return []string{f.Case, amount(f.Ours, f.Unit), floor, ratio, f.Goal, met, runs, strings.Join(also, ", ")}
}

// amount is a value with its unit, "-" for one that was not measured.
func amount(value float64, unit string) string {
	if value == 0 {
		return "-"
	}
	return strings.TrimSpace(digits(value) + " " + unit)
}

// digits is three significant digits, or all of a whole part that has more, in groups of
// three.
func digits(value float64) string {
	if value == 0 {
		return "0"
	}
	after := 2 - int(math.Floor(math.Log10(math.Abs(value))))
	text := strconv.FormatFloat(value, 'f', min(max(after, 0), 6), 64)
	whole, fraction, _ := strings.Cut(text, ".")
	fraction = strings.TrimRight(fraction, "0")
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + "," + whole[at:]
	}
	if fraction != "" {
		whole += "." + fraction
	}
	return whole
}
