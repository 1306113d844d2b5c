package restore

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"customercare/infra/ledger"
	"customercare/shared/digest"
)

// Guard tells an import who was erased, so that no file brings anybody back. It reads the
// ledger's digests once, when it is first asked: there is no index by data subject, and a
// look at the job of each would miss erasures that ended more than 30 days ago. It is for
// one goroutine.
type Guard struct {
	Ledger ledger.Ledger
	// Keys reads the keys that the ledger's digests were made with. It is called where
	// there is a digest at all.
	Keys  func(context.Context) (digest.Digester, error)
	Since time.Time // of the file: who was erased before it had come back; zero: nobody had

	// Destroyed are the keys that were destroyed, in order, of which digests were found:
	// nobody can say any more whom those are about.
	Destroyed []string

	read    bool
	digests digest.Digester
	erased  []part // sorted
	most    int    // 0: mostErased
}

// part is half of a digest's commitment. Two subjects that share one are as unlikely as
// two with one UUID.
type part [16]byte

// mostErased bounds the memory, to 320 MB and as much again while it grows.
const mostErased = 20_000_000

// Erased says whether the erasure of a customer or number is on record and counts, open
// or ended. kind is "customer" or "number". The error is a sentence.
func (g *Guard) Erased(ctx context.Context, kind, scope, identifier string) (bool, error) {
	if !g.read {
		if err := g.readLedger(ctx); err != nil {
			return false, err
		}
		g.read = true
	}
	if len(g.erased) == 0 {
		return false, nil
	}
	for _, digest := range g.digests.EverySubject(kind, scope, identifier) {
		wanted, _ := partOf(digest)
		if _, there := slices.BinarySearchFunc(g.erased, wanted, comparePart); there {
			return true, nil
		}
	}
	return false, nil
}

// readLedger reads the digests, and checks that there is a key for each.
func (g *Guard) readLedger(ctx context.Context) error {
	since, most := g.Since, cmp.Or(g.most, mostErased)
	if !since.IsZero() {
		since = since.Add(-skew)
	}
	ids := map[string]bool{}
	g.erased, g.Destroyed = nil, nil
	err := g.Ledger.Digests(ctx, since, func(digest string) error {
		found, whole := partOf(digest)
		switch {
		case !whole:
			return fmt.Errorf("a digest in the ledger cannot be read: nothing can be said of whom it is about")
		case len(g.erased) == most:
			return fmt.Errorf("the ledger has more than %d digests of those who were erased, too many to look"+
				" for each: name the time that the file is of", most)
		}
		id, _, _ := strings.Cut(digest, ".")
		ids[id] = true
		g.erased = append(g.erased, found)
		return nil
	})
	if err != nil || len(ids) == 0 {
		return err
	}
	slices.SortFunc(g.erased, comparePart)
	if g.digests, err = g.Keys(ctx); err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		if g.digests.Knows(id) {
			continue
		}
		at, err := g.Ledger.KeyDestroyed(ctx, id)
		if err != nil || at == nil {
			return cmp.Or(err, fmt.Errorf("the ledger has digests made with the key %q, which is not among those"+
				" given: nothing can be said of whom they are about", id))
		}
		g.Destroyed = append(g.Destroyed, id)
	}
	return nil
}

// partOf is the part of a digest that is kept; whole is false for what is no digest.
func partOf(digest string) (kept part, whole bool) {
	_, digits, _ := strings.Cut(digest, ".")
	commitment, err := hex.DecodeString(digits)
	return part(slices.Grow(commitment, len(kept))[:len(kept)]), err == nil && len(commitment) == 32
}

func comparePart(a, b part) int { return bytes.Compare(a[:], b[:]) }
