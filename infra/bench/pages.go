package bench

import (
	"embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	sam "customercare/infra/local/template"
)

// The page, and the marks in README.md between which its table stands: lines of their
// own.
const (
	pageFile  = "docs/performance.md"
	beginMark = "<!-- bench -->\n"
	endMark   = "<!-- /bench -->\n"
)

// pageTexts are docs/performance.md and the README's table with places for figures.
//
//go:embed performance.tmpl summary.tmpl
var pageTexts embed.FS

// figures are what the pages are written from.
type figures struct {
	File
	Prices  Prices
	Counted []counted
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
	var fileErr, priceErr error
	f.File, fileErr = ReadFile(filepath.Join(root, filepath.FromSlash(resultsFile)))
	f.Prices, priceErr = ReadPrices(root)
	if err := errors.Join(err, countErr, fileErr, priceErr); err != nil {
		return f, err
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
	page, pageErr := f.text("performance.tmpl")
	summary, summaryErr := f.text("summary.tmpl")
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

// text fills the figures into one of pageTexts.
func (f figures) text(name string) (string, error) {
	all, err := template.New("").Funcs(template.FuncMap{
		"measured": f.measured, "table": f.table, "figure": f.find, "most": f.most, "counted": f.counted,
		"title":  func(name string) string { return tables[tableNumber(name)].title },
		"amount": amount, "digits": digits,
		// bounded is a counted figure with its bound behind it, where that is another.
		"bounded": func(ours, bound float64) string {
			if ours == bound {
				return digits(ours)
			}
			return digits(ours) + " (" + digits(bound) + ")"
		},
		"float": func(n int) float64 { return float64(n) },
	}).ParseFS(pageTexts, "*.tmpl")
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = all.ExecuteTemplate(&b, name, f)
	return b.String(), err
}

// find is the figure of this name.
func (f figures) find(table, name, against string) (Figure, error) {
	for _, figure := range f.Figures {
		if figure.same(Figure{Table: table, Case: name, Against: against}) {
			return figure, nil
		}
	}
	return Figure{}, fmt.Errorf("there is no figure %s, %q, %q", table, name, against)
}

// most is the figure of a table that has the largest value.
func (f figures) most(table string) (largest Figure) {
	for _, figure := range f.Figures {
		if figure.Table == table && figure.Ours > largest.Ours {
			largest = figure
		}
	}
	return largest
}

// counted is what an operation of this name takes.
func (f figures) counted(name string) (counted, error) {
	for _, c := range f.Counted {
		if c.Name == name {
			return c, nil
		}
	}
	return counted{}, fmt.Errorf("no operation %q is counted", name)
}
