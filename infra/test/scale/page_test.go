package scale

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"customercare/infra/testkit/dynamotest"
)

// docs/scale.md has the figures of these tests in blocks between <!-- name --> and
// <!-- /name -->. UPDATE=1 writes the blocks anew.

// page is a block of it. In a table the first column is text, the others are figures.
type page struct{ strings.Builder }

func (p *page) text(format string, args ...any) { fmt.Fprintf(p, format+"\n\n", args...) }

// left in front of a column's name says that it holds text.
const left = "<"

func (p *page) head(columns ...string) {
	rule := "|---|"
	for i, column := range columns[1:] {
		name, text := strings.CutPrefix(column, left)
		if columns[1+i] = name; text {
			rule += "---|"
		} else {
			rule += "--:|"
		}
	}
	p.row(columns...)
	p.WriteString(rule + "\n")
}

func (p *page) row(cells ...string) { p.WriteString("| " + strings.Join(cells, " | ") + " |\n") }

// mark makes what is in force bold.
func mark(inForce bool, value any) string {
	if inForce {
		return fmt.Sprintf("**%v**", value)
	}
	return fmt.Sprint(value)
}

// pageOf is the page that has the block of this name.
func pageOf(name string) string {
	if name == "size" { // what somebody who deploys looks for
		return "docs/deploy.md"
	}
	return "docs/scale.md"
}

// block takes a page apart at the marks of a name, which are lines of their own; false
// where they are not there.
func block(text, name string) (before, inside, after string, ok bool) {
	begin, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->\n"
	before, rest, found := strings.Cut(text, begin)
	inside, after, closed := strings.Cut(rest, end)
	return before + begin, inside, end + after, found && closed
}

// says compares the page's block of this name with p by same, or writes it.
func (p *page) says(t *testing.T, name string, same func(is, want string) bool) {
	t.Helper()
	page := filepath.Join(dynamotest.Root(), pageOf(name))
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, is, after, ok := block(string(text), name)
	if !ok {
		t.Fatalf("%s has no place for %q", pageOf(name), name)
	}
	want := strings.TrimSpace(p.String()) + "\n"
	if os.Getenv("UPDATE") == "1" {
		if err := os.WriteFile(page, []byte(before+want+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !same(is, want) {
		t.Errorf("%s, %s: UPDATE=1 go test ./infra/test/scale writes it anew. It says\n%s\nnot\n%s", pageOf(name), name,
			is, want)
	}
}

// equals wants the page to say the very same.
func (p *page) equals(t *testing.T, name string) {
	t.Helper()
	p.says(t, name, func(is, want string) bool { return is == want })
}

// holds wants the page to say about the same, with counts that differ by at most this
// part: what the tests see depends a little on chance, which decides how long the product
// waits and who comes first.
func (p *page) holds(t *testing.T, name string, part float64) {
	t.Helper()
	p.says(t, name, func(is, want string) bool {
		shown, seen := cells(is), cells(want)
		if len(shown) != len(seen) {
			return false
		}
		for i := range shown {
			if !near(shown[i], seen[i], part) {
				t.Logf("%q is far from %q", shown[i], seen[i])
				return false
			}
		}
		return true
	})
}

func cells(table string) (all []string) {
	for _, cell := range strings.Split(table, "|") {
		all = append(all, strings.Trim(cell, " *\n"))
	}
	return all
}

// near allows 5 % of a time, and a second, which is what TestHotline allows; this part of
// anything else, and a little more.
func near(shown, seen string, part float64) bool {
	if shown == seen {
		return true
	}
	more := 30.
	a, seconds := strings.CutSuffix(shown, " s")
	b, also := strings.CutSuffix(seen, " s")
	if seconds != also {
		return false
	}
	if seconds {
		part, more = 0.05, 1
	} else if strings.Contains(seen, ".") {
		more = 0.1
	}
	x, xErr := strconv.ParseFloat(strings.ReplaceAll(a, ",", ""), 64)
	y, yErr := strconv.ParseFloat(strings.ReplaceAll(b, ",", ""), 64)
	return xErr == nil && yErr == nil && math.Abs(x-y) <= part*x+more
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

// shortly writes a duration as Go does, without its zeros: 6m, 30s.
func shortly(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}

func TestNumbersAsTheyAreRead(t *testing.T) {
	for got, want := range map[string]string{
		whole(1_234_567): "1,234,567", whole(12): "12", whole(999.6): "1,000",
		about(46.296): "46.3", about(0.5): "0.50", about(4000.2): "4,000", about(4): "4",
		shortly(6 * time.Minute): "6m", shortly(30 * time.Second): "30s", shortly(time.Hour): "1h", shortly(0): "0s",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestNear(t *testing.T) {
	for _, of := range []struct {
		shown, seen string
		want        bool
	}{
		{"20.0 s", "21.9 s", true}, {"20.0 s", "22.2 s", false}, {"20.0 s", "20.0", false},
		{"1,000", "1,170", true}, {"1,000", "1,400", false}, {"0.52", "0.60", true}, {"0.52", "0.80", false},
		{"4", "a", false}, {"a", "a", true},
	} {
		if got := near(of.shown, of.seen, 0.15); got != of.want {
			t.Errorf("%q and %q: %t", of.shown, of.seen, got)
		}
	}
}

func TestBlock(t *testing.T) {
	before, inside, after, ok := block("a\n<!-- x -->\nb\n<!-- /x -->\nc\n", "x")
	if !ok || before != "a\n<!-- x -->\n" || inside != "b\n" || after != "<!-- /x -->\nc\n" {
		t.Errorf("%q, %q, %q, %t", before, inside, after, ok)
	}
	for _, page := range []string{"", "<!-- x -->\n", "<!-- /x -->\n<!-- x -->\n", "<!-- y -->\n<!-- /y -->\n"} {
		if _, _, _, ok := block(page, "x"); ok {
			t.Errorf("%q was taken apart", page)
		}
	}
}
