package main

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/metrictest"
	"customercare/shared/authorizer"
	"customercare/shared/invocation"
	"customercare/shared/principal"
	"customercare/shared/store"
)

const route = "arn:aws:execute-api:us-east-1:123456789012:abcdef1234/v1/POST/apiaccess/CC-Management/v1/clearUserInfo/cleancustpersonaldata"

// request is the event of a request with these Authorization headers.
func request(headers ...string) (r authorizer.Request) {
	r.Type, r.MethodArn = "REQUEST", route
	r.MultiValueHeaders = map[string][]string{"Authorization": headers}
	return r
}

// tokenEvent is the other kind of event about a request with this Authorization header.
func tokenEvent(header string) (r authorizer.Request) {
	r.Type, r.MethodArn, r.AuthorizationToken = "TOKEN", route, header
	return r
}

// open is the authorizer on a database with one app, and a token of that app for ten
// seconds.
func open(t *testing.T, now func() time.Time) (h handler, kit *dynamotest.Kit, token string) {
	t.Helper()
	kit = dynamotest.Open(t)
	kit.Put(t, kit.Principals.Table, map[string]types.AttributeValue{
		"principal": &types.AttributeValueMemberS{Value: store.PrincipalKey(store.App, "app")},
		"tenantId":  &types.AttributeValueMemberS{Value: "acme"},
	})
	h = handler{principal.Tokens{Principals: kit.Principals, Now: now}}
	token, _, err := h.tokens.Issue(t.Context(), "app", "acme", 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return h, kit, token
}

// Each policy names the one route of apps and no other, and a refusal names no app and no
// tenant.
func TestAuthorize(t *testing.T) {
	clock := &dynamotest.Clock{Time: time.Unix(1_800_000_000, 0)}
	h, kit, token := open(t, clock.Now)
	const policy = `"policyDocument":{"Version":"2012-10-17","Statement":[{"Action":["execute-api:Invoke"],"Effect":"%","Resource":["` + route + `","` + route + `/"]}]}`
	allowed := `{"principalId":"app",` + strings.Replace(policy, "%", "Allow", 1) +
		`,"context":{"appKey":"app","tenantId":"acme"}}`
	refused := `{"principalId":"refused",` + strings.Replace(policy, "%", "Deny", 1) + `}`
	log := metrictest.Capture(t)
	ask := func(want string, headers ...string) {
		t.Helper()
		events := []authorizer.Request{request(headers...)}
		if len(headers) == 1 { // the other kind has one header only
			events = append(events, tokenEvent(headers[0]))
		}
		for _, event := range events {
			answer, err := h.authorizer().Handle(t.Context(), event)
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
	_, err := h.authorizer().Handle(t.Context(), request("Bearer "+token))
	if err == nil || err.Error() != "authorizer failed" {
		t.Errorf("a failing read: %v", err)
	}
	if strings.Contains(log.String(), token) || strings.Contains(log.String(), principal.Hash(token)) {
		t.Errorf("log: %s", log)
	}
}

// One line a call, a panic included, that counts it for what it was.
func TestOneLineACall(t *testing.T) {
	h, kit, token := open(t, time.Now)
	counts := func(want metrictest.Line, headers ...string) {
		t.Helper()
		event := request(headers...)
		event.RequestContext.RequestID = "r1"
		line, _ := metrictest.OneCall(t, "authorize-app", func() {
			_, _ = h.authorizer().Handle(t.Context(), event)
		})
		line.Expect(t, want)
		line.Expect(t, metrictest.Line{"apiRequestId": "r1", "status": nil})
	}
	counts(metrictest.Counts(0, 0, nil), "Bearer "+token)
	counts(metrictest.Counts(1, 0, 1), "Bearer x"+token)
	counts(metrictest.Counts(1, 0, 1), "Basic x")
	counts(metrictest.Counts(1, 0, 1))
	kit.Faults.Inject(dynamotest.Before, 1, 100)
	counts(metrictest.Counts(0, 1, nil), "Bearer "+token)
	h.tokens.Now = nil
	kit.Faults.Calls()
	counts(metrictest.Counts(0, 1, nil), "Bearer "+token)
}

// A panic is an error that says nothing of the caller, one line that counts it as ours,
// and the process goes on.
func TestPanic(t *testing.T) {
	const tokenOfNobody = "cGFuaWM.YXBw"
	h, kit, _ := open(t, time.Now)
	kit.Faults.Interrupt(1, func() { panic("about " + tokenOfNobody) })
	metrictest.OnePanic(t, "authorize-app", tokenOfNobody, func() {
		answer, err := h.authorizer().Handle(t.Context(), request("Bearer "+tokenOfNobody))
		if !errors.Is(err, invocation.ErrPanicked) || answer.PolicyDocument.Statement != nil {
			t.Errorf("%+v, %v", answer, err)
		}
	})
	kit.Faults.Calls()
	answer, err := h.authorizer().Handle(t.Context(), request("Bearer "+tokenOfNobody))
	if err != nil || answer.PolicyDocument.Statement[0].Effect != "Deny" {
		t.Errorf("the next call: %+v, %v", answer, err)
	}
}
