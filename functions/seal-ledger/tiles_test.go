package main

import (
	"fmt"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"customercare/shared/store"
)

// stored is the tiles of a log, as the table would hold them.
type stored map[[2]int64]store.NewTile

func (s stored) Height() int                     { return store.TileHeight }
func (s stored) SaveTiles([]tlog.Tile, [][]byte) {}

func (s stored) ReadTiles(tiles []tlog.Tile) (data [][]byte, err error) {
	for _, tile := range tiles {
		hashes := s[[2]int64{int64(tile.L), tile.N}].Hashes
		if len(hashes) < tile.W*tlog.HashSize {
			return nil, fmt.Errorf("%s has %d bytes", tile.Path(), len(hashes))
		}
		data = append(data, hashes[:tile.W*tlog.HashSize])
	}
	return data, nil
}

// The tiles of a log that grows over every border, also of the second and third level,
// give the root of its leaves, and name them.
func TestTilesOfALargeLog(t *testing.T) {
	tiles, whole := stored{}, &growing{known: map[int64]tlog.Hash{}}
	tree := tlog.Tree{}
	var names []store.Leaf
	for _, to := range []int64{1, 2, 255, 256, 257, 511, 513, 2513, 4096, 65_280, 65_535, 65_536, 65_537, 65_792, 66_000} {
		var leaves []entry
		for n := tree.N; n < to; n++ {
			leaf := store.Leaf{ID: idOf(int(n))}
			leaves = append(leaves, entry{leaf, tlog.RecordHash([]byte(leaf.String()))})
			names = append(names, leaf)
		}
		grown := &growing{known: map[int64]tlog.Hash{}, before: tlog.TileHashReader(tree, tiles)}
		after, err := grown.add(tree.N, leaves)
		if err != nil {
			t.Fatal(err)
		}
		if want, err := whole.add(tree.N, leaves); err != nil || after != want {
			t.Fatalf("%d leaves: another root, %v", to, err)
		}
		fresh, err := grown.tiles(tree.N, after.N, names[tree.N/store.TileWidth*store.TileWidth:])
		if err != nil {
			t.Fatal(err)
		}
		for _, tile := range fresh {
			tiles[[2]int64{int64(tile.L), tile.N}] = tile
		}
		if root, err := tlog.TreeHash(after.N, tlog.TileHashReader(after, tiles)); err != nil || root != after.Hash {
			t.Fatalf("%d leaves: the tiles give %v, %v", to, root, err)
		}
		tree = after
	}
	for n := int64(0); n*store.TileWidth < tree.N; n++ {
		tile := tiles[[2]int64{0, n}]
		first := n * store.TileWidth
		var want []string
		for _, leaf := range names[first:min(first+store.TileWidth, tree.N)] {
			want = append(want, leaf.String())
		}
		if !slices.Equal(tile.Leaves, want) {
			t.Fatalf("tile %d names other leaves", n)
		}
	}
	if len(tiles) != 258+2+1 {
		t.Errorf("%d tiles", len(tiles))
	}
}
