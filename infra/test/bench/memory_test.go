package bench_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"customercare/infra/bench"
)

// memoryLimit is what every function must stay below, in MB of 2^20 bytes: the smallest
// Lambda.
const memoryLimit = 128

// memory is, of every function that has a running process, the most resident memory that
// one of them ever had. during says under what. Outside Linux there is nothing to read.
func (b *Bench) memory(during string) (all []bench.Figure) {
	most := map[string]float64{}
	for _, p := range processes(b.Functions) {
		most[p.folder] = max(most[p.folder], p.status("VmHWM:")/1024)
	}
	for _, folder := range slices.Sorted(maps.Keys(most)) {
		mb := most[folder]
		all = append(all, bench.Figure{
			Table: "memory", Case: folder + ", " + during, Unit: "MB", Ours: mb, Floor: memoryLimit,
			Ratio: mb / memoryLimit, Goal: fmt.Sprintf("< %d MB", memoryLimit), Met: mb < memoryLimit, Runs: 1,
		})
	}
	return all
}

// running is a process of a function or a floor.
type running struct {
	folder string // where its binary lies
	proc   string // its folder in /proc
}

// processes are this program's children that run where bin has their binary (Linux).
func processes(bin string) (all []running) {
	if resolved, err := filepath.EvalSymlinks(bin); err == nil {
		bin = resolved // the kernel knows no links
	}
	found, _ := filepath.Glob("/proc/[0-9]*")
	for _, proc := range found {
		folder, _ := os.Readlink(filepath.Join(proc, "cwd")) // each runs where its binary lies
		p := running{filepath.Base(folder), proc}
		if filepath.Dir(folder) == bin && p.status("PPid:") == float64(os.Getpid()) {
			all = append(all, p)
		}
	}
	return all
}

// status is a number of the process's status, 0 where there is none.
func (p running) status(name string) float64 {
	text, _ := os.ReadFile(filepath.Join(p.proc, "status"))
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == name {
			n, _ := strconv.ParseFloat(words[1], 64)
			return n
		}
	}
	return 0
}
