package erasure

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"time"

	"customercare/shared/store"
)

// Digester makes the keyed digests (HMAC-SHA256, RFC 2104) that stand for data subjects
// in the ledger. Without the key nobody can tell from a digest whose it is, not even by
// trying all phone numbers. A digest is "<key id>.<64 hex digits>", so that it can be
// made again, and compared, after other keys have come.
type Digester struct {
	Current string            // id of the key that new digests are made with
	Keys    map[string][]byte // by id; old ones stay as long as their digests matter
	more    *moreKeys         // that came since; nil: none are looked for
}

// NewDigester makes digests with the key that has the id current, and knows subjects by
// all keys. readAgain reads all keys that there are by then, in a time that a caller can
// wait: the digester calls it when it may lack one that came since.
func NewDigester(
	current string, keys map[string][]byte,
	readAgain func(context.Context) (map[string][]byte, error),
) Digester {
	return Digester{Current: current, Keys: keys, more: &moreKeys{read: readAgain, now: time.Now}}
}

// Subject is the digest of one data subject under the current key: of a customer's code
// within an account, or of a number within a tenant. kind is "customer" or "number".
func (d Digester) Subject(kind, scope, identifier string) string {
	return digest(d.Current, d.Keys[d.Current], store.JoinKey(kind, scope, identifier))
}

// EverySubject is the digests that may stand for a data subject, one under each key. The
// current key's comes first, the others follow by the ids of their keys.
func (d Digester) EverySubject(kind, scope, identifier string) []string {
	digests := []string{d.Subject(kind, scope, identifier)}
	keys := d.Keys
	if more := d.more.found(); len(more) > 0 {
		keys = maps.Clone(keys)
		maps.Copy(keys, more)
	}
	for _, id := range slices.Sorted(maps.Keys(keys)) {
		if id != d.Current {
			digests = append(digests, digest(id, keys[id], store.JoinKey(kind, scope, identifier)))
		}
	}
	return digests
}

// Set is the digest of a whole request for numbers, which are sorted: the same numbers in
// any order give the same digest.
func (d Digester) Set(scope string, numbers []string) string {
	parts := append([]string{scope}, numbers...)
	return digest(d.Current, d.Keys[d.Current], store.JoinKey("set", parts...))
}

// digest is the digest of message with the key that has this id.
func digest(id string, key []byte, message string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(message))
	return id + "." + hex.EncodeToString(mac.Sum(nil))
}
