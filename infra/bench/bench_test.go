package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"customercare/infra/bench/result"
)

// The README, results.json and the pictures are of one run, and as they would be written today.
func TestReadmeShowsTheLatestRun(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, shown, _, ok := block(string(text))
	if !ok {
		t.Skip("README.md has no place for the tables yet")
	}
	run, err := result.Read(resultsFile)
	if err != nil {
		t.Fatal(err)
	}
	if shown != run.Markdown(picturesIn) {
		t.Errorf("README.md and %s do not say the same: run make bench. The file says:\n%s", resultsFile, run.Markdown(picturesIn))
	}
	if err := (result.Measured{Figures: run.Figures, Curves: run.Curves}).Check(); err != nil {
		t.Error(err)
	}
	var wanted []string
	for _, p := range result.Pictures(run.Curves) {
		wanted = append(wanted, p.File())
		want, err := p.SVG()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(p.File()); err != nil || string(got) != string(want) {
			t.Errorf("%s is not the picture of %s (%v)", p.File(), resultsFile, err)
		}
	}
	if found, _ := filepath.Glob("*.svg"); !slices.Equal(found, wanted) {
		t.Errorf("there are the pictures %v, not %v", found, wanted)
	}
	for table := range len(result.Titles) {
		if !slices.ContainsFunc(run.Figures, func(f result.Figure) bool { return f.Table == table+1 }) {
			t.Errorf("there is no figure of table %d", table+1)
		}
	}
}

func aRun(cases ...string) result.File {
	run := result.File{When: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), Machine: result.Machine{CPU: "one"}}
	for i, name := range cases {
		run.Figures = append(run.Figures, result.Figure{Table: i + 1, Case: name, Ours: 1, Unit: "ms", Met: true, Runs: 1})
		run.Curves = append(run.Curves, result.Curve{Picture: name, Name: name, X: []float64{1, 2}, Y: []float64{1, 2}})
	}
	return run
}

// A whole run takes the place of what was there; a part of one leaves the other tables, on the same machine.
func TestWrite(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "infra", "bench")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	readme := filepath.Join(root, "README.md")
	put := func(text string) {
		t.Helper()
		if err := os.WriteFile(readme, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	look := func(want ...string) string {
		t.Helper()
		text, _ := os.ReadFile(readme)
		pictures, _ := filepath.Glob(filepath.Join(dir, "*.svg"))
		var names []string
		for _, p := range pictures {
			names = append(names, strings.TrimSuffix(filepath.Base(p), ".svg"))
		}
		if !slices.Equal(names, want) {
			t.Errorf("the pictures are %v, want %v", names, want)
		}
		return string(text)
	}
	var said strings.Builder
	put("before\n")
	if err := write(root, aRun("a", "b"), []int{1, 2}, false, &said); err != nil || !strings.Contains(said.String(), "no place") {
		t.Errorf("%v, %q", err, said.String())
	}
	if look("a", "b") != "before\n" {
		t.Error("a README without marks was written")
	}
	put("before\n" + beginMark + "\nold\n" + endMark + "\nafter\n")
	part := aRun("c")
	part.Figures[0].Ours = 2
	if err := write(root, part, []int{1}, true, &said); err != nil {
		t.Fatal(err)
	}
	text := look("a", "b", "c")
	for _, want := range []string{"before\n" + beginMark + "\nMeasured on 2026-03-02", "| c | 2 ms |", "| b | 1 ms |", endMark + "\nafter\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if strings.Contains(text, "| a |") || strings.Contains(text, "old") {
		t.Errorf("what was measured anew is still there:\n%s", text)
	}
	elsewhere := aRun("d")
	elsewhere.Machine.CPU = "another"
	if err := write(root, elsewhere, []int{1}, true, &said); err == nil || look("a", "b", "c") != text {
		t.Errorf("figures of two machines were mixed: %v", err)
	}
	if err := write(root, elsewhere, []int{1}, false, &said); err != nil || strings.Contains(look("d"), "| b |") {
		t.Errorf("a whole run did not replace the one before: %v", err)
	}
}

func TestTables(t *testing.T) {
	if all, err := tables(""); err != nil || all != nil {
		t.Errorf("%v, %v", all, err)
	}
	if all, err := tables("1, 10"); err != nil || !slices.Equal(all, []int{1, 10}) {
		t.Errorf("%v, %v", all, err)
	}
	for _, list := range []string{"0", "11", "a", "1,", "1 2"} {
		if all, err := tables(list); err == nil {
			t.Errorf("%q is %v", list, all)
		}
	}
}
