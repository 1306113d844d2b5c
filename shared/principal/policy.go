package principal

import (
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// Policy is an authorizer's answer for the caller name on the API that methodArn belongs to. API Gateway may cache it and
// apply it to any of the caller's later requests: so it lists all of the caller's routes, and not one other. Routes are
// "METHOD/path" with "*" as IAM's wildcard.
func Policy(effect, name, methodArn string, routes []string, context map[string]any) events.APIGatewayCustomAuthorizerResponse {
	// arn:aws:execute-api:region:account:api/stage/METHOD/path
	parts := strings.SplitN(methodArn, "/", 3)
	api := methodArn
	if len(parts) == 3 {
		api = parts[0] + "/" + parts[1]
	}
	resources := make([]string, len(routes))
	for i, route := range routes {
		resources[i] = api + "/" + route
	}
	return events.APIGatewayCustomAuthorizerResponse{
		PrincipalID: name,
		PolicyDocument: events.APIGatewayCustomAuthorizerPolicy{
			Version: "2012-10-17",
			Statement: []events.IAMPolicyStatement{{
				Action: []string{"execute-api:Invoke"}, Effect: effect, Resource: resources,
			}},
		},
		Context: context,
	}
}

// Request is what API Gateway asks an authorizer, in either of its two forms: the whole request (Type REQUEST, as in this
// project's template), or the Authorization header alone (Type TOKEN).
type Request struct {
	events.APIGatewayCustomAuthorizerRequestTypeRequest
	AuthorizationToken string `json:"authorizationToken"` // of TOKEN only
}

// Authorization is the value of the request's one Authorization header under the given scheme, whose name has no case
// (RFC 9110 section 11.1). ok is false when there is none, another scheme, or more than one header.
func (r Request) Authorization(scheme string) (value string, ok bool) {
	all := r.authorizations()
	if len(all) != 1 {
		return "", false
	}
	given, value, found := strings.Cut(all[0], " ")
	if !found || !strings.EqualFold(given, scheme) {
		return "", false
	}
	return strings.TrimLeft(value, " "), true
}

// authorizations are all Authorization headers; an event written by hand may have the single-valued form alone.
func (r Request) authorizations() (all []string) {
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
