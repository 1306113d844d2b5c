package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
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

// logKey is the key of a log of this name.
func logKey(t *testing.T, name string, seed byte) (signer note.Signer, vkey string) {
	t.Helper()
	secret, vkey, err := note.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{seed}, 64)), name)
	if err != nil {
		t.Fatal(err)
	}
	signer, err = note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	return signer, vkey
}

// sealedErasure puts a log of two leaves into the kit's tables, the acceptance and the
// end of one erasure, and gives a receipt of its end for the customer 4711.
func sealedErasure(t *testing.T, kit *dynamotest.Kit) (text []byte, vkey string) {
	t.Helper()
	signer, vkey := logKey(t, "stack.customercare", 7)
	at := statement.TimeOf(time.Date(2026, 11, 27, 10, 11, 12, 0, time.UTC))
	mac := hmac.New(sha256.New, []byte(firstKey))
	mac.Write([]byte("open\ncustomer#shop#4711"))
	opening := mac.Sum(nil)
	subject := statement.Subject{Commitment: statement.Commitment(opening, "customer#shop#4711")}
	ticket := sha256.Sum256([]byte("CARE-4711"))
	s := statement.Statement{
		Type: statement.Accepted, ID: "20261127T101112Z-0123456789abcdef", Kind: statement.Customer, Scope: "shop",
		By: "john1970", Accepted: at, Ticket: ticket[:], Subjects: statement.NewTree([]statement.Subject{subject}).Subjects(),
	}
	accepted := s.Line()
	subject.Outcome = statement.OutcomeErased
	tree := statement.NewTree([]statement.Subject{subject})
	s.Type, s.Subjects = statement.Erased, tree.Subjects()
	s.End = &statement.End{Finished: at, Verified: at, Found: 4, Erased: 4, Passes: 2, BackupsUntil: at}
	ended := s.Line()

	leaves := []tlog.Hash{statement.Hash(accepted), statement.Hash(ended)}
	before := store.Head{Key: vkey, Tree: tlog.Tree{Hash: sha256.Sum256(nil)}}
	after := store.Head{Key: vkey, Tree: tlog.Tree{N: 2, Hash: tlog.NodeHash(leaves[0], leaves[1])}}
	for _, head := range []*store.Head{&before, &after} {
		signed, err := note.Sign(&note.Note{Text: receipt.CheckpointText(signer.Name(), head.Tree)}, signer)
		if err != nil {
			t.Fatal(err)
		}
		head.Checkpoint = string(signed)
	}
	kit.Put(t, kit.Erasures.Table, attribute.Item{
		"erasureId": attribute.Text(store.RecordPrefix + s.ID),
		"accepted":  attribute.Text(string(accepted)), "statement": attribute.Text(string(ended)),
	})
	log := store.Log{DB: kit.Plain, Table: logTable(kit)}
	if err := log.Begin(t.Context(), before); err != nil {
		t.Fatal(err)
	}
	err := log.Append(t.Context(), before, after, []store.NewTile{{
		Tile: tlog.Tile{H: store.TileHeight, W: 2}, Hashes: append(leaves[0][:], leaves[1][:]...),
		Leaves: []string{store.Leaf{ID: s.ID}.String(), store.Leaf{ID: s.ID, End: true}.String()},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return receipt.Receipt{
		Index: 1, Path: tlog.RecordProof{leaves[0]}, Checkpoint: after.Checkpoint, Statement: ended,
		Subject: &receipt.Subject{Opening: opening, Outcome: "e", Path: tree.Path(0), Subject: "customer#shop#4711"},
	}.Text(), vkey
}

// ofNobody is a receipt without the line about the data subject.
func ofNobody(t *testing.T, text []byte) []byte {
	t.Helper()
	before, rest, _ := strings.Cut(string(text), "extra ")
	extra, rest, _ := strings.Cut(rest, "\n")
	both, err := base64.StdEncoding.DecodeString(extra)
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(both), "\n")
	return []byte(before + "extra " + base64.StdEncoding.EncodeToString([]byte(line+"\n")) + "\n" + rest)
}

// A log is exported, and the log, its checkpoints and a receipt of it are verified,
// offline but for the export; what is altered is refused in a sentence.
func TestEvidence(t *testing.T) {
	kit := dynamotest.Open(t)
	local(t, kit)
	dir := filepath.Join(t.TempDir(), "evidence")
	call(t, "", "log", "export", dir).is(t, 1, "has no checkpoint yet")
	genuine, vkey := sealedErasure(t, kit)
	r := call(t, "", "log", "export", dir)
	r.is(t, 0, "")
	if !strings.Contains(r.out, "2 leaves") {
		t.Error(r)
	}
	t.Setenv("DYNAMODB_ENDPOINT", "http://127.0.0.1:1") // from here on nothing is asked
	policy, name := filepath.Join(dir, "policy"), filepath.Join(t.TempDir(), "r.tlog-proof")
	write := func(text []byte) {
		t.Helper()
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(genuine)
	for _, args := range [][]string{
		{"--policy", policy}, {"--vkey", vkey}, {"--policy", policy, "--subject", "4711"}, {"--policy", policy, "--json"},
	} {
		r := call(t, "", append([]string{"verify", "receipt", name}, args...)...)
		r.is(t, 0, "")
		for _, word := range []string{"2026-11-27T10:11:12.000Z", "john1970", "shop", "4711", "erased", "stack.customercare"} {
			if !strings.Contains(r.out, word) {
				t.Errorf("%v: no %q in %v", args, word, r)
			}
		}
	}
	if r := call(t, "4711\n", "verify", "receipt", name, "--vkey", vkey, "--subject", "-"); r.code != 0 {
		t.Error(r)
	}
	if !strings.Contains(call(t, "", "verify", "receipt", name, "--vkey", vkey).out, "What it does not prove:") {
		t.Error("nothing is said of what it does not prove")
	}
	_, foreign := logKey(t, "stack.customercare", 8)
	receipt := func(code int, says string, args ...string) {
		t.Helper()
		r := call(t, "", append([]string{"verify", "receipt", name}, args...)...)
		r.is(t, code, says)
		if r.out != "" || code == 1 && strings.Count(r.errs, "\n") != 1 {
			t.Error(r)
		}
	}
	receipt(1, `signed by another key than the one given: it says that it is from the log "stack.customercare"`,
		"--vkey", foreign)
	receipt(1, "about another subject", "--vkey", vkey, "--subject", "4712")
	receipt(2, "--policy or --vkey must say whose signature counts")
	receipt(2, "are both given", "--vkey", vkey, "--policy", policy)
	receipt(1, "--vkey is no verifier key", "--vkey", "x")
	receipt(2, "--subject is empty", "--vkey", vkey, "--subject", "")
	call(t, "\n", "verify", "receipt", name, "--vkey", vkey, "--subject", "-").is(t, 1, "standard input, which is empty")
	write(ofNobody(t, genuine))
	call(t, "", "verify", "receipt", name, "--vkey", vkey).is(t, 0, "")
	receipt(1, "NOT VERIFIED: the receipt is genuine, but it is for a whole erasure", "--vkey", vkey, "--subject", "4711")
	write(bytes.Repeat([]byte("x"), 1<<20+1))
	receipt(1, "is too large to be what it should be", "--vkey", vkey)
	for at := range genuine {
		if at%7 == 0 { // a sample of all bytes; package receipt tries each
			other := bytes.Clone(genuine)
			other[at] ^= 1
			write(other)
			receipt(1, "NOT VERIFIED: ", "--vkey", vkey)
		}
	}
	write([]byte("hello"))
	receipt(1, "this is not a receipt", "--vkey", vkey)

	signer, _ := logKey(t, "stack.customercare", 7)
	checkpoint := func(size, root string) string {
		t.Helper()
		signed, err := note.Sign(&note.Note{Text: "stack.customercare\n" + size + "\n" + root + "\n"}, signer)
		if err != nil {
			t.Fatal(err)
		}
		return file(t, string(signed))
	}
	old, present := checkpoint("0", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="), filepath.Join(dir, "checkpoint")
	const otherRoot = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	forked, longer := checkpoint("1", otherRoot), checkpoint("3", otherRoot)
	call(t, "", "verify", "log", dir, "--since", forked).is(t, 1, forked+": ")
	call(t, "", "verify", "log", dir, "--since", longer).is(t, 1, longer+": ")
	call(t, "", "verify", "consistency", forked, present, "--log", dir).is(t, 1, "")
	call(t, "", "verify", "consistency", present, longer, "--log", dir).is(t, 1, "fewer than the checkpoint "+longer)
	call(t, "", "verify", "log", dir, "--since", old).is(t, 0, "trusting the key in "+policy)
	r = call(t, "", "verify", "log", dir, "--vkey", vkey, "--json")
	var said struct {
		Size, Open, Bad int
		Statements      map[string]int
	}
	if err := json.Unmarshal([]byte(r.out), &said); err != nil || said.Size != 2 || said.Statements["erased"] != 1 ||
		said.Open+said.Bad != 0 {
		t.Error(r)
	}
	call(t, "", "verify", "log", dir, "--vkey", foreign).is(t, 1, "the checkpoint is signed by another key than the one given")
	call(t, "", "verify", "log", dir, "--max-age", "0s").is(t, 2, "--max-age must be more than nothing")
	call(t, "", "verify", "log", t.TempDir(), "--vkey", vkey).is(t, 1, "is no exported log")
	if r := call(t, "", "verify", "consistency", old, present, "--log", dir); r.code != 0 ||
		!strings.Contains(r.out, "grew from 0 to 2 leaves") {
		t.Error(r)
	}
	call(t, "", "verify", "consistency", present, old, "--log", dir).is(t, 1, "in the wrong order")
	if err := os.WriteFile(filepath.Join(dir, "tile", "entries", "000.p", "2"), []byte{0, 0, 0, 0}, 0o600); err != nil {
		t.Fatal(err)
	}
	call(t, "", "verify", "log", dir).is(t, 1, "leaf 0 has no text")
}

// A receipt that a mail program has changed, a key from a file with other line ends, and
// a folder that is no export: each gets a sentence that helps.
func TestEvidenceThatIsGivenBadly(t *testing.T) {
	kit := dynamotest.Open(t)
	local(t, kit)
	genuine, vkey := sealedErasure(t, kit)
	t.Setenv("DYNAMODB_ENDPOINT", "http://127.0.0.1:1")
	text := string(genuine)
	hint := "verify the file as it was sent"
	for name, c := range map[string]struct{ text, says string }{
		"line ends":      {strings.ReplaceAll(text, "\n", "\r\n"), hint},
		"byte order":     {"\ufeff" + text, hint},
		"quoted":         {"> " + strings.ReplaceAll(text, "\n", "\n> "), hint},
		"one more":       {text + "\n", hint},
		"one less":       {strings.TrimSuffix(text, "\n"), hint},
		"no receipt":     {vkey + "\n", "this is not a receipt"},
		"other contents": {strings.Replace(text, "index 1", "index 0", 1), "is not in the log that was signed"},
	} {
		r := call(t, "", "verify", "receipt", file(t, c.text), "--vkey", vkey)
		r.is(t, 1, "NOT VERIFIED: ")
		if !strings.Contains(r.errs, c.says) || strings.Contains(r.errs, hint) != (c.says == hint) || r.out != "" {
			t.Errorf("%s: %v", name, r)
		}
	}
	good := file(t, text)
	r := call(t, "", "verify", "receipt", good, "--vkey", vkey+"\r\n") // of a file with other line ends
	r.is(t, 0, "")
	ticket := sha256.Sum256([]byte("CARE-4711"))
	if !strings.Contains(r.out, "It had a ticket, whose SHA-256 in base64 is "+base64.StdEncoding.EncodeToString(ticket[:])+"\n") {
		t.Errorf("nothing is said of the ticket: %v", r)
	}
	call(t, "", "verify", "receipt", good, "--vkey", good).is(t, 1, "not as the name of a file")
	r = call(t, "", "verify", "log", t.TempDir())
	r.is(t, 1, "; without it, --policy or --vkey must say whose signature counts")
	if strings.Contains(r.errs, "trusting") {
		t.Errorf("a key is trusted that is not there: %v", r)
	}
}
