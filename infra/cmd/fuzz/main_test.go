package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	got := parse("FuzzA\nFuzzB\nok  \tcustomercare/x\t0.012s\n?   \tcustomercare/y\t[no test files]\nok  \tcustomercare/z\t0.1s\nFuzzA\nok  \tcustomercare/shared/store\t(cached)\n")
	want := []target{{"customercare/x", "FuzzA"}, {"customercare/x", "FuzzB"}, {"customercare/shared/store", "FuzzA"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestRead(t *testing.T) {
	const text = "fuzz: elapsed: 0s, gathering baseline coverage: 0/4 completed\nfuzz: elapsed: 3s, execs: 95 (31/sec), new interesting: 0 (total: 4)\n" +
		"fuzz: elapsed: 5s, execs: 12345 (61/sec), new interesting: 0 (total: 4)\nPASS\nok  \tcustomercare/x\t5.0s"
	if inputs, output := read(strings.NewReader(text)); inputs != 12345 || output != text {
		t.Errorf("%d inputs, %q", inputs, output)
	}
}

func TestRanOut(t *testing.T) {
	const failed = "fuzz: elapsed: 31s, execs: 38602 (0/sec), new interesting: 8 (total: 12)\n--- FAIL: FuzzEvent (31.01s)\n    "
	for output, want := range map[string]bool{
		failed + "context deadline exceeded\nFAIL\nexit status 1\n":                                                                         true,
		failed + "--- FAIL: FuzzEvent (0.00s)\n        fuzz_test.go:12: status 500\n    context deadline exceeded\n":                        false,
		failed + "fuzzing process hung or terminated unexpectedly: exit status 2\n    Failing input written to testdata/fuzz/FuzzEvent/0\n": false,
	} {
		if got := ranOut(output); got != want {
			t.Errorf("%q: %v", output, got)
		}
	}
}

// go test says PASS when there is no such target.
func TestNothingTried(t *testing.T) {
	if inputs, output, err := (target{"customercare/infra/cmd/fuzz", "FuzzNothing"}).run(t.Context(), time.Second); err == nil || inputs != 0 || !strings.Contains(output, "PASS") {
		t.Errorf("%d inputs, %v: %s", inputs, err, output)
	}
}
