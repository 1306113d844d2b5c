package store

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Broken once on purpose: without the escape of "%", FuzzJoinKey finds ("%23") and ("#") in seconds.
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
	})
}

func TestJoinKeyComesApartAgain(t *testing.T) {
	part := rapid.StringOfN(rapid.SampledFrom([]rune{'#', '%', '2', '3', '5', 'a', 'é', 0}), 0, 6, -1)
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(part, 1, 4).Draw(t, "parts")
		if got := SplitKey(JoinKey(parts[0], parts[1:]...)); !slices.Equal(got, parts) {
			t.Fatalf("%q came back as %q", parts, got)
		}
	})
}

func TestKeysOfOneCollectionShareNoPrefixWithAnother(t *testing.T) {
	if JoinKey("a", "b") != "a#b" || JoinKey("a#b") != "a%23b" || JoinKey("100%", "é/ü") != "100%25#é/ü" {
		t.Error("keys must stay readable")
	}
}
