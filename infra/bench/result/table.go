package result

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Title is what a table is about.
type Title struct {
	What    string // is measured
	Against string // what Floor is, where a figure does not say otherwise
}

// Titles are the tables in their order; the first is table 1.
var Titles = []Title{
	{"Process start to first poll of the Runtime API", "a bare `lambda.Start`"},
	{"Binary size", "the same bare `lambda.Start`"},
	{"DynamoDB round trips and consumed units of one call", "the lower bound"},
	{"Warm invocation through the Runtime API, p50", "only the same DynamoDB calls"},
	{"Erasing one customer, by the number of transactions", "the same number of batch streams"},
	{"1000 numbers in one call, by the contacts of each", "the same deletions alone"},
	{"Customers erased over HTTP on the whole local stack, 3 transactions each", "only the same DynamoDB calls"},
	{"The same 100,000-item erasure written the usual way", "the usual way"},
	{"Peak memory of each function under the loads above", "what it is given"},
	{"Cost on AWS of a million calls", "the lower bound"},
}

// Markdown is a table of the figures for each number in them, in order, with its notes below.
func Markdown(figures []Figure) string {
	var b strings.Builder
	for n, title := range Titles {
		var of []Figure
		for _, f := range figures {
			if f.Table == n+1 {
				of = append(of, f)
			}
		}
		if len(of) > 0 {
			fmt.Fprintf(&b, "**%d. %s**\n\n", n+1, title.What)
			fmt.Fprintf(&b, "| | ours | %s | ratio | goal | met | runs | also |\n", title.Against)
			b.WriteString("|---|--:|--:|--:|---|---|--:|---|\n")
			for _, f := range of {
				b.WriteString(f.row())
			}
			b.WriteString("\n" + notes(of))
		}
	}
	return b.String()
}

func (f Figure) row() string {
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
	cells := []string{f.Case, amount(f.Ours, f.Unit), floor, ratio, f.Goal, met, strconv.Itoa(f.Runs), strings.Join(also, ", ")}
	for i, cell := range cells {
		cells[i] = strings.ReplaceAll(cell, "|", `\|`)
	}
	return "| " + strings.Join(cells, " | ") + " |\n"
}

// notes are one line for each note, after the cases that it is about.
func notes(figures []Figure) string {
	var order []string
	cases := map[string][]string{}
	for _, f := range figures {
		if f.Note == "" {
			continue
		}
		if cases[f.Note] == nil {
			order = append(order, f.Note)
		}
		if !slices.Contains(cases[f.Note], f.Case) {
			cases[f.Note] = append(cases[f.Note], f.Case)
		}
	}
	var b strings.Builder
	for _, note := range order {
		about := strings.Join(cases[note], ", ") + ": "
		if len(cases[note]) == len(figures) && len(figures) > 1 {
			about = "" // it is about all
		}
		fmt.Fprintf(&b, "- %s%s\n", about, note)
	}
	if len(order) > 0 {
		b.WriteString("\n")
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
	negative := strings.HasPrefix(whole, "-")
	whole = strings.TrimPrefix(whole, "-")
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + "," + whole[at:]
	}
	if negative {
		whole = "-" + whole
	}
	if fraction != "" {
		whole += "." + fraction
	}
	return whole
}
