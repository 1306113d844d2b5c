package erasure

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

// tries is a transport that does what it is told with each try of a call. Tries of the
// transactions that delete contacts are numbered from 1, all others are 0.
type tries struct {
	next http.RoundTripper
	mu   sync.Mutex
	n    int
	do   func(n int, action string, body []byte, r *http.Request, next http.RoundTripper) (*http.Response, error)
}

func (x *tries) RoundTrip(r *http.Request) (*http.Response, error) {
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	n := 0
	if action == "TransactWriteItems" && bytes.Contains(body, []byte(`"party"`)) {
		x.mu.Lock()
		x.n++
		n = x.n
		x.mu.Unlock()
	}
	return x.do(n, action, body, r, x.next)
}

func reply(r *http.Request, status int, text string) *http.Response {
	return &http.Response{StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}, "X-Injected": {"true"}},
		Body:   io.NopCloser(strings.NewReader(text)), ContentLength: int64(len(text))}
}

// noAnswer is a try whose answer does not come in time.
type noAnswer struct{}

func (noAnswer) Error() string   { return "no answer in time" }
func (noAnswer) Timeout() bool   { return true }
func (noAnswer) Temporary() bool { return true }

// A deletion that was sent without an answer is waited for, also where the same call was
// sent again and refused: the first may still be carried out.
func TestTryWithoutAnswerThenRefused(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"TransactionConflict", "ThrottlingError"} {
		w := newWorld(t)
		for _, c := range []string{"c1", "c2", "c3"} {
			w.putContact(t, "acme", c, "135", "200")
		}
		if err := w.Numbers(t.Context(), "acme", []string{"135"}, "app"); err != nil {
			t.Fatal(err)
		}
		w.clock.Advance(w.WriterLifetime + 2*w.ClockSkew)
		x := &tries{next: w.Faults.Next}
		var sent time.Time
		x.do = func(n int, _ string, _ []byte, r *http.Request, next http.RoundTripper) (*http.Response, error) {
			switch n {
			case 1:
				sent = w.clock.Now()
				return nil, noAnswer{}
			case 2:
				return reply(r, 400, `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","CancellationReasons":[{"Code":"`+code+`"}]}`), nil
			}
			return next.RoundTrip(r)
		}
		w.Faults.Next = x
		if _, err := w.Due(t.Context()); err != nil {
			t.Fatal(err)
		}
		if x.n < 3 {
			t.Fatalf("%s: %d tries", code, x.n)
		}
		for w.open(t) > 0 {
			w.clock.Advance(10 * time.Second)
			if _, err := w.Due(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if after := w.clock.Now().Sub(sent); after < w.WriterLifetime+w.ClockSkew {
			t.Errorf("%s: it ended %s after the deletion without an answer", code, after)
		}
	}
}

// A batch that was done without an answer, and then refused, counts.
func TestBatchDoneThenRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.putCustomer(t, "shop", "4711", 30)
	x := &tries{next: w.Faults.Next}
	n := 0 // batches
	var mu sync.Mutex
	x.do = func(_ int, action string, body []byte, r *http.Request, next http.RoundTripper) (*http.Response, error) {
		if action != "BatchWriteItem" {
			return next.RoundTrip(r)
		}
		mu.Lock()
		defer mu.Unlock()
		switch n++; n {
		case 1: // done, no answer
			a, err := next.RoundTrip(r)
			if err == nil {
				a.Body.Close()
			}
			return nil, noAnswer{}
		}
		if n < 8 {
			return reply(r, 400, `{"__type":"com.amazon.coral.service#ExpiredTokenException"}`), nil
		}
		return next.RoundTrip(r)
	}
	w.Faults.Next = x
	if err := w.Customer(t.Context(), "shop", "4711", "john", time.Minute); err != nil {
		t.Fatal(err)
	}
	w.settle(t)
	for _, record := range w.records(t) {
		if !strings.Contains(record, `"deleted":{"Value":"31"}`) && !strings.Contains(record, "atLeast") {
			t.Errorf("31 erased: %s", record)
		}
	}
}

// A panic behind a transaction that was done leaves no wrong count unmarked.
func TestPanicInATransaction(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []string{"c1", "c2", "c3"} {
		w.putContact(t, "acme", c, "135", "200")
	}
	if err := w.Numbers(t.Context(), "acme", []string{"135"}, "app"); err != nil {
		t.Fatal(err)
	}
	x := &tries{next: w.Faults.Next}
	x.do = func(n int, action string, body []byte, r *http.Request, next http.RoundTripper) (*http.Response, error) {
		a, err := next.RoundTrip(r)
		if n == 1 {
			panic("x")
		}
		return a, err
	}
	w.Faults.Next = x
	w.clock.Advance(time.Minute)
	_, _ = w.Due(t.Context())
	w.settle(t)
	for _, r := range w.records(t) {
		if !strings.Contains(r, `"deleted":{"Value":"3"}`) && !strings.Contains(r, "atLeast") {
			t.Errorf("3 erased: %s", r)
		}
	}
}

