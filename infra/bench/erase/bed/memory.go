package bed

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"customercare/infra/bench/result"
)

// memoryLimit is what every function must stay below, in MB of 2^20 bytes: the smallest Lambda.
const memoryLimit = 128

// Memory is table 9: of every function that has a running process, the most resident memory that one of them ever had. during
// says under what. It is read before Close; outside Linux there is nothing to read.
func (b *Bed) Memory(during string) (figures []result.Figure) {
	peaks := peaks(b.setup.Bin)
	for _, folder := range slices.Sorted(maps.Keys(peaks)) {
		most := peaks[folder]
		figures = append(figures, result.Figure{
			Table: 9, Case: folder + ", " + during, Unit: "MB", Ours: most, Floor: memoryLimit, Against: "the smallest Lambda",
			Ratio: most / memoryLimit, Goal: fmt.Sprintf("< %d MB", memoryLimit), Met: most < memoryLimit, Runs: 1,
		})
	}
	return figures
}

// peaks are the highest VmHWM by function, in MB, of this program's children that run where bin has their binary.
func peaks(bin string) map[string]float64 {
	if absolute, err := filepath.Abs(bin); err == nil {
		bin = absolute
	}
	if resolved, err := filepath.EvalSymlinks(bin); err == nil {
		bin = resolved // the kernel knows no links
	}
	all := map[string]float64{}
	processes, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range processes {
		folder, _ := os.Readlink(filepath.Join(p, "cwd")) // each runs where its binary lies
		status, _ := os.ReadFile(filepath.Join(p, "status"))
		if filepath.Dir(folder) != bin || field(status, "PPid:") != float64(os.Getpid()) {
			continue
		}
		name := filepath.Base(folder)
		all[name] = max(all[name], field(status, "VmHWM:")/1024)
	}
	return all
}

// field is a number of a process's status, 0 where there is none.
func field(status []byte, name string) float64 {
	for line := range strings.Lines(string(status)) {
		if words := strings.Fields(line); len(words) > 1 && words[0] == name {
			n, _ := strconv.ParseFloat(words[1], 64)
			return n
		}
	}
	return 0
}
