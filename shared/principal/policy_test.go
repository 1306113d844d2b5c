package principal

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

// The policy is about all of the caller's routes on the API and stage that was called, whatever the path was: API
// Gateway applies it to the caller's other requests.
func TestPolicy(t *testing.T) {
	for _, methodArn := range []string{
		"arn:aws:execute-api:us-east-1:123456789012:abcdef1234/v1/PUT/customercare/v1/u/provision",
		"arn:aws:execute-api:us-east-1:123456789012:abcdef1234/v1/GET/",
		"arn:aws:execute-api:us-east-1:123456789012:abcdef1234/v1/DELETE/*/a:b/c",
	} {
		got, err := json.Marshal(Policy("Allow", "csr", methodArn, []string{"*/a/*/b", "POST/c"}, map[string]any{"tenantId": "acme"}))
		want := `{"principalId":"csr","policyDocument":{"Version":"2012-10-17","Statement":[{"Action":["execute-api:Invoke"],"Effect":"Allow",` +
			`"Resource":["arn:aws:execute-api:us-east-1:123456789012:abcdef1234/v1/*/a/*/b","arn:aws:execute-api:us-east-1:123456789012:abcdef1234/v1/POST/c"]}]},` +
			`"context":{"tenantId":"acme"}}`
		if err != nil || string(got) != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestAuthorization(t *testing.T) {
	type headers = map[string][]string
	for _, test := range []struct {
		headers headers
		value   string
		ok      bool
	}{
		{headers{"Authorization": {"Basic abc"}}, "abc", true},
		{headers{"authorization": {"BASIC abc"}}, "abc", true},
		{headers{"Authorization": {"basic   abc"}}, "abc", true},
		{headers{"Authorization": {"Basic "}}, "", true},
		{headers{"Authorization": {"Basic"}}, "", false},
		{headers{"Authorization": {"Basicabc"}}, "", false},
		{headers{"Authorization": {"Bearer abc"}}, "", false},
		{headers{"Authorization": {" Basic abc"}}, "", false},
		{headers{"Authorization": {"Basic abc", "Basic abc"}}, "", false},
		{headers{"Authorization": {"Basic abc"}, "AUTHORIZATION": {"Basic def"}}, "", false},
		{headers{"Proxy-Authorization": {"Basic abc"}}, "", false},
		{headers{"Authorization": {}}, "", false},
		{headers{}, "", false},
	} {
		value, ok := Authorization(events.APIGatewayCustomAuthorizerRequestTypeRequest{
			MultiValueHeaders: test.headers, Headers: map[string]string{"Authorization": "Basic the last one"},
		}, "Basic")
		if value != test.value || ok != test.ok {
			t.Errorf("%v: %q, %v", test.headers, value, ok)
		}
	}
	// A hand-written event may have the single-valued form alone.
	value, ok := Authorization(events.APIGatewayCustomAuthorizerRequestTypeRequest{Headers: map[string]string{"AuThOrIzAtIoN": "Bearer x"}}, "Bearer")
	if value != "x" || !ok {
		t.Errorf("%q, %v", value, ok)
	}
}
