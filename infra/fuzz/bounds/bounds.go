// Package bounds is what no input of a caller may exceed: time and memory. It is of use to fuzz targets, and to tests of
// the largest inputs.
package bounds

import (
	"fmt"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

const (
	// longest is how long one input may take.
	longest = time.Second
	// most is how many bytes one input may make the program allocate in all, freed ones included.
	most = 32 << 20
	// hung is after how long an input ends the process, with the stacks of all goroutines: the fuzz engine waits for ever.
	hung = 20 * time.Second
	// tries is how often an input beyond the bounds is measured: one that was slow because of a busy machine, or beside a
	// test that allocates, is not slow three times.
	tries = 3
)

// Check runs do, which handles one input and may run more than once, and fails when it exceeds the bounds.
func Check(t testing.TB, do func()) {
	t.Helper()
	var took time.Duration
	var allocated uint64
	for range tries {
		took, allocated = measure(do)
		if took <= longest && allocated <= most {
			return
		}
	}
	t.Errorf("it took %s and %.1f MB, more than %s and %d MB", took, float64(allocated)/(1<<20), longest, most>>20)
}

func measure(do func()) (took time.Duration, allocated uint64) {
	watchdog := time.AfterFunc(hung, func() {
		debug.SetTraceback("all")
		panic(fmt.Sprintf("one input is not done after %s", hung))
	})
	defer watchdog.Stop()
	before, began := total(), time.Now()
	do()
	return time.Since(began), total() - before
}

// total is how many bytes the program has allocated since its start.
func total() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
