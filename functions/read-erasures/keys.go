package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"customercare/shared/digest"
	"customercare/shared/respond"
)

// keys are the keys of digests, as they were read lately. They are read when the first
// call needs them, and again every digest.LookAgain: a key that is destroyed must be
// forgotten, and one that came since must be found.
type keys struct {
	read func(context.Context) (map[string][]byte, error)
	now  func() time.Time

	mu   sync.Mutex
	byID map[string][]byte // never changed, but replaced
	at   time.Time         // when they were read
}

// lookForMissing is how long ago the keys must have been read, at least, to be read again
// for a key that is not among them.
const lookForMissing = 5 * time.Second

// errKeyDestroyed says that nobody can tell any more whom an erasure was about.
var errKeyDestroyed = respond.Refuse(respond.Gone,
	"The key of the digests of this erasure was destroyed, so nobody can tell any more whom it was about")

// digester makes digests and openings under the key with this id. Without that key it
// returns errKeyDestroyed.
func (k *keys) digester(ctx context.Context, id string) (digest.Digester, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	age := k.now().Sub(k.at)
	if missing := k.byID[id] == nil; k.byID == nil || age >= digest.LookAgain || missing && age >= lookForMissing {
		byID, err := k.read(ctx)
		switch {
		case err == nil:
			k.byID, k.at = byID, k.now()
		case missing:
			return digest.Digester{}, &respond.Error{
				Kind: respond.Unavailable, Sentence: "The service is busy, try again in a moment", Cause: err,
			}
		default: // a key that was there a moment ago
			slog.Warn("the keys of digests are not read again", "cause", err.Error())
		}
	}
	if k.byID[id] == nil {
		return digest.Digester{}, errKeyDestroyed
	}
	return digest.Digester{Keys: k.byID}, nil
}
