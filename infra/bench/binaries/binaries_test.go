package binaries

import (
	"strings"
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

// Only a goal that is missed because of the keys has them for a reason.
func TestNotes(t *testing.T) {
	for _, of := range []struct{ met, keys, call, reason bool }{{true, false, false, false}, {false, false, false, false}, {true, true, true, false}, {false, true, true, true}} {
		said := note(of.met, of.keys)
		if !strings.Contains(said, "first poll") || strings.Contains(said, "Secrets Manager") != of.call || strings.Contains(said, "1.2 ms") != of.reason {
			t.Errorf("%+v: %s", of, said)
		}
	}
}
