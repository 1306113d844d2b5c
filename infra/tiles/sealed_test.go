package tiles

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/receipt"
	"customercare/shared/statement"
	"customercare/shared/store"
)

// sealed is a log in a test's tables, to which statements are appended as seal-ledger
// appends them.
type sealed struct {
	kit    *dynamotest.Kit
	log    store.Log
	head   store.Head
	signer note.Signer
	keys   note.Verifiers
	stored hashes
	leaves []string
}

// hashes are all hashes of a tree, in tlog's order.
type hashes []tlog.Hash

func (h hashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	all := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		all[i] = h[index]
	}
	return all, nil
}

func newLog(t *testing.T, kit *dynamotest.Kit) *sealed {
	t.Helper()
	secret, vkey, err := note.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{7}, 64)), "stack.customercare")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	s := &sealed{kit: kit, signer: signer, keys: note.VerifierList(verifier)}
	s.log = store.Log{DB: kit.Plain, Table: strings.TrimSuffix(kit.Erasures.Table, "Erasures") + "Log"}
	s.head = store.Head{Key: vkey, Tree: tlog.Tree{Hash: sha256.Sum256(nil)}}
	s.sign(t)
	if err := s.log.Begin(t.Context(), s.head); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *sealed) sign(t *testing.T) {
	t.Helper()
	signed, err := note.Sign(&note.Note{Text: receipt.CheckpointText(s.signer.Name(), s.head.Tree)}, s.signer)
	if err != nil {
		t.Fatal(err)
	}
	s.head.Checkpoint = string(signed)
}

// line is a statement about the erasure with this number.
func line(n int, end bool) (id string, text []byte) {
	at := statement.TimeOf(time.Date(2026, 11, 1, 0, 0, n, 0, time.UTC))
	said := statement.Statement{
		Type: statement.Accepted, ID: fmt.Sprintf("20261101T000000Z-%016x", n), Kind: statement.Numbers, Scope: "acme",
		By: "portal", Accepted: at, Subjects: &statement.Subjects{N: 1, Root: make([]byte, 32)},
	}
	if end {
		said.Type = statement.Erased
		said.End = &statement.End{Finished: at, Verified: at, Found: 1, Erased: 1, Passes: 2, BackupsUntil: at}
	}
	return said.ID, said.Line()
}

// erase seals the acceptances of erasures from one number to before another, and their
// ends.
func (s *sealed) erase(t *testing.T, from, to int) {
	t.Helper()
	for begin := from; begin < to; begin += 100 { // a transaction has a bound
		var records []attribute.Item
		end := min(to, begin+100)
		before := s.head
		for _, ended := range []bool{false, true} {
			for n := begin; n < end; n++ {
				id, text := line(n, ended)
				if !ended {
					_, last := line(n, true)
					records = append(records, attribute.Item{
						"erasureId": attribute.Text(store.RecordPrefix + id),
						"accepted":  attribute.Text(string(text)), "statement": attribute.Text(string(last)),
					})
				}
				more, err := tlog.StoredHashesForRecordHash(s.head.Tree.N, statement.Hash(text), s.stored)
				if err != nil {
					t.Fatal(err)
				}
				s.stored, s.head.Tree.N = append(s.stored, more...), s.head.Tree.N+1
				s.leaves = append(s.leaves, store.Leaf{ID: id, End: ended}.String())
			}
		}
		s.kit.Put(t, s.kit.Erasures.Table, records...)
		root, err := tlog.TreeHash(s.head.Tree.N, s.stored)
		if err != nil {
			t.Fatal(err)
		}
		s.head.Tree.Hash = root
		s.sign(t)
		var grown []store.NewTile
		for _, tile := range tlog.NewTiles(store.TileHeight, before.Tree.N, s.head.Tree.N) {
			data, err := tlog.ReadTileData(tile, s.stored)
			if err != nil {
				t.Fatal(err)
			}
			made := store.NewTile{Tile: tile, Hashes: data}
			if tile.L == 0 {
				made.Leaves = s.leaves[tile.N*store.TileWidth:][:tile.W]
			}
			grown = append(grown, made)
		}
		if err := s.log.Append(t.Context(), before, s.head, grown); err != nil {
			t.Fatal(err)
		}
	}
}

func (s *sealed) export(t *testing.T, dir string) Export {
	t.Helper()
	return Export{
		Log: s.log, Records: store.Erasures{DB: s.kit.Plain, Table: s.kit.Erasures.Table}, Dir: Dir(dir),
		Missing: func(leaf int64, of, what string) { t.Errorf("leaf %d: %s %s", leaf, of, what) },
	}
}

func (s *sealed) check(dir string) Check {
	return Check{Dir: Dir(dir), Keys: s.keys, MaxAge: 24 * time.Hour, Now: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
}

// erasures is how many a test seals: ERASURES=10000 measures the full size.
func erasures(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv("ERASURES"))
	if err != nil {
		return 700
	}
	return n
}
