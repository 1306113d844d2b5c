package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// bar is a progress bar when a person is watching, and nothing otherwise. What is
// written to it stands above it.
type bar struct {
	errs  io.Writer
	shown *progressbar.ProgressBar
}

// newBar begins a bar of long work on so many bytes or items; -1 is an unknown number.
func (a *app) newBar(work string, size int64) *bar {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return &bar{errs: a.errs}
	}
	return &bar{a.errs, progressbar.NewOptions64(size,
		progressbar.OptionSetWriter(a.errs),
		progressbar.OptionSetDescription(work),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
	)}
}

func (b *bar) add(n int) {
	if b.shown != nil {
		_ = b.shown.Add(n) // more than the size when a file grows: nothing to tell anybody
	}
}

func (b *bar) Write(text []byte) (int, error) {
	if b.shown != nil {
		_ = b.shown.Clear()
	}
	return b.errs.Write(text)
}

func (b *bar) finish() {
	if b.shown != nil {
		_ = b.shown.Finish()
	}
}
