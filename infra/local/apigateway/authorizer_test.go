package apigateway

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"customercare/infra/local/lambda"
)

const allowAll = `{"principalId":"me",
	"policyDocument":{"Statement":[{"Effect":"Allow","Action":["execute-api:Invoke"],"Resource":["*"]}]},
	"context":{"tenant":"demo","number":7,"yes":true,"nothing":null}}`

// guarded serves GET /a/{id} and GET /b behind the authorizer.
func guarded(t *testing.T, a Authorizer, answer func(auth string) (string, error)) (*harness, func() int) {
	t.Helper()
	a.Function = "A"
	h := serve(t, API{
		Authorizers: map[string]Authorizer{"Guard": a},
		Routes: []Route{
			{Method: "GET", Path: "/a/{id}", Function: "F", Authorizer: "Guard"},
			{Method: "GET", Path: "/b", Function: "F", Authorizer: "Guard"},
		},
	})
	asked := 0
	h.answer = func(function string, event map[string]any) (string, error) {
		if function == "F" {
			return `{"statusCode":200}`, nil
		}
		asked++ // requests come one after the other
		headers, _ := event["headers"].(map[string]any)
		auth, _ := headers["Authorization"].(string)
		return answer(auth)
	}
	return h, func() int { return asked }
}

var byHeader = []string{"Authorization"}

func TestAuthorizerVerdicts(t *testing.T) {
	for _, c := range []struct {
		name, answer string
		err          error
		status       int
		errorType    string
	}{
		{"allowed", allowAll, nil, 200, ""},
		{"denied", strings.Replace(allowAll, "Allow", "Deny", 1), nil, 403, "AccessDeniedException"},
		{"another route", strings.Replace(allowAll, `"*"`, `"arn:aws:execute-api:*:*:*/*/GET/b"`, 1), nil, 403,
			"AccessDeniedException"},
		{"unauthorized", "", &lambda.Error{Type: "errorString", Message: "Unauthorized"}, 401, "UnauthorizedException"},
		{"failed", "", &lambda.Error{Type: "errorString", Message: "boom"}, 500, "AuthorizerFailureException"},
		{"gone", "", errors.New("closed"), 500, "AuthorizerFailureException"},
		{"nonsense", `{"policyDocument":{}}`, nil, 500, "AuthorizerConfigurationException"},
		{"no principal", strings.Replace(allowAll, `"me"`, `""`, 1), nil, 500, "AuthorizerConfigurationException"},
		{"deep context", strings.Replace(allowAll, `"demo"`, `{}`, 1), nil, 500, "AuthorizerConfigurationException"},
		{"another action", strings.Replace(allowAll, "Invoke", "*", 1), nil, 500, "AuthorizerConfigurationException"},
		{"one in place of a list", strings.Replace(allowAll, `["*"]`, `"*"`, 1), nil, 500, "AuthorizerConfigurationException"},
		{"condition", strings.Replace(allowAll, `"Resource"`, `"Condition":{"x":1},"Resource"`, 1), nil, 500,
			"AuthorizerConfigurationException"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, _ := guarded(t, Authorizer{Headers: byHeader, TTL: time.Minute},
				func(string) (string, error) { return c.answer, c.err })
			if r := h.get(t, "/a/1", "Authorization: x"); r.status != c.status ||
				r.header.Get("X-Amzn-Errortype") != c.errorType {
				t.Errorf("%d %s, want %d %s", r.status, r.header.Get("X-Amzn-Errortype"), c.status, c.errorType)
			}
		})
	}
}

func TestAuthorizerEventAndContext(t *testing.T) {
	h, _ := guarded(t, Authorizer{Headers: byHeader, TTL: time.Minute},
		func(string) (string, error) { return allowAll, nil })
	h.get(t, "/a/x%2Fy?q=1", "Authorization: x")
	asked, passed := h.seen[0], h.seen[1]
	equal(t, "type", asked["type"], `"REQUEST"`)
	equal(t, "methodArn", asked["methodArn"], `"arn:aws:execute-api:us-east-1:123456789012:local/v1/GET/a/x%2Fy"`)
	equal(t, "resource", asked["resource"], `"/a/{id}"`)
	equal(t, "path", asked["path"], `"/a/x%2Fy"`)
	equal(t, "httpMethod", asked["httpMethod"], `"GET"`)
	equal(t, "pathParameters", asked["pathParameters"], `{"id":"x%2Fy"}`)
	equal(t, "queryStringParameters", asked["queryStringParameters"], `{"q":"1"}`)
	if _, there := asked["body"]; there {
		t.Error("an authorizer sees no body")
	}
	authorizer := passed["requestContext"].(map[string]any)["authorizer"].(map[string]any)
	delete(authorizer, "integrationLatency")
	equal(t, "authorizer", authorizer, `{"number":"7","principalId":"me","tenant":"demo","yes":"true"}`)
}

