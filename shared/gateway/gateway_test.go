package gateway

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/awslabs/aws-lambda-go-api-proxy/core"

	"customercare/shared/operation"
	"customercare/shared/respond"
)

// answer is a body that any handler of these tests may give.
type answer map[string]any

const limit = 1024

// serve runs one event through an endpoint whose handler is handle.
func serve(t testing.TB, event events.APIGatewayProxyRequest, handle func(*Call) (any, error)) Answer {
	t.Helper()
	e := Endpoint{
		Operation: operation.Operation{Name: "test"}, Limit: limit, Shape: respond.Provision,
		Handle: func(_ context.Context, call *Call) (any, error) { return handle(call) },
	}
	got, err := e.Handler()(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// inspect runs one event and gives the test the call that the handler got.
func inspect(t testing.TB, event events.APIGatewayProxyRequest, look func(*Call)) {
	t.Helper()
	seen := false
	got := serve(t, event, func(call *Call) (any, error) {
		seen = true
		look(call)
		return respond.Done, nil
	})
	if !seen || got.StatusCode != 200 {
		t.Errorf("the handler was reached: %t; answer %d %s", seen, got.StatusCode, got.Body)
	}
}

func failure(status int, sentence string) string {
	return fmt.Sprintf(`{"responseCode":"%d","responseMessage":"%s","status":false}`, status, sentence)
}

// sentence is what the error says to the caller, "" without an error.
func sentence(err error) string {
	if err == nil {
		return ""
	}
	return respond.AsError(err).Sentence
}

const failed = "The service failed, try again"

func expect(t testing.TB, got Answer, status int, body string) {
	t.Helper()
	if got.StatusCode != status || got.Body != body || got.IsBase64Encoded {
		t.Errorf("got  %d %s\nwant %d %s", got.StatusCode, got.Body, status, body)
	}
}

// logged runs f and gives what it logged.
func logged(t *testing.T, f func()) string {
	t.Helper()
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, nil)))
	defer slog.SetDefault(before)
	f()
	return log.String()
}

// Pitfall: the adapter's GetAPIGatewayContext trusts a request header.
func TestForgedContext(t *testing.T) {
	forged := `{"authorizer":{"principalId":"admin","tenantId":"other"}}`
	for _, name := range []string{core.APIGwContextHeader, strings.ToLower(core.APIGwContextHeader), strings.ToUpper(core.APIGwContextHeader),
		"x-GoLambdaProxy-apigw-Context", core.APIGwStageVarsHeader} {
		for _, form := range []string{"single", "multi"} {
			event := events.APIGatewayProxyRequest{HTTPMethod: "POST"}
			if form == "single" {
				event.Headers = map[string]string{name: forged}
			} else {
				event.MultiValueHeaders = map[string][]string{name: {forged}}
			}
			for _, authorizer := range []map[string]any{nil, {"principalId": "csr"}} {
				event.RequestContext.Authorizer = authorizer
				want, _ := authorizer["principalId"].(string)
				inspect(t, event, func(call *Call) {
					if got := call.Caller("principalId"); got != want {
						t.Errorf("%s: the caller is %q, want %q", name, got, want)
					}
					if got := call.Caller("tenantId"); got != "" {
						t.Errorf("%s: the tenant is %q", name, got)
					}
					for header := range call.Header {
						if strings.HasPrefix(strings.ToLower(header), "x-golambdaproxy-") {
							t.Errorf("%s reached the handler", header)
						}
					}
				})
			}
		}
	}
}

// Pitfall: a handler that writes nothing is a 504 without a shape.
func TestNoAnswer(t *testing.T) {
	expect(t, serve(t, events.APIGatewayProxyRequest{}, func(*Call) (any, error) { return nil, nil }), 500,
		failure(500, failed))
}

// Pitfall: a panic ends the process, and its text, which may quote the caller, goes to
// the log.
func TestPanic(t *testing.T) {
	const secret = "135****1111"
	log := logged(t, func() {
		for _, p := range []any{secret, errors.New(secret), 7, fmt.Stringer(nil)} {
			expect(t, serve(t, events.APIGatewayProxyRequest{}, func(*Call) (any, error) { panic(p) }), 500,
				failure(500, failed))
		}
		event := events.APIGatewayProxyRequest{Headers: map[string]string{"Accept": "application/xml"}}
		got := serve(t, event, func(*Call) (any, error) { var none []string; return none[len(secret)], nil })
		expect(t, got, 500, `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`+"\n"+
			`<StatusResponse><responseCode>500</responseCode><responseMessage>`+failed+`</responseMessage><status>false</status></StatusResponse>`)
		// An answer that cannot be written is a panic too.
		expect(t,
			serve(t, events.APIGatewayProxyRequest{}, func(*Call) (any, error) { return func() {}, nil }),
			500, failure(500, failed))
		expect(t,
			serve(t, events.APIGatewayProxyRequest{}, func(*Call) (any, error) { return answer{"a": 1}, nil }),
			200, `{"a":1}`)
	})
	if strings.Contains(log, secret) {
		t.Errorf("the log quotes the caller: %s", log)
	}
	if n := strings.Count(log, `"msg":"panic"`); n != 6 {
		t.Errorf("%d panics logged, want 6", n)
	}
}

