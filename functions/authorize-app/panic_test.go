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

// A panic is an error that says nothing of the caller, one line that counts it as ours, and the process goes on.
func TestPanic(t *testing.T) {
	const tokenOfNobody = "cGFuaWM.YXBw"
	kit := dynamotest.Open(t)
	a := authorizer{principal.Directory{Principals: kit.Principals, Now: time.Now}}
	log := metrictest.Capture(t)
	kit.Faults.Interrupt(1, func() { panic("about " + tokenOfNobody) })
	answer, err := a.authorize(t.Context(), request("Bearer "+tokenOfNobody))
	if !errors.Is(err, invocation.ErrPanicked) || answer.PolicyDocument.Statement != nil {
		t.Errorf("%+v, %v", answer, err)
	}
	lines := metrictest.Calls(t, log.String(), "authorize-app")
	if len(lines) != 1 || strings.Count(log.String(), `"msg":"panic"`) != 1 || strings.Contains(log.String(), tokenOfNobody) {
		t.Fatalf("log: %s", log)
	}
	lines[0].Expect(t, metrictest.Counts(0, 1, nil))
	kit.Faults.Calls()
	if answer, err := a.authorize(t.Context(), request("Bearer "+tokenOfNobody)); err != nil || answer.PolicyDocument.Statement[0].Effect != "Deny" {
		t.Errorf("the next call: %+v, %v", answer, err)
	}
}
