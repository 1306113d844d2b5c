package erasure

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"customercare/shared/store"
)

// narrow is a DynamoDB that takes no transaction with more deletions than most: it
// throttles them, or finds them invalid.
type narrow struct {
	next   http.RoundTripper
	answer string
	most   int
	busy   func(keys []string) bool // refuses more of them, where it is there

	mu      sync.Mutex
	sizes   []int    // of the transactions that went through
	last    []string // the keys of the last of them
	refused int
}

// How DynamoDB says that it does not take a transaction.
var refusals = map[string]string{
	"throttled":            `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","CancellationReasons":[{"Code":"None"},{"Code":"ThrottlingError"}]}`,
	"above what is given":  `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","CancellationReasons":[{"Code":"ProvisionedThroughputExceeded"}]}`,
	"throttled as a whole": `{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}`,
	"too large":            `{"__type":"com.amazon.coral.validate#ValidationException","message":"Transaction request cannot be larger than 4 MB"}`,
	"items too large":      `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","CancellationReasons":[{"Code":"ValidationError"}]}`,
}

func (n *narrow) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".TransactWriteItems") {
		return n.next.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var in struct {
		TransactItems []struct {
			Delete *struct{ Key map[string]struct{ S string } }
		}
	}
	_ = json.Unmarshal(body, &in)
	var keys []string
	for _, action := range in.TransactItems {
		if action.Delete != nil && action.Delete.Key["party"].S != "" {
			keys = append(keys, action.Delete.Key["party"].S)
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(keys) > n.most || n.busy != nil && n.busy(keys) {
		n.refused++
		return &http.Response{
			StatusCode: http.StatusBadRequest, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
			Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}, "X-Injected": {"true"}}, Body: io.NopCloser(strings.NewReader(n.answer)),
		}, nil
	}
	if len(keys) > 0 {
		n.sizes, n.last = append(n.sizes, len(keys)), keys
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return n.next.RoundTrip(r)
}

// However few deletions DynamoDB takes at once, and however it says so, contacts go: in
// halves, down to one contact, and then copy by copy, the number's own last.
func TestTransactionsGetSmaller(t *testing.T) {
	t.Parallel()
	for how, answer := range refusals {
		for _, most := range []int{37, 1} {
			t.Run(fmt.Sprint(how, " above ", most), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				dynamo := &narrow{next: w.Faults.Next, answer: answer, most: most}
				w.Faults.Next = dynamo
				for i := range 60 {
					w.putContact(t, "acme", fmt.Sprint("c", i), "135", fmt.Sprint("peer", i))
				}
				var many []string
				for i := range 130 { // more than any transaction holds
					many = append(many, fmt.Sprint("peer", i))
				}
				w.putContact(t, "acme", "many", append([]string{"135"}, many...)...)
				if err := w.Numbers(t.Context(), "acme", []string{"135"}, "app"); err != nil {
					t.Fatal(err)
				}
				if err := w.Continue(t.Context(), store.NumbersJob(w.Digests.Set("acme", []string{"135"}))); err != nil {
					t.Fatal(err)
				}
				w.Faults.Calls()
				if left := w.Dump(t, w.Kit.Contacts.Table); len(left) != 0 {
					t.Fatalf("%d copies left", len(left))
				}
				if slices.Max(dynamo.sizes) > most || most == 1 && dynamo.last[0] != store.PartyKey("acme", "135") {
					t.Errorf("%d actions at once, at last %s", slices.Max(dynamo.sizes), dynamo.last)
				}
				w.settle(t)
				if records := w.records(t); len(records) != 1 || !strings.Contains(records[0], `"deleted":{"Value":"61"}`) || !strings.Contains(records[0], `"found":{"Value":"61"}`) {
					t.Errorf("records %s", records)
				}
			})
		}
	}
}

