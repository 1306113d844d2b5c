package start

import (
	"math"
	"runtime/debug"
	"testing"
)

// The collector's bound follows the function's memory, and does not replace one that was
// set.
func TestMemoryIsBounded(t *testing.T) {
	was := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(was)
	for _, test := range []struct{ given, set, want int64 }{
		{0, math.MaxInt64, math.MaxInt64}, // not on Lambda
		{128, math.MaxInt64, 96 << 20},
		{512, math.MaxInt64, 102 << 20},
		{1769, math.MaxInt64, 353 << 20},
		{512, 300 << 20, 300 << 20}, // GOMEMLIMIT
	} {
		debug.SetMemoryLimit(test.set)
		boundMemory(test.given)
		if is := debug.SetMemoryLimit(-1); is != test.want {
			t.Errorf("of %d MB, with %d set: %d, want %d", test.given, test.set, is, test.want)
		}
	}
}
