package main

import (
	"fmt"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// bar is a progress bar when a person is watching, and nothing otherwise.
type bar struct{ shown *progressbar.ProgressBar }

func newBar(file *os.File) *bar {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return &bar{}
	}
	size := int64(-1) // unknown: a spinner
	if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
		size = info.Size()
	}
	return &bar{progressbar.NewOptions64(size,
		progressbar.OptionSetWriter(os.Stderr),
		progressbar.OptionSetDescription("importing"),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
	)}
}

func (b *bar) add(bytes int) {
	if b.shown != nil {
		_ = b.shown.Add(bytes) // more than the file's size when it grows: nothing to tell anybody
	}
}

// report prints a line that was not loaded, above the bar.
func (b *bar) report(line int, sentence string) {
	if b.shown != nil {
		_ = b.shown.Clear()
	}
	fmt.Fprintf(os.Stderr, "line %d: %s\n", line, sentence)
}

func (b *bar) finish() {
	if b.shown != nil {
		_ = b.shown.Finish()
	}
}
