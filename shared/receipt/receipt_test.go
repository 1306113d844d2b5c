package receipt_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/repr"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"customercare/shared/digest"
	"customercare/shared/receipt"
	"customercare/shared/statement"
)

const origin = "stack.example.customercare"

// keys are a log's signer and what verifies it.
func keys(t testing.TB, name string) (note.Signer, note.Verifiers) {
	t.Helper()
	private, public, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	return signer, note.VerifierList(verifier)
}

// numbers is an erasure of three numbers, and what a receipt for the second says of it.
func numbers() (accepted, erased []byte, begun, ended *receipt.Subject) {
	d := digest.Digester{Current: "1", Keys: map[string][]byte{"1": []byte("a key of digests, 32 characters.")}}
	var open, done []statement.Subject
	var opening []byte
	for i, number := range []string{"111", "222#", "333"} {
		key, _ := d.Opening("1", digest.Message("number", "acme", number))
		if i == 1 {
			opening = key
		}
		commitment := statement.Commitment(key, digest.Message("number", "acme", number))
		open = append(open, statement.Subject{Commitment: commitment})
		done = append(done, statement.Subject{Commitment: commitment, Outcome: statement.OutcomeErased})
	}
	before, after := statement.NewTree(open), statement.NewTree(done)
	at := statement.TimeOf(time.UnixMilli(1795000000000))
	s := statement.Statement{
		Type: statement.Accepted, ID: "20261127T101112Z-0123456789abcdef", Kind: statement.Numbers,
		Scope: "acme", By: "app", Accepted: at, Subjects: before.Subjects(),
	}
	accepted = s.Line()
	s.Type, s.Subjects = statement.Erased, after.Subjects()
	s.End = &statement.End{Finished: at, Verified: at, Found: 3, Erased: 3, Passes: 2, BackupsUntil: at}
	begun = &receipt.Subject{Index: 1, Opening: opening, Path: before.Path(1), Subject: "number#acme#222%23"}
	ended = &receipt.Subject{Index: 1, Opening: opening, Path: after.Path(1), Subject: begun.Subject, Outcome: "e"}
	return accepted, s.Line(), begun, ended
}

// seal is a receipt of the leaf with this index in a log of these leaves.
func seal(t testing.TB, signer note.Signer, leaves [][]byte, index int64, about *receipt.Subject) receipt.Receipt {
	t.Helper()
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) (hashes []tlog.Hash, err error) {
		for _, i := range indexes {
			hashes = append(hashes, stored[i])
		}
		return hashes, nil
	})
	for i, leaf := range leaves {
		hashes, err := tlog.StoredHashes(int64(i), leaf, reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, hashes...)
	}
	n := int64(len(leaves))
	root, err := tlog.TreeHash(n, reader)
	if err != nil {
		t.Fatal(err)
	}
	path, err := tlog.ProveRecord(n, index, reader)
	if err != nil {
		t.Fatal(err)
	}
	text := receipt.CheckpointText(origin, tlog.Tree{N: n, Hash: root})
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		t.Fatal(err)
	}
	return receipt.Receipt{
		Index: index, Path: path, Checkpoint: string(signed), Statement: leaves[index], Subject: about,
	}
}

func TestVerify(t *testing.T) {
	signer, trusted := keys(t, origin)
	accepted, erased, begun, ended := numbers()
	leaves := [][]byte{[]byte("other"), accepted, []byte("another"), []byte("third"), erased}
	for name, r := range map[string]receipt.Receipt{
		"acceptance":             seal(t, signer, leaves, 1, nil),
		"acceptance of one":      seal(t, signer, leaves, 1, begun),
		"erasure":                seal(t, signer, leaves, 4, nil),
		"erasure of one":         seal(t, signer, leaves, 4, ended),
		"the only leaf of a log": seal(t, signer, [][]byte{erased}, 0, ended),
	} {
		t.Run(name, func(t *testing.T) {
			v, err := receipt.Verify(r.Text(), trusted)
			if err != nil {
				t.Fatalf("%v\n%s", err, r.Text())
			}
			if v.Origin != origin || v.Index != r.Index || v.Statement.Scope != "acme" ||
				(v.Subject != nil) != (r.Subject != nil) {
				t.Errorf("verified %s", repr.String(v))
			}
			if v.Subject != nil && v.Subject.Subject != "number#acme#222%23" {
				t.Errorf("about %s", v.Subject.Subject)
			}
		})
	}
}

