package erasure

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"customercare/shared/store"
)

// A worker's death costs its lease and not WriterLifetime, also where the job was waiting for its last pass.
func TestDeadWorkerOfAWaitingJob(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.WriterLifetime = time.Hour
	key := store.NumbersJob(w.Digests.Set("acme", []string{"135"}))
	for range 2 { // the second is a repeat; the first has settled
		w.putContact(t, "acme", "c1", "135", "200")
		if err := w.Numbers(t.Context(), "acme", []string{"135"}, "app"); err != nil {
			t.Fatal(err)
		}
		if left := len(w.Dump(t, w.Kit.Contacts.Table)); left != 2 {
			t.Fatalf("%d copies", left)
		}
		_ = w.Continue(t.Context(), key)
		if left := len(w.Dump(t, w.Kit.Contacts.Table)); left != 0 {
			t.Fatalf("%d copies left", left)
		}
		w.clock.Advance(time.Minute)
	}
	w.putContact(t, "acme", "c1", "135", "200")
	if err := w.Numbers(t.Context(), "acme", []string{"135"}, "app"); err != nil {
		t.Fatal(err)
	}
	_ = recovered(func() error { return w.Continue(w.Faults.DieAfter("UpdateItem", 2), key) }) // both of its Acquire
	w.Faults.Calls()
	w.clock.Advance(w.Lease + w.ClockSkew + time.Second)
	if _, err := w.Due(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := w.Dump(t, w.Kit.Contacts.Table); len(left) != 0 {
		t.Errorf("a lease after the death: left %s", left)
	}
}

// Few records that a partition does not take at once, as 10 of nearly 100 KB, go in batches.
func TestFewRecordsTooManyAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Faults.Next = crowded{w.Faults.Next}
	w.putCustomer(t, "shop", "4711", store.FewRecords)
	w.erase(t, "Query", "TransactWriteItems", "TransactWriteItems", "BatchWriteItem", "Query", "UpdateItem")
	if left := w.Dump(t, w.Kit.Customers.Table); len(left) != 1 {
		t.Errorf("left %s", left)
	}
	w.settle(t)
	want := fmt.Sprintf(`"deleted":{"Value":"%d"}`, store.FewRecords+1)
	if records := w.records(t); len(records) != 1 || !strings.Contains(records[0], want) || !strings.Contains(records[0], strings.Replace(want, "deleted", "found", 1)) {
		t.Errorf("records %s", records)
	}
}

// crowded is a partition that has no room for a transaction with deletions.
type crowded struct{ next http.RoundTripper }

func (c crowded) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	opening := bytes.Contains(body, []byte(`"state":{"S":"open"}`))
	if !opening || !bytes.Contains(body, []byte(`"Delete":`)) {
		return c.next.RoundTrip(r)
	}
	text := `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","CancellationReasons":[{"Code":"None"},{"Code":"ThrottlingError"}]}`
	return &http.Response{
		StatusCode: http.StatusBadRequest, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}}, Body: io.NopCloser(strings.NewReader(text)),
	}, nil
}

// TestContactMovedToALaterWindow: a contact that leaves a number for one of the next window, right before any call, goes with the
// first pass.
func TestContactMovedToALaterWindow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var numbers []string
	for i := range windowSize + 8 {
		numbers = append(numbers, fmt.Sprintf("n%02d", i))
	}
	last := numbers[len(numbers)-1]
	key := store.NumbersJob(w.Digests.Set("acme", numbers))
	for k := 3; k <= windowSize+3; k += 4 { // 3 is the first reading, windowSize+3 what announces the first window
		w.putContact(t, "acme", "c1", "n00", last)
		if err := w.Numbers(t.Context(), "acme", numbers, "app"); err != nil {
			t.Fatal(err)
		}
		w.Faults.Interrupt(k, func() { w.refile(t, "c1", []string{"n00", last}, []string{last, "x"}) })
		if err := w.Continue(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		if !w.Faults.Struck() {
			t.Fatalf("there is no call %d", k)
		}
		w.Faults.Calls()
		if left := w.Dump(t, w.Kit.Contacts.Table); len(left) > 0 {
			t.Errorf("moved before call %d: left %s", k, left)
		}
		w.settle(t)
		w.clear(t)
	}
}

