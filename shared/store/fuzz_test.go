package store

import (
	"slices"
	"testing"
)

// FuzzJoinKey: no two lists of parts share a key, and a key comes apart into its parts,
// within the bound that its comment gives. Broken once on purpose: without the escape of
// "%", it finds ("%23") and ("#") in seconds.
func FuzzJoinKey(f *testing.F) {
	f.Add("a#b", "c", "a", "b#c")
	f.Add("%23", "", "#", "")
	f.Add("", "#", "#", "")
	f.Add("a%", "23b", "a%23", "b")
	f.Fuzz(func(t *testing.T, a, b, c, d string) {
		same := a == c && b == d
		if (JoinKey(a, b) == JoinKey(c, d)) != same {
			t.Errorf("%q,%q and %q,%q: keys %q and %q", a, b, c, d, JoinKey(a, b), JoinKey(c, d))
		}
		if JoinKey(a+b) == JoinKey(a, b) {
			t.Errorf("one part %q and two parts %q,%q share a key", a+b, a, b)
		}
		parts := []string{a, b, c, d}
		key := JoinKey(a, parts[1:]...)
		if got := SplitKey(key); !slices.Equal(got, parts) || len(key) > 3*len(a+b+c+d)+3 {
			t.Errorf("%q came back as %q", parts, got)
		}
	})
}
