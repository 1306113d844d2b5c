package main

import (
	"encoding/base64"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/metrictest"
	"customercare/shared/principal"
	"customercare/shared/store"
)

// One line a call that counts it for what it was. The template's alarm on this function takes the refused callers off
// Lambda's errors, so each refusal has to be one of both.
func TestOneLineACall(t *testing.T) {
	kit := dynamotest.Open(t)
	kit.Put(t, kit.Principals.Table, map[string]types.AttributeValue{
		"principal": &types.AttributeValueMemberS{Value: store.PrincipalKey(store.Operator, "csr")},
		"hashes":    &types.AttributeValueMemberSS{Value: principal.HashPasswords([]string{"right"}, nil)},
	})
	a := authorizer{principal.Directory{Principals: kit.Principals, Guard: principal.Guard{Limit: 1000, Window: time.Minute}, Now: time.Now}}
	counts := func(wantError bool, want metrictest.Line, header string) {
		t.Helper()
		log := metrictest.Capture(t)
		event := principal.Request{APIGatewayCustomAuthorizerRequestTypeRequest: events.APIGatewayCustomAuthorizerRequestTypeRequest{
			Type: "REQUEST", MethodArn: methodArn, Headers: map[string]string{"authorization": header},
		}}
		event.RequestContext.RequestID = "r1"
		event.RequestContext.Identity.SourceIP = "192.0.2.1"
		if _, err := a.authorize(t.Context(), event); (err != nil) != wantError {
			t.Errorf("%q: %v", header, err)
		}
		lines := metrictest.Calls(t, log.String(), "authorize-operator")
		if len(lines) != 1 {
			t.Fatalf("%d lines: %s", len(lines), log)
		}
		lines[0].Expect(t, want)
		lines[0].Expect(t, metrictest.Line{"apiRequestId": "r1", "status": nil})
	}
	basic := func(pair string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair)) }
	counts(false, metrictest.Counts(0, 0, nil), basic("csr:right"))
	for _, header := range []string{basic("csr:wrong"), basic("nobody:right"), basic("csr"), "Basic !", "Bearer x", ""} {
		counts(true, metrictest.Counts(1, 0, 1), header)
	}
	a.directory.Guard.Limit = 1
	counts(true, metrictest.Line{"Calls": 1., "CallerErrors": 1., "ServiceErrors": 0., "CallersRefused": nil, "CallersLockedOut": 1.}, basic("csr:right"))
	kit.Faults.Inject(dynamotest.Before, 1, 100)
	counts(true, metrictest.Counts(0, 1, nil), basic("csr:right"))
}
