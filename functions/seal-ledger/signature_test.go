package main

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/metrictest"
	"customercare/shared/store"
)

// otherKey is a transport to a KMS that signs with another key than it was asked for.
type otherKey struct {
	next         http.RoundTripper
	asked, taken string // ARNs
}

func (o otherKey) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Header.Get("X-Amz-Target") == "TrentService.Sign" {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		changed := strings.Replace(string(body), o.asked, o.taken, 1)
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(changed)), int64(len(changed))
	}
	return o.next.RoundTrip(r)
}

// A signature that does not fit the key never comes into the log, neither into an empty
// one nor into one that grows.
func TestWrongSignaturesAreNotWritten(t *testing.T) {
	metrictest.Capture(t)
	b := openEmpty(t)
	right := b.kit.Faults.Next
	for n := range 3 {
		before := strings.Join(b.kit.Dump(t, b.tables...), "\n")
		b.kit.Faults.Next = otherKey{right, b.keys[0].ARN, b.keys[1].ARN}
		err := b.handler().handle(t.Context(), events.EventBridgeEvent{})
		if err == nil || !strings.Contains(err.Error(), "does not fit the key") {
			t.Errorf("run %d: %v", n, err)
		}
		if after := strings.Join(b.kit.Dump(t, b.tables...), "\n"); after != before {
			t.Error("something was written")
		}
		b.kit.Faults.Next = right
		b.run(t, b.handler())
		b.check(t)
		b.accept(t, n, n+1)
	}
}

// A log that cannot be read at the moment is no log that must not be signed: nobody is
// called for a fork that there is none of.
func TestAnUnreadLogIsNoFork(t *testing.T) {
	b := open(t)
	b.accept(t, 0, 3)
	b.run(t, b.handler())
	b.accept(t, 3, 4)
	for _, action := range []string{"GetItem", "BatchGetItem"} {
		log := metrictest.Capture(t)
		b.kit.Faults.FailOn(action)
		err := b.handler().handle(t.Context(), events.EventBridgeEvent{})
		b.kit.Faults.Calls()
		if err == nil || errors.Is(err, errRefused) {
			t.Errorf("%s: %v", action, err)
		}
		metrictest.Lines(t, log.String())[0].Expect(t, metrictest.Line{"LedgerRefused": 0, "LeavesSealed": 0})
	}
}

// Statements come into the log in the order in which they have waited, whichever shard of
// the index shows them.
func TestThoseFirstThatWaitLongest(t *testing.T) {
	metrictest.Capture(t)
	b := open(t)
	for n := range 12 {
		item := accepted(n)
		item["unloggedAt"] = attribute.Number(int64(5000 - n))
		item["unlogged"] = attribute.Text(strconv.Itoa(n % 4))
		b.kit.Put(t, b.ledger.Table, item)
	}
	b.run(t, b.handler())
	leaves, err := b.plain.Leaves(t.Context(), 0, b.note(t).Tree.N)
	if err != nil || len(leaves) != 12 {
		t.Fatalf("%v, %v", leaves, err)
	}
	for i, leaf := range leaves {
		if leaf.ID != idOf(11-i) {
			t.Errorf("leaf %d is %s", i, leaf)
		}
	}
}

// A record with two statements does not make a batch larger than it may be: what does not
// fit waits for the next one.
func TestABatchIsNeverLarger(t *testing.T) {
	metrictest.Capture(t)
	b := open(t)
	b.accept(t, 0, batchAtMost)
	b.end(t, batchAtMost-1, true)
	// The first batch's marks fail, so that the run ends behind it.
	b.kit.Faults.InjectOn("UpdateItem", dynamotest.Refused, 2, 10_000)
	if err := b.handler().handle(t.Context(), events.EventBridgeEvent{}); err == nil {
		t.Error("marks that fail are no error")
	}
	b.kit.Faults.Calls()
	if head := b.note(t); head.Tree.N != batchAtMost-1 {
		t.Errorf("%d leaves in one batch", head.Tree.N)
	}
	b.run(t, b.handler())
	b.check(t)
}

// The conditions of the log's other writes: it begins once, and what is noted as marked
// only grows, and never beyond the leaves that there are.
func TestConditionsOfTheHead(t *testing.T) {
	metrictest.Capture(t)
	b := open(t)
	b.accept(t, 0, 5)
	b.run(t, b.handler())
	before := b.note(t)
	if err := b.plain.Begin(t.Context(), store.Head{Key: before.Key}); !errors.Is(err, store.ErrLogGrown) {
		t.Errorf("the log begins twice: %v", err)
	}
	for _, to := range []int64{3, 6} {
		if err := b.plain.SetSealed(t.Context(), to); err != nil {
			t.Error(err)
		}
	}
	if head := b.note(t); head != before {
		t.Errorf("the head is %+v, it was %+v", head, before)
	}
	right := b.head(t)
	for name, value := range map[string]attribute.Item{
		"more marked than there are": {"sealed": attribute.Number(6)},
		"fewer marked than none":     {"sealed": attribute.Number(-1)},
		"fewer leaves than none":     {"size": attribute.Number(-1), "sealed": attribute.Number(-1)},
		"a short root":               {"root": &bytesValue{Value: make([]byte, 31)}},
		"a long root":                {"root": &bytesValue{Value: make([]byte, 33)}},
	} {
		item := maps.Clone(right)
		maps.Copy(item, value)
		b.kit.Put(t, b.plain.Table, item)
		if _, err := b.plain.Head(t.Context()); !errors.Is(err, store.ErrLogDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A mark makes no record that is gone, and no end that has not come. Leaves are read from
// the middle of a tile on.
func TestMarksAndLeavesInTheMiddle(t *testing.T) {
	metrictest.Capture(t)
	b := open(t)
	b.accept(t, 0, 5)
	b.run(t, b.handler())
	before := strings.Join(b.kit.Dump(t, b.tables...), "\n")
	for _, leaf := range []store.Leaf{{ID: idOf(9)}, {ID: idOf(9), End: true}, {ID: idOf(0), End: true}} {
		if err := b.ledger.MarkLeaf(t.Context(), leaf, 7, b.clock.Now()); err != nil {
			t.Error(err)
		}
	}
	if after := strings.Join(b.kit.Dump(t, b.tables...), "\n"); after != before {
		t.Errorf("the tables are %s, they were %s", after, before)
	}
	leaves, err := b.plain.Leaves(t.Context(), 3, 5)
	if err != nil || len(leaves) != 2 || leaves[0].ID != idOf(3) || leaves[1].ID != idOf(4) {
		t.Errorf("%v, %v", leaves, err)
	}
}
