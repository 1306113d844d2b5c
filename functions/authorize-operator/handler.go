package main

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

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

// authorize answers API Gateway whether the request's Basic credentials (RFC 7617, UTF-8) are an operator's.
func (a authorizer) authorize(ctx context.Context, r principal.Request) (events.APIGatewayCustomAuthorizerResponse, error) {
	call := metric.Call{Operation: "authorize-operator", Began: time.Now(), APIRequestID: r.RequestContext.RequestID}
	defer func() { call.Log(ctx) }()
	name, err := a.operator(ctx, r)
	if errors.Is(err, principal.ErrRefused) {
		call.Outcome = metric.Refused
		return events.APIGatewayCustomAuthorizerResponse{}, errUnauthorized
	}
	if err != nil {
		slog.Error("failed", "operation", "authorize-operator", "cause", err.Error())
		return events.APIGatewayCustomAuthorizerResponse{}, errors.New("authorizer failed")
	}
	call.Outcome = metric.Served
	return principal.Policy("Allow", name, r.MethodArn, routes, nil), nil
}

// operator is the name of the operator whose credentials the request carries. principal.ErrRefused.
func (a authorizer) operator(ctx context.Context, r principal.Request) (string, error) {
	value, ok := r.Authorization("Basic")
	if !ok {
		return "", principal.ErrRefused
	}
	pair, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return "", principal.ErrRefused
	}
	name, password, ok := strings.Cut(string(pair), ":")
	if !ok {
		return "", principal.ErrRefused
	}
	return name, a.directory.Operator(ctx, name, password)
}
