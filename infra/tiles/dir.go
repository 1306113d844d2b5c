// Package tiles keeps the sealed log as a folder of files, in the layout of C2SP
// (https://c2sp.org/tlog-tiles): Export writes it, Check reads it. A statement whose
// record is gone is an empty entry in its bundle, which keeps its place.
package tiles

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"customercare/shared/receipt"
	"customercare/shared/store"
)

// Fault is what is wrong with an exported log. It is a sentence.
type Fault string

func (f Fault) Error() string { return string(f) }

// Dir is the folder of an exported log. As a tlog.TileReader it reads the tiles.
type Dir string

// Names of the files beside the tiles.
const (
	checkpointFile = "checkpoint"
	policyFile     = "policy" // https://c2sp.org/tlog-policy, with the log's key
)

// entries is the level at which package tlog names bundles of entries.
const entries = -1

// name is the path of a tile, or of a bundle of entries, within the folder.
func name(tile tlog.Tile) string {
	path := strings.TrimPrefix(tile.Path(), fmt.Sprintf("tile/%d/", store.TileHeight))
	return filepath.FromSlash("tile/" + strings.Replace(path, "data/", "entries/", 1))
}

// PolicyFile is the path of the policy that Export wrote beside the log.
func (d Dir) PolicyFile() string { return filepath.Join(string(d), policyFile) }

// failed is what the file system refuses, with its reason. It says nothing of the log:
// who may not read a file must not be told that somebody has altered it.
func failed(what string, err error) Fault {
	if reason, known := errors.AsType[syscall.Errno](err); known {
		return Fault(what + ": " + reason.Error())
	}
	return Fault(what)
}

// Tree reads the checkpoint: the log's name, its tree, and the signed note. The error is
// a Fault where the file cannot be read, else one of package receipt's.
func (d Dir) Tree(keys note.Verifiers) (tree tlog.Tree, origin string, err error) {
	path := filepath.Join(string(d), checkpointFile)
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return tree, "", Fault(fmt.Sprintf("%s is no exported log: it has no file %s", string(d), checkpointFile))
	case err != nil:
		return tree, "", failed("the file "+path+" cannot be read", err)
	}
	return receipt.OpenCheckpoint(string(text), keys)
}

// Hashes reads hashes of a tree out of the tiles. Each is checked against the tree's
// root.
func (d Dir) Hashes(tree tlog.Tree) tlog.HashReader { return tlog.TileHashReader(tree, d) }

// Height is that of all tiles.
func (d Dir) Height() int { return store.TileHeight }

// SaveTiles does nothing: the tiles are files already.
func (d Dir) SaveTiles([]tlog.Tile, [][]byte) {}

// ReadTiles reads tiles; of a partial one that has become full it reads the full one.
func (d Dir) ReadTiles(all []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(all))
	for i, tile := range all {
		text, from, err := d.read(tile)
		if err != nil {
			return nil, err
		}
		if len(text) != from.W*tlog.HashSize {
			return nil, Fault(fmt.Sprintf("the file %s has %d bytes, not %d", name(from), len(text), from.W*tlog.HashSize))
		}
		data[i] = text[:tile.W*tlog.HashSize]
	}
	return data, nil
}

// read reads the file of a tile, or where there is none that of the full tile; from is
// the one that was read.
func (d Dir) read(tile tlog.Tile) (text []byte, from tlog.Tile, err error) {
	full := tile
	full.W = store.TileWidth
	for _, from = range []tlog.Tile{tile, full} {
		text, err = os.ReadFile(filepath.Join(string(d), name(from)))
		if err == nil {
			return text, from, nil
		}
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, from, failed("the file "+name(tile)+" cannot be read", err)
	}
	return nil, from, Fault("the file " + name(tile) + " is missing")
}

// texts reads the entries of a tile of level 0: the statements, empty where one is gone.
func (d Dir) texts(tile tlog.Tile) ([][]byte, error) {
	tile.L = entries
	bundle, from, err := d.read(tile)
	if err != nil {
		return nil, err
	}
	all := make([][]byte, from.W)
	for i := range all {
		if len(bundle) < 2 || len(bundle)-2 < int(binary.BigEndian.Uint16(bundle)) {
			return nil, Fault(fmt.Sprintf("the file %s ends within entry %d of %d", name(from), i, from.W))
		}
		size := 2 + int(binary.BigEndian.Uint16(bundle))
		all[i], bundle = bundle[2:size], bundle[size:]
	}
	if len(bundle) > 0 {
		return nil, Fault(fmt.Sprintf("the file %s has more than its %d entries", name(from), from.W))
	}
	return all[:tile.W], nil
}

// write writes a file as a whole: a process that dies leaves the old one, or none.
func (d Dir) write(name string, text []byte) error {
	path := filepath.Join(string(d), name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return failed("the folder of "+path+" cannot be made", err)
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".writing-*")
	if err == nil {
		defer os.Remove(file.Name()) // it fails once the file has its name
		_, err = file.Write(text)
		err = errors.Join(err, file.Chmod(0o644), file.Sync(), file.Close())
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return failed("the file "+path+" cannot be written", err)
	}
	return nil
}
