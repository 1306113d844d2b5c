package main

import (
	"context"

	"golang.org/x/mod/sumdb/tlog"

	"customercare/shared/store"
)

// batch appends one batch of statements, and marks their records. ErrLogGrown when
// another run has appended: then the caller opens the log again, and what this run has
// read is read again.
func (r *run) batch(ctx context.Context) error {
	c, err := r.collect(ctx)
	if err != nil {
		return err
	}
	if len(c.leaves) > 0 {
		if err := r.append(ctx, c.leaves); err != nil {
			return err
		}
		r.appended += len(c.leaves)
		// A record says that it is sealed only after the ledger remembers the checkpoint:
		// a log that loses the leaf afterwards is found to be shorter.
		if err := r.ledger.KeepCheckpoint(ctx, r.head); err != nil {
			return err
		}
		if err := r.mark(ctx); err != nil {
			return err
		}
	}
	r.unreadable, r.newer = append(r.unreadable, c.unreadable...), append(r.newer, c.newer...)
	r.waiting = r.waiting[c.taken:]
	return nil
}

// append signs the tree with the leaves, and writes it. The head is the new one then.
func (r *run) append(ctx context.Context, leaves []entry) error {
	before := r.head
	partial := before.Tree.N % store.TileWidth
	if r.tail == nil && partial > 0 {
		var err error
		if r.tail, err = r.log.Leaves(ctx, before.Tree.N-partial, before.Tree.N); err != nil {
			return damaged(err)
		}
	}
	names := r.tail[:partial:partial]
	for _, leaf := range leaves {
		names = append(names, leaf.Leaf)
	}
	grown := &growing{known: map[int64]tlog.Hash{}, before: r.hashes}
	tree, err := grown.add(before.Tree.N, leaves)
	if err != nil {
		return damaged(err)
	}
	tiles, err := grown.tiles(before.Tree.N, tree.N, names)
	if err != nil {
		return damaged(err)
	}
	own, err := r.key.read(ctx)
	if err != nil {
		return err
	}
	after := store.Head{Tree: tree, Key: own.text, Sealed: before.Tree.N, At: r.now()}
	if after.Checkpoint, err = r.key.sign(ctx, own, tree); err != nil {
		return err
	}
	if err := r.log.Append(ctx, before, after, tiles); err != nil {
		return err
	}
	r.head, r.hashes, r.known = after, r.log.Hashes(ctx, tree), tree
	r.tail, r.fresh = names[int64(len(names))-tree.N%store.TileWidth:], names[partial:]
	return nil
}

// growing is the hashes of a tree while leaves are added to it. What it does not know it
// reads from the tree as it was before.
type growing struct {
	known  map[int64]tlog.Hash // by tlog's numbers of hashes
	before tlog.HashReader
}

// ReadHashes gives hashes for package tlog.
func (g *growing) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var missing []int64
	for _, index := range indexes {
		if _, known := g.known[index]; !known {
			missing = append(missing, index)
		}
	}
	if len(missing) > 0 {
		read, err := g.before.ReadHashes(missing)
		if err != nil {
			return nil, err
		}
		for i, hash := range read {
			g.known[missing[i]] = hash
		}
	}
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		hashes[i] = g.known[index]
	}
	return hashes, nil
}

// add adds leaves behind the first size ones, and gives the tree.
func (g *growing) add(size int64, leaves []entry) (tlog.Tree, error) {
	for _, leaf := range leaves {
		made, err := tlog.StoredHashesForRecordHash(size, leaf.hash, g)
		if err != nil {
			return tlog.Tree{}, err
		}
		for level, hash := range made {
			g.known[tlog.StoredHashIndex(level, size>>level)] = hash
		}
		size++
	}
	root, err := tlog.TreeHash(size, g)
	return tlog.Tree{N: size, Hash: root}, err
}

// tiles are the tiles that are new or longer after the tree has grown. names are the
// leaves of the first of them at level 0 and of all behind it.
func (g *growing) tiles(before, after int64, names []store.Leaf) ([]store.NewTile, error) {
	var tiles []store.NewTile
	for _, tile := range tlog.NewTiles(store.TileHeight, before, after) {
		hashes, err := tlog.ReadTileData(tile, g)
		if err != nil {
			return nil, err
		}
		fresh := store.NewTile{Tile: tile, Hashes: hashes}
		if tile.L == 0 {
			for _, leaf := range names[:tile.W] {
				fresh.Leaves = append(fresh.Leaves, leaf.String())
			}
			names = names[tile.W:]
		}
		tiles = append(tiles, fresh)
	}
	return tiles, nil
}
