package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// However often numbers come again, few are held.
func TestRepeatedNumbersAreNotHeld(t *testing.T) {
	var all numbers
	body := `["2"` + strings.Repeat(`,"1","3"`, 100_000) + `]`
	if err := json.Unmarshal([]byte(body), &all); err != nil || !slices.Equal(all, []string{"1", "2", "3"}) ||
		cap(all) > 4*maxNumbers {
		t.Errorf("%d numbers in room for %d, %v", len(all), cap(all), err)
	}
}

// A thousand different numbers are taken, in any order and repeated, and not one more.
func TestDifferentNumbersAreCounted(t *testing.T) {
	list := func(n int) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf(`"%d"`, i), fmt.Sprintf(`"%d"`, n-1-i), `"0"`)
		}
		return "[" + strings.Join(all, ",") + "]"
	}
	for n, want := range map[int]string{1: "", 999: "", 1000: "", 1001: "more than 1000", 3000: "more than 1000"} {
		var all numbers
		err := json.Unmarshal([]byte(list(n)), &all)
		if got := fmt.Sprint(err); want == "" && (err != nil || len(all) != n) ||
			want != "" && !strings.Contains(got, want) {
			t.Errorf("%d numbers: %d, %v", n, len(all), err)
		}
	}
}
