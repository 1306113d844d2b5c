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

// table is the rows of a table of this name, "" without any.
func (f File) table(name string) string {
	var rows [][]string
	for _, figure := range f.Figures {
		if figure.Table == name {
			rows = append(rows, figure.row())
		}
	}
	if len(rows) == 0 {
		return ""
	}
	against := tables[tableNumber(name)].against
	return markdownTable([]string{"", "ours", against, "ratio", "goal", "met", "runs", "also"}, rows)
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
	return []string{f.Case, amount(f.Ours, f.Unit), floor, ratio, f.Goal, met, strconv.Itoa(f.Runs), strings.Join(also, ", ")}
}

// markdownTable has its text on the left in the first column and on the right in the others.
func markdownTable(head []string, rows [][]string) string {
	var b strings.Builder
	line := func(cells []string) {
		for _, cell := range cells {
			b.WriteString("| " + strings.ReplaceAll(cell, "|", `\|`) + " ")
		}
		b.WriteString("|\n")
	}
	line(head)
	b.WriteString("|---" + strings.Repeat("|--:", len(head)-1) + "|\n")
	for _, row := range rows {
		line(row)
	}
	return b.String()
}

// amount is a value with its unit, "-" for one that was not measured.
func amount(value float64, unit string) string {
	if value == 0 {
		return "-"
	}
	return strings.TrimSpace(digits(value) + " " + unit)
}

// digits is three significant digits, or all of a whole part that has more, in groups of three.
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
