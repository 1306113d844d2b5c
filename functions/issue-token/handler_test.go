package main

import (
	"strings"
	"testing"

	"customercare/shared/respond"
)

func TestLife(t *testing.T) {
	for value, want := range map[string]int{
		"1": 1, "600": 600, "3600": 3600, " 60 ": 60, "060": 60,
		"0": 0, "3601": 0, "-1": 0, "+60": 0, "1.5": 0, "1e3": 0, "0x10": 0, "1_000": 0, "abc": 0, "60,60": 0,
		"65536": 0, "18446744073709551617": 0, "٦٠": 0, strings.Repeat("9", 400): 0,
	} {
		got, refusal := life([]string{value}, 900)
		if got != want || (refusal == nil) != (want > 0) ||
			refusal != nil &&
				(respond.AsError(refusal).Status() != 400 || !strings.HasPrefix(refusal.Error(), "X-Token-Expire ")) {
			t.Errorf("%q: %d, %v", value, got, refusal)
		}
	}
	if got, refusal := life(nil, 900); got != 900 || refusal != nil {
		t.Errorf("without the header: %d, %v", got, refusal)
	}
	if _, refusal := life([]string{"60", "60"}, 900); refusal == nil {
		t.Error("two headers are accepted")
	}
}

func TestLifetime(t *testing.T) {
	for value, want := range map[string]lifetime{"1": 1, "600": 600, "3600": 3600, "0": 0, "3601": 0, "-600": 0, "10m": 0, "": 0, "65536": 0, "4294967896": 0} {
		var got lifetime
		if err := got.UnmarshalText([]byte(value)); got != want || (err == nil) != (want > 0) {
			t.Errorf("%q: %d, %v", value, got, err)
		}
	}
}
