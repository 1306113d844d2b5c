package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// print prints data: value as JSON when --json asks for it, and rows in columns
// otherwise.
func (a *app) print(value any, rows [][]string) error {
	if a.json {
		encoder := json.NewEncoder(a.out)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		return encoder.Encode(value)
	}
	columns := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(columns, strings.Join(row, "\t"))
	}
	return columns.Flush()
}

// tell tells a person what has been done.
func (a *app) tell(format string, values ...any) { fmt.Fprintf(a.errs, format+"\n", values...) }

// yes, when, number and join are a value as it stands in a column; "-" is none.
func yes(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

func when(at *time.Time) string {
	if at == nil || at.IsZero() {
		return "-"
	}
	return at.UTC().Format("2006-01-02 15:04:05Z")
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

func join(all []string) string { return cmp.Or(strings.Join(all, ", "), "-") }
