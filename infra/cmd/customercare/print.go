package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// print prints data: value as JSON when --json asks for it, and rows in columns
// otherwise.
func (a *app) print(value any, rows ...[]any) error {
	if a.json {
		encoder := json.NewEncoder(a.out)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		return encoder.Encode(value)
	}
	columns := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, value := range row {
			cells[i] = cell(value)
		}
		fmt.Fprintln(columns, strings.Join(cells, "\t"))
	}
	return columns.Flush()
}

// list prints a list as print does, with its titles first. Of an empty one, which would
// be titles alone, people are told the sentence none instead.
func (a *app) list(value any, none string, rows ...[]any) error {
	if len(rows) == 1 && !a.json {
		a.tell("%s", none)
		return nil
	}
	return a.print(value, rows...)
}

// plural is, for example, "1 item is" or "2 items are".
func plural(n int, one, many string) string {
	if n == 1 {
		many = one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// cell is a value as it stands in a column; "-" is none. Another program may have stored
// a text that is not printable.
func cell(value any) string {
	text := ""
	switch v := value.(type) {
	case bool:
		text = map[bool]string{true: "yes", false: "no"}[v]
	case *time.Time:
		if v != nil && !v.IsZero() {
			text = v.UTC().Format("2006-01-02 15:04:05Z")
		}
	case *int64:
		if v != nil {
			text = fmt.Sprint(*v)
		}
	case []string:
		text = strings.Join(v, ", ")
	default:
		text = fmt.Sprint(v)
	}
	return cmp.Or(printable(text), "-")
}

// printable shows each character that would move a terminal's cursor as �.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// tell tells a person what has been done.
func (a *app) tell(format string, values ...any) { fmt.Fprintf(a.errs, format+"\n", values...) }

// bar is a progress bar when a person is watching, and nothing otherwise. What is
// written to it stands above it.
type bar struct {
	*progressbar.ProgressBar
	app *app
}

// newBar begins a bar of long work on so many bytes or items; -1 is an unknown number.
func (a *app) newBar(work string, size int64) bar {
	return bar{progressbar.NewOptions64(size,
		progressbar.OptionSetWriter(a.errs),
		progressbar.OptionSetVisibility(term.IsTerminal(int(a.errs.Fd()))),
		progressbar.OptionSetDescription(work),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
	), a}
}

func (b bar) Write(text []byte) (int, error) {
	_ = b.Clear()
	return b.app.errs.Write(text)
}
