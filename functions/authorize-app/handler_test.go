package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/principal"
	"customercare/shared/store"
)

const route = "arn:aws:execute-api:us-east-1:123456789012:abcdef1234/v1/POST/apiaccess/CC-Management/v1/clearUserInfo/cleancustpersonaldata"

// request is the event of a request with these Authorization headers.
func request(headers ...string) principal.Request {
	return principal.Request{APIGatewayCustomAuthorizerRequestTypeRequest: events.APIGatewayCustomAuthorizerRequestTypeRequest{
		Type: "REQUEST", MethodArn: route, MultiValueHeaders: map[string][]string{"Authorization": headers},
	}}
}

// Each policy names the one route of apps and no other, and a refusal names no app and no tenant.
func TestAuthorize(t *testing.T) {
	kit := dynamotest.Open(t)
	kit.Put(t, kit.Principals.Table, map[string]types.AttributeValue{
		"principal": &types.AttributeValueMemberS{Value: store.PrincipalKey(store.App, "app")}, "tenantId": &types.AttributeValueMemberS{Value: "acme"},
	})
	clock := &dynamotest.Clock{Time: time.Unix(1_800_000_000, 0)}
	a := authorizer{principal.Directory{Principals: kit.Principals, Now: clock.Now}}
	token, _, err := a.directory.IssueToken(t.Context(), "app", "acme", 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	const policy = `"policyDocument":{"Version":"2012-10-17","Statement":[{"Action":["execute-api:Invoke"],"Effect":"%","Resource":["` + route + `","` + route + `/"]}]}`
	allowed := `{"principalId":"app",` + strings.Replace(policy, "%", "Allow", 1) + `,"context":{"appKey":"app","tenantId":"acme"}}`
	refused := `{"principalId":"refused",` + strings.Replace(policy, "%", "Deny", 1) + `}`
	var log bytes.Buffer
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, nil)))
	ask := func(want string, headers ...string) {
		t.Helper()
		asked := []principal.Request{request(headers...)}
		if len(headers) == 1 { // the other kind has one header only
			asked = append(asked, principal.Request{AuthorizationToken: headers[0]})
			asked[1].Type, asked[1].MethodArn = "TOKEN", route
		}
		for _, event := range asked {
			answer, err := a.authorize(t.Context(), event)
			if text, _ := json.Marshal(answer); err != nil || string(text) != want {
				t.Errorf("%s %q:\ngot  %s, %v\nwant %s", event.Type, headers, text, err, want)
			}
		}
	}
	ask(allowed, "Bearer "+token)
	ask(allowed, "bearer "+token)
	ask(refused)
	ask(refused, "Bearer ")
	ask(refused, "Bearer "+token+"x")
	ask(refused, "Bearer "+principal.Hash(token))
	ask(refused, "Basic "+token)
	ask(refused, token)
	ask(refused, "Bearer "+token, "Bearer "+token)
	clock.Advance(10 * time.Second)
	ask(refused, "Bearer "+token)
	clock.Advance(-10 * time.Second)

	kit.Faults.Inject(dynamotest.Before, 1, 100)
	if _, err := a.authorize(t.Context(), request("Bearer "+token)); err == nil || err.Error() != "authorizer failed" {
		t.Errorf("a failing read: %v", err)
	}
	if strings.Contains(log.String(), token) || strings.Contains(log.String(), principal.Hash(token)) {
		t.Errorf("log: %s", &log)
	}
}
