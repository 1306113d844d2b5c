package store

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	// TileHeight is that of the tiles of C2SP: a tile has up to 256 hashes.
	TileHeight = 8
	// TileWidth is how many hashes, and at level 0 leaves, a full tile has.
	TileWidth = 1 << TileHeight
)

// tilePart is the key of a tile. Its width is not part of it.
func tilePart(level int, n int64) string { return fmt.Sprintf("tile/%d/%d", level, n) }

// ReadTiles reads the hashes of tiles: of each exactly those that its width asks for, one
// behind the other. What it needs in memory is 8 KB a tile. ErrLogDamaged when a tile is
// missing or has less.
func (l Log) ReadTiles(ctx context.Context, tiles ...tlog.Tile) ([][]byte, error) {
	parts := make([]string, len(tiles))
	for i, tile := range tiles {
		if tile.H != TileHeight {
			return nil, fmt.Errorf("log: there are no tiles of height %d", tile.H)
		}
		parts[i] = tilePart(tile.L, tile.N)
	}
	items, err := l.read(ctx, parts, "hashes")
	if err != nil {
		return nil, err
	}
	data := make([][]byte, len(tiles))
	for i, tile := range tiles {
		hashes := items[parts[i]].bytes("hashes")
		if len(hashes) < tile.W*tlog.HashSize {
			return nil, ErrLogDamaged
		}
		data[i] = hashes[:tile.W*tlog.HashSize]
	}
	return data, nil
}

// Leaves reads which statements the leaves from from to below to are. The caller has read
// a head of at least that size, and bounds how many it asks for: each takes about 100
// bytes. ErrLogDamaged when one of them is missing.
func (l Log) Leaves(ctx context.Context, from, to int64) ([]Leaf, error) {
	var parts []string
	for n := from / TileWidth; n*TileWidth < to; n++ {
		parts = append(parts, tilePart(0, n))
	}
	items, err := l.read(ctx, parts, "leaves")
	if err != nil {
		return nil, err
	}
	leaves := make([]Leaf, 0, max(0, to-from))
	for at := from; at < to; {
		names := items[tilePart(0, at/TileWidth)].texts("leaves")
		end := min(TileWidth, to-at/TileWidth*TileWidth)
		if int64(len(names)) < end {
			return nil, ErrLogDamaged
		}
		for _, name := range names[at%TileWidth : end] {
			leaf, err := parseLeaf(name)
			if err != nil {
				return nil, err
			}
			leaves = append(leaves, leaf)
		}
		at += end - at%TileWidth
	}
	return leaves, nil
}

// read reads one attribute of items of the log, by their keys. ErrNewer.
func (l Log) read(ctx context.Context, parts []string, attribute string) (map[string]object, error) {
	found := make(map[string]object, len(parts))
	for len(parts) > 0 {
		keys := make([]map[string]types.AttributeValue, min(len(parts), maxReadKeys))
		for i := range keys {
			keys[i] = logKey(parts[i])
		}
		items, err := readItems(ctx, l.DB, "log: read tiles", l.Table, types.KeysAndAttributes{
			Keys: keys, ConsistentRead: aws.Bool(true), ProjectionExpression: aws.String("#part, #attribute, v"),
			ExpressionAttributeNames: map[string]string{"#part": "part", "#attribute": attribute},
		}, readAttempts)
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			if Newer(item) {
				return nil, ErrNewer
			}
			found[object(item).text("part")] = item
		}
		parts = parts[len(keys):]
	}
	return found, nil
}

// Hashes reads hashes of the log as it was when it had this tree, for proofs: of a
// checkpoint, say. Each hash is checked against the tree's root before it is given.
// Readings are made within ctx. What was read is kept, 8 KB a tile, as long as the reader
// is; a proof needs two tiles of each level.
//
// An error that is no *Error means that the tiles are not those of the tree.
func (l Log) Hashes(ctx context.Context, tree tlog.Tree) tlog.HashReader {
	return tlog.TileHashReader(tree, &tileReader{ctx: ctx, log: l, known: map[tlog.Tile][]byte{}})
}

// tileReader reads the tiles of one tree for package tlog.
type tileReader struct {
	ctx   context.Context
	log   Log
	known map[tlog.Tile][]byte // tiles that tlog has found right
}

// Height is that of all tiles.
func (t *tileReader) Height() int { return TileHeight }

// ReadTiles gives tiles, and reads those that are not known yet.
func (t *tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	var missing []tlog.Tile
	var at []int
	for i, tile := range tiles {
		if data[i] = t.known[tile]; data[i] == nil {
			missing, at = append(missing, tile), append(at, i)
		}
	}
	read, err := t.log.ReadTiles(t.ctx, missing...)
	for i := range read {
		data[at[i]] = read[i]
	}
	return data, err
}

// SaveTiles keeps tiles that fit the tree.
func (t *tileReader) SaveTiles(tiles []tlog.Tile, data [][]byte) {
	for i, tile := range tiles {
		t.known[tile] = data[i]
	}
}
