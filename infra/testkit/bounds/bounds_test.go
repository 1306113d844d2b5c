package bounds

import (
	"testing"
	"time"
)

// failures counts what Check reports.
type failures struct {
	testing.TB
	n int
}

func (f *failures) Helper()               {}
func (f *failures) Errorf(string, ...any) { f.n++ }

var kept []byte

// burn works until the program has had so much more of the processor.
func burn(much time.Duration) {
	for from := processorTime(); processorTime()-from < much; {
	}
}

func TestCheck(t *testing.T) {
	for name, c := range map[string]struct {
		do   func()
		want int
	}{
		"nothing": {func() {}, 0},
		"30 MB":   {func() { kept = make([]byte, 30<<20) }, 0},
		"34 MB":   {func() { kept = make([]byte, 34<<20) }, 1},
		"34 MB in parts": {func() {
			for range 34 << 5 {
				kept = make([]byte, 1<<15)
			}
		}, 1},
	} {
		f := &failures{TB: t}
		if Check(f, c.do); f.n != c.want {
			t.Errorf("%s: %d failures, want %d", name, f.n, c.want)
		}
	}
	kept = nil
	for name, c := range map[string]struct {
		worked      []time.Duration // of each try
		tries, want int
	}{
		"at the bound": {[]time.Duration{longest}, 1, 0},
		"slow":         {[]time.Duration{longest + 1, longest + 1, longest + 1}, 3, 1},
		"slow once":    {[]time.Duration{longest + 1, longest}, 2, 0},
		"slow twice":   {[]time.Duration{longest + 1, longest + 1, 1}, 3, 0},
	} {
		f, tried := &failures{TB: t}, 0
		check(f, func() (time.Duration, uint64) { tried++; return c.worked[tried-1], 0 })
		if f.n != c.want || tried != c.tries {
			t.Errorf("%s: %d failures after %d tries, want %d after %d", name, f.n, tried, c.want, c.tries)
		}
	}
}

func TestWorkIsMeasured(t *testing.T) {
	const much = 20 * time.Millisecond
	if worked, _ := measure(func() { burn(much) }); worked < much {
		t.Errorf("%s of work are %s", much, worked)
	}
}
