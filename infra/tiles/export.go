package tiles

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"customercare/shared/receipt"
	"customercare/shared/statement"
	"customercare/shared/store"
)

// Export writes the log of a stack into a folder. A folder that holds an older state of
// the same log gets what is new; so does one in which an export was interrupted. Full
// tiles and bundles are never written twice, and the checkpoint comes last.
type Export struct {
	Log      store.Log
	Records  store.Erasures
	Dir      Dir
	Progress func(leaves int)                  // nil: for none
	Missing  func(leaf int64, of, what string) // called for each statement without text
}

// Run exports the log as it is now, and gives its head. An error is a Fault, one of the
// store's, or of ctx.
func (e Export) Run(ctx context.Context) (store.Head, error) {
	head, err := e.Log.Head(ctx)
	if err != nil {
		return head, err
	}
	verifier, err := note.NewVerifier(head.Key)
	if err != nil {
		return head, Fault("the log's head holds no key that can be read")
	}
	before, err := e.before(ctx, head, note.VerifierList(verifier))
	if err != nil {
		return head, err
	}
	for level := 0; head.Tree.N>>(level*store.TileHeight) > 0; level++ {
		if err := e.level(ctx, level, head.Tree.N); err != nil {
			return head, err
		}
	}
	if head.Tree.N > 0 { // what is in the folder must lead to the root
		last := []int64{tlog.StoredHashIndex(0, head.Tree.N-1)}
		if _, err := e.Dir.Hashes(head.Tree).ReadHashes(last); err != nil {
			return head, Fault("the tiles in " + string(e.Dir) + " do not lead to the log's root:" +
				" export into an empty folder, and compare")
		}
	}
	if err := e.Dir.write(policyFile, []byte("log "+head.Key+"\nquorum none\n")); err != nil {
		return head, err
	}
	if err := e.Dir.write(checkpointFile, []byte(head.Checkpoint)); err != nil {
		return head, err
	}
	return head, e.tidy(before, head.Tree.N)
}

// before is the size of the log that the folder holds already, 0 for none. A folder with
// a log that the present one does not continue is refused.
func (e Export) before(ctx context.Context, head store.Head, keys note.Verifiers) (size int64, err error) {
	if _, _, err := receipt.OpenCheckpoint(head.Checkpoint, keys); err != nil {
		return 0, Fault("the log's newest checkpoint does not carry the signature of its key")
	}
	if _, err := os.Stat(filepath.Join(string(e.Dir), checkpointFile)); errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	old, _, err := e.Dir.Tree(keys)
	if unread, is := errors.AsType[Fault](err); is {
		return 0, unread
	}
	if err != nil {
		return 0, Fault(fmt.Sprintf("the folder %s holds the export of another log, or its checkpoint was altered:"+
			" nothing is written", string(e.Dir)))
	}
	if err := Consistent(old, head.Tree, e.Log.Hashes(ctx, head.Tree)); err != nil {
		return 0, Fault(fmt.Sprintf("the log is not the one in %s with more leaves, so nothing is written: %v",
			string(e.Dir), err))
	}
	return old.N, nil
}

// level writes the tiles of one level, and at level 0 the bundles with them.
func (e Export) level(ctx context.Context, level int, size int64) error {
	hashes := size >> (level * store.TileHeight)
	for n := int64(0); n*store.TileWidth < hashes; n++ {
		width := int(min(store.TileWidth, hashes-n*store.TileWidth))
		tile := tlog.Tile{H: store.TileHeight, L: level, N: n, W: width}
		last := tile // is written last of the files of the tile
		if level == 0 {
			last.L = entries
			if e.Progress != nil {
				e.Progress(width)
			}
		}
		if _, err := os.Stat(filepath.Join(string(e.Dir), name(last))); err == nil {
			continue
		}
		data, err := e.Log.ReadTiles(ctx, tile)
		if err == nil {
			err = e.Dir.write(name(tile), data[0])
		}
		if err == nil && level == 0 {
			err = e.bundle(ctx, tile, data[0])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// bundle writes the entries of a tile of level 0, out of the records.
func (e Export) bundle(ctx context.Context, tile tlog.Tile, hashes []byte) error {
	from := tile.N * store.TileWidth
	leaves, err := e.Log.Leaves(ctx, from, from+int64(tile.W))
	if err != nil {
		return err
	}
	ids := map[string]bool{}
	var asked []string // each once: DynamoDB takes no key twice
	for _, leaf := range leaves {
		if !ids[leaf.ID] {
			ids[leaf.ID], asked = true, append(asked, leaf.ID)
		}
	}
	records, err := e.Records.ReadStatements(ctx, asked)
	if err != nil {
		return err
	}
	var bundle []byte
	for i, leaf := range leaves {
		record, there := records[leaf.ID]
		text := record.Accepted
		if leaf.End {
			text = record.Ended
		}
		sealed := tlog.Hash(hashes[i*tlog.HashSize:][:tlog.HashSize])
		if text == "" || statement.Hash([]byte(text)) != sealed || len(text) > 1<<16-1 {
			what := map[bool]string{true: "has another text than the one that was sealed", false: "is gone"}[there]
			e.Missing(from+int64(i), leaf.ID, what)
			text = ""
		}
		bundle = append(binary.BigEndian.AppendUint16(bundle, uint16(len(text))), text...)
	}
	tile.L = entries
	return e.Dir.write(name(tile), bundle)
}

// tidy removes the partial tiles of the log of the size before that are full by now.
func (e Export) tidy(before, size int64) error {
	for level := entries; before>>(max(level, 0)*store.TileHeight) > 0; level++ {
		n := before >> (max(level, 0) * store.TileHeight) / store.TileWidth
		full := tlog.Tile{H: store.TileHeight, L: level, N: n, W: store.TileWidth}
		if size>>(max(level, 0)*store.TileHeight) >= (n+1)*store.TileWidth {
			if err := os.RemoveAll(filepath.Join(string(e.Dir), name(full)+".p")); err != nil {
				return failed("the old tiles of "+string(e.Dir)+" cannot be removed", err)
			}
		}
	}
	return nil
}
