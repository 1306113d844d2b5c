package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/metrictest"
	"customercare/shared/erasure"
)

// stream is an event as Lambda sends it: one record for each erasureId, whose sequence numbers are 1, 2 ...
func stream(t *testing.T, erasureIDs ...string) events.DynamoDBEvent {
	t.Helper()
	var records []string
	for i, id := range erasureIDs {
		records = append(records, fmt.Sprintf(`{"eventName":"INSERT","dynamodb":{"Keys":{"erasureId":{"S":"%s"}},"SequenceNumber":"%d"}}`, id, i+1))
	}
	var event events.DynamoDBEvent
	if err := json.Unmarshal([]byte(`{"Records":[`+strings.Join(records, ",")+`]}`), &event); err != nil {
		t.Fatal(err)
	}
	return event
}

// newHandler is the function on tables of its own. Writers of its erasures are never late.
func newHandler(t *testing.T, clock erasure.Clock) (handler, *dynamotest.Kit) {
	kit := dynamotest.Open(t)
	return handler{erasure.NewWorker(
		kit.Erasures, kit.Customers, kit.Contacts, nil, erasure.Timing{}, time.Minute, clock,
	)}, kit
}

// open puts an erasure of a number on record, and returns the key of its job.
func open(t *testing.T, kit *dynamotest.Kit, number string) string {
	t.Helper()
	digests := erasure.Digester{Current: "1", Keys: map[string][]byte{"1": []byte("a key that only these tests know of")}}
	if err := erasure.NewNumbersIntake(kit.Erasures, digests, time.Now).Numbers(t.Context(), "acme", []string{number}, "app"); err != nil {
		t.Fatal(err)
	}
	for _, line := range kit.Dump(t, kit.Erasures.Table) {
		if strings.Contains(line, `"`+number+`"`) {
			_, id, _ := strings.Cut(line, `"erasureId":{"Value":"`)
			id, _, _ = strings.Cut(id, `"`)
			return id
		}
	}
	t.Fatal("no job")
	return ""
}

func TestFailedRecordIsReported(t *testing.T) {
	h, kit := newHandler(t, erasure.SystemClock())
	first, second, third := open(t, kit, "number-one"), open(t, kit, "number-two"), open(t, kit, "number-three")
	var log bytes.Buffer
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, nil)))

	kit.Faults.Calls()
	if answer, err := h.handle(t.Context(), stream(t, first)); err != nil || len(answer.BatchItemFailures) != 0 {
		t.Fatalf("%+v, %v", answer, err)
	}
	healthy := len(kit.Faults.Calls())

	// From the second record's first call on nothing works.
	kit.Faults.Inject(dynamotest.Throttle, 2, 1000)
	event := stream(t, first, second, third) // the first is done: one call finds that out
	answer, err := h.handle(t.Context(), event)
	text, _ := json.Marshal(answer)
	if err != nil || string(text) != `{"batchItemFailures":[{"itemIdentifier":"2"}]}` {
		t.Errorf("%s, %v", text, err)
	}
	if strings.Contains(log.String(), "number-") || strings.Count(log.String(), `"operation":"continue-erasure"`) != 1 {
		t.Errorf("log: %s", &log)
	}
	kit.Faults.Calls()

	// They come again, with repeats and jobs that are done; then nothing is open.
	if answer, err = h.handle(t.Context(), stream(t, second, "handover-"+third, first, "numbers-unknown")); err != nil || len(answer.BatchItemFailures) != 0 {
		t.Errorf("%+v, %v", answer, err)
	}
	if left := strings.Join(kit.Dump(t, kit.Erasures.Table), "\n"); strings.Contains(left, "number-") || strings.Count(left, "erasure-") != 3 {
		t.Errorf("left after %d calls for the first: %s", healthy, left)
	}
}

// A record that names no job cannot be worked on ever: it holds nothing up.
func TestRecordWithoutAJob(t *testing.T) {
	h, kit := newHandler(t, erasure.SystemClock())
	event := stream(t, "x", open(t, kit, "number-one"))
	delete(event.Records[0].Change.Keys, "erasureId")
	answer, err := h.handle(t.Context(), event)
	if text, _ := json.Marshal(answer); err != nil || string(text) != `{"batchItemFailures":[]}` {
		t.Errorf("%s, %v", text, err)
	}
	if left := kit.Dump(t, kit.Erasures.Table); len(left) != 1 {
		t.Errorf("left: %s", left)
	}
}

// A job whose work panics is reported, and the process goes on: the job is worked on when its lease is over.
func TestPanicIsReported(t *testing.T) {
	clock := &dynamotest.Clock{Time: time.Now()}
	h, kit := newHandler(t, erasure.NewClock(clock.Now, clock.AfterFunc))
	event := stream(t, open(t, kit, "number-one"))
	var log bytes.Buffer
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, nil)))
	kit.Faults.Interrupt(1, func() { panic("number-one") }) // before there is a lease, and a drain that would recover
	answer, err := h.handle(t.Context(), event)
	if text, _ := json.Marshal(answer); err != nil || string(text) != `{"batchItemFailures":[{"itemIdentifier":"1"}]}` {
		t.Errorf("%s, %v", text, err)
	}
	if !strings.Contains(log.String(), `"msg":"panic"`) || strings.Contains(log.String(), "number-one") {
		t.Errorf("log: %s", &log)
	}
	kit.Faults.Calls()
	clock.Advance(time.Hour)
	if answer, err := h.handle(t.Context(), event); err != nil || len(answer.BatchItemFailures) != 0 {
		t.Errorf("%+v, %v", answer, err)
	}
	if left := strings.Join(kit.Dump(t, kit.Erasures.Table), "\n"); strings.Contains(left, "number-one") || !strings.Contains(left, "erasure-") {
		t.Errorf("left: %s", left)
	}
}

// A DynamoDB that never answers: the record is reported a second before Lambda would end the process, and those behind it
// with it.
func TestHangingJobIsReported(t *testing.T) {
	h, kit := newHandler(t, erasure.SystemClock())
	event := stream(t, open(t, kit, "number-one"), open(t, kit, "number-two"))
	kit.Faults.Next = silence{}
	synctest.Test(t, func(t *testing.T) { // no time passes but what the worker waits
		metrictest.Capture(t)
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		answer, err := h.handle(ctx, event)
		deadline, _ := ctx.Deadline()
		text, _ := json.Marshal(answer)
		if left := time.Until(deadline); err != nil || string(text) != `{"batchItemFailures":[{"itemIdentifier":"1"}]}` || left != time.Second {
			t.Errorf("%s, %v, %s before Lambda's deadline", text, err, left)
		}
	})
}

// silence is a transport to a DynamoDB that never answers.
type silence struct{}

func (silence) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}
