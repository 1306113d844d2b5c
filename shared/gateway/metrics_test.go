package gateway

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/awslabs/aws-lambda-go-api-proxy/core"

	"customercare/infra/testkit/metrictest"
	"customercare/shared/operation"
	"customercare/shared/respond"
)

// busy is a failure of the store's that passes.
type busy struct{ error }

func (busy) Retryable() bool { return true }

// always200 is a shape like operation 3's, whose callers see errors of theirs with the
// status 200.
var always200 = respond.Shape{
	Format: respond.App.Format,
	Failure: func(e *respond.Error) (int, any) {
		if e.Status() >= 500 {
			return e.Status(), answer{"status": "error"}
		}
		return http.StatusOK, answer{"status": "error"}
	},
}

// Each call is one line, whatever happens, and counts for what it was: not for the status
// of its answer.
func TestCallsCount(t *testing.T) {
	refuse := func(kind respond.Kind) func(*Call) (any, error) {
		return func(*Call) (any, error) { return nil, respond.Refuse(kind, "no") }
	}
	event := events.APIGatewayProxyRequest{
		HTTPMethod: "POST", Body: "{}", RequestContext: events.APIGatewayProxyRequestContext{RequestID: "r1"},
	}
	for name, test := range map[string]struct {
		event  events.APIGatewayProxyRequest
		shape  respond.Shape
		handle func(*Call) (any, error)
		status int
		want   metrictest.Line
	}{
		"served":       {event, respond.App, func(*Call) (any, error) { return respond.Done, nil }, 200, metrictest.Counts(0, 0, nil)},
		"invalid":      {event, respond.App, refuse(respond.Invalid), 400, metrictest.Counts(1, 0, nil)},
		"not found":    {event, respond.Provision, refuse(respond.NotFound), 404, metrictest.Counts(1, 0, nil)},
		"unauthorized": {event, respond.App, refuse(respond.Unauthorized), 401, metrictest.Counts(1, 0, 1)},
		"forbidden":    {event, respond.App, refuse(respond.Forbidden), 403, metrictest.Counts(1, 0, 1)},
		"too many":     {event, respond.App, refuse(respond.TooManyRequests), 429, metrictest.Counts(1, 0, nil)},
		"at 200":       {event, always200, refuse(respond.NotFound), 200, metrictest.Counts(1, 0, nil)},
		"wrong at 200": {event, always200, refuse(respond.Unauthorized), 200, metrictest.Counts(1, 0, 1)},
		"bad base64": {events.APIGatewayProxyRequest{Body: "=", IsBase64Encoded: true, RequestContext: event.RequestContext},
			respond.App, refuse(respond.Internal), 400, metrictest.Counts(1, 0, nil)},
		"too large": {events.APIGatewayProxyRequest{Body: strings.Repeat("x", limit+1), RequestContext: event.RequestContext},
			respond.App, refuse(respond.Internal), 413, metrictest.Counts(1, 0, nil)},
		"internal":     {event, respond.App, func(*Call) (any, error) { return nil, errors.New("a cause") }, 500, metrictest.Counts(0, 1, nil)},
		"busy":         {event, respond.Provision, func(*Call) (any, error) { return nil, busy{errors.New("throttled")} }, 503, metrictest.Counts(0, 1, nil)},
		"busy app":     {event, respond.App, func(*Call) (any, error) { return nil, busy{errors.New("throttled")} }, 500, metrictest.Counts(0, 1, nil)},
		"panic":        {event, respond.App, func(*Call) (any, error) { panic("secret") }, 500, metrictest.Counts(0, 1, nil)},
		"panic at 200": {event, always200, func(*Call) (any, error) { panic("secret") }, 500, metrictest.Counts(0, 1, nil)},
		"no answer":    {event, respond.App, func(*Call) (any, error) { return nil, nil }, 500, metrictest.Counts(0, 1, nil)},
		"unwritable":   {event, respond.App, func(*Call) (any, error) { return func() {}, nil }, 500, metrictest.Counts(0, 1, nil)},
	} {
		t.Run(name, func(t *testing.T) {
			log := metrictest.Capture(t)
			e := Endpoint{Operation: operation.IssueToken, Limit: limit, Shape: test.shape,
				Handle: func(_ context.Context, call *Call) (any, error) { return test.handle(call) }}
			got, err := e.Handler()(t.Context(), test.event)
			if err != nil || got.StatusCode != test.status {
				t.Errorf("answered %d %s, %v", got.StatusCode, got.Body, err)
			}
			lines := metrictest.Calls(t, log.String(), "issue-token")
			if len(lines) != 1 || strings.Count(log.String(), `"answered"`) != 1 {
				t.Fatalf("%d lines: %s", len(lines), log)
			}
			lines[0].Expect(t, test.want)
			lines[0].Expect(t, metrictest.Line{"msg": "answered", "status": test.status, "apiRequestId": "r1"})
		})
	}
}

// The latency is of the handler's whole work, on a clock that only that work moves.
func TestLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := metrictest.Capture(t)
		serve(t, events.APIGatewayProxyRequest{}, func(*Call) (any, error) {
			time.Sleep(20 * time.Millisecond)
			return respond.Done, nil
		})
		if ms := metrictest.Lines(t, log.String())[0]["Latency"].(float64); ms != 20 {
			t.Errorf("20 ms are %v", ms)
		}
	})
}

// A call that never came to the handler because the adapter failed is a line too.
func TestAdapterFailureCounts(t *testing.T) {
	t.Setenv(core.CustomHostVariable, "http://a b\x7f")
	log := metrictest.Capture(t)
	expect(t, serve(t, events.APIGatewayProxyRequest{}, func(*Call) (any, error) { return answer{}, nil }),
		500, failure(500, failed))
	lines := metrictest.Lines(t, log.String())
	if len(lines) != 1 {
		t.Fatal(log)
	}
	lines[0].Expect(t, metrictest.Counts(0, 1, nil))
	lines[0].Expect(t, metrictest.Line{"status": 500})
}
