package main

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"customercare/shared/principal"
)

// routes are all that an operator may call: operations 1 and 2 under both base paths, and the methods that those answer
// with 405. API Gateway routes a path with a slash at its end alike, but leaves the slash in methodArn.
var routes = []string{
	"*/customercare/v1/*/provision",
	"*/customercare/v1/*/provision/",
	"*/risk-cc/customercare/v1/*/provision",
	"*/risk-cc/customercare/v1/*/provision/",
}

// errUnauthorized makes API Gateway answer 401 with the template's UNAUTHORIZED response; the word is API Gateway's.
var errUnauthorized = errors.New("Unauthorized")

type authorizer struct{ directory principal.Directory }

// authorize answers API Gateway whether the request's Basic credentials (RFC 7617, UTF-8) are an operator's.
func (a authorizer) authorize(ctx context.Context, r principal.Request) (events.APIGatewayCustomAuthorizerResponse, error) {
	var none events.APIGatewayCustomAuthorizerResponse
	value, ok := r.Authorization("Basic")
	if !ok {
		return none, errUnauthorized
	}
	pair, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return none, errUnauthorized
	}
	name, password, ok := strings.Cut(string(pair), ":")
	if !ok {
		return none, errUnauthorized
	}
	if err := a.directory.Operator(ctx, name, password); err != nil {
		if errors.Is(err, principal.ErrRefused) {
			slog.Info("operator refused")
			return none, errUnauthorized
		}
		slog.Error("failed", "operation", "authorize-operator", "cause", err.Error())
		return none, errors.New("authorizer failed")
	}
	return principal.Policy("Allow", name, r.MethodArn, routes, nil), nil
}
