package authorizer

import (
	"encoding/json"
	"testing"
)

// The policy is about all of the caller's routes on the API and stage that was called,
// whatever the path was: API Gateway applies it to the caller's other requests.
func TestPolicy(t *testing.T) {
	for _, methodArn := range []string{
		"arn:aws:execute-api:us-east-1:123456789012:abcdef1234/v1/PUT/customercare/v1/u/provision",
		"arn:aws:execute-api:us-east-1:123456789012:abcdef1234/v1/GET/",
		"arn:aws:execute-api:us-east-1:123456789012:abcdef1234/v1/DELETE/*/a:b/c",
	} {
		a := Authorizer{routes: []string{"*/a/*/b", "POST/c"}}
		caller := Caller{Name: "csr", Context: map[string]any{"tenantId": "acme"}}
		var request Request
		request.MethodArn = methodArn
		got, err := json.Marshal(a.policy("Allow", request, caller))
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
		var request Request
		request.Type, request.MultiValueHeaders = "REQUEST", test.headers
		request.Headers = map[string]string{"Authorization": "Basic the last one"}
		value, ok := Authorization(request, "Basic")
		if value != test.value || ok != test.ok {
			t.Errorf("%v: %q, %v", test.headers, value, ok)
		}
	}
	for _, test := range []struct {
		event, value string
		ok           bool
	}{
		// A hand-written event may have the single-valued form alone.
		{`{"type":"REQUEST","headers":{"AuThOrIzAtIoN":"Bearer x"}}`, "x", true},
		{`{"type":"TOKEN","authorizationToken":"bearer  x"}`, "x", true},
		{`{"type":"TOKEN","authorizationToken":"Basic x"}`, "", false},
		{`{"type":"TOKEN","authorizationToken":""}`, "", false},
		{`{"type":"TOKEN"}`, "", false},
		// Each kind by its own field.
		{`{"type":"TOKEN","authorizationToken":"Bearer x","headers":{"Authorization":"Bearer y"}}`, "x", true},
		{`{"type":"REQUEST","authorizationToken":"Bearer x"}`, "", false},
		{`{"type":"REQUEST","authorizationToken":"Bearer x","multiValueHeaders":{"Authorization":["Bearer y"]}}`, "y", true},
	} {
		var r Request
		if err := json.Unmarshal([]byte(test.event), &r); err != nil {
			t.Fatal(err)
		}
		if value, ok := Authorization(r, "Bearer"); value != test.value || ok != test.ok {
			t.Errorf("%s: %q, %v", test.event, value, ok)
		}
	}
}
