package statement

import (
	"crypto/sha256"
	"errors"

	"golang.org/x/mod/sumdb/tlog"
)

// Subjects is what a statement says of the data subjects of a request: how many there
// are, and the root of a tree over them (RFC 6962, section 2.1). A leaf of the tree is
// about one subject. So a receipt for one of a thousand shows nothing of the others.
type Subjects struct {
	N    int    `json:"n"`
	Root []byte `json:"root"` // 32 bytes
}

// Outcome is what became of one subject, at the end of the erasure.
type Outcome byte

const (
	// Open is the outcome in an Accepted statement: there is none yet.
	Open Outcome = 0
	// OutcomeErased says that something was found of the subject, and is erased.
	OutcomeErased Outcome = 'e'
	// OutcomeNotFound says that nothing was found of the subject.
	OutcomeNotFound Outcome = 'n'
	// OutcomeHeld says that a hold keeps something of the subject. The rest is erased.
	OutcomeHeld Outcome = 'h'
)

// Subject is one leaf of the tree.
type Subject struct {
	Commitment [sha256.Size]byte
	Outcome    Outcome
}

// Commitment stands for a data subject: nobody can tell whose it is without the opening.
// message names the subject, as package digest says.
func Commitment(opening []byte, message string) [sha256.Size]byte {
	return sha256.Sum256(append(opening[:len(opening):len(opening)], message...))
}

// hash is the leaf's: over the commitment, and the outcome's character where there is
// one.
func (s Subject) hash() tlog.Hash {
	leaf := s.Commitment[:]
	if s.Outcome != Open {
		leaf = append(leaf, byte(s.Outcome))
	}
	return tlog.RecordHash(leaf)
}

// Tree is the tree over the subjects of one request.
type Tree struct {
	n      int64
	stored storedHashes
}

// storedHashes are all hashes of a tree, in tlog's order.
type storedHashes []tlog.Hash

// ReadHashes gives those with the given indexes.
func (s storedHashes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		hashes[i] = s[index]
	}
	return hashes, nil
}

// NewTree makes the tree over a request's subjects, which the caller gives in the order
// of their identifiers' bytes, each once.
func NewTree(subjects []Subject) Tree {
	t := Tree{n: int64(len(subjects)), stored: make(storedHashes, 0, 2*len(subjects))}
	for i, subject := range subjects {
		hashes, err := tlog.StoredHashesForRecordHash(int64(i), subject.hash(), t.stored)
		if err != nil { // every hash that it reads is there
			panic("statement: " + err.Error())
		}
		t.stored = append(t.stored, hashes...)
	}
	return t
}

// Subjects is what a statement says of the tree.
func (t Tree) Subjects() *Subjects {
	root, err := tlog.TreeHash(t.n, t.stored)
	if err != nil {
		panic("statement: " + err.Error())
	}
	return &Subjects{N: int(t.n), Root: root[:]}
}

// Path is the proof that the subject with this index is in the tree: the hashes beside
// its way to the root, from the leaf up. The caller sees to it that the index is one of
// the tree's.
func (t Tree) Path(index int) [][]byte {
	proof, err := tlog.ProveRecord(t.n, int64(index), t.stored)
	if err != nil {
		panic("statement: " + err.Error())
	}
	path := make([][]byte, len(proof))
	for i := range proof {
		path[i] = proof[i][:]
	}
	return path
}

// errSubject says that a subject is not in a statement's tree.
var errSubject = errors.New("statement: the subject is not in the tree")

// Check is nil when path proves that the subject has this index in the tree.
func (s Subjects) Check(subject Subject, index int, path [][]byte) error {
	proof := make(tlog.RecordProof, len(path))
	for i, hash := range path {
		if len(hash) != tlog.HashSize {
			return errSubject
		}
		proof[i] = tlog.Hash(hash)
	}
	if len(s.Root) != tlog.HashSize {
		return errSubject
	}
	err := tlog.CheckRecord(proof, int64(s.N), tlog.Hash(s.Root), int64(index), subject.hash())
	if err != nil {
		return errSubject
	}
	return nil
}
