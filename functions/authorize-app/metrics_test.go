package main

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/metrictest"
	"customercare/shared/principal"
	"customercare/shared/store"
)

// One line a call, a panic included, that counts it for what it was.
func TestOneLineACall(t *testing.T) {
	kit := dynamotest.Open(t)
	kit.Put(t, kit.Principals.Table, map[string]types.AttributeValue{
		"principal": &types.AttributeValueMemberS{Value: store.PrincipalKey(store.App, "app")}, "tenantId": &types.AttributeValueMemberS{Value: "acme"},
	})
	a := authorizer{principal.Directory{Principals: kit.Principals, Now: time.Now}}
	token, _, err := a.directory.IssueToken(t.Context(), "app", "acme", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	counts := func(want metrictest.Line, headers ...string) {
		t.Helper()
		log := metrictest.Capture(t)
		event := request(headers...)
		event.RequestContext.RequestID = "r1"
		func() {
			defer func() { _ = recover() }()
			_, _ = a.authorize(t.Context(), event)
		}()
		lines := metrictest.Calls(t, log.String(), "authorize-app")
		if len(lines) != 1 {
			t.Fatalf("%d lines: %s", len(lines), log)
		}
		lines[0].Expect(t, want)
		lines[0].Expect(t, metrictest.Line{"apiRequestId": "r1", "status": nil})
	}
	counts(metrictest.Counts(0, 0, nil), "Bearer "+token)
	counts(metrictest.Counts(1, 0, 1), "Bearer x"+token)
	counts(metrictest.Counts(1, 0, 1), "Basic x")
	counts(metrictest.Counts(1, 0, 1))
	kit.Faults.Inject(dynamotest.Before, 1, 100)
	counts(metrictest.Counts(0, 1, nil), "Bearer "+token)
	a.directory.Now = nil
	kit.Faults.Calls()
	counts(metrictest.Counts(0, 1, nil), "Bearer "+token)
}
