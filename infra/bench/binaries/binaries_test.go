package binaries

import (
	"testing"
	"time"
)

// Rounds are compared one by one: a slow moment of the machine is in both sides.
func TestStartIsTheMedianOfRatios(t *testing.T) {
	const ms = time.Millisecond
	f := start("x", []time.Duration{3 * ms, 30 * ms, 4 * ms}, []time.Duration{2 * ms, 20 * ms, 1 * ms})
	if f.Ratio != 1.5 || !f.Met || f.Ours != 4 || f.Floor != 2 || f.Runs != 3 || f.Table != 1 || f.Goal != "<= 1.5x" {
		t.Errorf("%+v", f)
	}
	if f := start("x", []time.Duration{16 * ms}, []time.Duration{10 * ms}); f.Met {
		t.Errorf("%+v", f)
	}
}
