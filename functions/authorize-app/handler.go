package main

import (
	"context"

	"customercare/shared/authorizer"
	"customercare/shared/operation"
	"customercare/shared/principal"
)

// handler is the authorizer with what it works on.
type handler struct{ tokens principal.Tokens }

func (h handler) authorizer() authorizer.Authorizer {
	return authorizer.New(operation.AuthorizeApp, h.identify, authorizer.Deny)
}

// identify says for whom the request's Bearer token (RFC 6750) speaks.
func (h handler) identify(ctx context.Context, r authorizer.Request) (authorizer.Caller, error) {
	token, ok := authorizer.Authorization(r, "Bearer")
	if !ok || token == "" {
		return authorizer.Caller{}, principal.ErrNotLetIn
	}
	app, tenant, err := h.tokens.Find(ctx, token)
	if err != nil {
		return authorizer.Caller{}, err
	}
	return authorizer.Caller{Name: app, Context: map[string]any{"appKey": app, "tenantId": tenant}}, nil
}
