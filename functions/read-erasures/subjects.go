package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"

	"customercare/shared/digest"
	"customercare/shared/gateway"
	"customercare/shared/identifier"
	"customercare/shared/principal"
	"customercare/shared/respond"
	"customercare/shared/statement"
	"customercare/shared/store"
)

// maxSubjects is how many subjects a call may ask about: as many as an erasure has.
const maxSubjects = 1000

// The outcomes of subjects, as answers spell them.
const (
	erasedName   = "erased"
	notFoundName = "not_found"
	heldName     = "held"
)

// outcomeNames are the names by what the ledger has.
var outcomeNames = map[store.Outcome]string{
	store.NotFound: notFoundName, store.Erased: erasedName, store.Held: heldName,
}

// subjectsRequest is the body: identifiers as operations 3 and 4 take them, a customer's
// code or a number.
type subjectsRequest struct {
	Subjects []string `json:"subjects"`
}

// subjectsAnswer has the subjects in the order of the request, each as often.
type subjectsAnswer struct {
	Subjects []subjectOutcome `json:"subjects"`
}

// subjectOutcome is nil for a subject that was not asked for, accepted while the erasure
// is open, and the outcome at its end.
type subjectOutcome struct {
	Subject string  `json:"subject"`
	Outcome *string `json:"outcome"`
}

// subjects answers POST /erasures/{id}/subjects. The body is read first, so that what is
// wrong with it says nothing of the erasure.
func (h handler) subjects(ctx context.Context, call *gateway.Call, reader principal.Reader) (any, error) {
	var asked subjectsRequest
	if err := call.DecodeJSON(&asked, "subjects"); err != nil {
		return nil, err
	}
	if n := len(asked.Subjects); n == 0 || n > maxSubjects {
		return nil, respond.Refuse(respond.Invalid, "subjects is required: a list of 1 to 1000 identifiers")
	}
	for i, subject := range asked.Subjects {
		if err := checkSubject(fmt.Sprintf("subjects[%d]", i), subject); err != nil {
			return nil, err
		}
	}
	record, err := h.record(ctx, call, reader)
	if err != nil {
		return nil, err
	}
	known, err := h.known(ctx, record)
	if err != nil {
		return nil, err
	}
	answer := subjectsAnswer{make([]subjectOutcome, len(asked.Subjects))}
	for i, subject := range asked.Subjects {
		answer.Subjects[i].Subject = subject
		if index, ok := known.find(subject); ok {
			outcome := known.outcome(index)
			answer.Subjects[i].Outcome = &outcome
		}
	}
	return answer, nil
}

// checkSubject refuses what no erasure was ever asked for.
func checkSubject(field, subject string) error {
	if subject == "" || len(subject) > identifier.MaxShort {
		return respond.Refuse(respond.Invalid,
			fmt.Sprintf("%s must be a string of 1 to %d bytes", field, identifier.MaxShort))
	}
	if !identifier.Sayable(subject) {
		return respond.Refuse(respond.Invalid, field+identifier.Unsayable)
	}
	return nil
}

// known is the subjects of an erasure, with the key that finds one among them.
type known struct {
	record   store.Record
	digests  []string
	places   map[string]int // by digest
	keyID    string
	digester digest.Digester
}

// known reads the digests of an erasure's subjects, and the key that they are made with.
func (h handler) known(ctx context.Context, record store.Record) (known, error) {
	digests, err := h.ledger.ReadDigests(ctx, record)
	if err != nil {
		return known{}, err
	}
	k := known{record: record, digests: digests, places: make(map[string]int, len(digests))}
	for i, digest := range digests {
		k.places[digest] = i
	}
	if len(digests) == 0 { // a record that is about no subject
		return k, nil
	}
	k.keyID, _, _ = strings.Cut(digests[0], ".")
	k.digester, err = h.keys.digester(ctx, k.keyID)
	return k, err
}

// message names the subject in digests and receipts.
func (k known) message(subject string) string {
	kind := "number"
	if k.record.Kind == statement.Customer {
		kind = "customer"
	}
	return digest.Message(kind, k.record.Scope, subject)
}

// find gives the subject's place in the erasure; ok is false when it was not asked for.
func (k known) find(subject string) (index int, ok bool) {
	made, ok := k.digester.Under(k.keyID, k.message(subject))
	if !ok {
		return 0, false
	}
	index, ok = k.places[made]
	return index, ok
}

// outcome is what became of the subject in this place.
func (k known) outcome(index int) string {
	if k.record.Statement == "" {
		return accepted
	}
	return outcomeNames[k.record.Outcomes.Of(index)]
}

// tree is the tree over the subjects in the statement of the end, or of the acceptance.
// ok is false when a digest has no commitment in it.
func (k known) tree(ended bool) (tree statement.Tree, ok bool) {
	subjects := make([]statement.Subject, len(k.digests))
	for i, digest := range k.digests {
		_, sum, _ := strings.Cut(digest, ".")
		if n, err := hex.Decode(subjects[i].Commitment[:], []byte(sum)); err != nil || n != len(subjects[i].Commitment) {
			return tree, false
		}
		if ended {
			subjects[i].Outcome = statement.Outcome(k.outcome(i)[0])
		}
	}
	return statement.NewTree(subjects), true
}
