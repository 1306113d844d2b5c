package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"customercare/infra/bench/result"
)

const (
	picturesIn  = "infra/bench" // as seen from the README
	resultsFile = "results.json"
	beginMark   = "<!-- bench: written by make bench -->"
	endMark     = "<!-- /bench -->"
)

// write puts a run into the files. Of a run of some tables, the others stay as the files have them, if they were measured on
// the same machine.
func write(root string, run result.File, tables []int, part bool, out io.Writer) error {
	dir := filepath.Join(root, filepath.FromSlash(picturesIn))
	name := filepath.Join(dir, resultsFile)
	if part {
		whole, err := result.Read(name)
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		if err == nil && whole.Machine != run.Machine {
			return fmt.Errorf("%s is of %s: figures of this machine do not go with it", resultsFile, whole.Machine)
		}
		whole.Put(tables, result.Measured{Figures: run.Figures, Curves: run.Curves})
		whole.When, whole.Machine = run.When, run.Machine
		run = whole
	}
	if err := run.Write(name); err != nil {
		return err
	}
	if err := drawn(dir, run); err != nil {
		return err
	}
	readme := filepath.Join(root, "README.md")
	text, err := os.ReadFile(readme)
	if err != nil {
		return err
	}
	replaced, ok := replace(string(text), run.Markdown(picturesIn))
	if !ok {
		fmt.Fprintf(out, "README.md has no place for the tables: no %s followed by %s\n", beginMark, endMark)
		return nil
	}
	return os.WriteFile(readme, []byte(replaced), 0o644)
}

// drawn leaves in dir the pictures of a run, and no picture that is none of its.
func drawn(dir string, run result.File) error {
	old, err := filepath.Glob(filepath.Join(dir, "*.svg"))
	if err != nil {
		return err
	}
	for _, name := range old {
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	for _, p := range result.Pictures(run.Curves) {
		svg, err := p.SVG()
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, p.File()), svg, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// block is what stands between the marks, which are lines of their own; false without them.
func block(text string) (before, inside, after string, ok bool) {
	before, rest, begins := strings.Cut(text, beginMark+"\n")
	inside, after, ends := strings.Cut(rest, endMark)
	return before, inside, after, begins && ends
}

// replace puts tables between the marks of a text; false without them.
func replace(text, tables string) (string, bool) {
	before, _, after, ok := block(text)
	if !ok {
		return text, false
	}
	return before + beginMark + "\n" + tables + endMark + after, true
}
