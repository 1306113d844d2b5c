package apigateway

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"customercare/infra/local/lambda"
)

// Each method has a bucket of its own, and a request beyond it reaches neither authorizer
// nor function.
func TestThrottle(t *testing.T) {
	tight := &Throttle{Rate: 20, Burst: 3}
	h := serve(t, API{
		Routes: []Route{
			{Method: "GET", Path: "/a/{id}", Function: "F", Authorizer: "Guard", Throttle: tight},
			{Method: "ANY", Path: "/a/{id}", Function: "F", Throttle: tight},
			{Method: "GET", Path: "/b", Function: "F"},
			{Method: "GET", Path: "/never", Function: "F", Throttle: &Throttle{}},
		},
		Authorizers: map[string]Authorizer{"Guard": {Function: "Guard"}},
		Responses: map[string]Response{"THROTTLED": {StatusCode: 429, Headers: map[string]string{"Retry-After": "'1'"},
			Templates: map[string]string{"application/json": `{"m":"Too Many Requests"}`}}},
	})
	h.answer = func(function string, _ map[string]any) (string, error) {
		if function == "Guard" {
			return allowAll, nil
		}
		return `{"statusCode":200}`, nil
	}
	statuses := func(method, path string, n int) string {
		var raw strings.Builder
		methods := make([]string, n)
		for i := range methods {
			methods[i] = method
			fmt.Fprintf(&raw, "%s %s HTTP/1.1\r\nHost: x\r\n\r\n", method, strings.ReplaceAll(path, "*", fmt.Sprint(i)))
		}
		var got strings.Builder
		for _, r := range h.send(t, raw.String(), methods...) {
			fmt.Fprint(&got, r.status, " ")
			if r.status == 429 && (r.header.Get("Retry-After") != "1" || r.body != `{"m":"Too Many Requests"}` ||
				r.header.Get("x-amzn-ErrorType") != "TooManyRequestsException") {
				t.Errorf("%v %s", r.header, r.body)
			}
		}
		return got.String()
	}
	// Whatever stands for {id}: one method is one bucket.
	if got := statuses("GET", "/a/*", 5); got != "200 200 200 429 429 " {
		t.Errorf("GET: %s", got)
	}
	if n := len(h.seen); n != 6 {
		t.Errorf("%d functions were called for 3 requests", n)
	}
	if got := statuses("PATCH", "/a/*", 4); got != "200 200 200 429 " {
		t.Errorf("another method: %s", got)
	}
	if got := statuses("GET", "/b", 8); got != strings.Repeat("200 ", 8) {
		t.Errorf("another path: %s", got)
	}
	if got := statuses("GET", "/never", 1); got != "429 " {
		t.Errorf("a rate of zero: %s", got)
	}
	h.advance(120 * time.Millisecond) // 20 a second: two and a bit
	if got := statuses("GET", "/a/*", 3); got != "200 200 429 " {
		t.Errorf("later: %s", got)
	}
}

// A function whose processes are all busy is a failed integration, an authorizer's a
// failed authorizer.
func TestBusyFunction(t *testing.T) {
	busy := func(context.Context, string, []byte) ([]byte, error) { return nil, lambda.ErrThrottled }
	for authorizer, want := range map[string]string{"": "INTEGRATION_FAILURE", "Guard": "AUTHORIZER_FAILURE"} {
		g, err := New(API{
			Routes:      []Route{{Method: "GET", Path: "/", Function: "F", Authorizer: authorizer}},
			Authorizers: map[string]Authorizer{"Guard": {Function: "Guard"}},
			Responses:   map[string]Response{want: {StatusCode: 503}},
		}, busy, nil)
		if err != nil {
			t.Fatal(err)
		}
		asked := &request{method: "GET", target: "/", proto: "HTTP/1.1", receive: func() *refusal { return nil }}
		if got := g.serve(asked); got.status != 503 {
			t.Errorf("authorizer %q: %d", authorizer, got.status)
		}
	}
}
