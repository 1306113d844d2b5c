package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/metrictest"
	"customercare/shared/digest"
	"customercare/shared/erasure"
	"customercare/shared/store"
)

// stream is an event as Lambda sends it: one record for each erasureId, whose sequence
// numbers are 1, 2 ...
func stream(t *testing.T, erasureIDs ...string) events.DynamoDBEvent {
	t.Helper()
	const record = `{"eventName":"INSERT","dynamodb":` +
		`{"Keys":{"erasureId":{"S":"%s"}},"SequenceNumber":"%d"}}`
	var records []string
	for i, id := range erasureIDs {
		records = append(records, fmt.Sprintf(record, id, i+1))
	}
	var event events.DynamoDBEvent
	if err := json.Unmarshal([]byte(`{"Records":[`+strings.Join(records, ",")+`]}`), &event); err != nil {
		t.Fatal(err)
	}
	return event
}

// newHandler is the function on tables of its own. Writers of its erasures are never
// late.
func newHandler(t *testing.T, clock erasure.Clock) (handler, *dynamotest.Kit) {
	kit := dynamotest.Open(t)
	return handler{erasure.NewWorker(
		kit.Erasures, kit.Customers, kit.Contacts, kit.Holds, nil, erasure.Timing{}, time.Minute, clock,
	)}, kit
}

var digests = digest.Digester{
	Current: "1", Keys: map[string][]byte{"1": []byte("a key that only these tests know of")},
}

// open puts an erasure of a number on record, and returns the key of its job.
func open(t *testing.T, kit *dynamotest.Kit, number string) string {
	t.Helper()
	numbers, intake := []string{number}, erasure.NewNumbersIntake(kit.Erasures, digests, time.Now)
	asked := erasure.NumbersRequest{Tenant: "acme", Numbers: numbers, By: "app"}
	if _, err := intake.Numbers(t.Context(), asked); err != nil {
		t.Fatal(err)
	}
	return store.NumbersJob(digests.Set("acme", numbers))
}

// wantLedger checks how many records of finished erasures and how many open jobs there
// are.
func wantLedger(t *testing.T, kit *dynamotest.Kit, records, open int) {
	t.Helper()
	page, err := kit.Plain.Scan(t.Context(), &dynamodb.ScanInput{TableName: &kit.Erasures.Table})
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range page.Items {
		if strings.HasPrefix(attribute.ReadText(item, "erasureId"), "erasure-") && item["statement"] != nil {
			records--
		}
		if item["openShard"] != nil {
			open--
		}
	}
	if records != 0 || open != 0 {
		t.Errorf("%d records and %d open jobs more are wanted than there are", records, open)
	}
}

// wantNoNumber checks that the ledger holds no number.
func wantNoNumber(t *testing.T, kit *dynamotest.Kit) {
	t.Helper()
	for _, line := range kit.Dump(t, kit.Erasures.Table) {
		if strings.Contains(line, "number-") {
			t.Errorf("left: %s", line)
		}
	}
}

// failed is what Lambda reads of an answer: the records that it is to send again.
func failed(t *testing.T, answer events.DynamoDBEventResponse) string {
	t.Helper()
	text, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// answerFor is the answer that has Lambda send the records again from this sequence
// number on, none where that is "".
func answerFor(sequenceNumber string) string {
	if sequenceNumber == "" {
		return `{"batchItemFailures":[]}`
	}
	return `{"batchItemFailures":[{"itemIdentifier":"` + sequenceNumber + `"}]}`
}

func TestFailedRecordIsReported(t *testing.T) {
	h, kit := newHandler(t, erasure.SystemClock())
	first, second := open(t, kit, "number-one"), open(t, kit, "number-two")
	third := open(t, kit, "number-three")
	log := metrictest.Capture(t)
	send := func(ids ...string) string {
		t.Helper()
		answer, err := h.handle(t.Context(), stream(t, ids...))
		if err != nil {
			t.Fatal(err)
		}
		return failed(t, answer)
	}
	if answer := send(first); answer != answerFor("") {
		t.Fatal(answer)
	}

	// From the second record's first call on nothing works. The first is done: one call
	// finds that out.
	kit.Faults.Inject(dynamotest.Throttle, 2, 1000)
	if answer := send(first, second, third); answer != answerFor("2") {
		t.Error(answer)
	}
	if strings.Contains(log.String(), "number-") ||
		strings.Count(log.String(), `"operation":"continue-erasure"`) != 1 {
		t.Errorf("log: %s", log)
	}
	kit.Faults.Calls()

	// They come again, with repeats and jobs that are done; then nothing is open.
	if answer := send(second, "handover-"+third, first, "numbers-unknown"); answer != answerFor("") {
		t.Error(answer)
	}
	wantLedger(t, kit, 3, 0)
	wantNoNumber(t, kit)
}

// A record that names no job cannot be worked on ever: it holds nothing up.
func TestRecordWithoutAJob(t *testing.T) {
	h, kit := newHandler(t, erasure.SystemClock())
	event := stream(t, "x", open(t, kit, "number-one"))
	delete(event.Records[0].Change.Keys, "erasureId")
	answer, err := h.handle(t.Context(), event)
	if text := failed(t, answer); err != nil || text != answerFor("") {
		t.Errorf("%s, %v", text, err)
	}
	if left := kit.Dump(t, kit.Erasures.Table); len(left) != 1 {
		t.Errorf("left: %s", left)
	}
}

// A job whose work panics is reported, and the process goes on: the job is worked on
// when its lease is over.
func TestPanicIsReported(t *testing.T) {
	clock := &dynamotest.Clock{Time: time.Now()}
	h, kit := newHandler(t, erasure.NewClock(clock.Now, clock.AfterFunc))
	event := stream(t, open(t, kit, "number-one"))
	log := metrictest.Capture(t)
	// Before there is a lease, and a drain that would recover.
	kit.Faults.Interrupt(1, func() { panic("number-one") })
	answer, err := h.handle(t.Context(), event)
	if text := failed(t, answer); err != nil || text != answerFor("1") {
		t.Errorf("%s, %v", text, err)
	}
	if !strings.Contains(log.String(), `"msg":"panic"`) || strings.Contains(log.String(), "number-one") {
		t.Errorf("log: %s", log)
	}
	kit.Faults.Calls()
	clock.Advance(time.Hour)
	answer, err = h.handle(t.Context(), event)
	if text := failed(t, answer); err != nil || text != answerFor("") {
		t.Errorf("%s, %v", text, err)
	}
	wantLedger(t, kit, 1, 0)
	wantNoNumber(t, kit)
}

// A DynamoDB that never answers: the record is reported a second before Lambda would end
// the process, and those behind it with it.
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
		text, left := failed(t, answer), time.Until(deadline)
		if err != nil || text != answerFor("1") || left != time.Second {
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
