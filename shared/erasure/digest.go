package erasure

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"

	"customercare/shared/store"
)

// Digester makes the keyed digests (HMAC-SHA256, RFC 2104) that stand for data subjects in the ledger. Without the key
// nobody can tell from a digest whose it is, not even by trying all phone numbers. A digest is "<key id>.<64 hex digits>",
// so that it can be made again, and compared, after other keys have come.
type Digester struct {
	Current string            // id of the key that new digests are made with
	Keys    map[string][]byte // by id; those of before stay as long as their digests mean something
	More    *MoreKeys         // that came since; nil: none are looked for
}

// Subject is the digest of one data subject: a customer's code within an account, or a number within a tenant.
func (d Digester) Subject(kind, scope, identifier string) string {
	return digest(d.Current, d.Keys[d.Current], store.JoinKey(kind, scope, identifier))
}

// EverySubject is the digests that may stand for a data subject, one under each key: the current key's first.
func (d Digester) EverySubject(kind, scope, identifier string) []string {
	digests := []string{d.Subject(kind, scope, identifier)}
	keys := d.Keys
	if more := d.More.found(); len(more) > 0 {
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

// Set is the digest of a whole request: the same numbers in any order give the same digest. numbers is sorted.
func (d Digester) Set(scope string, numbers []string) string {
	return digest(d.Current, d.Keys[d.Current], store.JoinKey("set", append([]string{scope}, numbers...)...))
}

func digest(id string, key []byte, message string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(message))
	return id + "." + hex.EncodeToString(mac.Sum(nil))
}
