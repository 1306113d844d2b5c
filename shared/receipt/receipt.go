// Package receipt writes and verifies receipts of erasures: small text files with which
// anybody can check, offline, that a statement is in the log that a key has signed.
//
// A receipt is a transparency-log proof (https://c2sp.org/tlog-proof). Its line "extra"
// is the base64 of the statement's line and a line feed, and for a receipt of one data
// subject a second line, a Subject. The checkpoint in it is a signed note with a tree of
// the log (https://c2sp.org/tlog-checkpoint).
package receipt

import (
	"encoding/json"

	"github.com/transparency-dev/formats/proof"
	"golang.org/x/mod/sumdb/tlog"

	"customercare/shared/statement"
)

// Receipt is what a receipt is made of.
type Receipt struct {
	Index      int64            // of the statement's leaf in the log
	Path       tlog.RecordProof // from the leaf to the root of the checkpoint's tree
	Checkpoint string           // the signed note
	Statement  []byte           // the leaf
	Subject    *Subject         // nil in a receipt for a whole erasure
}

// Subject is the line about one data subject. It shows nothing of the request's other
// ones.
type Subject struct {
	Index   int    `json:"index"`   // of the subject in the statement's tree
	Opening []byte `json:"opening"` // package digest
	// Outcome is the character of a statement.Outcome, "" in a receipt of an acceptance.
	Outcome string   `json:"outcome,omitempty"`
	Path    [][]byte `json:"path"`    // from the subject to the root of its tree
	Subject string   `json:"subject"` // the message of its digest, such as "number#acme#135"
}

// Text is the receipt as it is given away.
func (r Receipt) Text() []byte {
	extra := append(r.Statement[:len(r.Statement):len(r.Statement)], '\n')
	if r.Subject != nil {
		line, err := json.Marshal(r.Subject)
		if err != nil { // every field can be written
			panic("receipt: " + err.Error())
		}
		extra = append(append(extra, line...), '\n')
	}
	p := proof.TLogProof{Index: uint64(r.Index), Checkpoint: []byte(r.Checkpoint), ExtraData: extra}
	for _, hash := range r.Path {
		p.Hashes = append(p.Hashes, hash)
	}
	return p.Marshal()
}

// leaf is the subject as it stands in the statement's tree.
func (s Subject) leaf() statement.Subject {
	leaf := statement.Subject{Commitment: statement.Commitment(s.Opening, s.Subject)}
	if s.Outcome != "" {
		leaf.Outcome = statement.Outcome(s.Outcome[0])
	}
	return leaf
}
