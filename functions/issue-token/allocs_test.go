package main

import (
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"customercare/infra/testkit/canned"
	"customercare/shared/principal"
	"customercare/shared/store"
)

// One request allocates no more than today.
func TestAllocations(t *testing.T) {
	db := canned.Client(t, map[string][]string{
		"BatchGetItem": {`{"Responses":{"Principals":[{"principal":{"S":"app#ak"},"hashes":{"L":[{"S":"` + principal.Hash("sk") + `"}]},"tenantId":{"S":"acme"}}]},"UnprocessedKeys":{}}`},
		"PutItem":      {"{}"},
	})
	handler := endpoint(principal.Directory{
		Principals: store.Principals{DB: db, Table: "Principals"}, Guard: principal.Guard{Limit: 10, Window: 5 * time.Minute}, Now: time.Now,
	}, 600).Handler()
	ctx, event := canned.Invocation(t), events.APIGatewayProxyRequest{
		HTTPMethod: "POST", Path: "/apigovernance/api/oauth/tokenByAkSk", Body: "eyJhcHBfa2V5IjoiYWsiLCJhcHBfc2VjcmV0Ijoic2sifQ==", IsBase64Encoded: true,
		MultiValueHeaders: map[string][]string{"Host": {"api.example.com"}, "Content-Type": {"application/json"}},
	}
	event.RequestContext.Identity.SourceIP = "192.0.2.1"
	canned.Allocations(t, 500, 799, func() {
		if answer, err := handler(ctx, event); err != nil || answer.StatusCode != 200 {
			t.Fatal(answer, err)
		}
	})
}
