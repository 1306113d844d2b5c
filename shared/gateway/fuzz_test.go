package gateway

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"

	"customercare/shared/respond"
)

// FuzzHandler: whatever event comes, the function does not panic, and its answer has a status of three digits and a
// body of the shape.
func FuzzHandler(f *testing.F) {
	f.Add("PUT", "/customercare/v1/u1/provision", "u1", "Accept", "application/xml;q=0.5, */*;q=.1", "reset", "true", `{"task":"a"}`, false)
	f.Add("DELETE", "/%zz?#", "%2F%zz", "x-golambdaproxy-apigw-context", "{}", "", "%", "e30=", true)
	f.Add("", "", "", "", "", "", "", "", false)
	f.Add("a b", "//x", "%00", "Content-Type", "application/xml; charset=x", "a&b", "c=d", `{"TA\u0001SK":1,"task":1}`, false)
	f.Fuzz(func(t *testing.T, method, path, id, header, value, parameter, query, body string, encoded bool) {
		event := events.APIGatewayProxyRequest{
			HTTPMethod: method, Path: path, Resource: path, Body: body, IsBase64Encoded: encoded,
			PathParameters:                  map[string]string{"id": id},
			Headers:                         map[string]string{header: value},
			MultiValueHeaders:               map[string][]string{header: {value, value}},
			MultiValueQueryStringParameters: map[string][]string{parameter: {query, query}},
			RequestContext:                  events.APIGatewayProxyRequestContext{RequestID: id, DomainName: path, Authorizer: map[string]any{"principalId": "csr"}},
		}
		handler := Endpoint{Name: "fuzz", Limit: limit, Shape: respond.Provision, Handle: func(_ context.Context, call *Call) (any, error) {
			if got := call.Caller("principalId"); got != "csr" {
				t.Errorf("the caller is %q", got)
			}
			call.Query()
			if _, refusal := call.PathID("id", 256); refusal != nil {
				return nil, refusal
			}
			if _, refusal := call.BodyType("application/json"); refusal != nil {
				return nil, refusal
			}
			var into form
			if refusal := call.DecodeJSON(&into, "task", "size", "names"); refusal != nil {
				return nil, refusal
			}
			return respond.StatusResponse{ResponseMessage: into.Task, Status: true}, nil
		}}.Handler()
		got, err := handler(t.Context(), event)
		if err != nil || got.StatusCode < 200 || got.StatusCode > 599 || got.IsBase64Encoded || !utf8.ValidString(got.Body) {
			t.Fatalf("got %d %q, %v", got.StatusCode, got.Body, err)
		}
		if got.StatusCode == 500 {
			t.Errorf("a caller made us fail: %s", got.Body)
		}
		var shaped respond.StatusResponse
		if got.MultiValueHeaders["Content-Type"][0] == "application/json" {
			err = json.Unmarshal([]byte(got.Body), &shaped)
		} else {
			err = xml.Unmarshal([]byte(got.Body), &shaped)
		}
		if err != nil || shaped.Status != (got.StatusCode == 200) || !shaped.Status && (shaped.ResponseMessage == "" || len(shaped.ResponseCode) != 3) {
			t.Errorf("%d %q: %v", got.StatusCode, got.Body, err)
		}
	})
}
