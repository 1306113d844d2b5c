package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"customercare/shared/invocation"
	"customercare/shared/metric"
	"customercare/shared/principal"
)

// routes are all that an app may call with its token; API Gateway leaves a slash at the path's end in methodArn.
var routes = []string{
	"POST/apiaccess/CC-Management/v1/clearUserInfo/cleancustpersonaldata",
	"POST/apiaccess/CC-Management/v1/clearUserInfo/cleancustpersonaldata/",
}

type authorizer struct{ directory principal.Directory }

// authorize answers API Gateway whether the request's Bearer token (RFC 6750) is good, and for whom. A refusal is a
// policy that denies, which API Gateway answers with the template's ACCESS_DENIED response: it has the shape of
// operation 4, while UNAUTHORIZED has that of operations 1 and 2.
func (a authorizer) authorize(ctx context.Context, r principal.Request) (answer events.APIGatewayCustomAuthorizerResponse, err error) {
	defer invocation.Recover("authorize-app", &err)
	ctx, cancel := invocation.InTime(ctx)
	defer cancel()
	call := metric.Call{Operation: "authorize-app", Began: time.Now(), APIRequestID: r.RequestContext.RequestID}
	defer func() { call.Log(ctx) }()
	app, tenant, err := a.app(ctx, r)
	if errors.Is(err, principal.ErrRefused) {
		call.Outcome = metric.Refused
		return principal.Policy("Deny", "refused", r.MethodArn, routes, nil), nil
	}
	if err != nil {
		slog.Error("failed", "operation", "authorize-app", "cause", err.Error())
		return events.APIGatewayCustomAuthorizerResponse{}, errors.New("authorizer failed")
	}
	call.Outcome = metric.Served
	return principal.Policy("Allow", app, r.MethodArn, routes, map[string]any{"appKey": app, "tenantId": tenant}), nil
}

// app is whom the request's token speaks for. principal.ErrRefused.
func (a authorizer) app(ctx context.Context, r principal.Request) (app, tenant string, err error) {
	token, ok := r.Authorization("Bearer")
	if !ok || token == "" {
		return "", "", principal.ErrRefused
	}
	return a.directory.Token(ctx, token)
}
