package dynamotest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
)

// Fault is what happens to one call to DynamoDB.
type Fault string

const (
	Before      Fault = "before"      // a 500, and nothing was done
	After       Fault = "after"       // done, but the answer is lost: the connection breaks
	Throttle    Fault = "throttle"    // ProvisionedThroughputExceededException, nothing was done
	Unprocessed Fault = "unprocessed" // BatchWriteItem does all but its last request, BatchGetItem nothing; any other call is throttled
	Timeout     Fault = "timeout"     // done, but no answer in time
	Cancelled   Fault = "cancelled"   // a transaction is cancelled by a throttle; any other call is throttled
	Refused     Fault = "refused"     // AccessDeniedException, nothing was done
	Held        Fault = "held"        // no answer in time, and not done before Deliver
)

// Faults is a transport in front of the real engine. It counts the calls, and lets one of them, or all from one
// on, fail.
type Faults struct {
	Next http.RoundTripper

	mu    sync.Mutex
	calls []string
	at    int // 1 is the next call; 0 is none
	fault Fault
	until int    // the fault strikes the calls from at to until
	die   func() // runs at call at: ends the process's context, or does something else
	hit   bool   // whether the fault has struck
	only  string // the action whose calls are counted for at, or any
	held  []*http.Request
}

// Inject makes the calls from the kth to the lastth, counted from now, fail.
func (f *Faults) Inject(fault Fault, k, last int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls, f.at, f.until, f.fault, f.die, f.hit, f.only = nil, k, last, fault, nil, false, ""
}

// InjectOn is Inject for the calls of one action alone: those of others, by the background say, neither fail nor count.
func (f *Faults) InjectOn(action string, fault Fault, k, last int) {
	f.Inject(fault, k, last)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.only = action
}

// Die makes the process "die" at the kth call from now: with after, once it is done, else before it. The returned
// context, on which the process must run, ends there.
func (f *Faults) Die(k int, after bool) context.Context {
	ctx, die := context.WithCancel(context.Background())
	fault := Before
	if after {
		fault = After
	}
	f.Inject(fault, k, k)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.die = die
	return ctx
}

// FailOn makes every call of this action fail from now on, with a 400 that no retry mends.
func (f *Faults) FailOn(action string) {
	f.Inject(Refused, 1, 1<<30)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.only = action
}

// DieAfter makes the process "die" right after the nth call of this action from now.
func (f *Faults) DieAfter(action string, n int) context.Context {
	ctx := f.Die(n, true)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.only = action
	return ctx
}

// DieHolding makes the process "die" at the nth call of this action from now, which is
// done when Deliver is called.
func (f *Faults) DieHolding(action string, n int) context.Context {
	ctx := f.DieAfter(action, n)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = Held
	return ctx
}

// hold keeps a request for Deliver.
func (f *Faults) hold(r *http.Request) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	late := r.Clone(context.Background())
	late.Body = io.NopCloser(bytes.NewReader(body))
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held = append(f.held, late)
	return nil
}

// Deliver lets DynamoDB do what was held, so late, and says how many calls that were.
func (f *Faults) Deliver() (int, error) {
	f.mu.Lock()
	held := f.held
	f.held = nil
	f.mu.Unlock()
	for _, r := range held {
		answer, err := f.Next.RoundTrip(r)
		if err != nil {
			return 0, err
		}
		answer.Body.Close()
	}
	return len(held), nil
}

// Interrupt runs do right before the kth call from now goes out: something else that happens at that very moment.
func (f *Faults) Interrupt(k int, do func()) {
	f.Inject("", k, k)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.die = do
}

// Calls are the DynamoDB actions since the last Inject, in order; it ends any fault.
func (f *Faults) Calls() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	calls := f.calls
	f.calls, f.at = nil, 0
	return calls
}

// Struck says whether a call of the last Inject or Die was reached.
func (f *Faults) Struck() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hit
}

