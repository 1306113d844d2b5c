package dynamotest

import (
	"fmt"
	"testing"
)

// EveryMoment runs do with k = 1, 2, 3 and so on, each as a subtest, until a run says
// that it made no kth call: then something has happened once at each call that do makes.
// It returns how many calls these were. It stops, too, at the first run that fails. With
// `go test -short` it takes one moment of nine, and may return eight more than there
// were.
//
//	dynamotest.EveryMoment(t, func(t *testing.T, k int) (struck bool) {
//		kit.Faults.Interrupt(k, somethingElse) // or Inject, or Die
//		... // what is interrupted, and what must be true afterwards
//		return kit.Faults.Struck()
//	})
func EveryMoment(t *testing.T, do func(t *testing.T, k int) (struck bool)) (moments int) {
	t.Helper()
	return Moments(t, 1, do)
}

// Moments is EveryMoment for what takes long: of so many moments, step, it takes one.
func Moments(t *testing.T, step int, do func(t *testing.T, k int) (struck bool)) (moments int) {
	t.Helper()
	if testing.Short() {
		step *= 9
	}
	for k := 1; ; k += step {
		struck := false
		passed := t.Run(fmt.Sprintf("moment %d", k), func(t *testing.T) { struck = do(t, k) })
		if !passed || !struck {
			return k - 1
		}
	}
}
