package main

import (
	"context"
	"encoding/base64"
	"strings"
	"unicode/utf8"

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
	pair, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return nobody, principal.ErrNotLetIn
	}
	name, password, ok := strings.Cut(characters(pair), ":")
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

// characters are those of a pair in UTF-8 or, where it is none, in ISO-8859-1, which
// older clients send (RFC 7617, appendix B). It is one reading or the other, so that a
// password is looked at once, and a name is counted as the same in both.
func characters(pair []byte) string {
	if utf8.Valid(pair) {
		return string(pair)
	}
	return media.FromLatin1(pair)
}
