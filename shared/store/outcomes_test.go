package store_test

import (
	"slices"
	"testing"

	"customercare/shared/store"
)

// The outcomes of a thousand subjects are 250 bytes, the first subject in the lowest bits
// of the first. Setting one leaves its neighbours, and takes the place of what was there.
func TestOutcomes(t *testing.T) {
	var few store.Outcomes
	for index, outcome := range []store.Outcome{store.Erased, store.NotFound, store.Held, store.Erased, store.Held} {
		few.Set(index, outcome)
	}
	if want := (store.Outcomes{0b01_10_00_01, 0b10}); !slices.Equal(few, want) {
		t.Errorf("%08b, want %08b", []byte(few), []byte(want))
	}
	var all store.Outcomes
	want := make([]store.Outcome, 1000)
	for round := range 3 {
		for i := range want {
			want[i] = store.Outcome((i*i + round) % 3)
			all.Set(i, want[i])
		}
		found := 0
		for i, outcome := range want {
			if all.Of(i) != outcome {
				t.Fatalf("subject %d is %d, want %d", i, all.Of(i), outcome)
			}
			if outcome != store.NotFound {
				found++
			}
		}
		if len(all) != 250 || all.Found() != found {
			t.Errorf("%d bytes, %d found, want %d", len(all), all.Found(), found)
		}
	}
	if all.Of(1000) != store.NotFound || store.Outcomes(nil).Of(0) != store.NotFound {
		t.Error("a subject without a byte is found")
	}
}
