package load

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// usage is what the processes of one function hold now.
type usage struct {
	memory  int64    // resident, of the process that has most, in bytes
	sockets int      // of the process that has most
	ids     []string // of the processes
}

// inUse is the usage of every function that has a process, by the function's folder
// (Linux).
func inUse() map[string]usage {
	all := map[string]usage{}
	for _, id := range children() {
		folder, _ := os.Readlink(filepath.Join("/proc", id, "cwd")) // each runs where its binary lies
		if _, err := os.Stat(filepath.Join(folder, "bootstrap")); err != nil {
			continue
		}
		pages, _ := os.ReadFile(filepath.Join("/proc", id, "statm"))
		if fields := strings.Fields(string(pages)); len(fields) > 1 {
			n, _ := strconv.ParseInt(fields[1], 10, 64)
			u := all[filepath.Base(folder)]
			u.memory = max(u.memory, n*int64(os.Getpagesize()))
			u.sockets = max(u.sockets, socketsOf(id))
			u.ids = append(u.ids, id)
			all[filepath.Base(folder)] = u
		}
	}
	return all
}

// socketsOf counts the sockets that a process has open (Linux).
func socketsOf(id string) (n int) {
	descriptors, _ := filepath.Glob(filepath.Join("/proc", id, "fd", "*"))
	for _, d := range descriptors {
		if to, _ := os.Readlink(d); strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}

// watch sees what is in use in the steady phase: soon after its start, in the middle, at
// its end.
func watch(ctx context.Context, warmUp, steady time.Duration) (seen []map[string]usage) {
	for _, wait := range []time.Duration{warmUp + steady/6, steady / 3, steady / 2} {
		select {
		case <-ctx.Done():
			return seen
		case <-time.After(wait):
			seen = append(seen, inUse())
		}
	}
	return seen
}

// moments of what watch and the end of the run have seen.
var moments = []string{"start", "middle", "end", "after all"}

// alarms keeps those of the stack's log lines that no load may bring about: a panic,
// recovered or not, and a process that ended or was ended. It is an io.Writer.
type alarms struct {
	mu    sync.Mutex
	rest  []byte // of a line whose end is not written yet
	lines []string
}

var alarming = []string{`"msg":"panic"`, "Runtime exited", "timed out after"}

func (a *alarms) Write(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.rest = append(a.rest, p...)
	for {
		line, rest, whole := bytes.Cut(a.rest, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		for _, sign := range alarming {
			if bytes.Contains(line, []byte(sign)) {
				a.lines = append(a.lines, string(line))
				break
			}
		}
		a.rest = append([]byte(nil), rest...)
	}
}

// heard are the lines so far.
func (a *alarms) heard() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]string(nil), a.lines...)
}