// A job that its workers die of is taken up at once after the first death. After each
// further one it is put back, for longer and longer, and counted as failing: whoever
// takes the lease finds the deaths, with no call more.
func TestJobWhoseWorkersDie(t *testing.T) {
	t.Parallel()
	for _, call := range []int{2, 4} { // behind the lease, and behind what is written down of the first pages
		w := newWorld(t)
		w.putContact(t, "acme", "c1", "135", "200")
		if err := w.Numbers(t.Context(), "acme", []string{"135"}, "app"); err != nil {
			t.Fatal(err)
		}
		key := store.NumbersJob(w.Digests.Set("acme", []string{"135"}))
		dies := func() {
			t.Helper()
			w.clock.Advance(w.Lease + w.ClockSkew + time.Second)
			_ = recovered(func() error { return w.Continue(w.Faults.Die(call, false), key) })
			if !w.Faults.Struck() {
				t.Fatalf("call %d: the job is not worked on: %v", call, w.Faults.Calls())
			}
			w.Faults.Calls()
		}
		dies()
		dies()
		for failures := int64(2); failures < 5; failures++ {
			w.clock.Advance(w.Lease + w.ClockSkew + time.Second)
			if err := w.Continue(t.Context(), key); err != nil {
				t.Fatal(err)
			}
			if calls := strings.Join(w.Faults.Calls(), " "); calls != "UpdateItem UpdateItem" {
				t.Errorf("call %d, %d deaths: calls %s", call, failures, calls)
			}
			open, err := w.Ledger.ListOpen(t.Context(), 10)
			if err != nil || len(open) != 1 || open[0].Failures != failures || open[0].DueAt.Sub(w.clock.Now()) != firstRetry<<failures {
				t.Errorf("call %d, %d deaths: %+v, %v", call, failures, open, err)
			}
			dies()
		}
		w.settle(t)
		if left := w.Dump(t, w.Kit.Contacts.Table); len(left) != 0 {
			t.Errorf("call %d: left %s", call, left)
		}
		if records := w.records(t); len(records) != 1 || !strings.Contains(records[0], `"deleted":{"Value":"1"}`) {
			t.Errorf("call %d: records %s", call, records)
		}
	}
}

// A lease that was given back is no death, whatever follows, nor is one that nobody held.
func TestLeasesThatAreNoDeaths(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.putCustomer(t, "shop", "few", 3)
	w.putCustomer(t, "shop", "many", 60)
	w.putContact(t, "acme", "c1", "135", "200")
	if err := w.Numbers(t.Context(), "acme", []string{"135"}, "app"); err != nil {
		t.Fatal(err)
	}
	for _, code := range []string{"few", "many"} {
		if err := w.Customer(t.Context(), "shop", code, "john", time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 { // both passes; then, of one that has joined late, the erasure that follows
		for _, line := range w.Dump(t, w.Kit.Erasures.Table) {
			if !strings.Contains(line, `"openShard"`) {
				continue
			}
			_, key, _ := strings.Cut(line, `"erasureId":{"Value":"`)
			key, _, _ = strings.Cut(key, `"`)
			job, err := w.Ledger.Acquire(t.Context(), key, "x", w.clock.Now(), w.clock.Now())
			if err != nil || job.Died != 0 || job.Failures != 0 {
				t.Errorf("%d deaths, %d failures, %v: %s", job.Died, job.Failures, err, line)
			}
			if err := w.Ledger.Release(t.Context(), job, w.clock.Now()); err != nil {
				t.Error(err)
			}
			if err := w.Continue(t.Context(), key); err != nil {
				t.Error(err)
			}
		}
		w.clock.Advance(4 * time.Minute)
		if err := w.Numbers(t.Context(), "acme", []string{"135"}, "app"); err != nil {
			t.Fatal(err)
		}
	}
}
