package bench

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"

	sam "customercare/infra/local/template"
)

// The page, and the marks in README.md between which its table stands: lines of their
// own.
const (
	pageFile  = "docs/performance.md"
	beginMark = "<!-- bench -->\n"
	endMark   = "<!-- /bench -->\n"
)

// pageTexts are docs/performance.md, the README's table and the tables that are printed,
// with places for figures.
//
//go:embed *.tmpl
var pageTexts embed.FS

var pageTemplates = template.Must(template.New("").Funcs(template.FuncMap{
	"amount": amount, "digits": digits,
	"cell": func(text string) string { return strings.ReplaceAll(text, "|", `\|`) },
	// bounded is a counted figure with its bound behind it, where that is another.
	"bounded": func(ours, bound float64) string {
		if ours == bound {
			return digits(ours)
		}
		return digits(ours) + " (" + digits(bound) + ")"
	},
	"list":      func(of []string) string { return strings.Join(of, ", ") },
	"megabytes": func(n int) string { return fmt.Sprintf("%.2f MB", float64(n)/1e6) },
	"float":     func(n int) float64 { return float64(n) },
	// sealed is what an erasure costs with its part of a run that seals 100.
	"sealed": func(erasure, hundred float64) float64 { return erasure + hundred/100 },
}).ParseFS(pageTexts, "*.tmpl"))

// figures are what the pages are written from.
type figures struct {
	File
	Prices  Prices
	Counted []counted

	Sizes []Size

	functions []string // their folders
}

// Unmeasured are the functions that have no start among the figures.
func (f figures) Unmeasured() (all []string) {
	for _, folder := range f.functions {
		if _, err := f.Figure("start", folder, ""); err != nil {
			all = append(all, folder)
		}
	}
	slices.Sort(all)
	return all
}

// counted is an operation's counts with what a million calls of it cost, in USD.
type counted struct {
	Counted
	Both             Count   // of the request and behind it
	Database, Bound  float64 // DynamoDB alone: ours, and the bound's
	Ratio, All, Most float64 // of the two; with Lambda and API Gateway; the goal for Ratio
}

// costAtMost is the goal: so many times what the bound costs.
const costAtMost = 1.1

// readFigures reads them from the repository at root.
func readFigures(root string) (f figures, err error) {
	stack, err := sam.Load(filepath.Join(root, "template.yaml"), nil)
	all, countErr := ReadCounted(root)
	var sizeErr error
	f.Sizes, sizeErr = ReadSizes(root)
	var fileErr, priceErr error
	f.File, fileErr = ReadFile(filepath.Join(root, filepath.FromSlash(ResultsFile)))
	f.Prices, priceErr = ReadPrices(root)
	if err := errors.Join(err, countErr, sizeErr, fileErr, priceErr); err != nil {
		return f, err
	}
	for _, function := range stack.Functions {
		f.functions = append(f.functions, function.Folder)
	}
	for _, c := range all {
		inAll, err := f.Prices.All(c, stack)
		if err != nil {
			return f, err
		}
		both := c.Request.Plus(c.Background)
		ours, bound := f.Prices.Database(both), f.Prices.Database(c.Evident.Total())
		f.Counted = append(f.Counted, counted{c, both, ours, bound, ours / max(bound, 1e-9), inAll, costAtMost})
	}
	return f, nil
}

// pages are docs/performance.md and README.md as they are to be, by name. A README that
// has no place for its table is left out.
func pages(root string) (map[string]string, error) {
	f, err := readFigures(root)
	if err != nil {
		return nil, err
	}
	page, pageErr := text("performance.tmpl", f)
	summary, summaryErr := text("summary.tmpl", f)
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	all := map[string]string{pageFile: page}
	before, rest, begins := strings.Cut(string(readme), beginMark)
	_, after, ends := strings.Cut(rest, endMark)
	if begins && ends {
		all["README.md"] = before + beginMark + summary + endMark + after
	}
	return all, errors.Join(pageErr, summaryErr, err)
}

