package erasure

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"testing"
)

// The current key's digest comes first and the others follow in the order of their ids,
// each time: what is looked for, and in which order, must not change between two calls.
func TestEverySubjectIsInOrder(t *testing.T) {
	d := Digester{Current: "c", Keys: map[string][]byte{}}
	for _, id := range []string{"e", "a", "d", "b", "c"} {
		d.Keys[id] = []byte("key " + id)
	}
	var want []string
	for _, id := range []string{"c", "a", "b", "d", "e"} {
		mac := hmac.New(sha256.New, d.Keys[id])
		// As docs/runbook.md says it, for whoever makes digests elsewhere.
		fmt.Fprint(mac, "customer#shop%23#4711")
		want = append(want, id+"."+hex.EncodeToString(mac.Sum(nil)))
	}
	for range 50 {
		if got := d.EverySubject("customer", "shop#", "4711"); !slices.Equal(got, want) {
			t.Fatalf("digests %s, want %s", got, want)
		}
	}
}
