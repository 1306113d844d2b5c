package apigateway

import (
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"customercare/infra/local/lambda"
)

// watched is a harness whose gateway tells of its answers.
type watched struct {
	*harness
	mu    sync.Mutex
	heard []Access
}

func (w *watched) last() Access {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.heard[len(w.heard)-1]
}

func watch(t *testing.T) *watched {
	t.Helper()
	w := &watched{harness: &harness{answer: func(function string, event map[string]any) (string, error) {
		switch headers, _ := event["headers"].(map[string]any); {
		case function == "Guard" && headers["Authorization"] == "wrong":
			return "", &lambda.Error{Message: "Unauthorized"}
		case function == "Guard":
			effect := "Allow"
			if headers["Authorization"] == "deny" {
				effect = "Deny"
			}
			return `{"principalId":"p","policyDocument":{"Version":"2012-10-17","Statement":[{"Effect":"` + effect +
				`","Action":["execute-api:Invoke"],"Resource":["*"]}]}}`, nil
		case headers["Fail"] != nil:
			return "", &lambda.Error{Message: "crash"}
		}
		return `{"statusCode":404,"body":"gone"}`, nil
	}}}
	g, err := New(API{
		ID: "local", Stage: "v1", Region: "us-east-1", Account: "123456789012",
		Routes: []Route{
			{Method: "ANY", Path: "/users/{id}", Function: "F"},
			{Method: "GET", Path: "/guarded/{id}", Function: "F", Authorizer: "Guard"},
			{Method: "GET", Path: "/busy", Function: "F", Throttle: &Throttle{}},
		},
		Authorizers: map[string]Authorizer{
			"Guard": {Function: "Guard", TTL: time.Minute, Headers: byHeader},
		},
		AccessLog: `{"route":"$context.resourcePath","method":"$context.httpMethod","status":"$context.status",` +
			`"error":"$context.error.responseType","bytes":"$context.responseLength","function":"$context.integration.status",` +
			`"authorizer":"$context.authorizer.status","protocol":"$context.protocol","no":"$context.nothing"}`,
	}, w.invoke, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	g.Access = func(a Access) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.heard = append(w.heard, a)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.addr = l.Addr().String()
	server := g.Serve(l)
	t.Cleanup(server.Close)
	return w
}

// Each answer is told of once, with the route and never the path, and with whose answer
// it was.
func TestAccess(t *testing.T) {
	w := watch(t)
	for i, c := range []struct {
		request string
		access  string // method, route, function, refusal, status
		line    string // a part of it
	}{
		{"GET /users/wen11?code=wen11 HTTP/1.1\r\nHost: x\r\n\r\n", "GET /users/{id} F  404",
			`"bytes":"4","function":"404","authorizer":"-"`},
		{"GET /guarded/wen11 HTTP/1.1\r\nHost: x\r\n\r\n", "GET /guarded/{id}  UNAUTHORIZED 401",
			`"function":"-","authorizer":"-"`},
		{"GET /guarded/wen11 HTTP/1.1\r\nHost: x\r\nAuthorization: wrong\r\n\r\n",
			"GET /guarded/{id} Guard UNAUTHORIZED 401", `"function":"-","authorizer":"401"`},
		{"GET /guarded/wen11 HTTP/1.1\r\nHost: x\r\nAuthorization: deny\r\n\r\n",
			"GET /guarded/{id} Guard ACCESS_DENIED 403", `"error":"ACCESS_DENIED"`},
		{"GET /guarded/wen11 HTTP/1.1\r\nHost: x\r\nAuthorization: wen11\r\n\r\n", "GET /guarded/{id} F  404",
			`"authorizer":"200"`},
		{"GET /guarded/wen11 HTTP/1.1\r\nHost: x\r\nAuthorization: wen11\r\n\r\n", "GET /guarded/{id} F  404", `"authorizer":"-"`}, // kept
		{"GET /users/wen11 HTTP/1.1\r\nHost: x\r\nFail: 1\r\n\r\n", "GET /users/{id} F DEFAULT_5XX 502",
			`"function":"500"`},
		{"GET /wen11 HTTP/1.1\r\nHost: x\r\n\r\n", "GET -  MISSING_AUTHENTICATION_TOKEN 403", `"route":"-"`},
		{"GET /busy HTTP/1.1\r\nHost: x\r\n\r\n", "GET /busy  THROTTLED 429", `"status":"429"`},
		// What only looks like a method or a protocol is the caller's own text.
		{"WEN11 /users/1 HTTP/1.1\r\nHost: x\r\n\r\n", "- /users/{id} F  404", `"method":"-"`},
		{"GET /users/1 HTTP/1.1\r\nHost: x\r\nX-HTTP-Method-Override: wen11\r\n\r\n", "- /users/{id} F  404",
			`"method":"-"`},
		{"get /users/1 HTTP/1.1\r\nHost: x\r\n\r\n", "- /users/{id} F  404", `"method":"-"`},
		{"GET /users/1 HTTP/1.wen11\r\nHost: x\r\n\r\n", "- -  DEFAULT_4XX 400", `"protocol":"-"`},
		{"GET /users/1 HTTP/1.1\r\nHost: x\r\nX-Amzn-Trace-Id: Root=wen11\r\n\r\n", "GET /users/{id} F  404",
			`"status":"404"`},
		{"wen11\r\n\r\n", "- -  DEFAULT_4XX 400", `"status":"400"`},
		{"GET /users/1 HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("wen11", 3000) + "\r\n\r\n", "GET -   431",
			`"status":"431"`},
	} {
		w.send(t, c.request)
		if n := len(w.heard); n != i+1 {
			t.Fatalf("%.40q: told of %d answers after %d", c.request, n, i+1)
		}
		a := w.last()
		if got := fmt.Sprintf("%s %s %s %s %d", a.Method, a.Route, a.Function, a.Refusal, a.Status); got != c.access {
			t.Errorf("%.40q: %q, want %q", c.request, got, c.access)
		}
		if !strings.Contains(a.Line, c.line) || !strings.Contains(a.Line, `"no":"-"`) {
			t.Errorf("%.40q: %s lacks %s", c.request, a.Line, c.line)
		}
		if all := fmt.Sprintf("%+v", a); strings.Contains(strings.ToLower(all), "wen11") {
			t.Errorf("%.40q: the caller's own text is in %s", c.request, all)
		}
		if a.Time.IsZero() || a.Took <= 0 {
			t.Errorf("%.40q: %s, %s", c.request, a.Time, a.Took)
		}
	}
}
