package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/metrictest"
	"customercare/shared/invocation"
	"customercare/shared/principal"
)

// A panic is an error that says nothing of the caller and is no refusal, one line that counts it as ours, and the process
// goes on.
func TestPanic(t *testing.T) {
	const header = "Basic Y3NyOnNlY3JldA==" // csr:secret
	kit := dynamotest.Open(t)
	a := authorizer{principal.Directory{Principals: kit.Principals, Guard: principal.Guard{Limit: 10, Window: time.Minute}, Now: time.Now}}
	log := metrictest.Capture(t)
	kit.Faults.Interrupt(1, func() { panic("about csr:secret") })
	answer, err := a.authorize(t.Context(), request(header))
	if !errors.Is(err, invocation.ErrPanicked) || answer.PolicyDocument.Statement != nil {
		t.Errorf("%+v, %v", answer, err)
	}
	lines := metrictest.Calls(t, log.String(), "authorize-operator")
	if len(lines) != 1 || strings.Count(log.String(), `"msg":"panic"`) != 1 || strings.Contains(log.String(), "csr") {
		t.Fatalf("log: %s", log)
	}
	lines[0].Expect(t, metrictest.Counts(0, 1, nil))
	kit.Faults.Calls()
	if _, err := a.authorize(t.Context(), request(header)); err != errUnauthorized {
		t.Errorf("the next call: %v", err)
	}
}
