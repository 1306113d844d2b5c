package digest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"testing"

	"customercare/shared/statement"
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
		fmt.Fprint(mac, "open\ncustomer#shop%23#4711")
		commitment := sha256.Sum256(append(mac.Sum(nil), "customer#shop%23#4711"...))
		want = append(want, id+"."+hex.EncodeToString(commitment[:]))
	}
	for range 50 {
		if got := d.EverySubject("customer", "shop#", "4711"); !slices.Equal(got, want) {
			t.Fatalf("digests %s, want %s", got, want)
		}
	}
}

// An opening opens its own subject's digest under its own key, and no other.
func TestOpening(t *testing.T) {
	d := Digester{Current: "2", Keys: map[string][]byte{"1": []byte("old key"), "2": []byte("new key")}}
	message := Message("number", "acme", "135#1")
	for id := range d.Keys {
		opening, there := d.Opening(id, message)
		digest, known := d.Under(id, message)
		commitment := statement.Commitment(opening, message)
		if !there || !known || digest != id+"."+hex.EncodeToString(commitment[:]) {
			t.Errorf("key %s: the opening does not open %s", id, digest)
		}
		other := statement.Commitment(opening, Message("number", "acme", "135#2"))
		if other == commitment {
			t.Error("one opening opens two subjects")
		}
	}
	if d.Of(message) != must(d.Under("2", message)) {
		t.Error("the current key is not the one that digests are made with")
	}
	if _, there := d.Opening("3", message); there {
		t.Error("an opening under a key that there is none of")
	}
}

func must(digest string, _ bool) string { return digest }
