package dynamotest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// Fault is what happens to one call to DynamoDB.
type Fault string

const (
	Before   Fault = "before"   // a 500, and nothing was done
	After    Fault = "after"    // done, but the answer is lost: the connection breaks
	Throttle Fault = "throttle" // ProvisionedThroughputExceededException, nothing was done
	Timeout  Fault = "timeout"  // done, but no answer in time
	Refused  Fault = "refused"  // AccessDeniedException, nothing was done
	// Unprocessed lets BatchWriteItem do all but its last request, and BatchGetItem read
	// nothing. Any other call is throttled.
	Unprocessed Fault = "unprocessed"
	// Cancelled cancels a transaction by a throttle. Any other call is throttled.
	Cancelled Fault = "cancelled"
)

// Faults is a transport in front of the real engine. It counts the calls, and lets some
// of them fail. Each of its methods but Calls and Struck begins to count anew.
type Faults struct {
	Next http.RoundTripper

	mu     sync.Mutex
	calls  []string // the actions since the plan was made
	plan   plan
	struck bool       // whether a call of the plan was reached
	under  int        // calls that the engine has and has not answered
	landed *sync.Cond // nil, or told when it has answered one
}

// plan is which calls fail, and how.
type plan struct {
	fault       Fault  // "": none, only moment is called
	action      string // whose calls are counted; "": all
	first, last int    // counted from 1; 0: no call
	moment      func() // called when a call is struck; nil: nothing
	dies        bool   // the process ends there, and what the engine has goes on
}

// set makes a plan and begins to count anew.
func (f *Faults) set(p plan) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls, f.plan, f.struck = nil, p, false
}

// Inject makes the calls from the kth to the lastth, counted from now, fail.
func (f *Faults) Inject(fault Fault, k, last int) { f.set(plan{fault: fault, first: k, last: last}) }

// InjectOn is Inject for the calls of one action alone. Those of others, by the
// background say, neither fail nor count.
func (f *Faults) InjectOn(action string, fault Fault, k, last int) {
	f.set(plan{fault: fault, action: action, first: k, last: last})
}

// FailOn makes every call of this action fail from now on, with a 400 that no retry
// mends.
func (f *Faults) FailOn(action string) { f.InjectOn(action, Refused, 1, math.MaxInt) }

// Interrupt runs do right before the kth call from now goes out: something else that
// happens at that very moment.
func (f *Faults) Interrupt(k int, do func()) { f.set(plan{first: k, last: k, moment: do}) }

// InterruptOn is Interrupt right before the kth call of one action.
func (f *Faults) InterruptOn(action string, k int, do func()) {
	f.set(plan{action: action, first: k, last: k, moment: do})
}

// Die makes the process "die" at the kth call from now: with after, once the call is
// done, else before it. The process must run on the returned context, which ends there.
func (f *Faults) Die(k int, after bool) context.Context {
	if after {
		return f.die(After, "", k)
	}
	return f.die(Before, "", k)
}

// DieAfter makes the process "die" right after the nth call of this action from now.
func (f *Faults) DieAfter(action string, n int) context.Context { return f.die(After, action, n) }

// die makes a plan that ends the context it returns.
func (f *Faults) die(fault Fault, action string, n int) context.Context {
	ctx, die := context.WithCancel(context.Background())
	f.set(plan{fault: fault, action: action, first: n, last: n, moment: die, dies: true})
	return ctx
}

// Calls are the DynamoDB actions since the plan was made, in order. It ends any fault. It
// waits until the engine has answered every call, also those that nobody waits for any
// more: where a process dies, its lease outlives what it has sent, and so it is here.
func (f *Faults) Calls() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.under > 0 {
		f.landed.Wait()
	}
	calls := f.calls
	f.calls, f.plan = nil, plan{}
	return calls
}

// Struck says whether a call of the last plan was reached.
func (f *Faults) Struck() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.struck
}

// count notes a call, and gives the plan when the call is one of it.
func (f *Faults) count(action string) (p plan, struck bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, action)
	p = f.plan
	if p.first == 0 || p.action != "" && p.action != action {
		return p, false
	}
	n := len(f.calls)
	if p.action != "" {
		others := func(call string) bool { return call != p.action }
		n = len(slices.DeleteFunc(slices.Clone(f.calls), others))
	}
	struck = p.first <= n && n <= p.last
	f.struck = f.struck || struck
	return p, struck
}

// RoundTrip sends a call to the engine, or lets it fail.
func (f *Faults) RoundTrip(r *http.Request) (*http.Response, error) {
	// What a process that is dead, or a worker whose time was up, would still have asked
	// for is no call: counted, it would stand for one of whatever the test does next.
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	p, struck := f.count(action)
	switch {
	case !struck:
		answer, err := f.send(r)
		if broken(answer, err) {
			f.forget(action)
		}
		return answer, err
	case p.fault == "":
		p.moment()
		return f.send(r)
	}
	answer, err := f.fail(p.fault, action, r)
	if p.moment != nil {
		p.moment()
		return nil, context.Canceled // nobody is there any more to hear the answer
	}
	return answer, err
}

