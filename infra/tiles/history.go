package tiles

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"customercare/shared/statement"
)

// history is what the entries so far have said.
type history struct {
	maxAge time.Duration
	open   map[string]statement.Statement // acceptances without an end, by id
	leaves map[short]int64                // where each statement stands, by its hash
	over   map[short]int64                // where each erasure has ended, by its id's hash
}

// short is the beginning of a hash: enough to tell any two, in half the memory.
type short [16]byte

func newHistory(maxAge time.Duration) history {
	return history{maxAge, map[string]statement.Statement{}, map[short]int64{}, map[short]int64{}}
}

// add takes the statement at a leaf. bad says, in words that follow the leaf's number,
// what contradicts the statements before; slow that an erasure took longer than maxAge.
func (h history) add(leaf int64, hash tlog.Hash, s statement.Statement) (bad string, slow bool) {
	before, twice := h.leaves[short(hash[:16])]
	h.leaves[short(hash[:16])] = leaf
	sum := sha256.Sum256([]byte(s.ID))
	id := short(sum[:16])
	accepted, isOpen := h.open[s.ID]
	ended, isOver := h.over[id]
	switch {
	case twice:
		return fmt.Sprintf("is the same statement as leaf %d: it was sealed twice", before), false
	case s.Type == statement.Accepted && isOpen:
		return "accepts an erasure that is open already", false
	case s.Type == statement.Accepted && isOver:
		return fmt.Sprintf("accepts an erasure that has ended at leaf %d already", ended), false
	case s.Type == statement.Accepted:
		h.open[s.ID] = s
	case s.End != nil && isOver:
		return fmt.Sprintf("ends an erasure that has ended at leaf %d already", ended), false
	case s.End != nil && !isOpen:
		return "ends an erasure that is not accepted at any leaf before it", false
	case s.End != nil:
		delete(h.open, s.ID)
		h.over[id] = leaf
		if what := differs(accepted, s); what != "" {
			bad = "names another " + what + " than the acceptance itself"
		}
		slow = s.Finished.Sub(accepted.Accepted.Time) > h.maxAge
	}
	return bad, slow
}

// differs names what the end of an erasure says otherwise than its acceptance does.
func differs(accepted, end statement.Statement) string {
	switch {
	case !accepted.Accepted.Equal(end.Accepted.Time):
		return "time of acceptance"
	case accepted.Kind != end.Kind:
		return "kind"
	case accepted.Scope != end.Scope:
		return "scope"
	case accepted.By != end.By:
		return "caller"
	case !bytes.Equal(accepted.Ticket, end.Ticket):
		return "ticket"
	case (accepted.Subjects == nil) != (end.Subjects == nil),
		accepted.Subjects != nil && accepted.Subjects.N != end.Subjects.N:
		return "number of subjects"
	}
	return ""
}
