package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"customercare/shared/gateway"
	"customercare/shared/principal"
	"customercare/shared/receipt"
	"customercare/shared/respond"
	"customercare/shared/store"
)

// receipt answers GET /erasures/{id}/receipt: that of the newest sealed statement, for
// the erasure as a whole.
func (h handler) receipt(ctx context.Context, call *gateway.Call, reader principal.Reader) (any, error) {
	record, err := h.record(ctx, call, reader)
	if err != nil {
		return nil, err
	}
	newest, err := newestOf(record)
	if err != nil {
		return nil, err
	}
	return h.write(ctx, newest, nil)
}

// statementIn is a sealed statement of an erasure.
type statementIn struct {
	line  string
	leaf  int64
	ended bool // it is the one of the end
}

// errNotSealed comes until the sealer's next run, or longer while the log is not sealed.
var errNotSealed error = &respond.Error{
	Kind: respond.NotFound, Sentence: "Nothing of this erasure is sealed yet, ask again later",
	Header: http.Header{"Retry-After": {"60"}},
}

// newestOf is the newest statement of an erasure that is sealed.
func newestOf(record store.Record) (statementIn, error) {
	switch {
	case record.EndedIn != nil && record.Statement != "":
		return statementIn{record.Statement, record.EndedIn.Leaf, true}, nil
	case record.AcceptedIn != nil && record.Accepted != "":
		return statementIn{record.Accepted, record.AcceptedIn.Leaf, false}, nil
	}
	return statementIn{}, errNotSealed
}

// errUnproven says that a receipt does not prove what it should. None is given away:
// somebody has changed the log, a record or the key.
var errUnproven = errors.New("a receipt does not verify")

// write writes a receipt under the present checkpoint, and verifies it as its reader
// will.
func (h handler) write(ctx context.Context, s statementIn, subject *receipt.Subject) (any, error) {
	head, err := h.head(ctx)
	if err != nil {
		return nil, err
	}
	path, err := tlog.ProveRecord(head.Tree.N, s.leaf, h.log.Hashes(ctx, head.Tree))
	if err != nil {
		if failure, ok := errors.AsType[*store.Error](err); ok {
			return nil, failure
		}
		return nil, fmt.Errorf("%w: %w", errUnproven, err)
	}
	text := receipt.Receipt{
		Index: s.leaf, Path: path, Checkpoint: head.Checkpoint, Statement: []byte(s.line), Subject: subject,
	}.Text()
	verifier, err := note.NewVerifier(head.Key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnproven, err)
	}
	if _, err := receipt.Verify(text, note.VerifierList(verifier)); err != nil {
		return nil, fmt.Errorf("%w: %w", errUnproven, err)
	}
	return respond.Text(text), nil
}