// send makes a call. When a process dies that made it, the engine does it all the same.
func (f *Faults) send(r *http.Request) (*http.Response, error) {
	f.mu.Lock()
	dies := f.plan.dies
	f.mu.Unlock()
	if !dies {
		return f.Next.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body) // whoever asks again reads the same body anew
	if err != nil {
		return nil, err
	}
	type outcome struct {
		answer *http.Response
		err    error
	}
	f.mu.Lock()
	if f.landed == nil {
		f.landed = sync.NewCond(&f.mu)
	}
	f.under++
	f.mu.Unlock()
	came := make(chan outcome, 1)
	go func() {
		sent := r.Clone(context.WithoutCancel(r.Context()))
		sent.Body = io.NopCloser(bytes.NewReader(body))
		answer, err := f.Next.RoundTrip(sent)
		came <- outcome{answer, err}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.under--
		f.landed.Broadcast()
	}()
	select {
	case o := <-came:
		return o.answer, o.err
	case <-r.Context().Done():
		go func() {
			if o := <-came; o.err == nil {
				o.answer.Body.Close()
			}
		}()
		return nil, r.Context().Err()
	}
}

// broken says whether the engine itself failed, by no fault of a plan: a busy one breaks
// a connection now and then. The client asks again then, as it would in front of
// DynamoDB, so the call is not counted twice.
func broken(answer *http.Response, err error) bool {
	if err != nil {
		return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
	}
	return answer.StatusCode >= http.StatusInternalServerError && answer.Header.Get(injectedHeader) == ""
}

// forget takes back the last count of an action.
func (f *Faults) forget(action string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := len(f.calls) - 1; i >= 0; i-- {
		if f.calls[i] == action {
			f.calls = slices.Delete(f.calls, i, i+1)
			return
		}
	}
}

// fail does of a call what the fault lets be done, and gives the answer.
func (f *Faults) fail(fault Fault, action string, r *http.Request) (*http.Response, error) {
	switch fault {
	case After, Timeout:
		if err := f.do(r); err != nil {
			return nil, err
		}
		return nil, injectedError{fault == Timeout}
	case Unprocessed:
		if action == "BatchWriteItem" || action == "BatchGetItem" {
			return f.part(action, r)
		}
	case Cancelled:
		if action == "TransactWriteItems" {
			return answer(r, http.StatusBadRequest, map[string]any{
				"__type":              "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
				"Message":             "Transaction cancelled, please refer cancellation reasons for specific reasons [ThrottlingError]",
				"CancellationReasons": []map[string]string{{"Code": "ThrottlingError", "Message": "injected"}},
			}), nil
		}
	case Refused:
		return failure(r, http.StatusBadRequest, "AccessDeniedException"), nil
	case Before:
		return failure(r, http.StatusInternalServerError, "InternalServerError"), nil
	}
	return failure(r, http.StatusBadRequest, "ProvisionedThroughputExceededException"), nil
}

// do makes a call whose answer is lost.
func (f *Faults) do(r *http.Request) error {
	answer, err := f.send(r)
	if err == nil {
		answer.Body.Close()
	}
	return err
}

// part sends all but the last request of a batch that writes, and none of one that reads,
// and answers that the rest was left unprocessed.
func (f *Faults) part(action string, r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if action == "BatchGetItem" {
		var batch struct{ RequestItems map[string]json.RawMessage }
		if err := json.Unmarshal(body, &batch); err != nil {
			return nil, err
		}
		return answer(r, http.StatusOK, map[string]any{"Responses": map[string]any{},
			"UnprocessedKeys": batch.RequestItems}), nil
	}
	var batch struct{ RequestItems map[string][]json.RawMessage }
	if err := json.Unmarshal(body, &batch); err != nil {
		return nil, err
	}
	left, more := map[string][]json.RawMessage{}, false
	for table, requests := range batch.RequestItems {
		last := len(requests) - 1
		batch.RequestItems[table], left[table] = requests[:last], requests[last:]
		more = last > 0
	}
	if more {
		// The signature no longer fits the body; no engine looks at it.
		sent, _ := json.Marshal(batch)
		again := r.Clone(r.Context())
		again.Body, again.ContentLength = io.NopCloser(bytes.NewReader(sent)), int64(len(sent))
		if err := f.do(again); err != nil {
			return nil, err
		}
	}
	return answer(r, http.StatusOK, map[string]any{"UnprocessedItems": left}), nil
}

// failure is one of DynamoDB's errors.
func failure(r *http.Request, status int, code string) *http.Response {
	return answer(r, status, map[string]any{
		"__type": "com.amazonaws.dynamodb.v20120810#" + code, "message": "injected",
	})
}

// answer is one of DynamoDB's with this body.
func answer(r *http.Request, status int, body any) *http.Response {
	text, _ := json.Marshal(body)
	return &http.Response{
		Status: http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Request: r,
		Header:  http.Header{"Content-Type": {"application/x-amz-json-1.0"}, injectedHeader: {"true"}},
		Body:    io.NopCloser(bytes.NewReader(text)), ContentLength: int64(len(text)),
	}
}

// injectedHeader marks the answers that Faults made up.
const injectedHeader = "X-Injected"

// injectedError is an answer that Faults lost: the connection broke, or its time was up.
type injectedError struct{ timeout bool }

func (e injectedError) Error() string   { return "injected: the answer is lost" }
func (e injectedError) Timeout() bool   { return e.timeout }
func (e injectedError) Temporary() bool { return e.timeout }
