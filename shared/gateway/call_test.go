package gateway

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"customercare/shared/operation"
	"customercare/shared/respond"
)

func TestCaller(t *testing.T) {
	event := events.APIGatewayProxyRequest{RequestContext: events.APIGatewayProxyRequestContext{
		Authorizer: map[string]any{"principalId": "csr", "integrationLatency": 17.0, "nothing": nil}}}
	inspect(t, event, func(call *Call) {
		for name, want := range map[string]string{"principalId": "csr", "PrincipalId": "", "integrationLatency": "", "nothing": "", "absent": ""} {
			if got := call.Caller(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
	})
}

// Pitfall: a path with "%" is a 504, one with "?" or "#" another route. And
// StripBasePath("/app"), which would eat "/application", is not in use: the path
// parameter and the handler never depend on the path.
func TestPaths(t *testing.T) {
	for _, test := range []struct{ raw, want string }{
		{"u1", "u1"},
		{"application", "application"},
		{"100%25", "100%"},
		{"a%3Fb%23c", "a?b#c"},
		{"a%2Fb", "a/b"},
		{"a%252Fb", "a%2Fb"},
		{"a+b%20c", "a+b c"},
		{"%F0%9F%A6%8A", "\U0001F98A"},
	} {
		for _, path := range []string{"/application/" + test.raw, "/app/" + test.want, "no slash", "//host/" + test.want, "", "/%zz?#"} {
			event := events.APIGatewayProxyRequest{
				HTTPMethod:     "PUT",
				Path:           path,
				PathParameters: map[string]string{"id": test.raw},
			}
			inspect(t, event, func(call *Call) {
				if got, err := call.PathID("id", limit); err != nil || got != test.want {
					t.Errorf("path %q: %q decodes to %q, %v; want %q", path, test.raw, got, err, test.want)
				}
				if call.Method != "PUT" {
					t.Errorf("path %q: the method is %q", path, call.Method)
				}
			})
		}
	}
}

func TestPathID(t *testing.T) {
	const wrong = "id in the path must be 1 to 8 bytes of UTF-8 without control characters"
	for _, test := range []struct{ raw, want, refusal string }{
		{"a%2Fb", "a/b", ""},
		{"12345678", "12345678", ""},
		{"%C3%A9%C3%A9%C3%A9%C3%A9", "éééé", ""},
		{"%E2%80%AE%E2%80%8B", "\u202e\u200b", ""}, // format characters are no control characters
		{"", "", wrong},
		{"123456789", "", wrong},
		{"%C3%A9%C3%A9%C3%A9%C3%A9a", "", wrong},
		{"a%00", "", wrong},
		{"a%1F", "", wrong},
		{"a%7F", "", wrong},
		{"a%C2%80", "", wrong},
		{"a%C2%9F", "", wrong},
		{"a%FF", "", wrong},
		{"a%ED%A0%80", "", wrong}, // a surrogate is no UTF-8
		{"a\nb", "", wrong},
		{"%", "", "id in the path is not valid percent-encoding"},
		{"%4", "", "id in the path is not valid percent-encoding"},
		{"%zz", "", "id in the path is not valid percent-encoding"},
	} {
		event := events.APIGatewayProxyRequest{PathParameters: map[string]string{"id": test.raw}}
		inspect(t, event, func(call *Call) {
			got, err := call.PathID("id", 8)
			if got != test.want || sentence(err) != test.refusal {
				t.Errorf("%q: got %q and %q", test.raw, got, sentence(err))
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	multi := events.APIGatewayProxyRequest{
		Headers: map[string]string{"X-Token-Expire": "single", "X-Only-Single": "1"},
		MultiValueHeaders: map[string][]string{
			"x-token-expire": {"1"},
			"X-TOKEN-EXPIRE": {"2", "3"},
			"content-type":   {"application/json"},
		},
	}
	inspect(t, multi, func(call *Call) {
		if got := call.Header.Values("X-Token-Expire"); len(got) != 3 {
			t.Errorf("values under names that differ in case are %q", got)
		}
		if got := call.Header.Get("X-Only-Single"); got != "" {
			t.Errorf("beside the multi-valued form the single-valued one was read: %q", got)
		}
	})
	single := events.APIGatewayProxyRequest{
		Headers:               map[string]string{"aCCept": "application/xml"},
		QueryStringParameters: map[string]string{"reset": "true"},
	}
	got := serve(t, single, func(call *Call) (any, error) {
		if q := call.Query()["reset"]; len(q) != 1 || q[0] != "true" {
			t.Errorf("the query is %q", call.Query())
		}
		return respond.Done, nil
	})
	if !strings.HasPrefix(got.Body, "<?xml") {
		t.Errorf("Accept in another case was not read: %s", got.Body)
	}
	// Bytes that no HTTP server lets through must still do no harm.
	for _, raw := range []string{"a\r\nX-Injected: 1", "a\nb", "\x00", "\xff\xfe", strings.Repeat("x", 1<<16), "", ";;;", "a/b;=", "*"} {
		for _, name := range []string{"Accept", "Content-Type", "X\r\nY", "", "\xff", "Host", "Transfer-Encoding"} {
			event := events.APIGatewayProxyRequest{MultiValueHeaders: map[string][]string{name: {raw, raw}}, Body: "{}"}
			got := serve(t, event,
				func(call *Call) (any, error) { _, _ = call.BodyType("application/json"); return respond.Done, nil })
			if got.StatusCode != 200 && got.StatusCode != 406 {
				t.Errorf("%q: %q is answered with %d %s", name, raw, got.StatusCode, got.Body)
			}
			if _, injected := got.MultiValueHeaders["X-Injected"]; injected {
				t.Errorf("%q: %q injected a header", name, raw)
			}
		}
	}
}

func TestQuery(t *testing.T) {
	event := events.APIGatewayProxyRequest{
		QueryStringParameters:           map[string]string{"a": "2", "single": "1"},
		MultiValueQueryStringParameters: map[string][]string{"a": {"1", "2"}, "A": {"%20&=#"}},
	}
	inspect(t, event, func(call *Call) {
		if got := fmt.Sprint(call.Query()); got != "map[A:[%20&=#] a:[1 2]]" {
			t.Errorf("the query is %s", got)
		}
	})
}

func TestBodyType(t *testing.T) {
	const refused = ""
	for _, test := range []struct {
		body   string
		header []string
		want   string
	}{
		{"x", nil, "application/json"},
		{"x", []string{""}, "application/json"},
		{"x", []string{"application/json"}, "application/json"},
		{"x", []string{"Application/XML; Charset=\"UTF-8\""}, "application/xml"},
		{"x", []string{"application/xml; profile=a"}, "application/xml"},
		{"", []string{"text/plain"}, "application/json"},
		{"x", []string{"text/plain"}, refused},
		{"x", []string{"text/xml"}, refused},
		// A charset does not matter while every byte is ASCII, and cannot be read as
		// another than UTF-8 else.
		{"x", []string{"application/json; charset=latin1"}, "application/json"},
		{"x", []string{"application/json; charset=utf-16"}, "application/json"},
		{"x", []string{`application/json; charset="nobody knows"`}, "application/json"},
		{"é", []string{"application/json; charset=utf8"}, "application/json"},
		{"\uFEFFx", []string{"application/xml; charset=us-ascii"}, "application/xml"},
		{"é", []string{"application/json; charset=latin1"}, refused},
		{"\uFEFFé", []string{"application/xml; charset=us-ascii"}, refused},
		{"x\x00", []string{"application/xml; charset=utf-16"}, refused},
		{"é", []string{`application/json; charset="nobody knows"`}, refused},
		// What cannot be read is dropped alone.
		{"é", []string{"application/json; charset="}, "application/json"},
		{"é", []string{"application/json;; charset"}, "application/json"},
		{"é", []string{`application/json; profile="a,b;charset=latin1"`}, "application/json"},
		// A charset that is declared twice or cannot be read is another one all the same.
		{"é", []string{"application/xml; charset=latin1; charset=koi8-r"}, refused},
		{"é", []string{"application/xml; charset=utf-8; charset=latin1"}, refused},
		{"é", []string{"application/json; charset=ISO 8859-1"}, refused},
		{"é", []string{`application/json; charset="latin1`}, refused},
		{"é", []string{"application/json; charset:latin1"}, refused},
		{"é", []string{"application/json; a=b charset=latin1"}, refused},
		{"é", []string{"application/json; charset*0=latin1"}, refused},
		{"x", []string{"application/xml; charset=latin1; charset=koi8-r"}, "application/xml"},
		{"x", []string{"application/json; charset=ISO 8859-1"}, "application/json"},
		{"é", []string{"application/json; charset=UTF-8; charset=utf8"}, "application/json"},
		// An empty header is none.
		{"x", []string{" ", "\t"}, "application/json"},
		{"x", []string{"", "application/xml", ""}, "application/xml"},
		{"x", []string{"application/json, application/json"}, refused},
		{"x", []string{"application/json", "application/json"}, refused},
		{"x", []string{"*/*"}, refused},
		{"x", []string{"json"}, refused},
		{"x", []string{";"}, refused},
	} {
		event := events.APIGatewayProxyRequest{
			Body:              test.body,
			MultiValueHeaders: map[string][]string{"content-type": test.header, "Accept": {"*/*"}},
		}
		inspect(t, event, func(call *Call) {
			got, err := call.BodyType("application/json", "application/xml")
			if err != nil && !strings.Contains(sentence(err), "UTF-8") {
				t.Errorf("%q: %s", test.header, sentence(err))
			}
			if got != test.want || (err != nil) != (test.want == refused) ||
				err != nil && respond.AsError(err).Status() != 415 {
				t.Errorf("%q: got %q, %v", test.header, got, err)
			}
		})
	}
}

// Operations that do not look at the type of a body look at its charset all the same, and
// name it.
func TestCharset(t *testing.T) {
	const unclear = "Content-Type declares an unknown charset, a request body that is not all ASCII must be in UTF-8"
	// A bar stands between two fields.
	for _, test := range []struct{ contentType, body, want string }{
		{"application/json; charset=iso-8859-1", `{"task":"a"}`, ""},
		{"text/plain; charset=windows-1252", "\uFEFF{\"task\":\"a\"}", ""},
		{"application/json; charset=UTF8", `{"task":"é"}`, ""},
		{"text", `{"task":"é"}`, ""},
		{"application/json; charset=iso-8859-1", `{"task":"é"}`, "Content-Type declares iso-8859-1, a request body that is not all ASCII must be in UTF-8"},
		{"application/json; charset=KOI8-R", "{\"task\":\"\xe9\"}", "Content-Type declares KOI8-R, a request body that is not all ASCII must be in UTF-8"},
		{"application/json; charset=\"<b>\"", `{"task":"é"}`, "Content-Type declares an unknown charset, a request body that is not all ASCII must be in UTF-8"},
		{"application/json", "{\"task\":\"\xe9\"}", "The request body is not valid JSON"},

		// Which charset is meant, nobody knows.
		{"application/json; charset=latin1; charset=koi8-r", `{"task":"é"}`, unclear},
		{"application/json; charset=ISO 8859-1", `{"task":"é"}`, unclear},
		{"application/json; charset=ISO 8859-1", `{"task":"a"}`, ""},
		{"application/json charset=latin1", `{"task":"é"}`, unclear},
		{"application/json, application/json; charset=latin1", `{"task":"é"}`, unclear},
		{"application/json; charset=latin1|application/json; charset=latin1", `{"task":"é"}`, unclear},
		{"application/json; charset=latin1|application/json", `{"task":"é"}`, unclear},
		{"application/json|application/json; charset=latin1", `{"task":"é"}`, unclear},
		{"application/json|?; charset=latin1|application/json", `{"task":"é"}`, unclear},
		{"application/json; charset=latin1|application/json; charset=latin1", `{"task":"a"}`, ""},
		{"application/json charset=utf-8", `{"task":"é"}`, ""},
		{"application/json|application/json; charset=UTF-8", `{"task":"é"}`, ""},
		{"|application/json; charset=UTF-8|", `{"task":"é"}`, ""},
	} {
		values := strings.Split(test.contentType, "|")
		event := events.APIGatewayProxyRequest{
			Body:              test.body,
			MultiValueHeaders: map[string][]string{"content-type": values},
		}
		inspect(t, event, func(call *Call) {
			if got := sentence(call.DecodeJSON(new(form), "task")); got != test.want {
				t.Errorf("%q under %q: got %q", test.body, test.contentType, got)
			}
		})
	}
}

// An operator may call what the authorizer's context names, as a whole word, and is
// refused before anything is done otherwise. Other callers have no such list.
func TestOperatorsCallWhatTheyMay(t *testing.T) {
	may, other := operation.SetTemporaryAllow.Name, operation.DeleteCustomerInfo.Name
	for _, c := range []struct {
		operation  operation.Operation
		operations any
		status     int
	}{
		{operation.SetTemporaryAllow, may, 200},
		{operation.SetTemporaryAllow, other + " " + may, 200},
		{operation.SetTemporaryAllow, other, 403},
		{operation.SetTemporaryAllow, may + "s not-" + may, 403},
		{operation.SetTemporaryAllow, "", 403},
		{operation.SetTemporaryAllow, nil, 403},
		{operation.SetTemporaryAllow, []any{may}, 403},
		{operation.CleanCustomerData, nil, 200},
		{operation.DeleteCustomer, nil, 200},
	} {
		reached := false
		e := Endpoint{
			Operation: c.operation, Limit: limit, Shape: respond.Provision,
			Handle: func(context.Context, *Call) (any, error) { reached = true; return respond.Done, nil },
		}
		event := events.APIGatewayProxyRequest{HTTPMethod: c.operation.Method}
		event.RequestContext.Authorizer = map[string]any{"operations": c.operations}
		got, err := e.Handler()(t.Context(), event)
		if err != nil || got.StatusCode != c.status || reached != (c.status == 200) {
			t.Errorf("%s for %v: %d %s, %v", c.operation.Name, c.operations, got.StatusCode, got.Body, err)
		}
		if want := failure(403, "This operation is not allowed to the caller"); c.status == 403 && got.Body != want {
			t.Errorf("%s for %v: %s", c.operation.Name, c.operations, got.Body)
		}
	}
}
