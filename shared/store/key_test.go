package store

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

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