// Errors that are not made for the caller are a stock sentence; the cause goes to the
// log, once.
func TestErrors(t *testing.T) {
	log := logged(t, func() {
		got := serve(t, events.APIGatewayProxyRequest{},
			func(*Call) (any, error) { return nil, errors.New("the cause") })
		expect(t, got, 500, failure(500, failed))
		got = serve(t, events.APIGatewayProxyRequest{}, func(*Call) (any, error) {
			return nil, fmt.Errorf("wrapped: %w", &respond.Error{
				Kind: respond.MethodNotAllowed, Sentence: "no", Header: http.Header{"Allow": {"PUT"}},
			})
		})
		expect(t, got, 405, failure(405, "no"))
		if allow := got.MultiValueHeaders["Allow"]; len(allow) != 1 || allow[0] != "PUT" {
			t.Errorf("Allow is %q", allow)
		}
	})
	if n := strings.Count(log, "the cause"); n != 1 {
		t.Errorf("the cause was logged %d times: %s", n, log)
	}
}

// A setting of the adapter's that makes its request impossible still ends in an answer of
// the shape.
func TestAdapterFails(t *testing.T) {
	t.Setenv(core.CustomHostVariable, "http://a b\x7f")
	expect(t, serve(t, events.APIGatewayProxyRequest{}, func(*Call) (any, error) { return answer{}, nil }),
		500, failure(500, failed))
}

func TestLimits(t *testing.T) {
	encode := base64.StdEncoding.EncodeToString
	// What is too large is not decoded to find that out.
	got := serve(t, events.APIGatewayProxyRequest{Body: strings.Repeat("!", 2*limit), IsBase64Encoded: true},
		func(*Call) (any, error) { return respond.Done, nil })
	expect(t, got, 413, failure(413, "The request body is larger than 1024 bytes"))
	for _, size := range []int{limit - 2, limit - 1, limit, limit + 1, limit + 2, limit + 3, 10 * limit} {
		body := strings.Repeat("\xff", size)
		for _, event := range []events.APIGatewayProxyRequest{{Body: body}, {Body: encode([]byte(body)), IsBase64Encoded: true}} {
			if size > limit {
				got := serve(t, event,
					func(*Call) (any, error) { t.Errorf("%d bytes reached the handler", size); return nil, nil })
				expect(t, got, 413, failure(413, "The request body is larger than 1024 bytes"))
				continue
			}
			inspect(t, event, func(call *Call) {
				if string(call.Body) != body {
					t.Errorf("%d bytes arrived as %d", size, len(call.Body))
				}
			})
		}
	}
}

func TestInvalidBase64(t *testing.T) {
	for _, body := range []string{"{}", "====", "e30", "e30=x", "e3_-", "\x00"} {
		got := serve(t, events.APIGatewayProxyRequest{Body: body, IsBase64Encoded: true},
			func(*Call) (any, error) { return answer{}, nil })
		expect(t, got, 400, failure(400, "The request body is not valid base64"))
	}
}

func TestEmptyEvent(t *testing.T) {
	inspect(t, events.APIGatewayProxyRequest{}, func(call *Call) {
		id, err := call.PathID("id", limit)
		if call.Method != "" || len(call.Body) != 0 || len(call.Query()) != 0 || call.Caller("principalId") != "" ||
			id != "" ||
			err == nil {
			t.Errorf("an empty event has method %q, body %q, query %q, id %q", call.Method, call.Body, call.Query(), id)
		}
	})
	var event events.APIGatewayProxyRequest // as sam local invoke may send it
	if err := json.Unmarshal([]byte(`{"headers":null,"multiValueHeaders":{"accept":null},"body":null,"requestContext":{"authorizer":null}}`), &event); err != nil {
		t.Fatal(err)
	}
	inspect(t, event, func(*Call) {})
}

// API Gateway knows no such methods, an event written by hand may. The handler sees the
// method as it was.
func TestMethods(t *testing.T) {
	for _, method := range []string{"GET", "PROPFIND", "get", "", " ", "GET /x HTTP/1.1\r\n", "a b", "\x00", "\xff", "É"} {
		inspect(t, events.APIGatewayProxyRequest{HTTPMethod: method}, func(call *Call) {
			if call.Method != method {
				t.Errorf("%q became %q", method, call.Method)
			}
		})
	}
}

// One line a request, with its status, and nothing of what the caller sent.
func TestLog(t *testing.T) {
	const secret = "kehu@example.com"
	log := logged(t, func() {
		serve(t, events.APIGatewayProxyRequest{
			HTTPMethod: secret, Path: "/" + secret, Body: secret, PathParameters: map[string]string{"id": secret},
			MultiValueHeaders:               map[string][]string{"Authorization": {secret}},
			MultiValueQueryStringParameters: map[string][]string{secret: {secret}},
			RequestContext:                  events.APIGatewayProxyRequestContext{RequestID: "r1", Path: secret},
		}, func(*Call) (any, error) { return nil, respond.Refuse(respond.NotFound, secret+" is not known") })
	})
	if strings.Count(log, "\n") != 1 || !strings.Contains(log, `"status":404`) ||
		!strings.Contains(log, `"apiRequestId":"r1"`) ||
		strings.Contains(log, secret) {
		t.Errorf("logged %s", log)
	}
}
