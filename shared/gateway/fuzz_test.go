package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"

	"customercare/infra/testkit/bounds"
	"customercare/shared/operation"
	"customercare/shared/respond"
)

// FuzzHandler: whatever event comes, the function does not panic, and its answer has a
// status of three digits and a body of the shape.
func FuzzHandler(f *testing.F) {
	f.Add("PUT", "/customercare/v1/u1/provision", "u1", "Accept", "application/xml;q=0.5, */*;q=.1", "reset",
		"true", `{"task":"a"}`, false)
	f.Add("DELETE", "/%zz?#", "%2F%zz", "x-golambdaproxy-apigw-context", "{}", "", "%", "e30=", true)
	f.Add("", "", "", "", "", "", "", "", false)
	f.Add("a b", "//x", "%00", "Content-Type", "application/xml; charset=x", "a&b", "c=d",
		`{"TA\u0001SK":1,"task":1}`, false)
	f.Add("PUT", "/", "a%2Fb", "CONTENT-TYPE", "application/json;charset=\"utf-8\"", "", "", "eyJ0YXNrIjoiYSJ9", true)
	f.Add("PUT", "/", "u1", "Accept", "application/xml, \r\nX-Y: z", "", "", "eyJ0YXNrIjoiYSJ", true)
	log := slog.Default()
	slog.SetDefault(slog.New(slog.DiscardHandler)) // a line an input would be gigabytes
	f.Cleanup(func() { slog.SetDefault(log) })
	f.Fuzz(func(t *testing.T, method, path, id, header, value, parameter, query, body string, encoded bool) {
		event := events.APIGatewayProxyRequest{
			HTTPMethod: method, Path: path, Resource: path, Body: body, IsBase64Encoded: encoded,
			PathParameters:                  map[string]string{"id": id},
			Headers:                         map[string]string{header: value},
			MultiValueHeaders:               map[string][]string{header: {value, value}},
			MultiValueQueryStringParameters: map[string][]string{parameter: {query, query}},
			RequestContext: events.APIGatewayProxyRequestContext{
				RequestID:  id,
				DomainName: path,
				Authorizer: map[string]any{"principalId": "csr"},
			},
		}
		handler := Endpoint{
			Operation: operation.Operation{Name: "fuzz"},
			Limit:     limit,
			Shape:     respond.Provision,
			Handle: func(_ context.Context, call *Call) (any, error) {
				if got := call.Caller("principalId"); got != "csr" {
					t.Errorf("the caller is %q", got)
				}
				call.Query()
				if _, err := call.PathID("id", 256); err != nil {
					return nil, err
				}
				if _, err := call.BodyType("application/json"); err != nil {
					return nil, err
				}
				var into form
				if err := call.DecodeJSON(&into, "task", "size", "names"); err != nil {
					return nil, err
				}
				return respond.StatusResponse{ResponseMessage: into.Task, Status: true}, nil
			},
		}.Handler()
		var got Answer
		var err error
		bounds.Check(t, func() { got, err = handler(t.Context(), event) })
		if err != nil || got.StatusCode < 200 || got.StatusCode > 599 || got.IsBase64Encoded ||
			!utf8.ValidString(got.Body) {
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
		if err != nil || shaped.Status != (got.StatusCode == 200) ||
			!shaped.Status && (shaped.ResponseMessage == "" || len(shaped.ResponseCode) != 3) {
			t.Errorf("%d %q: %v", got.StatusCode, got.Body, err)
		}
	})
}

// FuzzDecodeJSON: whatever the bytes, a readable sentence, or a form of the very values
// that encoding/json reads under those names, in valid UTF-8 without NUL.
func FuzzDecodeJSON(f *testing.F) {
	for _, body := range []string{
		`{"task":"a","size":1,"names":["b"]}`, `{"TASK":"\u0000","other":{"x":[null,true,1e3]}}`, `{"a":1,"\u0061":2} `, "null", "{}", "", `{"task":"\ud83e\udd8a"}`, `{"task":"\ud83e"}`,
		`{"taſk":"a"}`, "{\"\u212a\":1,\"tas\u212a\":2}", `{"size":1.5}`, `{"size":1e400}`, `{"size":9223372036854775808}`, `{"names":[null,"a"]}`, `{"names":{"0":"a"}}`, `{"task":null}`, "\uFEFF{}",
		`{"task":"\u0000"}`, `{"names":["a","\u0000"]}`, `{"other":{"a":{"a":1,"a":2}}}`, `{"task":"a"}}`, `{"\u0000":1}`, strings.Repeat(`{"a":`, 300),
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var into form
		var refusal error
		bounds.Check(t, func() {
			into = form{}
			refusal = (&Call{Body: body}).DecodeJSON(&into, "task", "size", "names")
		})
		if refusal != nil {
			if text := sentence(refusal); text == "" || len(text) > 200 || !utf8.ValidString(text) ||
				strings.ContainsAny(text, "\x00\r\n") {
				t.Errorf("refused with %q", text)
			}
			return
		}
		var exact map[string]json.RawMessage // a struct's names would match in any case
		body = bytes.TrimPrefix(body, []byte("\uFEFF"))
		if err := json.Unmarshal(body, &exact); err != nil || !utf8.Valid(body) ||
			strings.Contains(string(body), "\x00") {
			t.Fatalf("%q was taken: %v", body, err)
		}
		var want form
		for name, value := range map[string]any{"task": &want.Task, "size": &want.Size, "names": &want.Names} {
			if raw, ok := exact[name]; ok {
				if err := json.Unmarshal(raw, value); err != nil {
					t.Fatalf("%q was taken: %v", body, err)
				}
			}
		}
		if got, want := fmt.Sprintf("%q %q %v", into.Task, into.Names, into.Size != nil), fmt.Sprintf("%q %q %v", want.Task, want.Names, want.Size != nil); got != want {
			t.Errorf("%q: read %s, want %s", body, got, want)
		}
		if into.Size != nil && *into.Size != *want.Size {
			t.Errorf("%q: read %d, want %d", body, *into.Size, *want.Size)
		}
		for _, text := range append(into.Names, into.Task) {
			if !utf8.ValidString(text) || strings.Contains(text, "\x00") {
				t.Errorf("read %q", text)
			}
		}
	})
}
