package tiles

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"customercare/shared/statement"
	"customercare/shared/store"
)

// Check reads a whole exported log: every tile against the root that is signed, every
// entry against its tile, and what the statements say together. It needs the memory of a
// few tiles, of the acceptances that are open at one time, and 40 to 90 bytes for each
// leaf, up to twice as many until the garbage collector comes.
type Check struct {
	Dir      Dir
	Keys     note.Verifiers
	MaxAge   time.Duration // an erasure that is open for longer is a fault
	Now      time.Time
	Progress func(leaves int) // nil: for none
}

// Report is what Check has found.
type Report struct {
	Origin string         `json:"log"`
	Tree   tlog.Tree      `json:"-"`
	Size   int64          `json:"size"`
	Root   string         `json:"root"`
	Types  map[string]int `json:"statements"` // how many of each type
	Open   int            `json:"open"`       // accepted, without an end
	Oldest *time.Time     `json:"oldestOpen,omitempty"`
	// OldestID is the erasure that has been open since Oldest.
	OldestID string `json:"oldestOpenId,omitempty"`
	TooOld   int    `json:"openTooLong"` // of those that are open
	Slow     int    `json:"tookTooLong"` // ended, but later than MaxAge after their acceptance
	Missing  int    `json:"withoutText"` // their record is gone
	Bad      int    `json:"bad"`         // altered, or against what statements before have said
	// Faults are the first sentences about what is missing or bad.
	Faults []string `json:"faults"`
}

// maxFaults is how many sentences a Report has at most.
const maxFaults = 20

// Run checks the log. The error is a sentence about what keeps it from being read to its
// end: a signature, a tile or a file that is wrong.
func (c Check) Run(ctx context.Context) (Report, error) {
	tree, origin, err := c.Dir.Tree(c.Keys)
	r := Report{
		Origin: origin, Tree: tree, Size: tree.N, Root: tree.Hash.String(), Types: map[string]int{}, Faults: []string{},
	}
	if err != nil {
		return r, err
	}
	if empty, _ := tlog.TreeHash(0, nil); tree.N == 0 && tree.Hash != empty {
		return r, Fault("the checkpoint is of an empty log, but its root is not")
	}
	seen := newHistory(c.MaxAge)
	for n := int64(0); n*store.TileWidth < tree.N; n++ {
		if ctx.Err() != nil {
			return r, context.Cause(ctx)
		}
		width := min(store.TileWidth, tree.N-n*store.TileWidth)
		tile := tlog.Tile{H: store.TileHeight, N: n, W: int(width)}
		hashes, err := c.leaves(tree, tile)
		if err != nil {
			return r, err
		}
		texts, err := c.Dir.texts(tile)
		if err != nil {
			return r, err
		}
		for i, text := range texts {
			r.entry(n*store.TileWidth+int64(i), hashes[i], text, seen)
		}
		if c.Progress != nil {
			c.Progress(len(texts))
		}
	}
	r.Open = len(seen.open)
	for id, accepted := range seen.open {
		since := accepted.Accepted.Time
		if c.Now.Sub(since) > c.MaxAge {
			r.TooOld++
		}
		if r.Oldest == nil || since.Before(*r.Oldest) {
			r.Oldest, r.OldestID = &since, id
		}
	}
	return r, nil
}

// leaves are the hashes in a tile of level 0, which the tiles above and the root confirm.
func (c Check) leaves(tree tlog.Tree, tile tlog.Tile) ([]tlog.Hash, error) {
	indexes := make([]int64, tile.W)
	for i := range indexes {
		indexes[i] = tlog.StoredHashIndex(0, tile.N*store.TileWidth+int64(i))
	}
	hashes, err := c.Dir.Hashes(tree).ReadHashes(indexes)
	if _, told := errors.AsType[Fault](err); err != nil && !told {
		err = Fault(fmt.Sprintf("the tiles do not lead to the root that is signed: the file %s,"+
			" or one of those above it, was altered", name(tile)))
	}
	return hashes, err
}

// entry looks at one entry, with what the entries before it have said.
func (r *Report) entry(leaf int64, hash tlog.Hash, text []byte, seen history) {
	if len(text) == 0 {
		r.Missing++
		r.fault("leaf %d has no text: its record was gone when the log was exported", leaf)
		return
	}
	s, err := statement.Parse(text)
	bad := ""
	switch {
	case statement.Hash(text) != hash:
		bad = "has another text than the one that was sealed"
	case err != nil || bytes.ContainsRune(text, '\n'):
		bad = "is no statement"
	default:
		var slow bool
		if bad, slow = seen.add(leaf, hash, s); slow {
			r.Slow++
		}
	}
	if bad != "" {
		r.Bad++
		r.fault("leaf %d %s", leaf, bad)
		return
	}
	r.Types[s.Type]++
}

func (r *Report) fault(format string, values ...any) {
	if len(r.Faults) < maxFaults {
		r.Faults = append(r.Faults, fmt.Sprintf(format, values...))
	}
}

// Consistent is nil when the tree after is the tree before with more leaves. hashes reads
// a tree of at least after's size; a proof that they do not support is a Fault, too.
func Consistent(before, after tlog.Tree, hashes tlog.HashReader) error {
	switch {
	case before.N > after.N:
		return Fault(fmt.Sprintf("the older checkpoint has %d leaves and the newer one %d: leaves were taken away,"+
			" or the two are in the wrong order", before.N, after.N))
	case before.N == 0 || before == after:
		return nil
	case before.N < after.N:
		proof, err := tlog.ProveTree(after.N, before.N, hashes)
		if _, told := errors.AsType[Fault](err); told {
			return err
		}
		if err == nil && tlog.CheckTree(proof, after.N, after.Hash, before.N, before.Hash) == nil {
			return nil
		}
	}
	return Fault("the two checkpoints are not of one log that only grew: something in it was changed or taken away")
}
