// Package bounds is what no input of a caller may exceed: work and memory. It is of use
// to fuzz targets, and to tests of the largest inputs.
package bounds

import (
	"fmt"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

const (
	// longest is how much processor time one input may take. It is not measured by the
	// clock: what else the machine does would count too.
	longest = time.Second
	// most is how many bytes one input may make the program allocate in all, freed ones
	// included.
	most = 32 << 20
	// hung is after how long an input ends the process, with the stacks of all
	// goroutines: the fuzz engine waits for ever.
	hung = 5 * time.Minute
	// tries is how often an input is measured. It is over the bounds only if all three
	// measurements are: another test may have disturbed one.
	tries = 3
)

// Check runs do, which handles one input and may run more than once, and fails when it
// exceeds the bounds.
func Check(t testing.TB, do func()) {
	t.Helper()
	check(t, func() (time.Duration, uint64) { return measure(do) })
}

func check(t testing.TB, measured func() (worked time.Duration, allocated uint64)) {
	t.Helper()
	var worked time.Duration
	var allocated uint64
	for range tries {
		worked, allocated = measured()
		if worked <= longest && allocated <= most {
			return
		}
	}
	t.Errorf("it took %s of the processor and %.1f MB, more than %s and %d MB",
		worked, float64(allocated)/(1<<20), longest, most>>20)
}

func measure(do func()) (worked time.Duration, allocated uint64) {
	watchdog := time.AfterFunc(hung, func() {
		debug.SetTraceback("all")
		panic(fmt.Sprintf("one input is not done after %s", hung))
	})
	defer watchdog.Stop()
	before, began := total(), processorTime()
	do()
	return processorTime() - began, total() - before
}

// total is how many bytes the program has allocated since its start.
func total() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
