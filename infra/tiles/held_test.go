package tiles

import (
	"runtime"
	"testing"
	"time"

	"customercare/shared/statement"
)

// What a check remembers of erasures that have ended is 90 bytes at most for each leaf:
// hashes, and no statement. It is most when a map has just grown.
func TestHistoryHoldsLittle(t *testing.T) {
	const erasures, each = 60_000, 90
	held := func() int64 {
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		return int64(stats.HeapAlloc)
	}
	before, most := held(), int64(0)
	seen := newHistory(24 * time.Hour)
	for n := range erasures {
		for at, ended := range []bool{false, true} {
			_, text := line(n, ended)
			s, err := statement.Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			if bad, _ := seen.add(int64(2*n+at), statement.Hash(text), s); bad != "" {
				t.Fatalf("leaf %d %s", 2*n+at, bad)
			}
		}
		if leaves := int64(2 * (n + 1)); n%6_000 == 5_999 {
			if holds := held() - before; holds > leaves*each {
				t.Errorf("%d bytes are held for %d leaves", holds, leaves)
			} else {
				most = max(most, holds/leaves)
			}
		}
	}
	if len(seen.open) > 0 {
		t.Errorf("%d are open", len(seen.open))
	}
	t.Logf("%d bytes are held of a leaf at most", most)
}
