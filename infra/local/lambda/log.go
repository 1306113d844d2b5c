package lambda

import (
	"bytes"
	"fmt"
	"io"
	"sync"
)

// lines writes one process's output to a log as whole lines, "folder: line".
type lines struct {
	to     io.Writer
	folder string
	mu     sync.Mutex
	rest   []byte // the line that has not ended yet
}

func (w *lines) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest = append(w.rest, p...)
	for {
		line, rest, found := bytes.Cut(w.rest, []byte("\n"))
		if !found {
			return len(p), nil
		}
		fmt.Fprintf(w.to, "%s: %s\n", w.folder, line)
		w.rest = rest
	}
}

// flush writes the last line of a process that has ended, if it did not end the line.
func (w *lines) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.rest) > 0 {
		fmt.Fprintf(w.to, "%s: %s\n", w.folder, w.rest)
		w.rest = nil
	}
}
