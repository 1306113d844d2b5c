package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"customercare/infra/local/template"
)

// TestPage: the page says what the program says.
func TestPage(t *testing.T) {
	want, err := figures(root)
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(root, pageName))
	if err != nil {
		t.Fatal(err)
	}
	_, got, _, err := split(string(page))
	if err != nil {
		t.Fatal(err)
	}
	if got == want {
		return
	}
	lines := strings.Split(got, "\n")
	for i, line := range strings.Split(want, "\n") {
		if i >= len(lines) || lines[i] != line {
			t.Fatalf("%s is not up to date: go run ./infra/bench/throttle -write\nthe program says %q", pageName, line)
		}
	}
	t.Fatalf("%s has lines that the program does not say", pageName)
}

// TestMovers: what is said to move a wall is there to be moved.
func TestMovers(t *testing.T) {
	c := reading(t)
	read, err := template.Load(filepath.Join(root, "template.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	resources, err := template.Resources(filepath.Join(root, "template.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{"MemorySize": true, "WarmThroughput": true} // properties of AWS
	for name := range read.Parameters {
		known[name] = true
	}
	for _, r := range resources {
		known[r.ID] = true
	}
	s := source{root, nil}
	names := 0
	for _, w := range c.walls() {
		for _, name := range regexp.MustCompile("`([A-Za-z]+)`").FindAllStringSubmatch(w.moves, -1) {
			names++
			_, erasure := s.value("shared/erasure", name[1])
			_, store := s.value("shared/store", name[1])
			_, cleanup := s.value("functions/cleanup", name[1])
			if !known[name[1]] && erasure != nil && store != nil && cleanup != nil {
				t.Errorf("%s: there is no %s", w.what, name[1])
			}
		}
	}
	if names < 10 {
		t.Errorf("only %d names were found", names)
	}
}

func TestSplit(t *testing.T) {
	before, figures, after, err := split("a\n" + begin + "b\n" + end + "c\n")
	if err != nil || before != "a\n"+begin || figures != "b\n" || after != end+"c\n" {
		t.Errorf("%q, %q, %q, %v", before, figures, after, err)
	}
	for _, page := range []string{"", begin, end + begin} {
		if _, _, _, err := split(page); err == nil {
			t.Errorf("%q was taken apart", page)
		}
	}
}

func TestNumbersAsTheyAreRead(t *testing.T) {
	for got, want := range map[string]string{
		whole(1_234_567): "1,234,567", whole(12): "12", whole(999.6): "1,000", about(46.296): "46.3", about(0.5): "0.50", about(4000.2): "4,000", about(4): "4",
		seconds(6 * 60e9): "6m", seconds(30e9): "30s", seconds(3600e9): "1h", seconds(0): "0s", clockTime(999.6e9): "16:40", clockTime(59e9): "0:59",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
