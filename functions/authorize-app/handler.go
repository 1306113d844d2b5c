package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"

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
func (a authorizer) authorize(ctx context.Context, r principal.Request) (events.APIGatewayCustomAuthorizerResponse, error) {
	refused := principal.Policy("Deny", "refused", r.MethodArn, routes, nil)
	token, ok := r.Authorization("Bearer")
	if !ok || token == "" {
		return refused, nil
	}
	app, tenant, err := a.directory.Token(ctx, token)
	if errors.Is(err, principal.ErrRefused) {
		slog.Info("token refused")
		return refused, nil
	}
	if err != nil {
		slog.Error("failed", "operation", "authorize-app", "cause", err.Error())
		return events.APIGatewayCustomAuthorizerResponse{}, errors.New("authorizer failed")
	}
	return principal.Policy("Allow", app, r.MethodArn, routes, map[string]any{"appKey": app, "tenantId": tenant}), nil
}
