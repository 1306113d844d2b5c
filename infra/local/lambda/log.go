package lambda

import (
	"bytes"
	"fmt"
	"io"
)

// lines writes one process's output to a log as whole lines, "folder: line". os/exec
// writes what is stdout and stderr at once from one goroutine only.
type lines struct {
	to     io.Writer
	folder string
	rest   []byte // the line that has not ended yet
}

func (w *lines) Write(p []byte) (int, error) {
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
	if len(w.rest) > 0 {
		fmt.Fprintf(w.to, "%s: %s\n", w.folder, w.rest)
	}
}
