package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// table writes Markdown: the first column is text, the others are figures.
type table struct{ strings.Builder }

func (t *table) heading(text string) { fmt.Fprintf(t, "\n### %s\n\n", text) }

func (t *table) text(format string, args ...any) { fmt.Fprintf(t, format+"\n\n", args...) }

// left marks the columns after the first that hold text.
const left = "<"

func (t *table) head(columns ...string) {
	rule := "|---|"
	for i, column := range columns[1:] {
		name, text := strings.CutPrefix(column, left)
		if columns[1+i] = name; text {
			rule += "---|"
		} else {
			rule += "--:|"
		}
	}
	t.row(columns...)
	t.WriteString(rule + "\n")
}

func (t *table) row(cells ...string) { t.WriteString("| " + strings.Join(cells, " | ") + " |\n") }

// clockTime is minutes and seconds.
func clockTime(d time.Duration) string {
	s := int64(d.Round(time.Second) / time.Second)
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// whole writes a number with commas.
func whole[N int | int64 | float64](n N) string {
	text := strconv.FormatFloat(math.Round(float64(n)), 'f', -1, 64)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// about writes a number with two or three figures.
func about(n float64) string {
	switch {
	case n >= 100:
		return whole(n)
	case n >= 10:
		return strconv.FormatFloat(n, 'f', 1, 64)
	case n == math.Trunc(n):
		return whole(n)
	}
	return strconv.FormatFloat(n, 'f', 2, 64)
}

// seconds writes a duration of the template or the code as Go does, without its zeros: 6m, 30s.
func seconds(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}
