package main

import (
	"slices"
	"strings"
	"testing"
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
