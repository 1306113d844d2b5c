package receipt

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/transparency-dev/formats/proof"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"customercare/shared/statement"
	"customercare/shared/store"
)

// The faults of a receipt. Each is a sentence for whoever verifies.
var (
	// ErrForm says that a text is no receipt, or has been changed in a way that no
	// receipt looks like.
	ErrForm = errors.New("this is not a receipt: it does not have the form of a tlog-proof of version 1")
	// ErrCheckpoint says that the signed part is no checkpoint.
	ErrCheckpoint = errors.New("the receipt's last part is not the checkpoint of a log")
	// ErrSignature says that the signature of a known key is wrong.
	ErrSignature = errors.New("the signature is wrong: the checkpoint was changed after it was signed")
	// ErrPath says that the statement is not in the log.
	ErrPath = errors.New("the statement is not in the log that was signed: " +
		"the statement, its place or the proof was changed")
	// ErrStatement says that the leaf is no statement that this program can read.
	ErrStatement = errors.New("the log's entry is not a statement about an erasure of version 1")
	// ErrSubject says that the part about the data subject does not belong to the
	// statement.
	ErrSubject = errors.New("the statement is not about this data subject with this outcome: " +
		"the subject, its outcome or its proof was changed")
)

// KeyError says that none of the verifier's keys has signed the checkpoint.
type KeyError struct{ Name string } // of the log that the receipt says it is from

func (e *KeyError) Error() string {
	return fmt.Sprintf("the receipt is signed by another key than the one given: "+
		"it says that it is from the log %q", e.Name)
}

// Verified is what a receipt proves.
type Verified struct {
	Origin    string // name of the log
	Size      int64  // leaves of the log when it was signed
	Index     int64  // of the statement among them
	Statement statement.Statement
	Subject   *Subject // nil where the receipt is for a whole erasure
}

// Verify checks a receipt with the keys of the logs that the verifier trusts. Every byte
// counts: what is not as Text writes it is no receipt. The error is one of this package's
// faults.
func Verify(text []byte, keys note.Verifiers) (Verified, error) {
	var p proof.TLogProof
	if err := p.Unmarshal(text); err != nil || !bytes.Equal(p.Marshal(), text) {
		return Verified{}, ErrForm
	}
	line, more, ended := bytes.Cut(p.ExtraData, []byte("\n"))
	if !ended {
		return Verified{}, ErrForm
	}
	tree, origin, err := OpenCheckpoint(string(p.Checkpoint), keys)
	if err != nil {
		return Verified{}, err
	}
	path := make(tlog.RecordProof, len(p.Hashes))
	for i, hash := range p.Hashes {
		path[i] = hash
	}
	if tlog.CheckRecord(path, tree.N, tree.Hash, int64(p.Index), statement.Hash(line)) != nil {
		return Verified{}, ErrPath
	}
	said, err := statement.Parse(line)
	if err != nil {
		return Verified{}, ErrStatement
	}
	v := Verified{Origin: origin, Size: tree.N, Index: int64(p.Index), Statement: said}
	if len(more) > 0 {
		v.Subject, err = verifySubject(said, more)
	}
	return v, err
}

// verifySubject checks the line about one data subject against the statement.
func verifySubject(said statement.Statement, line []byte) (*Subject, error) {
	var s Subject
	if err := json.Unmarshal(line, &s); err != nil {
		return nil, ErrForm
	}
	written, err := json.Marshal(s)
	if err != nil || string(line) != string(written)+"\n" {
		return nil, ErrForm
	}
	ended := said.Type != statement.Accepted
	// An opening of another length would move the border between it and the subject: the
	// same bytes would then be a commitment to another subject.
	if said.Subjects == nil || s.Path == nil || len(s.Opening) != sha256.Size || !fits(s.Subject, said) ||
		ended != (s.Outcome != "") || len(s.Outcome) > 1 || !strings.Contains(outcomes, s.Outcome) ||
		said.Subjects.Check(s.leaf(), s.Index, s.Path) != nil {
		return nil, ErrSubject
	}
	return &s, nil
}

// outcomes are those that a receipt may have: erased, not found, held.
const outcomes = "enh"

// kinds are those of data subjects, by the kinds of the erasures that are about them.
var kinds = map[string]string{statement.Customer: "customer", statement.Numbers: "number"}

// fits says whether the message names an identifier, and that of the kind and within the
// account or tenant that the statement is about. What a log's key has signed must not
// say two things at once.
func fits(message string, said statement.Statement) bool {
	parts := store.SplitKey(message)
	kind, known := kinds[said.Kind]
	return len(parts) == 3 && store.JoinKey(parts[0], parts[1:]...) == message &&
		known && parts[0] == kind && parts[1] == said.Scope
}