func (f *Faults) RoundTrip(r *http.Request) (*http.Response, error) {
	// What a process that is dead, or a worker whose time was up, would still have asked for is no
	// call: counted, it would stand for one of whatever the test does next.
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	f.mu.Lock()
	f.calls = append(f.calls, action)
	n, fault := len(f.calls), f.fault
	if f.only != "" {
		n = 0
		for _, call := range f.calls {
			if call == f.only {
				n++
			}
		}
	}
	struck := f.at > 0 && n >= f.at && n <= f.until && (f.only == "" || f.only == action)
	die := f.die
	f.hit = f.hit || struck
	f.mu.Unlock()
	if !struck {
		return f.Next.RoundTrip(r)
	}
	if fault == "" {
		die()
		return f.Next.RoundTrip(r)
	}
	if die != nil {
		if fault == After {
			if answer, err := f.Next.RoundTrip(r); err == nil {
				answer.Body.Close()
			}
		}
		if fault == Held {
			if err := f.hold(r); err != nil {
				return nil, err
			}
		}
		die()
		return nil, context.Canceled
	}
	switch fault {
	case Held:
		if err := f.hold(r); err != nil {
			return nil, err
		}
		return nil, injectedError{"no answer in time", true}
	case After, Timeout:
		answer, err := f.Next.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		answer.Body.Close()
		if fault == Timeout {
			return nil, injectedError{"no answer in time", true}
		}
		return nil, injectedError{"connection reset by peer", false}
	case Unprocessed:
		switch action {
		case "BatchWriteItem":
			return f.part(r)
		case "BatchGetItem":
			return none(r)
		}
		return throttled(r), nil
	case Cancelled:
		if action == "TransactWriteItems" {
			return answer(r, http.StatusBadRequest, map[string]any{
				"__type":              "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
				"Message":             "Transaction cancelled, please refer cancellation reasons for specific reasons [ThrottlingError]",
				"CancellationReasons": []map[string]string{{"Code": "ThrottlingError", "Message": "injected"}},
			}), nil
		}
		return throttled(r), nil
	case Throttle:
		return throttled(r), nil
	case Refused:
		return failure(r, http.StatusBadRequest, "AccessDeniedException"), nil
	}
	return failure(r, http.StatusInternalServerError, "InternalServerError"), nil
}

// part sends all but the last request of a batch, and answers that it was left unprocessed.
func (f *Faults) part(r *http.Request) (*http.Response, error) {
	var batch struct {
		RequestItems map[string][]json.RawMessage
	}
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &batch)
	}
	if err != nil {
		return nil, err
	}
	left := map[string][]json.RawMessage{}
	for table, requests := range batch.RequestItems {
		left[table] = requests[len(requests)-1:]
		if len(requests) == 1 {
			return answer(r, http.StatusOK, map[string]any{"UnprocessedItems": left}), nil
		}
		batch.RequestItems[table] = requests[:len(requests)-1]
	}
	// The signature no longer fits the body; no engine looks at it.
	sent, _ := json.Marshal(batch)
	again := r.Clone(r.Context())
	again.Body, again.ContentLength = io.NopCloser(bytes.NewReader(sent)), int64(len(sent))
	done, err := f.Next.RoundTrip(again)
	if err != nil {
		return nil, err
	}
	done.Body.Close()
	return answer(r, http.StatusOK, map[string]any{"UnprocessedItems": left}), nil
}

// none answers that nothing of a batch was read.
func none(r *http.Request) (*http.Response, error) {
	var batch struct{ RequestItems map[string]json.RawMessage }
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &batch)
	}
	if err != nil {
		return nil, err
	}
	return answer(r, http.StatusOK, map[string]any{"Responses": map[string]any{}, "UnprocessedKeys": batch.RequestItems}), nil
}

func throttled(r *http.Request) *http.Response {
	return failure(r, http.StatusBadRequest, "ProvisionedThroughputExceededException")
}

func failure(r *http.Request, status int, code string) *http.Response {
	return answer(r, status, map[string]any{
		"__type": "com.amazonaws.dynamodb.v20120810#" + code, "message": "injected",
	})
}

func answer(r *http.Request, status int, body any) *http.Response {
	text, _ := json.Marshal(body)
	return &http.Response{
		Status: http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}, injectedHeader: {"true"}},
		Body:   io.NopCloser(bytes.NewReader(text)), ContentLength: int64(len(text)),
	}
}

// injectedHeader marks the answers that Faults made up.
const injectedHeader = "X-Injected"

// injectedError is a failure of the network that Faults made up.
type injectedError struct {
	text    string
	timeout bool
}

func (e injectedError) Error() string   { return "injected: " + e.text }
func (e injectedError) Timeout() bool   { return e.timeout }
func (e injectedError) Temporary() bool { return e.timeout }
