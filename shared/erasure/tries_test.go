package erasure

import (
	"bytes"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

// A deletion that was sent without an answer is waited for, also where the same call was
// sent again and not taken: the first may still be carried out.
func TestTryWithoutAnswerThenNotTaken(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"TransactionConflict", "ThrottlingError"} {
		sys := newSystem(t)
		for _, c := range []string{"c1", "c2", "c3"} {
			sys.putContact(t, "acme", c, "135", "200")
		}
		sys.eraseNumbers(t, "135")
		sys.clock.Advance(sys.WriterLifetime + 2*sys.ClockSkew)
		x := sys.decideTries()
		var sent time.Time
		x.do = func(try int, _ string, _ []byte, r *http.Request) (*http.Response, error) {
			switch try {
			case 1:
				sent = sys.clock.Now()
				return nil, noAnswer{}
			case 2:
				return reply(r, 400, cancelled(code)), nil
			}
			return x.next.RoundTrip(r)
		}
		sys.cleanUp(t)
		if x.counted < 3 {
			t.Fatalf("%s: %d tries", code, x.counted)
		}
		for len(sys.ledger(t).open) > 0 {
			sys.clock.Advance(10 * time.Second)
			sys.cleanUp(t)
		}
		if after := sys.clock.Now().Sub(sent); after < sys.WriterLifetime+sys.ClockSkew {
			t.Errorf("%s: it ended %s after the deletion without an answer", code, after)
		}
	}
}

// A batch that was done without an answer, and then was not taken, counts.
func TestBatchDoneThenNotTaken(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.putCustomer(t, "shop", "4711", 30)
	x := sys.decideTries()
	batches := 0
	var mu sync.Mutex
	x.do = func(_ int, action string, body []byte, r *http.Request) (*http.Response, error) {
		if action != "BatchWriteItem" {
			return x.next.RoundTrip(r)
		}
		mu.Lock()
		defer mu.Unlock()
		batches++
		if batches == 1 { // done, no answer
			answer, err := x.next.RoundTrip(r)
			if err == nil {
				answer.Body.Close()
			}
			return nil, noAnswer{}
		}
		if batches < 8 {
			return reply(r, 400, `{"__type":"com.amazon.coral.service#ExpiredTokenException"}`), nil
		}
		return x.next.RoundTrip(r)
	}
	sys.eraseCustomer(t)
	sys.finishAll(t)
	sys.wantRightOrLowerBound(t, 31)
}

// A panic behind a transaction that was done leaves no wrong count unmarked.
func TestPanicInATransaction(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	for _, c := range []string{"c1", "c2", "c3"} {
		sys.putContact(t, "acme", c, "135", "200")
	}
	sys.eraseNumbers(t, "135")
	x := sys.decideTries()
	x.do = func(try int, action string, body []byte, r *http.Request) (*http.Response, error) {
		answer, err := x.next.RoundTrip(r)
		if try == 1 {
			panic("x")
		}
		return answer, err
	}
	sys.clock.Advance(time.Minute)
	_, _ = sys.Due(t.Context())
	sys.finishAll(t)
	sys.wantRightOrLowerBound(t, 3)
}

// A panic behind a batch that was done leaves no wrong count unmarked either.
func TestPanicInABatch(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.putCustomer(t, "shop", "4711", 30)
	var panicked atomic.Bool
	x := sys.decideTries()
	x.do = func(_ int, action string, _ []byte, r *http.Request) (*http.Response, error) {
		answer, err := x.next.RoundTrip(r)
		if action == "BatchWriteItem" && !panicked.Swap(true) {
			panic("x")
		}
		return answer, err
	}
	sys.eraseCustomer(t)
	sys.finishAll(t)
	if !panicked.Load() {
		t.Error("no batch was sent")
	}
	sys.wantEmpty(t, sys.Kit.Customers.Table)
	sys.wantRightOrLowerBound(t, 31)
}