// WritePages writes docs/performance.md, and the table in README.md.
func WritePages(root string) error {
	all, err := pages(root)
	for name, text := range all {
		if err == nil {
			err = os.WriteFile(filepath.Join(root, filepath.FromSlash(name)), []byte(text), 0o644)
		}
	}
	return err
}

// text fills figures into one of pageTexts.
func text(name string, from any) (string, error) {
	var b strings.Builder
	err := pageTemplates.ExecuteTemplate(&b, name, from)
	return b.String(), err
}

// Figure is the figure of this name.
func (f File) Figure(table, name, against string) (Figure, error) {
	wanted := Figure{Table: table, Case: name, Against: against}
	if at := slices.IndexFunc(f.Figures, wanted.same); at >= 0 {
		return f.Figures[at], nil
	}
	return Figure{}, fmt.Errorf("there is no figure %s, %q, %q", table, name, against)
}

// Most is the figure of a table that has the largest value.
func (f File) Most(table string) Figure {
	return slices.MaxFunc(f.Table(table).Figures, func(a, b Figure) int { return cmp.Compare(a.Ours, b.Ours) })
}

// Next is the fastest library of the table of peers, among the cases that begin so; nil
// while that is not measured.
func (f File) Next(begin string) *Figure {
	var next *Figure
	for _, figure := range f.Table("peers").Figures {
		if strings.HasPrefix(figure.Case, begin) && figure.Goal != "" && (next == nil || figure.Floor > next.Floor) {
			next = &figure
		}
	}
	return next
}

// Library is which one a figure of the table of peers is about.
func (f Figure) Library() string {
	_, name, _ := strings.Cut(f.Case, ": ")
	return name
}

// weather is what bad weather left: ours, and the most that a library left, with how many
// libraries left something.
type weather struct {
	Ours, Most float64
	Libraries  int
}

// Weather is nil while it is not measured.
func (f File) Weather() *weather {
	var w *weather
	for _, figure := range f.Table("weather").Figures {
		left := 0.0
		for _, round := range figure.Also {
			left = max(left, round.Value)
		}
		switch {
		case w == nil: // ours comes first
			w = &weather{Ours: left}
		case left > 0:
			w.Libraries, w.Most = w.Libraries+1, max(w.Most, left)
		}
	}
	return w
}

// Count is what an operation of this name takes.
func (f figures) Count(name string) (counted, error) {
	if at := slices.IndexFunc(f.Counted, func(c counted) bool { return c.Name == name }); at >= 0 {
		return f.Counted[at], nil
	}
	return counted{}, fmt.Errorf("no operation %q is counted", name)
}

// shown is a table of the page. One that was not measured yet has no figures.
type shown struct {
	Table
	Measured *Measured
	Figures  []Figure
}

// Table is the table of this name.
func (f File) Table(name string) shown {
	s := shown{Table: Tables[TableNumber(name)]}
	if measured, ok := f.Measured[name]; ok {
		s.Measured = &measured
	}
	for _, figure := range f.Figures {
		if figure.Table == name {
			s.Figures = append(s.Figures, figure)
		}
	}
	return s
}

// Days are when the tables of these names were measured: a day, or the first and the
// last.
func (f File) Days(names ...string) string {
	var days []string
	for _, name := range names {
		if measured, ok := f.Measured[name]; ok {
			days = append(days, measured.When.UTC().Format(time.DateOnly))
		}
	}
	if len(days) == 0 {
		return "no day"
	}
	first, last := slices.Min(days), slices.Max(days)
	if first == last {
		return first
	}
	return first + " to " + last
}

// Tables are those that have figures.
func (f File) Tables() (all []shown) {
	for _, t := range Tables {
		if s := f.Table(t.Name); len(s.Figures) > 0 {
			all = append(all, s)
		}
	}
	return all
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
	after := 0 // the point
	if value != 0 {
		after = 2 - int(math.Floor(math.Log10(math.Abs(value))))
	}
	shown := number.Decimal(value, number.MaxFractionDigits(min(max(after, 0), 6)))
	return message.NewPrinter(language.English).Sprint(shown)
}
