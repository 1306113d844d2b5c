package erasure

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"

	"customercare/shared/store"
)

// Digester makes the keyed digests (HMAC-SHA256, RFC 2104) that stand for data subjects in the ledger. Without the key
// nobody can tell from a digest whose it is, not even by trying all phone numbers.
type Digester struct{ Key []byte }

// Subject is the digest of one data subject: a customer's code within an account, or a number within a tenant.
func (d Digester) Subject(kind, scope, identifier string) string {
	return d.digest(store.JoinKey(kind, scope, identifier))
}

// Set is the digest of a whole request: the same numbers in any order give the same digest. numbers is sorted.
func (d Digester) Set(scope string, numbers []string) string {
	return d.digest(store.JoinKey("set", append([]string{scope}, numbers...)...))
}

func (d Digester) digest(message string) string {
	mac := hmac.New(sha256.New, d.Key)
	mac.Write([]byte(message))
	return hex.EncodeToString(mac.Sum(nil))
}
