package main

import (
	"context"

	"customercare/shared/gateway"
	"customercare/shared/principal"
	"customercare/shared/receipt"
	"customercare/shared/respond"
)

// receiptRequest is the body: one identifier as operations 3 and 4 take it.
type receiptRequest struct {
	Subject string `json:"subject"`
}

// errNotASubject says that the erasure is the caller's, and is about others.
var errNotASubject = respond.Refuse(respond.NotFound, "subject was not asked for in this erasure")

// receiptFor answers POST /erasures/{id}/receipt: the receipt for one data subject, who
// can check it without learning anything of the request's other ones.
func (h handler) receiptFor(ctx context.Context, call *gateway.Call, reader principal.Reader) (any, error) {
	var asked receiptRequest
	if err := call.DecodeJSON(&asked, "subject"); err != nil {
		return nil, err
	}
	if err := checkSubject("subject", asked.Subject); err != nil {
		return nil, err
	}
	record, err := h.record(ctx, call, reader)
	if err != nil {
		return nil, err
	}
	known, err := h.known(ctx, record)
	if err != nil {
		return nil, err
	}
	index, ok := known.find(asked.Subject)
	if !ok {
		return nil, errNotASubject
	}
	newest, err := newestOf(record)
	if err != nil {
		return nil, err
	}
	tree, ok := known.tree(newest.ended)
	opening, there := known.digester.Opening(known.keyID, known.message(asked.Subject))
	if !ok || !there {
		return nil, errUnproven
	}
	subject := &receipt.Subject{
		Index: index, Opening: opening, Path: tree.Path(index), Subject: known.message(asked.Subject),
	}
	if newest.ended {
		subject.Outcome = known.outcome(index)[:1]
	}
	return h.write(ctx, newest, subject)
}