// A contact that was deleted without an answer and filed anew meanwhile is two deletions.
func TestFiledAnewAfterALostAnswer(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.putContact(t, "acme", "c1", "135", "200")
	sys.eraseNumbers(t, "135")
	x := sys.decideTries()
	x.do = func(try int, action string, body []byte, r *http.Request) (*http.Response, error) {
		if try >= 1 && try <= 4 {
			answer, err := x.next.RoundTrip(r)
			if err != nil {
				return answer, err
			}
			answer.Body.Close()
			if try == 4 {
				sys.putContact(t, "acme", "c1", "135", "300")
			}
			return nil, noAnswer{}
		}
		return x.next.RoundTrip(r)
	}
	sys.clock.Advance(time.Minute)
	_, _ = sys.Due(t.Context())
	sys.finishAll(t)
	sys.wantRightOrLowerBound(t, 2)
}

// A range that could not be announced was not being deleted: the counts are exact.
func TestAnnouncedInVain(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.putContact(t, "acme", "c1", "135", "200")
	sys.eraseNumbers(t, "135")
	sys.clock.Advance(time.Minute)
	sys.Faults.InjectOn("UpdateItem", dynamotest.Refused, 2, 2)
	_, _ = sys.Due(t.Context())
	sys.Faults.Calls()
	sys.finishAll(t)
	for _, r := range sys.ledger(t).records {
		if r.has("atLeast") {
			t.Errorf("nothing was being deleted: %s", r.json)
		}
	}
}

// A worker that resumes a job without an answer, and finds its own lease, is no death.
func TestLostAnswersToTakingUp(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.putContact(t, "acme", "c1", "135", "200")
	sys.eraseNumbers(t, "135")
	key := sys.numbersJob("135")
	sys.Faults.FailOn("Query")
	_ = sys.Continue(t.Context(), key) // one failure, which is over after it
	sys.Faults.Calls()
	for range 6 {
		sys.clock.Advance(20 * time.Minute)
		sys.Faults.InjectOn("UpdateItem", dynamotest.After, 1, 1)
		_ = sys.Continue(t.Context(), key)
		sys.Faults.Calls()
	}
	if n := len(sys.Dump(t, sys.Kit.Contacts.Table)); n > 0 {
		t.Errorf("%d copies stand: nobody ever worked on it", n)
	}
}

// A pass does not end over a customer whose tombstone met another write.
func TestTombstoneInAConflict(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.putCustomer(t, "shop", "4711", 2)
	sys.eraseCustomer(t)
	// A worker resumes the job before it may end, and somebody has written over the
	// tombstone.
	sys.clock.Advance(time.Minute)
	sys.putCustomer(t, "shop", "4711", 0)
	x := sys.decideTries()
	done := false
	x.do = func(_ int, action string, body []byte, r *http.Request) (*http.Response, error) {
		if action == "TransactWriteItems" && bytes.Contains(body, []byte("entombed")) && !done {
			done = true
			return reply(r, 400, cancelled("None", "TransactionConflict")), nil
		}
		return x.next.RoundTrip(r)
	}
	key := sys.customerJob()
	sys.goOn(t, key)
	page, _ := sys.engine.Customers.Read(t.Context(), store.CustomerKey("shop", "4711"), "")
	if !done || page.Exists {
		t.Error("the pass ended, and the customer can be read")
	}
}

// A contact whose deletion is never taken keeps no other from being deleted, of its
// own number or of those behind it.
func TestOneContactIsNeverTaken(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	for i := range 50 {
		sys.putContact(t, "acme", "c"+string(rune('A'+i)), "135", "200")
	}
	numbers := []string{"135"}
	for i := range 2 * windowSize {
		number := fmt.Sprint(2000 + i)
		sys.putContact(t, "acme", "z"+number, number, "200")
		numbers = append(numbers, number)
	}
	sys.eraseNumbers(t, numbers...)
	x := sys.decideTries()
	x.do = func(try int, action string, body []byte, r *http.Request) (*http.Response, error) {
		if try > 0 && bytes.Contains(body, []byte(`#cA"`)) {
			return reply(r, 400, noTransaction["items too large"]), nil
		}
		return x.next.RoundTrip(r)
	}
	for range 6 {
		sys.clock.Advance(20 * time.Minute)
		_, _ = sys.Due(t.Context())
	}
	if left := len(sys.Dump(t, sys.Kit.Contacts.Table)); left != 2 {
		t.Errorf("%d copies left, of one contact 2", left)
	}
}
