package main

import (
	"context"
	"strings"

	"customercare/shared/authorizer"
	"customercare/shared/media"
	"customercare/shared/operation"
	"customercare/shared/principal"
)

// handler is the authorizer with what it works on.
type handler struct{ directory principal.Directory }

func (h handler) authorizer() authorizer.Authorizer {
	return authorizer.New(operation.AuthorizeOperator, h.identify, authorizer.Unauthorized)
}

// identify says whose Basic credentials (RFC 7617) the request has. The policy lets an
// operator in to all of operators' operations; gateway.Endpoint refuses, in the
// operations' own shape, those that are not among what the context names.
func (h handler) identify(ctx context.Context, r authorizer.Request) (authorizer.Caller, error) {
	nobody := authorizer.Caller{}
	value, ok := authorizer.Authorization(r, "Basic")
	if !ok {
		return nobody, principal.ErrNotLetIn
	}
	name, password, ok := media.Basic(value)
	if !ok {
		return nobody, principal.ErrNotLetIn
	}
	operations, err := h.directory.Operator(ctx, r.RequestContext.Identity.SourceIP, name, password)
	if err != nil {
		return nobody, err
	}
	return authorizer.Caller{
		Name: name, Context: map[string]any{"operations": strings.Join(operations, " ")},
	}, nil
}
