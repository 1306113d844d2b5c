// Package authorizer is what the two authorizers share: functions that API Gateway asks
// whether a request's caller may call, and that answer with an IAM policy.
package authorizer

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"customercare/shared/invocation"
	"customercare/shared/metric"
	"customercare/shared/operation"
	"customercare/shared/principal"
)

// Request is what API Gateway asks, in either of its two forms. The template asks for the
// first: the whole request but its body (Type REQUEST). The other is the Authorization
// header alone (Type TOKEN).
type Request struct {
	events.APIGatewayCustomAuthorizerRequestTypeRequest
	AuthorizationToken string `json:"authorizationToken"` // of TOKEN only
}

// Answer is a policy, with what the operation is told of the caller.
type Answer = events.APIGatewayCustomAuthorizerResponse

// Caller is whom a request's credentials speak for.
type Caller struct {
	Name    string
	Context map[string]any // what the operation reads with gateway.Call.Caller
}

// Authorizer is one authorizer.
type Authorizer struct {
	name     string
	routes   []string // that a caller who is let in may call
	identify Identify
	refuse   Refusal
}

// Identify looks at a request's credentials. It gives principal.ErrNotLetIn or a
// *principal.Locked for a caller who is refused; any other error is a failure of ours.
type Identify = func(context.Context, Request) (Caller, error)

// Refusal is the answer to a caller who is refused: Deny or Unauthorized.
type Refusal func(Authorizer, Request) (Answer, error)

// New makes the authorizer of that name, operation.AuthorizeOperator or AuthorizeApp.
func New(name string, identify Identify, refuse Refusal) Authorizer {
	return Authorizer{name, operation.Routes(name), identify, refuse}
}

// ErrUnauthorized makes API Gateway answer 401 with the template's UNAUTHORIZED response,
// which has the shape of operations 1 and 2. The word is API Gateway's.
var ErrUnauthorized = errors.New("Unauthorized")

// Unauthorized refuses with ErrUnauthorized.
func Unauthorized(Authorizer, Request) (Answer, error) { return Answer{}, ErrUnauthorized }

// Deny refuses with a policy that denies, which API Gateway answers with the template's
// ACCESS_DENIED response: it has the shape of operation 4.
func Deny(a Authorizer, r Request) (Answer, error) {
	return a.policy("Deny", r, Caller{Name: "refused"}), nil
}

// errFailed is all that API Gateway is told of a failure of ours, which it answers with
// 500.
var errFailed = errors.New("authorizer failed")

// Handle is the function to give to Lambda's runtime. It writes one line with the call's
// metrics, also where identify panics; then the error is invocation.ErrPanicked.
func (a Authorizer) Handle(ctx context.Context, r Request) (answer Answer, err error) {
	defer invocation.Recover(a.name, &err)
	ctx, cancel := invocation.InTime(ctx)
	defer cancel()
	line := metric.CallLine{Operation: a.name, Began: time.Now(), APIRequestID: r.RequestContext.RequestID}
	defer func() { line.Log(ctx) }()
	caller, err := a.identify(ctx, r)
	_, locked := errors.AsType[*principal.Locked](err)
	switch {
	case locked:
		line.Outcome = metric.LockedOut // an authorizer cannot make API Gateway answer 429
		return a.refuse(a, r)
	case errors.Is(err, principal.ErrNotLetIn):
		line.Outcome = metric.Refused
		return a.refuse(a, r)
	case err != nil:
		slog.Error("failed", "operation", a.name, "cause", err.Error(), "apiRequestId", line.APIRequestID)
		return Answer{}, errFailed
	}
	line.Outcome = metric.Served
	return a.policy("Allow", r, caller), nil
}

// policy is about all that the caller may call on the API and the stage of the request,
// whatever path it has: API Gateway may keep the policy and apply it to the caller's
// other requests.
func (a Authorizer) policy(effect string, r Request, caller Caller) Answer {
	// arn:aws:execute-api:region:account:api/stage/METHOD/path
	parts := strings.SplitN(r.MethodArn, "/", 3)
	api := r.MethodArn
	if len(parts) == 3 {
		api = parts[0] + "/" + parts[1]
	}
	resources := make([]string, len(a.routes))
	for i, route := range a.routes {
		resources[i] = api + "/" + route
	}
	return Answer{
		PrincipalID: caller.Name,
		PolicyDocument: events.APIGatewayCustomAuthorizerPolicy{
			Version: "2012-10-17",
			Statement: []events.IAMPolicyStatement{{
				Action: []string{"execute-api:Invoke"}, Effect: effect, Resource: resources,
			}},
		},
		Context: caller.Context,
	}
}

// Authorization is the value of the request's one Authorization header under the scheme,
// whose name has no case (RFC 9110 section 11.1). ok is false when there is none, another
// scheme, or more than one header.
func Authorization(r Request, scheme string) (value string, ok bool) {
	all := authorizations(r)
	if len(all) != 1 {
		return "", false
	}
	given, value, found := strings.Cut(all[0], " ")
	if !found || !strings.EqualFold(given, scheme) {
		return "", false
	}
	return strings.TrimLeft(value, " "), true
}

// authorizations are all Authorization headers. An event that is written by hand may have
// the single-valued form alone.
func authorizations(r Request) (all []string) {
	if r.Type == "TOKEN" {
		return []string{r.AuthorizationToken}
	}
	for name, values := range r.MultiValueHeaders {
		if strings.EqualFold(name, "Authorization") {
			all = append(all, values...)
		}
	}
	if r.MultiValueHeaders != nil {
		return all
	}
	for name, value := range r.Headers {
		if strings.EqualFold(name, "Authorization") {
			all = append(all, value)
		}
	}
	return all
}
