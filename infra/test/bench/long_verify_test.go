package bench_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"customercare/infra/bench"
	"customercare/shared/receipt"
	"customercare/shared/statement"
	"customercare/shared/store"
)

// verify is `customercare verify log` with a log of erasures that have all ended, beside
// reading and hashing the files alone.
func (p plan) verify(ctx context.Context, b *Bench) (all []bench.Figure, err error) {
	binary, err := b.customercare(ctx)
	if err != nil {
		return nil, err
	}
	for _, size := range p.logSizes {
		b.Say("verifying a log of %d leaves", size)
		folder, err := os.MkdirTemp("", "log-")
		if err != nil {
			return nil, err
		}
		f, err := verified(ctx, binary, folder, size)
		_ = os.RemoveAll(folder)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

// verified makes a log in folder and lets the command verify it.
func verified(ctx context.Context, binary, folder string, size int) (f bench.Figure, err error) {
	if err := makeLog(folder, size); err != nil {
		return f, err
	}
	alone, err := hashFiles(folder)
	if err != nil {
		return f, err
	}
	took, peak, err := runCommand(ctx, exec.CommandContext(ctx, binary, "verify", "log", folder))
	if err != nil {
		return f, err
	}
	f = pairs{[]float64{took.Seconds()}, []float64{alone.Seconds()}}.figure("verify", fmt.Sprintf("%d leaves", size), "s")
	f.Also = []bench.Number{{Name: "memory of the command", Value: peak, Unit: "MB"}}
	return f, nil
}

// hashFiles reads every file of a folder and hashes it.
func hashFiles(folder string) (time.Duration, error) {
	began := time.Now()
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		_ = sha256.Sum256(text)
		return err
	})
	return time.Since(began), err
}

// logOpen is how many erasures of the made log are open at a time.
const logOpen = 100

// loggedStatement is the statement at a leaf: the acceptances of logOpen erasures, then
// their ends, and so on.
func loggedStatement(leaf int) []byte {
	n := leaf/(2*logOpen)*logOpen + leaf%logOpen
	at := statement.TimeOf(time.Date(2026, 1, 1, 0, 0, n, 0, time.UTC))
	said := statement.Statement{
		Type: statement.Accepted, ID: fmt.Sprintf("20260101T000000Z-%016x", n), Kind: statement.Customer, Scope: account,
		By: apiUser, Accepted: at, Subjects: &statement.Subjects{N: 1, Root: make([]byte, 32)},
	}
	if leaf/logOpen%2 == 1 {
		said.Type = statement.Erased
		said.End = &statement.End{Finished: at, Verified: at, Found: 1, Erased: 1, Passes: 2, BackupsUntil: at}
	}
	return said.Line()
}

// madeHashes are all hashes of a tree, in tlog's order.
type madeHashes []tlog.Hash

func (h madeHashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	all := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		all[i] = h[index]
	}
	return all, nil
}

// makeLog writes a log in the layout of https://c2sp.org/tlog-tiles. The size must be a
// multiple of 2*logOpen, so that every erasure has ended.
func makeLog(folder string, size int) error {
	secret, vkey, err := note.GenerateKey(rand.Reader, "bench.customercare")
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		return err
	}
	var stored madeHashes
	var bundle []byte
	for leaf := range size {
		text := loggedStatement(leaf)
		more, err := tlog.StoredHashesForRecordHash(int64(leaf), statement.Hash(text), stored)
		if err != nil {
			return err
		}
		stored = append(stored, more...)
		bundle = append(binary.BigEndian.AppendUint16(bundle, uint16(len(text))), text...)
		if width := leaf%store.TileWidth + 1; width == store.TileWidth || leaf == size-1 {
			tile := tlog.Tile{H: store.TileHeight, L: -1, N: int64(leaf / store.TileWidth), W: width}
			if err := writeTile(folder, tile, bundle); err != nil {
				return err
			}
			bundle = bundle[:0]
		}
	}
	for _, tile := range tlog.NewTiles(store.TileHeight, 0, int64(size)) {
		data, err := tlog.ReadTileData(tile, stored)
		if err == nil {
			err = writeTile(folder, tile, data)
		}
		if err != nil {
			return err
		}
	}
	tree := tlog.Tree{N: int64(size)}
	if tree.Hash, err = tlog.TreeHash(tree.N, stored); err != nil {
		return err
	}
	signed, err := note.Sign(&note.Note{Text: receipt.CheckpointText(signer.Name(), tree)}, signer)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "checkpoint"), signed, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "policy"), []byte("log "+vkey+"\nquorum none\n"), 0o644)
}

// writeTile writes the file of a tile, or of a bundle of entries.
func writeTile(folder string, tile tlog.Tile, data []byte) error {
	path := strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", store.TileHeight))
	path = filepath.Join(folder, "tile", strings.Replace(path, "data/", "entries/", 1))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, bytes.Clone(data), 0o644)
}
