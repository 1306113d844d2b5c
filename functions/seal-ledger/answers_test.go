package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/metrictest"
)

// refusing is a transport that answers the first call which appends to the log by itself.
type refusing struct {
	next http.RoundTripper
	body string // "": no more
	done bool   // whether the call is carried out first
}

func (f *refusing) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".TransactWriteItems") || f.body == "" {
		return f.next.RoundTrip(r)
	}
	if f.done {
		answer, err := f.next.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		answer.Body.Close()
	}
	body := f.body
	f.body = ""
	return &http.Response{
		StatusCode: http.StatusBadRequest, Request: r, ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body:   io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}, nil
}

// What DynamoDB may answer to the one transaction of a batch, whether it was carried out
// or not: each statement is in the log once, at the latest after the next run.
func TestAnswersToTheTransaction(t *testing.T) {
	const of = `{"__type":"com.amazonaws.dynamodb.v20120810#`
	for name, body := range map[string]string{
		"conflict": of + `TransactionCanceledException","Message":"x",` +
			`"CancellationReasons":[{"Code":"TransactionConflict","Message":"x"},{"Code":"None"}]}`,
		"throttled": of + `TransactionCanceledException","Message":"x",` +
			`"CancellationReasons":[{"Code":"None"},{"Code":"ThrottlingError","Message":"x"}]}`,
		"mismatch":    of + `IdempotentParameterMismatchException","Message":"x"}`,
		"in progress": of + `TransactionInProgressException","Message":"x"}`,
		"too much":    of + `ThrottlingException","message":"x"}`,
	} {
		for _, done := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				metrictest.Capture(t)
				b := open(t)
				b.accept(t, 0, 3)
				b.kit.Faults.Next = &refusing{b.kit.Faults.Next, body, done}
				_ = b.handler().handle(t.Context(), events.EventBridgeEvent{})
				if b.kit.Faults.Next.(*refusing).body != "" {
					t.Fatal("nothing was appended")
				}
				b.remembers(t)
				b.run(t, b.handler())
				b.check(t)
				if head := b.note(t); head.Tree.N != 3 {
					t.Errorf("%d leaves of 3 statements", head.Tree.N)
				}
			})
		}
	}
}

// A clock that jumps an hour between runs, either way, changes nothing of the order of
// leaves, and no age becomes negative.
func TestTheClockJumps(t *testing.T) {
	log := metrictest.Capture(t)
	b := open(t)
	for n, jump := range []time.Duration{time.Hour, -time.Hour, -time.Hour, time.Hour} {
		before := b.note(t).Tree.N
		b.accept(t, n, n+1)
		if n > 0 {
			b.end(t, n-1, true)
		}
		b.clock.Advance(jump)
		b.run(t, b.handler())
		b.check(t)
		if after := b.note(t).Tree.N; after != before+int64(min(n, 1))+1 {
			t.Errorf("after %v: %d leaves, before %d", jump, after, before)
		}
	}
	waits := accepted(9) // since a time that the clock has not reached
	waits["unloggedAt"] = attribute.Number(b.clock.Now().Add(time.Hour).UnixMilli())
	b.kit.Put(t, b.ledger.Table, waits)
	b.kit.Faults.InjectOn("TransactWriteItems", dynamotest.Refused, 1, 9)
	if err := b.handler().handle(t.Context(), events.EventBridgeEvent{}); err == nil {
		t.Error("a refused run is no failure")
	}
	lines := metrictest.Lines(t, log.String())
	for _, line := range lines {
		if oldest, is := line["OldestUnsealed"].(float64); is && oldest < 0 {
			t.Errorf("%v", line)
		}
	}
	if last := lines[len(lines)-1]; last["OldestUnsealed"] != 0. || last["LedgerUnsealed"] != 1. {
		t.Errorf("%v", last)
	}
}
