package gateway

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"customercare/infra/testkit/metrictest"
	"customercare/shared/operation"
	"customercare/shared/respond"
)

// audited runs one call of an operator and gives its log and the answer.
func audited(t *testing.T, ctx context.Context, handle func(context.Context, *Call) (any, error)) (string, Answer) {
	t.Helper()
	log := metrictest.Capture(t)
	event := events.APIGatewayProxyRequest{HTTPMethod: "DELETE", Body: "{}"}
	event.RequestContext.Authorizer = map[string]any{"principalId": "csr", "operations": operation.DeleteCustomerInfo.Name}
	event.RequestContext.RequestID = "api-1"
	e := Endpoint{Operation: operation.DeleteCustomerInfo, Limit: limit, Shape: respond.Provision, Handle: handle,
		About: func(call *Call) { call.Audit.Subject("4711", "1.aa") }}
	answer, err := e.Handler()(ctx, event)
	if err != nil {
		t.Fatal(err)
	}
	return log.String(), answer
}

// Every end of a call leaves one line, and an answer that is no success has no Link.
func TestOneAuditLineWhateverHappens(t *testing.T) {
	for outcome, handle := range map[string]func(*Call) (any, error){
		"served":  func(*Call) (any, error) { return respond.Done, nil },
		"faulty":  func(*Call) (any, error) { return nil, respond.Refuse(respond.NotFound, "no") },
		"refused": func(*Call) (any, error) { return nil, respond.Refuse(respond.Forbidden, "no") },
		"failed":  func(*Call) (any, error) { return nil, errors.New("a cause") },
		"failed ": func(*Call) (any, error) { panic("4711") },
		" failed": func(*Call) (any, error) { return func() {}, nil },
	} {
		log, answer := audited(t, t.Context(), func(_ context.Context, call *Call) (any, error) {
			call.Accepted("e1")
			return handle(call)
		})
		if strings.Count(log, `"msg":"audit"`) != 1 || metrictest.Names(log, "4711") ||
			!strings.Contains(log, `"outcome":"`+strings.TrimSpace(outcome)+`"`) || !strings.Contains(log, `"subject":"1.aa"`) {
			t.Errorf("%s: %s", outcome, log)
		}
		// By it all lines of the request are found, also that of a failure's cause.
		for line := range strings.Lines(log) {
			if !strings.Contains(line, `"apiRequestId":"api-1"`) {
				t.Errorf("%s: a line without the request: %s", outcome, line)
			}
		}
		if link := strings.Join(answer.MultiValueHeaders["Link"], ""); (link == `</erasures/e1>; rel="status"`) != (outcome == "served") ||
			outcome != "served" && link != "" {
			t.Errorf("%s: Link is %q", outcome, link)
		}
	}
}

// Where no authorizer stands before an operation, only its handler says who calls.
func TestNobodyIsAuditedByTheEventAlone(t *testing.T) {
	log := metrictest.Capture(t)
	event := events.APIGatewayProxyRequest{HTTPMethod: "POST"}
	event.RequestContext.Authorizer = map[string]any{"principalId": "csr"}
	e := Endpoint{Operation: operation.DeleteCustomer, Limit: limit, Shape: respond.App,
		Handle: func(context.Context, *Call) (any, error) { return respond.Verified, nil }}
	if _, err := e.Handler()(t.Context(), event); err != nil || strings.Contains(log.String(), `"msg":"audit"`) {
		t.Errorf("%v: %s", err, log)
	}
}

// A call whose time is up is answered, and has its line.
func TestAuditLineWhenTimeIsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		log, answer := audited(t, ctx, func(ctx context.Context, _ *Call) (any, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		if answer.StatusCode != 500 || strings.Count(log, `"msg":"audit"`) != 1 || ctx.Err() != nil {
			t.Errorf("%d: %s", answer.StatusCode, log)
		}
	})
}

// The link is one that the caller can follow, by whichever address it called.
func TestLinkPaths(t *testing.T) {
	for _, test := range []struct{ host, domain, path, resource, want string }{
		{"", "", "", "", "/x"},
		{"127.0.0.1:3000", "id.execute-api.eu.amazonaws.com", "/v1/api.php", "/api.php", "/x"},
		{"id.execute-api.eu.amazonaws.com", "id.execute-api.eu.amazonaws.com", "/v1/api.php", "/api.php", "/v1/x"},
		{"id.execute-api.eu.amazonaws.com", "id.execute-api.eu.amazonaws.com", "/v1/", "/", "/v1/x"},
		{"id.execute-api.eu.amazonaws.com", "id.execute-api.eu.amazonaws.com", "/v1", "/", "/v1/x"},
		{"care.example.com", "care.example.com", "/api.php", "/api.php", "/x"},
		{"care.example.com", "care.example.com", "/base/api.php/", "/api.php", "/base/x"},
		{"care.example.com", "care.example.com", "/base/erasures/a%2Fb/receipt", "/erasures/{id}/receipt", "/base/x"},
		{"care.example.com", "care.example.com", "/erasures/1", "/erasures/{id}", "/x"},
		{"care.example.com", "care.example.com", "/other", "/api.php", "/x"},
		{"care.example.com", "care.example.com", "/other", "/erasures/{id}", "/x"}, {"", "", "/v1/api.php", "/api.php", "/x"},
	} {
		event := events.APIGatewayProxyRequest{MultiValueHeaders: map[string][]string{"Host": {test.host}}}
		event.RequestContext.DomainName, event.RequestContext.Path, event.RequestContext.ResourcePath = test.domain, test.path, test.resource
		inspect(t, event, func(call *Call) {
			if got := call.Path("/x"); got != test.want {
				t.Errorf("%+v: %q", test, got)
			}
		})
	}
}
