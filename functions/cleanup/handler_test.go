package main

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/metrictest"
	"customercare/shared/digest"
	"customercare/shared/erasure"
)

// digests stand for numbers in the ledger of these tests.
var digests = digest.Digester{
	Current: "1", Keys: map[string][]byte{"1": []byte("a key that only these tests know of")},
}

// A run that fails is an error without personal data, so that Lambda tries it again; the
// next one ends what was open.
func TestFailingRun(t *testing.T) {
	kit := dynamotest.Open(t)
	clock := &dynamotest.Clock{Time: time.Now()}
	h := handlerOf(kit, erasure.NewClock(clock.Now, clock.AfterFunc), 1, 0)
	numbers := erasure.NewNumbersIntake(kit.Erasures, digests, clock.Now)
	asked := erasure.NumbersRequest{Tenant: "acme", Numbers: []string{"number-one"}, By: "app"}
	if _, err := numbers.Numbers(t.Context(), asked); err != nil {
		t.Fatal(err)
	}
	clock.Advance(time.Minute)
	var log bytes.Buffer
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, nil)))
	kit.Faults.Inject(dynamotest.Before, 1, 1000)
	err := h.handle(t.Context(), events.EventBridgeEvent{})
	if err == nil || strings.Contains(err.Error()+log.String(), "number-one") {
		t.Errorf("%v, log %s", err, &log)
	}
	kit.Faults.Calls()
	if err := h.handle(t.Context(), events.EventBridgeEvent{}); err != nil {
		t.Error(err)
	}
	left := strings.Join(kit.Dump(t, kit.Erasures.Table), "\n")
	if strings.Contains(left, "number-one") || !strings.Contains(left, "erasure-") {
		t.Errorf("left: %s", left)
	}
}

// A panic at any call of a run ends neither the process nor, where it is the sweep's,
// the work on erasures.
func TestPanickingRun(t *testing.T) {
	kit := dynamotest.Open(t)
	clock := &dynamotest.Clock{Time: time.Now()}
	h := handlerOf(kit, erasure.NewClock(clock.Now, clock.AfterFunc), 1, 0)
	numbers := erasure.NewNumbersIntake(kit.Erasures, digests, clock.Now)
	var log bytes.Buffer
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, nil)))
	dynamotest.EveryMoment(t, func(t *testing.T, k int) (struck bool) {
		asked := erasure.NumbersRequest{Tenant: "acme", Numbers: []string{"number-one"}, By: "app"}
		if _, err := numbers.Numbers(t.Context(), asked); err != nil {
			t.Fatal(err)
		}
		clock.Advance(time.Hour)
		kit.Faults.Interrupt(k, func() { panic("number-one") })
		err := h.handle(t.Context(), events.EventBridgeEvent{})
		if !kit.Faults.Struck() {
			return false
		}
		kit.Faults.Calls()
		open := strings.Contains(strings.Join(kit.Dump(t, kit.Erasures.Table), "\n"), "number-one")
		if k == 1 && (err != nil || open) {
			t.Errorf("the sweep's panic: %v, open: %t", err, open)
		}
		clock.Advance(time.Hour)
		if err := h.handle(t.Context(), events.EventBridgeEvent{}); err != nil {
			t.Errorf("the run after it: %v", err)
		}
		if left := strings.Join(kit.Dump(t, kit.Erasures.Table), "\n"); strings.Contains(left, "number-one") {
			t.Fatalf("left: %s", left)
		}
		return true
	})
	if !strings.Contains(log.String(), `"msg":"panic"`) || strings.Contains(log.String(), "number-one") {
		t.Errorf("log: %s", &log)
	}
}

// A DynamoDB that never answers: the run ends as failed a second before Lambda would end
// the process.
func TestHangingRun(t *testing.T) {
	kit := dynamotest.Open(t)
	h := handlerOf(kit, erasure.SystemClock(), 1, 0)
	kit.Faults.Next = silence{}
	synctest.Test(t, func(t *testing.T) { // no time passes but what the run waits
		metrictest.Capture(t)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		err := h.handle(ctx, events.EventBridgeEvent{})
		deadline, _ := ctx.Deadline()
		if left := time.Until(deadline); err == nil || left != time.Second {
			t.Errorf("%v, %s before Lambda's deadline", err, left)
		}
	})
}

// silence is a transport to a DynamoDB that never answers.
type silence struct{}

func (silence) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}