// throttledContacts erases a number with this many contacts of two copies from a DynamoDB
// that throttles what busy says, and returns the sizes of the transactions it took.
func throttledContacts(t *testing.T, n int, busy func(keys []string) bool) []int {
	t.Helper()
	w := newWorld(t)
	dynamo := &narrow{next: w.Faults.Next, answer: refusals["throttled"], most: 100, busy: busy}
	w.Faults.Next = dynamo
	for i := range n {
		w.putContact(t, "acme", fmt.Sprintf("c%03d", i), "135", fmt.Sprintf("peer%03d", i))
	}
	if err := w.Numbers(t.Context(), "acme", []string{"135"}, "app"); err != nil {
		t.Fatal(err)
	}
	if err := w.Continue(t.Context(), store.NumbersJob(w.Digests.Set("acme", []string{"135"}))); err != nil {
		t.Fatal(err)
	}
	w.Faults.Calls()
	if left := w.Dump(t, w.Kit.Contacts.Table); len(left) != 0 {
		t.Errorf("%d copies left", len(left))
	}
	return dynamo.sizes
}

// A partition that is only busy takes the same transaction a moment later: it goes whole,
// because smaller ones take longer in all.
func TestBusyPartitionsGetWholeTransactions(t *testing.T) {
	t.Parallel()
	tries := map[string]int{}
	sizes := throttledContacts(t, 200, func(keys []string) bool {
		tries[fmt.Sprint(keys)]++
		return tries[fmt.Sprint(keys)] <= 3
	})
	if !slices.Equal(sizes, []int{100, 100, 100, 100}) {
		t.Errorf("sizes %v, want whole transactions", sizes)
	}
}

// After a partition has taken very little for a while, transactions are as large again as
// before.
func TestTransactionsGetLargerAgain(t *testing.T) {
	t.Parallel()
	few := 0
	sizes := throttledContacts(t, 200, func(keys []string) bool {
		if len(keys) <= 25 {
			few++
		}
		return len(keys) > 25 && few < 4
	})
	if n := len(sizes); slices.Max(sizes[n/2:]) <= 25 || n > 20 {
		t.Errorf("sizes %v, want large ones at last", sizes)
	}
}

// Contacts that only go a few at a time do so while all others go a hundred at a time, and
// keep none of these from doing so.
func TestOneGroupGetsSmaller(t *testing.T) {
	t.Parallel()
	sizes := throttledContacts(t, 200, func(keys []string) bool {
		return len(keys) > 10 && slices.Contains(keys, store.PartyKey("acme", "peer060"))
	})
	whole := 0
	for _, size := range sizes {
		if size == 100 {
			whole++
		}
	}
	if whole < 3 {
		t.Errorf("sizes %v, want all others whole", sizes)
	}
}

// A transaction is as large at first as a partition takes it: contacts of 6 KB are 12
// write units each.
func TestTransactionsBeginByTheContactsSize(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dynamo := &narrow{next: w.Faults.Next, most: 100}
	w.Faults.Next = dynamo
	bulk := s(strings.Repeat("x", 6000))
	for i := range 120 {
		for _, copy := range copies("acme", fmt.Sprintf("c%03d", i), "135") {
			copy["bulk"] = bulk
			w.Put(t, w.Kit.Contacts.Table, copy)
		}
	}
	if err := w.Numbers(t.Context(), "acme", []string{"135"}, "app"); err != nil {
		t.Fatal(err)
	}
	if err := w.Continue(t.Context(), store.NumbersJob(w.Digests.Set("acme", []string{"135"}))); err != nil {
		t.Fatal(err)
	}
	w.Faults.Calls()
	if most := slices.Max(dynamo.sizes); most*12 > 500 || most < 30 || dynamo.refused > 0 {
		t.Errorf("%v contacts of 6 KB at once", dynamo.sizes)
	}
	if left := w.Dump(t, w.Kit.Contacts.Table); len(left) != 0 {
		t.Errorf("%d copies left", len(left))
	}
}

// A customer whose few records are no valid transaction goes in batches.
func TestFewRecordsTooLargeAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Faults.Next = invalid{w.Faults.Next}
	w.putCustomer(t, "shop", "4711", store.FewRecords)
	w.erase(t, "Query", "TransactWriteItems", "TransactWriteItems", "BatchWriteItem", "Query", "UpdateItem")
	if left := w.Dump(t, w.Kit.Customers.Table); len(left) != 1 {
		t.Errorf("left %s", left)
	}
}

// invalid is a DynamoDB that finds a transaction with deletions of records too large.
type invalid struct{ next http.RoundTripper }

func (i invalid) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := crowded(i).RoundTrip(r)
	if err == nil && answer.StatusCode == http.StatusBadRequest {
		answer.Body.Close()
		answer.Body = io.NopCloser(strings.NewReader(refusals["too large"]))
	}
	return answer, err
}
