package main

import (
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/principal"
	"customercare/shared/store"
)

const methodArn = "arn:aws:execute-api:us-east-1:123456789012:abcdef1234/v1/PUT/customercare/v1/u1/provision"

// request and token are API Gateway's two ways to ask about the same Authorization header.
func request(value string) principal.Request {
	return principal.Request{APIGatewayCustomAuthorizerRequestTypeRequest: events.APIGatewayCustomAuthorizerRequestTypeRequest{
		Type: "REQUEST", MethodArn: methodArn, MultiValueHeaders: map[string][]string{"Authorization": {value}},
	}}
}

func token(value string) principal.Request {
	r := principal.Request{AuthorizationToken: value}
	r.Type, r.MethodArn = "TOKEN", methodArn
	return r
}

func TestAuthorize(t *testing.T) {
	kit := dynamotest.Open(t)
	kit.Put(t, kit.Principals.Table, map[string]types.AttributeValue{
		"principal": &types.AttributeValueMemberS{Value: store.PrincipalKey(store.Operator, "csr")},
		"hashes":    &types.AttributeValueMemberSS{Value: principal.HashPasswords([]string{"p:ä ss"}, nil)},
	})
	a := authorizer{principal.Directory{Principals: kit.Principals, Guard: principal.Guard{Limit: 1000, Window: time.Minute}, Now: time.Now}}
	encode := base64.StdEncoding.EncodeToString
	for value, in := range map[string]bool{
		"Basic " + encode([]byte("csr:p:ä ss")):                     true,
		"basic  " + encode([]byte("csr:p:ä ss")):                    true,
		"Basic " + encode([]byte("csr:p:\xe4 ss")):                  true, // ISO-8859-1
		"Basic " + encode([]byte("csr:p:\xe4 ss\xff")):              false,
		"Basic " + encode([]byte("csr\xe4:p:ä ss")):                 false, // and UTF-8: then all is ISO-8859-1
		"Basic " + encode([]byte("csr:wrong")):                      false,
		"Basic " + encode([]byte("csr:")):                           false,
		"Basic " + encode([]byte("csr")):                            false,
		"Basic " + encode([]byte(":p:ä ss")):                        false,
		"Basic " + encode([]byte("nobody:p:ä ss")):                  false,
		"Basic csr:p:ä ss":                                          false,
		"Basic !":                                                   false,
		"Basic":                                                     false,
		"Bearer " + encode([]byte("csr:p:ä ss")):                    false,
		"Basic " + encode([]byte("csr:"+strings.Repeat("x", 5000))): false,
	} {
		want := `{"principalId":"csr","policyDocument":{"Version":"2012-10-17","Statement":[{"Action":["execute-api:Invoke"],"Effect":"Allow","Resource":[` +
			`"arn:aws:execute-api:us-east-1:123456789012:abcdef1234/v1/*/customercare/v1/*/provision","arn:aws:execute-api:us-east-1:123456789012:abcdef1234/v1/*/customercare/v1/*/provision/",` +
			`"arn:aws:execute-api:us-east-1:123456789012:abcdef1234/v1/*/risk-cc/customercare/v1/*/provision","arn:aws:execute-api:us-east-1:123456789012:abcdef1234/v1/*/risk-cc/customercare/v1/*/provision/"]}]},"context":{"operations":"delete-customer-info set-temporary-allow"}}`
		for _, event := range []principal.Request{request(value), token(value)} {
			answer, err := a.authorize(t.Context(), event)
			if in != (err == nil) || !in && err.Error() != "Unauthorized" { // the word that API Gateway answers with 401
				t.Errorf("%s %q: %v", event.Type, value, err)
			}
			if text, _ := json.Marshal(answer); in && string(text) != want {
				t.Errorf("%s %q: %s", event.Type, value, text)
			}
		}
	}
	// A failing database is no refusal: the caller's credentials may be right.
	kit.Faults.Inject(dynamotest.Before, 1, 100)
	_, err := a.authorize(t.Context(), request("Basic "+encode([]byte("csr:p:ä ss"))))
	if err == nil || err.Error() != "authorizer failed" {
		t.Errorf("a failing read: %v", err)
	}
}

// The policy opens no other operation: an operator's must never open those of apps and API users.
func TestRoutes(t *testing.T) {
	for route, in := range map[string]bool{
		"PUT/customercare/v1/u1/provision": true, "DELETE/risk-cc/customercare/v1/u1/provision": true,
		"POST/": false, "POST/api.php": false, "POST/apigovernance/api/oauth/tokenByAkSk": false,
		"POST/apiaccess/CC-Management/v1/clearUserInfo/cleancustpersonaldata": false,
		"GET/customercare/v1/u1": false, "PUT/customercare/v1/u1/provision/": true,
	} {
		got := false
		for _, pattern := range routes { // IAM's "*" stands for slashes too
			got = got || regexp.MustCompile("^"+strings.ReplaceAll(pattern, "*", ".*")+"$").MatchString(route)
		}
		if got != in {
			t.Errorf("%s: %v", route, got)
		}
	}
}
