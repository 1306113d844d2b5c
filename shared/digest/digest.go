// Package digest makes the keyed digests that stand for data subjects in the ledger, in
// the sealed log and in the audit. Without the key nobody can tell from a digest whose it
// is, not even by trying all phone numbers.
//
// A digest is "<key id>.<64 hex digits>", so that it can be made again, and compared,
// after other keys have come. The digits are a commitment that can be opened for its one
// subject:
//
//	opening    = HMAC-SHA256(key, "open\n" + message)
//	commitment = SHA-256(opening + message)
//
// The message names the subject, such as "customer#greatwidgets#4711". Who has the key
// finds any subject. A subject who is handed its opening can check what the log says of
// it (statement.Commitment), and learns nothing of anybody else.
package digest

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

// Digester makes digests.
type Digester struct {
	Current string            // id of the key that new digests are made with
	Keys    map[string][]byte // by id; old ones stay as long as their digests matter
	more    *moreKeys         // that came since; nil: none are looked for
}

// New makes digests with the key that has the id current, and knows subjects by all keys.
// readAgain reads all keys that there are by then, in a time that a caller can wait: Look
// calls it when the digester may lack one that came since. now is the time.
func New(
	current string, keys map[string][]byte,
	readAgain func(context.Context) (map[string][]byte, error), now func() time.Time,
) Digester {
	return Digester{Current: current, Keys: keys, more: &moreKeys{read: readAgain, now: now}}
}

// Message names a data subject in digests, openings and receipts. kind is "customer",
// "number" or "user"; parts are the account or tenant and the identifier, of a user the
// identifier alone.
func Message(kind string, parts ...string) string { return store.JoinKey(kind, parts...) }

// Of is the digest of a message under the current key.
func (d Digester) Of(message string) string { return of(d.Current, d.Keys[d.Current], message) }

// Subject is the digest of one data subject under the current key: of a customer's code
// within an account, or of a number within a tenant. kind is "customer" or "number".
func (d Digester) Subject(kind, scope, identifier string) string {
	return d.Of(Message(kind, scope, identifier))
}

// EverySubject is the digests that may stand for a data subject, one under each key. The
// current key's comes first, the others follow by the ids of their keys.
func (d Digester) EverySubject(kind, scope, identifier string) []string {
	return d.Every(Message(kind, scope, identifier))
}

// Every is the digests of a message, one under each key, in the order of EverySubject.
func (d Digester) Every(message string) []string {
	digests := []string{d.Of(message)}
	keys := d.all()
	for _, id := range slices.Sorted(maps.Keys(keys)) {
		if id != d.Current {
			digests = append(digests, of(id, keys[id], message))
		}
	}
	return digests
}

// Set is the digest of a whole request for numbers, which are sorted: the same numbers in
// any order give the same digest.
func (d Digester) Set(scope string, numbers []string) string {
	return d.Of(setMessage(scope, numbers))
}

// EverySet is the digests of a whole request, one under each key, as EverySubject.
func (d Digester) EverySet(scope string, numbers []string) []string {
	return d.Every(setMessage(scope, numbers))
}

func setMessage(scope string, numbers []string) string {
	return store.JoinKey("set", append([]string{scope}, numbers...)...)
}

// Under is the digest of a message under the key with this id; ok is false when there is
// no such key, because it was destroyed or came since.
func (d Digester) Under(keyID, message string) (digest string, ok bool) {
	key, ok := d.all()[keyID]
	if !ok {
		return "", false
	}
	return of(keyID, key, message), true
}

// Opening is what opens the digest of a message under the key with this id. Only the
// message's subject, or who acts for it, may be handed it. ok is as for Under.
func (d Digester) Opening(keyID, message string) (opening []byte, ok bool) {
	key, ok := d.all()[keyID]
	if !ok {
		return nil, false
	}
	return open(key, message), true
}

// Look looks for keys that came since the process started, if it is time.
func (d Digester) Look(ctx context.Context) { d.more.look(ctx, d.Keys) }

// Knows says whether there is a key with this id.
func (d Digester) Knows(keyID string) bool {
	return d.Keys[keyID] != nil || d.more.found()[keyID] != nil
}

// all is the keys by id, those that came since among them.
func (d Digester) all() map[string][]byte {
	more := d.more.found()
	if len(more) == 0 {
		return d.Keys
	}
	keys := maps.Clone(d.Keys)
	maps.Copy(keys, more)
	return keys
}

// of is the digest of a message with the key that has this id.
func of(id string, key []byte, message string) string {
	commitment := sha256.Sum256(append(open(key, message), message...))
	return id + "." + hex.EncodeToString(commitment[:])
}

// label keeps openings apart from all else that a key may ever be used for.
var label = []byte("open\n")

// open is the opening of a message's commitment. It has room for the message behind it,
// because a request may have a thousand of them.
func open(key []byte, message string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(label)
	mac.Write([]byte(message))
	return mac.Sum(make([]byte, 0, sha256.Size+len(message)))
}
