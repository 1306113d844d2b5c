package main

import (
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

// Without the authorizer's word nothing is even looked at, whatever a caller writes into
// headers: the intake here has no database, so that any use of it would be a 500.
func TestNoCallerNoErasure(t *testing.T) {
	handle := handler{}.endpoint().Handler()
	for _, context := range []map[string]any{
		nil, {}, {"appKey": "app"}, {"tenantId": "acme"}, {"appKey": "", "tenantId": ""}, {"appKey": 1, "tenantId": true}, {"principalId": "app"},
	} {
		answer, err := handle(t.Context(), events.APIGatewayProxyRequest{
			HTTPMethod: "POST", Body: `{"customNos":["135"]}`,
			MultiValueHeaders: map[string][]string{
				"X-GoLambdaProxy-ApiGw-Context": {
					`{"authorizer":{"appKey":"app","tenantId":"acme"}}`,
				}, "X-APP-Key": {"app"},
			},
			RequestContext: events.APIGatewayProxyRequestContext{Authorizer: context},
		})
		if want := `{"retCode":"401","retMsg":"Authorization is missing, wrong or expired"}`; err != nil ||
			answer.StatusCode != 401 ||
			answer.Body != want {
			t.Errorf("%v: %d %s, %v", context, answer.StatusCode, answer.Body, err)
		}
	}
}
