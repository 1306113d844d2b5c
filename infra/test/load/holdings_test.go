package load

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// holdings are what this program has open: goroutines by where they were started,
// sockets, child processes. Sockets and children are counted on Linux only.
type holdings struct {
	goroutines        map[string]int
	sockets, children int
}

func hold() holdings {
	h := holdings{goroutines: map[string]int{}}
	stacks := make([]byte, 16<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for stack := range bytes.SplitSeq(stacks, []byte("\n\n")) {
		_, maker, _ := bytes.Cut(stack, []byte("created by "))
		maker, _, _ = bytes.Cut(maker, []byte(" "))
		// The one that starts all processes stays, as does the thread it holds.
		if !bytes.Contains(maker, []byte("infra/local/process.")) {
			h.goroutines[string(maker)]++
		}
	}
	h.sockets = socketsOf("self")
	h.children = len(children())
	return h
}

func (h holdings) String() string {
	n := 0
	for _, count := range h.goroutines {
		n += count
	}
	return fmt.Sprintf("%d goroutines, %d sockets, %d processes", n, h.sockets, h.children)
}

// beyond says what h has that before had not, "" when nothing.
func (h holdings) beyond(before holdings) string {
	var more []string
	for _, maker := range slices.Sorted(maps.Keys(h.goroutines)) {
		if n := h.goroutines[maker] - before.goroutines[maker]; n > 0 {
			more = append(more, fmt.Sprintf("%d goroutines of %s", n, maker))
		}
	}
	if n := h.sockets - before.sockets; n > 0 {
		more = append(more, fmt.Sprintf("%d sockets", n))
	}
	if n := h.children - before.children; n > 0 {
		more = append(more, fmt.Sprintf("%d processes", n))
	}
	return strings.Join(more, ", ")
}

// leftover is what is held beyond before, once what is about to end has ended.
func leftover(before holdings) (now holdings, more string) {
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		now = hold()
		if more = now.beyond(before); more == "" || time.Now().After(deadline) {
			return now, more
		}
	}
}

// children are the ids of the processes that this one has started and that run (Linux).
func children() (ids []string) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range stats {
		stat, _ := os.ReadFile(name)
		// "id (command) state parent ...", and a command may hold anything.
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if len(fields) > 1 && fields[1] == strconv.Itoa(os.Getpid()) {
			ids = append(ids, filepath.Base(filepath.Dir(name)))
		}
	}
	return ids
}