// Whichever byte is changed, into whatever, it is a receipt no more.
func TestEveryByteCounts(t *testing.T) {
	signer, trusted := keys(t, origin)
	accepted, erased, _, ended := numbers()
	text := seal(t, signer, [][]byte{[]byte("other"), accepted, erased}, 2, ended).Text()
	for i, was := range text {
		for _, change := range []byte{was ^ 1, was ^ 2, was ^ 4, was ^ 16, was ^ 32, was ^ 128, ' ', '\n', '\r', '=', 0} {
			if change == was {
				continue
			}
			altered := slices.Clone(text)
			altered[i] = change
			if _, err := receipt.Verify(altered, trusted); err == nil {
				t.Errorf("byte %d of %q is %q instead of %q, and taken", i, text, change, was)
			}
		}
		if _, err := receipt.Verify(slices.Delete(slices.Clone(text), i, i+1), trusted); err == nil {
			t.Errorf("without byte %d it is taken", i)
		}
		if _, err := receipt.Verify(slices.Insert(slices.Clone(text), i, was), trusted); err == nil &&
			!bytes.Equal(slices.Insert(slices.Clone(text), i, was), text) {
			t.Errorf("with byte %d twice it is taken", i)
		}
	}
}

// A receipt of another key or another log is told apart from one that was changed.
func TestFaults(t *testing.T) {
	signer, trusted := keys(t, origin)
	foreign, _ := keys(t, origin)
	named, namedKeys := keys(t, "another.log")
	accepted, erased, begun, ended := numbers()
	leaves := [][]byte{accepted, erased}
	whole := seal(t, signer, leaves, 1, ended)
	with := func(change func(*receipt.Receipt)) []byte {
		r := whole
		about := *r.Subject
		r.Subject = &about
		change(&r)
		return r.Text()
	}
	other := errors.New("a KeyError")
	for name, c := range map[string]struct {
		text []byte
		keys note.Verifiers
		want error
	}{
		"no receipt":         {[]byte("hello"), trusted, receipt.ErrForm},
		"nothing":            {nil, trusted, receipt.ErrForm},
		"another key":        {seal(t, foreign, leaves, 1, ended).Text(), trusted, other},
		"another name":       {seal(t, named, leaves, 1, ended).Text(), trusted, other},
		"a key, not its log": {seal(t, named, leaves, 1, ended).Text(), namedKeys, other},
		"no key":             {whole.Text(), note.VerifierList(), other},
		"another statement":  {with(func(r *receipt.Receipt) { r.Statement = accepted }), trusted, receipt.ErrPath},
		"another place":      {with(func(r *receipt.Receipt) { r.Index = 0 }), trusted, receipt.ErrPath},
		"a place below zero": {with(func(r *receipt.Receipt) { r.Index = -1 }), trusted, receipt.ErrPath},
		"signed twice": {with(func(r *receipt.Receipt) {
			r.Checkpoint += r.Checkpoint[strings.LastIndex(r.Checkpoint, "\u2014"):]
		}), trusted, receipt.ErrSignature},
		"beyond the log":  {with(func(r *receipt.Receipt) { r.Index = 2 }), trusted, receipt.ErrPath},
		"another outcome": {with(func(r *receipt.Receipt) { r.Subject.Outcome = "n" }), trusted, receipt.ErrSubject},
		"no outcome":      {with(func(r *receipt.Receipt) { r.Subject.Outcome = "" }), trusted, receipt.ErrSubject},
		"a long outcome":  {with(func(r *receipt.Receipt) { r.Subject.Outcome = "ee" }), trusted, receipt.ErrSubject},
		"another subject": {with(func(r *receipt.Receipt) { r.Subject.Subject = "number#acme#223" }), trusted, receipt.ErrSubject},
		"another opening": {with(func(r *receipt.Receipt) { r.Subject.Opening = make([]byte, 32) }), trusted, receipt.ErrSubject},
		"a later border": {with(func(r *receipt.Receipt) {
			r.Subject.Opening = append(r.Subject.Opening[:32:32], "number"...)
			r.Subject.Subject = "#acme#222%23"
		}), trusted, receipt.ErrSubject},
		"a neighbour's":     {with(func(r *receipt.Receipt) { r.Subject.Index = 0 }), trusted, receipt.ErrSubject},
		"the acceptance's":  {with(func(r *receipt.Receipt) { r.Subject = begun }), trusted, receipt.ErrSubject},
		"not a statement":   {seal(t, signer, [][]byte{[]byte("x")}, 0, nil).Text(), trusted, receipt.ErrStatement},
		"no outcome at all": {seal(t, signer, leaves, 0, ended).Text(), trusted, receipt.ErrSubject},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := receipt.Verify(c.text, c.keys)
			_, key := errors.AsType[*receipt.KeyError](err)
			if c.want == other && !key || c.want != other && !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// Even a log that signed it proves nothing of a subject whom the statement cannot be
// about, or whose name or opening has another form than the writers give it.
func TestSubjectsThatNoStatementIsAbout(t *testing.T) {
	signer, trusted := keys(t, origin)
	opening := bytes.Repeat([]byte{7}, 32)
	for name, c := range map[string]struct {
		message string
		opening []byte
		path    [][]byte
		want    error
	}{
		"as it should be":          {"number#acme#111", opening, [][]byte{}, nil},
		"another tenant":           {"number#other#111", opening, [][]byte{}, receipt.ErrSubject},
		"a customer":               {"customer#acme#111", opening, [][]byte{}, receipt.ErrSubject},
		"no number":                {"number#acme", opening, [][]byte{}, receipt.ErrSubject},
		"two numbers":              {"number#acme#1#2", opening, [][]byte{}, receipt.ErrSubject},
		"written in another way":   {"number#acme#1%2", opening, [][]byte{}, receipt.ErrSubject},
		"a short opening":          {"number#acme#111", opening[:31], [][]byte{}, receipt.ErrSubject},
		"a long opening":           {"number#acme#111", append(opening, 7), [][]byte{}, receipt.ErrSubject},
		"null in place of no path": {"number#acme#111", opening, nil, receipt.ErrSubject},
	} {
		tree := statement.NewTree([]statement.Subject{{Commitment: statement.Commitment(c.opening, c.message)}})
		line := statement.Statement{Type: statement.Accepted, ID: "x", Kind: statement.Numbers, Scope: "acme", Subjects: tree.Subjects()}.Line()
		about := &receipt.Subject{Opening: c.opening, Path: c.path, Subject: c.message}
		_, err := receipt.Verify(seal(t, signer, [][]byte{line}, 0, about).Text(), trusted)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

// A log's name and key that stand in the signed text alone prove nothing, and neither
// does a note that is no checkpoint.
func TestCheckpoints(t *testing.T) {
	signer, trusted := keys(t, origin)
	root := base64.StdEncoding.EncodeToString(make([]byte, 32))
	for text, want := range map[string]error{
		origin + "\n3\n" + root + "\n":               nil,
		origin + "\n3\n" + root + "\nan extension\n": nil,
		origin + "\n03\n" + root + "\n":              receipt.ErrCheckpoint,
		origin + "\n-3\n" + root + "\n":              receipt.ErrCheckpoint,
		origin + "\n3\nAAAA\n":                       receipt.ErrCheckpoint,
		origin + "\n3\n":                             receipt.ErrCheckpoint,
		"hello\n":                                    receipt.ErrCheckpoint,
	} {
		signed, err := note.Sign(&note.Note{Text: text}, signer)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := receipt.OpenCheckpoint(string(signed), trusted); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
		forged := strings.Replace(string(signed), "\n3\n", "\n4\n", 1)
		if _, _, err := receipt.OpenCheckpoint(forged, trusted); forged != string(signed) && err == nil {
			t.Errorf("%q: another size is taken", text)
		}
	}
	if _, _, err := receipt.OpenCheckpoint(fmt.Sprintf("%s\n3\n%s\n", origin, root), trusted); err == nil {
		t.Error("a checkpoint without a signature is taken")
	}
}
