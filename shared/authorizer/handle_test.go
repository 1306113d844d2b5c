package authorizer

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"customercare/infra/testkit/metrictest"
	"customercare/shared/operation"
)

// A failure of ours is logged once, with its cause, of which API Gateway is told nothing.
func TestFailureIsLogged(t *testing.T) {
	for _, name := range []string{operation.AuthorizeApp, operation.AuthorizeOperator} {
		fails := func(context.Context, Request) (Caller, error) {
			return Caller{}, errors.New("principals: find: timeout")
		}
		var request Request
		request.RequestContext.RequestID = "api-1" // by which the line is found
		line, log := metrictest.OneCall(t, name, func() {
			answer, err := New(name, fails, Deny).Handle(t.Context(), request)
			if err == nil || err.Error() != "authorizer failed" || answer.PolicyDocument.Statement != nil {
				t.Errorf("%+v, %v", answer, err)
			}
		})
		line.Expect(t, metrictest.Counts(0, 1, nil))
		failed := `"msg":"failed","operation":"` + name + `","cause":"principals: find: timeout","apiRequestId":"api-1"`
		if strings.Count(log.String(), failed) != 1 {
			t.Errorf("log: %s", log)
		}
	}
}

// Whatever hangs, there is an answer a second before Lambda would end the process.
func TestAnswersInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // no time passes but what the authorizer waits
		metrictest.Capture(t)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		hangs := func(ctx context.Context, _ Request) (Caller, error) {
			<-ctx.Done()
			return Caller{}, ctx.Err()
		}
		_, err := New(operation.AuthorizeApp, hangs, Deny).Handle(ctx, Request{})
		deadline, _ := ctx.Deadline()
		if left := time.Until(deadline); err == nil || left != time.Second {
			t.Errorf("%v, %s before Lambda's deadline", err, left)
		}
	})
}
