package main

import (
	"errors"
	"slices"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	got := parse("FuzzA\nFuzzB\nok  \tcustomercare/x\t0.012s\n?   \tcustomercare/y\t[no test files]\n" +
		"ok  \tcustomercare/z\t0.1s\nFuzzA\nok  \tcustomercare/shared/store\t(cached)\n")
	want := []target{{"customercare/x", "FuzzA"}, {"customercare/x", "FuzzB"}, {"customercare/shared/store", "FuzzA"}}
	if !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

// The last line of progress counts; a race at the end of the time is no failure.
func TestJudge(t *testing.T) {
	const (
		start  = "fuzz: elapsed: 0s, gathering baseline coverage: 0/4 completed\nfuzz: elapsed: 3s, execs: 95 (31/sec), new interesting: 0 (total: 4)\n"
		passed = start + "fuzz: elapsed: 5s, execs: 12345 (61/sec), new interesting: 0 (total: 4)\nPASS\nok  \tcustomercare/x\t5.0s"
		late   = "fuzz: elapsed: 31s, execs: 38602 (0/sec), new interesting: 8 (total: 12)\n--- FAIL: FuzzEvent (31.01s)\n    "
	)
	exit := errors.New("exit status 1")
	for _, test := range []struct {
		output         string
		err            error
		inputs, failed int
	}{
		{passed, nil, 12345, 0},
		{start, exit, 95, 1},
		{"PASS\n", nil, 0, 1},
		{late + "context deadline exceeded\nFAIL\nexit status 1\n", exit, 38602, 0},
		{late + "--- FAIL: FuzzEvent (0.00s)\n        fuzz_test.go:12: status 500\n    context deadline exceeded\n",
			exit, 38602, 1},
		{late + "fuzzing process hung or terminated unexpectedly: exit status 2\n    Failing input written to testdata/fuzz/FuzzEvent/0\n", exit, 38602, 1},
	} {
		if inputs, failed := judge(test.output, test.err); inputs != test.inputs || failed != test.failed {
			t.Errorf("%q: %d inputs, %d failures", test.output, inputs, failed)
		}
	}
}

// go test says PASS when there is no such target.
func TestNothingTried(t *testing.T) {
	if inputs, failed := (target{"customercare/infra/cmd/fuzz", "FuzzNothing"}).run(t.Context(),
		time.Second); inputs != 0 || failed != 1 {
		t.Errorf("%d inputs, %d failures", inputs, failed)
	}
}
