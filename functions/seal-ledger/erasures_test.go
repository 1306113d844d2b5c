package main

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/metrictest"
	"customercare/shared/digest"
	"customercare/shared/erasure"
	"customercare/shared/receipt"
	"customercare/shared/store"
)

// Erasures of both operations as the engine accepts and ends them, sealed before, between
// and after: each has two leaves, and what was sealed is proved by a receipt.
func TestErasuresAreSealed(t *testing.T) {
	metrictest.Capture(t)
	b := open(t)
	digests := digest.Digester{Current: "1", Keys: map[string][]byte{"1": []byte("a key that only these tests know of")}}
	clock := erasure.NewClock(b.clock.Now, b.clock.AfterFunc)
	numbers := erasure.NewNumbersIntake(b.ledger, digests, b.clock.Now)
	customers := erasure.NewCustomerIntake(b.ledger, b.kit.Customers, b.kit.Holds, digests, erasure.Timing{}, clock)
	worker := erasure.NewWorker(b.ledger, b.kit.Customers, b.kit.Contacts, b.kit.Holds, nil, erasure.Timing{}, time.Minute, clock)
	b.kit.Put(t, b.kit.Customers.Table, attribute.Item{
		"customer": attribute.Text(store.CustomerKey("greatwidgets", "4711")), "record": attribute.Text("customer"),
	})
	_, err := numbers.Numbers(t.Context(), erasure.NumbersRequest{Tenant: "acme", Numbers: []string{"one", "two"}, By: "app"})
	if err != nil {
		t.Fatal(err)
	}
	b.run(t, b.handler())
	if head := b.note(t); head.Tree.N != 1 {
		t.Fatalf("%d leaves after one acceptance", head.Tree.N)
	}
	_, err = customers.Customer(t.Context(), erasure.CustomerRequest{Account: "greatwidgets", Code: "4711", By: "john1970"}, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	for range 4 { // the second erasure's statements come into one batch
		b.clock.Advance(time.Hour)
		if _, err := worker.Due(t.Context(), dynamotest.OpenIndex); err != nil {
			t.Fatal(err)
		}
	}
	b.run(t, b.handler())
	b.check(t)
	if head := b.note(t); head.Tree.N != 4 {
		t.Fatalf("%d leaves of two erasures", head.Tree.N)
	}
	b.prove(t)
}

// prove checks that a receipt of each leaf can be made, and is verified with the key in
// the head.
func (b *bench) prove(t *testing.T) {
	head := b.note(t)
	leaves, err := b.plain.Leaves(t.Context(), 0, head.Tree.N)
	if err != nil {
		t.Fatal(err)
	}
	own, err := note.NewVerifier(head.Key)
	if err != nil {
		t.Fatal(err)
	}
	for n, leaf := range leaves {
		records, err := b.ledger.ReadStatements(t.Context(), []string{leaf.ID})
		if err != nil {
			t.Fatal(err)
		}
		line := records[leaf.ID].Accepted
		if leaf.End {
			line = records[leaf.ID].Ended
		}
		path, err := tlog.ProveRecord(head.Tree.N, int64(n), b.plain.Hashes(t.Context(), head.Tree))
		if err != nil {
			t.Fatal(err)
		}
		text := receipt.Receipt{Index: int64(n), Path: path, Checkpoint: head.Checkpoint, Statement: []byte(line)}.Text()
		if _, err := receipt.Verify(text, note.VerifierList(own)); err != nil {
			t.Errorf("leaf %d: %v", n, err)
		}
	}
}

// consistent is a transport that notes every reading of items that is not strongly
// consistent.
type consistent struct {
	next http.RoundTripper
	t    *testing.T
}

func (c consistent) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), "GetItem") {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if !strings.Contains(string(body), `"ConsistentRead":true`) {
			c.t.Errorf("%s", body)
		}
	}
	return c.next.RoundTrip(r)
}

// What is read but for the index is strongly consistent: a record whose mark is not seen
// yet would come into the log twice, and a tile that is older than its head be too short.
// No engine on this machine shows the difference.
func TestReadingsAreConsistent(t *testing.T) {
	metrictest.Capture(t)
	b := open(t)
	b.kit.Faults.Next = consistent{b.kit.Faults.Next, t}
	for n := range 3 {
		b.accept(t, n, n+1)
		b.run(t, b.handler())
	}
	b.check(t)
}
