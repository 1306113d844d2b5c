package main

import (
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"customercare/infra/testkit/canned"
	"customercare/shared/operation"
	"customercare/shared/principal"
)

// One request allocates no more than today.
func TestAllocations(t *testing.T) {
	db := canned.Client(canned.Answers(t, map[string][]string{
		"BatchGetItem": {
			`{"Responses":{"Principals":[{"principal":{"S":"app#ak"},"hashes":{"L":[{"S":"` + principal.Hash("sk") +
				`"}]},"tenantId":{"S":"acme"}}]},"UnprocessedKeys":{}}`,
		},
		"PutItem": {"{}"},
	}))
	handle := newHandler(db, 600).endpoint().Handler()
	ctx, event := canned.Invocation(t), events.APIGatewayProxyRequest{
		HTTPMethod: "POST", Path: operation.IssueToken.Paths[0],
		Body: "eyJhcHBfa2V5IjoiYWsiLCJhcHBfc2VjcmV0Ijoic2sifQ==", IsBase64Encoded: true,
		MultiValueHeaders: map[string][]string{"Host": {"api.example.com"}, "Content-Type": {"application/json"}},
	}
	event.RequestContext.Identity.SourceIP = "192.0.2.1"
	canned.Allocations(t, 500, 799, func() {
		if answer, err := handle(ctx, event); err != nil || answer.StatusCode != 200 {
			t.Fatal(answer, err)
		}
	})
}
