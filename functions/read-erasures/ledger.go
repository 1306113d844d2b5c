package main

import (
	"context"
	"errors"
	"net/http"

	"customercare/shared/gateway"
	"customercare/shared/principal"
	"customercare/shared/respond"
	"customercare/shared/store"
)

// checkpoint answers GET /ledger/checkpoint: the newest signed note of the log.
func (h handler) checkpoint(ctx context.Context, _ *gateway.Call, _ principal.Reader) (any, error) {
	head, err := h.head(ctx)
	return respond.Text(head.Checkpoint), err
}

// logKey answers GET /ledger/key: the key that verifies the log's checkpoints.
func (h handler) logKey(ctx context.Context, _ *gateway.Call, _ principal.Reader) (any, error) {
	head, err := h.head(ctx)
	return respond.Text(head.Key + "\n"), err
}

// head reads the log's head. There is one from the first minute of a stack on.
func (h handler) head(ctx context.Context) (store.Head, error) {
	head, err := h.log.Head(ctx)
	if errors.Is(err, store.ErrNoHead) {
		err = &respond.Error{
			Kind: respond.NotFound, Sentence: "Nothing is sealed yet, ask again later",
			Header: http.Header{"Retry-After": {"60"}},
		}
	}
	return head, err
}