func TestAuthorizerCache(t *testing.T) {
	onlyA := strings.Replace(allowAll, `"*"`, `"arn:aws:execute-api:us-east-1:123456789012:local/v1/GET/a/*"`, 1)
	h, asked := guarded(t, Authorizer{Headers: byHeader, TTL: 300 * time.Millisecond},
		func(string) (string, error) { return onlyA, nil })
	steps := func(want int, status int, target string, headers ...string) {
		t.Helper()
		if r := h.get(t, target, headers...); r.status != status || asked() != want {
			t.Errorf("%s %v: %d after %d calls, want %d after %d", target, headers, r.status, asked(), status, want)
		}
	}
	steps(0, 401, "/a/1")
	steps(0, 401, "/a/1", "Authorization: ")
	steps(1, 200, "/a/1", "Authorization: x")
	steps(1, 200, "/a/2", "authorization: x")
	steps(1, 403, "/b", "Authorization: x") // the kept policy, judged for this route
	steps(2, 200, "/a/1", "Authorization: X")
	h.advance(299 * time.Millisecond)
	steps(2, 200, "/a/1", "Authorization: x")
	h.advance(time.Millisecond)
	steps(3, 200, "/a/1", "Authorization: x")
}

func TestAuthorizerWithoutCache(t *testing.T) {
	h, asked := guarded(t, Authorizer{}, func(string) (string, error) { return allowAll, nil })
	for range 3 {
		if r := h.get(t, "/b"); r.status != 200 {
			t.Fatalf("%d", r.status)
		}
	}
	if asked() != 3 {
		t.Errorf("asked %d times, want 3", asked())
	}
}

func TestRefusalsAreNotKept(t *testing.T) {
	h, asked := guarded(t, Authorizer{Headers: byHeader, TTL: time.Minute}, func(string) (string, error) {
		return "", &lambda.Error{Message: "Unauthorized"}
	})
	h.get(t, "/b", "Authorization: x")
	h.get(t, "/b", "Authorization: x")
	if asked() != 2 {
		t.Errorf("asked %d times, want 2", asked())
	}
}

func TestCachingNeedsAnIdentity(t *testing.T) {
	if _, err := New(API{Authorizers: map[string]Authorizer{"A": {TTL: time.Second}}}, nil, nil); err == nil {
		t.Error("an authorizer that caches without an identity source was taken")
	}
}

func TestPolicies(t *testing.T) {
	const arn = "arn:aws:execute-api:us-east-1:1:local/v1/PUT/care/v1/a%2Fb/provision"
	stmt := func(effect string, resources ...string) events.IAMPolicyStatement {
		return events.IAMPolicyStatement{Effect: effect, Resource: resources}
	}
	for _, c := range []struct {
		statements        []events.IAMPolicyStatement
		allowed, explicit bool
	}{
		{[]events.IAMPolicyStatement{stmt("Allow", "*")}, true, false},
		{[]events.IAMPolicyStatement{stmt("Allow", "nothing", "arn:aws:execute-api:*:local/v1/PUT/care/*")}, true, false},
		{[]events.IAMPolicyStatement{stmt("Allow", "arn:aws:execute-api:us-east-1:1:local/*/PUT/care/v1/*/provision")}, true, false},
		{[]events.IAMPolicyStatement{stmt("Allow", "arn:aws:execute-api:us-east-1:1:local/v1/GET/*")}, false, false},
		{[]events.IAMPolicyStatement{stmt("Allow", "arn:aws:execute-api:us-east-1:1:local/v1/PUT/care/v1/a%2Fb")}, false, false},
		{[]events.IAMPolicyStatement{stmt("Allow", "arn:aws:execute-api:us-east-1:1:LOCAL/*")}, false, false},
		{[]events.IAMPolicyStatement{stmt("Allow", "*"), stmt("Deny", "*/PUT/*")}, false, true},
		{[]events.IAMPolicyStatement{stmt("Deny", "*/GET/*"), stmt("Allow", "*")}, true, false},
	} {
		v := &verdict{statements: c.statements}
		if allowed, explicit := v.allows(arn); allowed != c.allowed || explicit != c.explicit {
			t.Errorf("%s: %t, %t", c.statements, allowed, explicit)
		}
	}
}

// The address that a request came from is a part of whom an answer is kept for.
func TestAddressIdentifies(t *testing.T) {
	a := &authorizer{Authorizer: Authorizer{Headers: byHeader, Address: true}}
	seen := map[string]bool{}
	for _, remote := range []string{"10.0.0.1", "10.0.0.2"} {
		key, ok := a.identity(&call{request: &request{remote: remote, header: []field{{"authorization", "x"}}}})
		if !ok || seen[key] {
			t.Errorf("%s: %q, %t", remote, key, ok)
		}
		seen[key] = true
	}
}
