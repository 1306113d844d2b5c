package main

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"

	"customercare/shared/invocation"
	"customercare/shared/media"
	"customercare/shared/metric"
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

// authorize answers API Gateway whether the request's Basic credentials (RFC 7617) are an operator's.
func (a authorizer) authorize(ctx context.Context, r principal.Request) (answer events.APIGatewayCustomAuthorizerResponse, err error) {
	defer invocation.Recover("authorize-operator", &err)
	ctx, cancel := invocation.InTime(ctx)
	defer cancel()
	call := metric.Call{Operation: "authorize-operator", Began: time.Now(), APIRequestID: r.RequestContext.RequestID}
	defer func() { call.Log(ctx) }()
	name, operations, err := a.operator(ctx, r)
	if errors.Is(err, principal.ErrRefused) {
		call.Outcome = metric.Refused
		return events.APIGatewayCustomAuthorizerResponse{}, errUnauthorized
	}
	if _, locked := errors.AsType[*principal.Locked](err); locked {
		call.Outcome = metric.LockedOut // an authorizer cannot make API Gateway answer 429
		return events.APIGatewayCustomAuthorizerResponse{}, errUnauthorized
	}
	if err != nil {
		slog.Error("failed", "operation", "authorize-operator", "cause", err.Error())
		return events.APIGatewayCustomAuthorizerResponse{}, errors.New("authorizer failed")
	}
	call.Outcome = metric.Served
	// What an operator may not do of that, the functions refuse in their own shape (gateway.Endpoint.Scoped).
	return principal.Policy("Allow", name, r.MethodArn, routes, map[string]any{"operations": strings.Join(operations, " ")}), nil
}

// operator is the name of the operator whose credentials the request carries, and what they may call. principal.ErrRefused,
// *principal.Locked.
func (a authorizer) operator(ctx context.Context, r principal.Request) (name string, operations []string, err error) {
	value, ok := r.Authorization("Basic")
	if !ok {
		return "", nil, principal.ErrRefused
	}
	pair, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return "", nil, principal.ErrRefused
	}
	name, password, ok := strings.Cut(characters(pair), ":")
	if !ok {
		return "", nil, principal.ErrRefused
	}
	operations, err = a.directory.Operator(ctx, r.RequestContext.Identity.SourceIP, name, password)
	return name, operations, err
}

// characters are those of a pair in UTF-8 or, where it is none, in ISO-8859-1, which older
// clients send (RFC 7617, appendix B). It is one reading or the other, so that a password is
// looked at once, and a name is counted as the same in both.
func characters(pair []byte) string {
	if utf8.Valid(pair) {
		return string(pair)
	}
	return media.FromLatin1(pair)
}
