package lambda

import (
	"bytes"
	"io"
	"sync"
)

// logger writes whole lines of many processes to one place, each with the name of its
// function's folder.
type logger struct {
	mu sync.Mutex
	to io.Writer
}

func (l *logger) line(folder, text string) {
	if l.to == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = io.WriteString(l.to, folder+": "+text+"\n")
}

func (l *logger) prefixed(folder string) *lines { return &lines{log: l, folder: folder} }

// lines cuts one process's output into lines.
type lines struct {
	log    *logger
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
		w.log.line(w.folder, string(line))
		w.rest = rest
	}
}

func (w *lines) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.rest) > 0 {
		w.log.line(w.folder, string(w.rest))
		w.rest = nil
	}
}