// A contact that was deleted without an answer and filed anew meanwhile is two deletions.
func TestFiledAnewAfterALostAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.putContact(t, "acme", "c1", "135", "200")
	if err := w.Numbers(t.Context(), "acme", []string{"135"}, "app"); err != nil {
		t.Fatal(err)
	}
	x := &tries{next: w.Faults.Next}
	x.do = func(n int, action string, body []byte, r *http.Request, next http.RoundTripper) (*http.Response, error) {
		if n >= 1 && n <= 4 {
			a, err := next.RoundTrip(r)
			if err != nil {
				return a, err
			}
			a.Body.Close()
			if n == 4 {
				w.putContact(t, "acme", "c1", "135", "300")
			}
			return nil, noAnswer{}
		}
		return next.RoundTrip(r)
	}
	w.Faults.Next = x
	w.clock.Advance(time.Minute)
	_, _ = w.Due(t.Context())
	w.settle(t)
	for _, r := range w.records(t) {
		if !strings.Contains(r, `"deleted":{"Value":"2"}`) && !strings.Contains(r, "atLeast") {
			t.Errorf("2 erased: %s", r)
		}
	}
}

// A range that could not be announced was not being deleted: the counts are exact.
func TestAnnouncedInVain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.putContact(t, "acme", "c1", "135", "200")
	if err := w.Numbers(t.Context(), "acme", []string{"135"}, "app"); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Minute)
	w.Faults.InjectOn("UpdateItem", dynamotest.Refused, 2, 2)
	_, _ = w.Due(t.Context())
	w.Faults.Calls()
	w.settle(t)
	for _, r := range w.records(t) {
		if strings.Contains(r, "atLeast") {
			t.Errorf("nothing was being deleted: %s", r)
		}
	}
}

// A worker that takes a job up without an answer, and finds its own lease, is no death.
func TestLostAnswersToTakingUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.putContact(t, "acme", "c1", "135", "200")
	if err := w.Numbers(t.Context(), "acme", []string{"135"}, "app"); err != nil {
		t.Fatal(err)
	}
	key := store.NumbersJob(w.Digests.Set("acme", []string{"135"}))
	w.Faults.FailOn("Query")
	_ = w.Continue(t.Context(), key) // one passing failure
	w.Faults.Calls()
	for range 6 {
		w.clock.Advance(20 * time.Minute)
		w.Faults.InjectOn("UpdateItem", dynamotest.After, 1, 1)
		_ = w.Continue(t.Context(), key)
		w.Faults.Calls()
	}
	if n := len(w.Dump(t, w.Kit.Contacts.Table)); n > 0 {
		t.Errorf("%d copies stand: nobody ever worked on it", n)
	}
}

// A pass does not end over a customer whose tombstone met another write.
func TestTombstoneInAConflict(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.putCustomer(t, "shop", "4711", 2)
	if err := w.Customer(t.Context(), "shop", "4711", "john", time.Minute); err != nil {
		t.Fatal(err)
	}
	// A worker takes the job up before it may end, and somebody has written over the tombstone.
	w.clock.Advance(time.Minute)
	w.putCustomer(t, "shop", "4711", 0)
	x := &tries{next: w.Faults.Next}
	done := false
	x.do = func(_ int, action string, body []byte, r *http.Request, next http.RoundTripper) (*http.Response, error) {
		if action == "TransactWriteItems" && bytes.Contains(body, []byte("entombed")) && !done {
			done = true
			return reply(r, 400, `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","CancellationReasons":[{"Code":"None"},{"Code":"TransactionConflict"}]}`), nil
		}
		return next.RoundTrip(r)
	}
	w.Faults.Next = x
	key := store.CustomerJob(w.Digests.Subject("customer", "shop", "4711"))
	if err := w.Continue(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	page, _ := w.engine.Customers.Read(t.Context(), store.CustomerKey("shop", "4711"), "")
	if !done || page.Exists {
		t.Error("the pass ended, and the customer can be read")
	}
}

// A contact whose deletion is always refused keeps no other from being deleted, of its own
// number or of those behind it.
func TestOneContactIsNeverTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 50 {
		w.putContact(t, "acme", "c"+string(rune('A'+i)), "135", "200")
	}
	numbers := []string{"135"}
	for i := range 2 * windowSize {
		number := fmt.Sprint(2000 + i)
		w.putContact(t, "acme", "z"+number, number, "200")
		numbers = append(numbers, number)
	}
	if err := w.Numbers(t.Context(), "acme", numbers, "app"); err != nil {
		t.Fatal(err)
	}
	x := &tries{next: w.Faults.Next}
	x.do = func(n int, action string, body []byte, r *http.Request, next http.RoundTripper) (*http.Response, error) {
		if n > 0 && bytes.Contains(body, []byte(`#cA"`)) {
			return reply(r, 400, refusals["items too large"]), nil
		}
		return next.RoundTrip(r)
	}
	w.Faults.Next = x
	for range 6 {
		w.clock.Advance(20 * time.Minute)
		_, _ = w.Due(t.Context())
	}
	if left := len(w.Dump(t, w.Kit.Contacts.Table)); left != 2 {
		t.Errorf("%d copies left, of one contact 2", left)
	}
}
