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

func TestCheck(t *testing.T) {
	run := 0
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
		"slow": {func() { time.Sleep(longest + 10*time.Millisecond) }, 1},
		"slow once": {func() {
			if run++; run == 1 {
				time.Sleep(longest + 10*time.Millisecond)
			}
		}, 0},
	} {
		f := &failures{TB: t}
		if Check(f, c.do); f.n != c.want {
			t.Errorf("%s: %d failures, want %d", name, f.n, c.want)
		}
	}
	kept = nil
}
