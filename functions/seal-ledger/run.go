package main

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/sync/errgroup"

	"customercare/shared/invocation"
	"customercare/shared/statement"
	"customercare/shared/store"
)

// run is one run of the function.
type run struct {
	*handler
	head   store.Head      // the newest head that this run has read or written
	hashes tlog.HashReader // of the head's tree
	// tail is the leaves of the head's last tile of level 0, where it is not full; nil
	// where they were not read. fresh is those from head.Sealed on that this run has
	// appended itself.
	tail, fresh []store.Leaf

	listed   bool             // whether the index was read
	unlisted error            // why a part of it was not
	waiting  []store.Unlogged // the records that are still to be done, those first that wait longest

	appended   int              // leaves
	unreadable []string         // ids of records that cannot be read
	newer      []store.Unlogged // records that a newer version has written, and seals
}

// list reads the index, once a run. What cannot be read of it takes nothing away from the
// rest.
func (r *run) list(ctx context.Context) {
	if r.listed {
		return
	}
	r.listed = true
	r.waiting, r.unlisted = r.ledger.ListUnlogged(ctx, r.unlogged, listedAtMost)
	slices.SortFunc(r.waiting, func(a, b store.Unlogged) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.ID, b.ID))
	})
	seen := make(map[string]bool, len(r.waiting)) // a record that moves in the index comes twice
	r.waiting = slices.DeleteFunc(r.waiting, func(u store.Unlogged) bool {
		twice := seen[u.ID]
		seen[u.ID] = true
		return twice
	})
}

// left is how many records wait after the run, and for how long the first of them. Those
// of a newer version are among them: if that one does not run, somebody has to see it.
// Those that cannot be read are not: they have a metric of their own, and must not hide
// others that wait. known is false where nobody can say, because the index could not
// be read.
func (r *run) left(ctx context.Context) (waiting int, oldest time.Duration, known bool) {
	r.list(ctx)
	waits := slices.Concat(r.waiting, r.newer)
	for _, record := range waits {
		oldest = max(oldest, r.now().Sub(record.Since))
	}
	return len(waits), oldest, r.unlisted == nil
}

// entry is a leaf to be appended.
type entry struct {
	store.Leaf
	hash tlog.Hash
}

const (
	// batchAtMost is how many leaves are appended at once: with nine tiles of level 0 and
	// those above them they are a transaction of about 200 KB.
	batchAtMost = 2000
	// readAtOnce is how many records are read in one call.
	readAtOnce = 100
)

// collected is what collect has read of the records that wait.
type collected struct {
	taken      int // how many of them it has read
	leaves     []entry
	unreadable []string         // those of them that cannot be read
	newer      []store.Unlogged // those of a newer version
}

// collect reads records in the order in which they wait, until their statements fill a
// batch.
func (r *run) collect(ctx context.Context) (c collected, err error) {
	for c.taken < len(r.waiting) && len(c.leaves) < batchAtMost {
		some := r.waiting[c.taken:min(c.taken+readAtOnce, len(r.waiting))]
		ids := make([]string, len(some))
		for i, record := range some {
			ids[i] = record.ID
		}
		found, err := r.ledger.ReadStatements(ctx, ids)
		if err != nil {
			return collected{}, err
		}
		for i, id := range ids {
			record, there := found[id]
			more, ok := unlogged(id, record)
			if len(c.leaves)+len(more) > batchAtMost {
				return c, nil
			}
			switch {
			case record.Newer:
				c.newer = append(c.newer, some[i])
			case there && !ok:
				c.unreadable = append(c.unreadable, id)
			}
			c.taken++
			c.leaves = append(c.leaves, more...)
		}
	}
	return c, nil
}

// maxStatement is how long a statement may be at most: an export of the log holds its
// length in 16 bits (https://c2sp.org/tlog-tiles).
const maxStatement = 1<<16 - 1

// unlogged are the statements of a record that are in no leaf, the acceptance before the
// end. ok is false for a record of which nothing may be logged, because nobody can say
// what it is.
func unlogged(id string, record store.Statements) (leaves []entry, ok bool) {
	accepted, ended := record.Accepted != "", record.Ended != ""
	ok = record.Readable && (accepted || ended)
	if ok && accepted {
		ok = isStatement(id, record.Accepted, func(kind string) bool { return kind == statement.Accepted })
	}
	if ok && ended { // what ends was accepted before; a note about a key or a hold never was
		ok = isStatement(id, record.Ended, func(kind string) bool {
			return kind != statement.Accepted && (accepted || kind != statement.Erased && kind != statement.Partial)
		})
	}
	if !ok {
		return nil, false
	}
	if accepted && record.AcceptedLeaf == store.NotLogged {
		leaves = append(leaves, entry{store.Leaf{ID: id}, statement.Hash([]byte(record.Accepted))})
	}
	if ended && record.EndedLeaf == store.NotLogged {
		leaves = append(leaves, entry{store.Leaf{ID: id, End: true}, statement.Hash([]byte(record.Ended))})
	}
	return leaves, true
}

// isStatement says whether text is one line, and a statement of this id and of a type
// that is wanted.
func isStatement(id, text string, wanted func(kind string) bool) bool {
	said, err := statement.Parse([]byte(text))
	return err == nil && len(text) <= maxStatement && !slices.Contains([]byte(text), '\n') &&
		said.ID == id && wanted(said.Type)
}

// marksAtOnce is how many records are written at the same time.
const marksAtOnce = 16

// mark tells records where in the log their statements are: those of all leaves of the
// head that no run before has noted as told. It notes that tile by tile, so that runs
// that die come to an end together.
func (r *run) mark(ctx context.Context) error {
	for from := r.head.Sealed; from < r.head.Tree.N; from = r.head.Sealed {
		to := min((from/store.TileWidth+1)*store.TileWidth, r.head.Tree.N)
		leaves, err := r.untold(ctx, from, to)
		if err != nil {
			return damaged(err)
		}
		marks, within := errgroup.WithContext(ctx)
		marks.SetLimit(marksAtOnce)
		for i, leaf := range leaves {
			marks.Go(func() (err error) {
				defer invocation.Recover("seal-ledger: mark", &err)
				return r.ledger.MarkLeaf(within, leaf, from+int64(i), r.head.At)
			})
		}
		if err := marks.Wait(); err != nil {
			return err
		}
		if err := r.log.SetSealed(ctx, to); err != nil {
			return err
		}
		r.head.Sealed = to
	}
	return nil
}

// untold gives the leaves that are to be marked. Those that this run has appended it need
// not read.
func (r *run) untold(ctx context.Context, from, to int64) ([]store.Leaf, error) {
	if n := to - from; int64(len(r.fresh)) >= n {
		leaves := r.fresh[:n]
		r.fresh = r.fresh[n:]
		return leaves, nil
	}
	return r.log.Leaves(ctx, from, to)
}

// damaged is an error of reading the log: a refusal, unless DynamoDB gave no answer, or a
// newer version has written the log.
func damaged(err error) error {
	_, unread := errors.AsType[*store.Error](err)
	if err == nil || unread || errors.Is(err, store.ErrNewer) {
		return err
	}
	return errors.Join(errRefused, err)
}
