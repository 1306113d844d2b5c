package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/metrictest"
	"customercare/shared/store"
)

// A record that is no statement of its own is left out, and says so; one that has gone is
// no longer asked for. The others are sealed.
func TestUnreadableRecords(t *testing.T) {
	b := open(t)
	b.accept(t, 0, 12)
	spoil := func(n int, name string, value any) {
		item := accepted(n)
		item["statement"] = attribute.Text(lineOf(n, "erased"))
		switch v := value.(type) {
		case string:
			item[name] = attribute.Text(v)
		case int:
			item[name] = attribute.Number(int64(v))
		case nil:
			delete(item, name)
		}
		b.kit.Put(t, b.ledger.Table, item)
	}
	spoil(0, "accepted", lineOf(1, "accepted"))
	spoil(1, "accepted", lineOf(1, "erased"))
	spoil(2, "accepted", lineOf(2, "accepted")+"\n")
	spoil(3, "accepted", 7)
	spoil(4, "accepted", nil)
	spoil(5, "statement", lineOf(5, "accepted"))
	spoil(6, "acceptedLeaf", "7")
	spoil(7, "statement", `{"v":1}`)
	spoil(8, "statement", strings.Replace(lineOf(8, "erased"), "john", strings.Repeat("j", 66_000), 1))
	log := metrictest.Capture(t)
	h := b.handler()
	b.run(t, h)
	metrictest.Lines(t, log.String())[0].Expect(t, metrictest.Line{"LedgerUnreadable": 9, "LeavesSealed": 3,
		"LedgerUnsealed": 0, "OldestUnsealed": 0})
	if head := b.note(t); head.Tree.N != 3 {
		t.Errorf("%d leaves", head.Tree.N)
	}
	for n := range 12 { // whoever is to put them back is told which they are
		if told := strings.Contains(log.String(), `"`+idOf(n)+`"`); told != (n < 9) {
			t.Errorf("record %d is named: %v, in %s", n, told, log)
		}
	}
	for n := range 9 {
		b.accept(t, n, n+1) // as they should be
	}
	b.run(t, h)
	b.check(t)
}

// An index that cannot be read is a failed run, which says why. What the other shards
// show is sealed.
func TestIndexCannotBeRead(t *testing.T) {
	b := open(t)
	b.accept(t, 0, 8)
	log := metrictest.Capture(t)
	b.kit.Faults.InjectOn("Query", dynamotest.Refused, 1, 1)
	err := b.handler().handle(t.Context(), events.EventBridgeEvent{})
	if err == nil || !strings.Contains(log.String(), err.Error()) || !strings.Contains(err.Error(), "list unlogged") {
		t.Errorf("%v, log %s", err, log)
	}
	b.kit.Faults.Calls()
	if strings.Contains(log.String(), "OldestUnsealed") { // the alarm takes no value for a bad one
		t.Errorf("an age of what nobody knows: %s", log)
	}
	if head := b.note(t); head.Tree.N != 6 {
		t.Errorf("%d leaves of three shards", head.Tree.N)
	}
	b.run(t, b.handler())
	b.check(t)
}

// A log grows from the tree that was read and from no other: neither one of another size
// nor one of the same size with another root.
func TestAppendFromTheTreeThatWasRead(t *testing.T) {
	metrictest.Capture(t)
	b := open(t)
	b.accept(t, 0, 3)
	b.run(t, b.handler())
	before := b.note(t)
	after := before
	after.Tree.N++
	size, root := before, before
	size.Tree.N--
	root.Tree.Hash[0] ^= 1
	for name, other := range map[string]store.Head{"size": size, "root": root} {
		if err := b.plain.Append(t.Context(), other, after, nil); !errors.Is(err, store.ErrLogGrown) {
			t.Errorf("another %s: %v", name, err)
		}
	}
	if head := b.note(t); head.Tree != before.Tree {
		t.Errorf("the head is %v, it was %v", head.Tree, before.Tree)
	}
}

// The ledger remembers a log from the very first checkpoint on, also where the run that
// signed it died: a log with leaves of which nothing is remembered is refused.
func TestTheFirstCheckpointIsRemembered(t *testing.T) {
	metrictest.Capture(t)
	b := openEmpty(t)
	forget := func() {
		b.kit.Faults.InjectOn("UpdateItem", dynamotest.Refused, 1, 1)
		if err := b.handler().handle(t.Context(), events.EventBridgeEvent{}); err == nil {
			t.Error("what was not remembered is no error")
		}
		b.kit.Faults.Calls()
	}
	forget()
	b.run(t, b.handler())
	b.check(t)
	b.accept(t, 0, 3)
	forget()
	b.run(t, b.handler()) // nothing waits any more but the marks
	b.check(t)
}

// A process that has checked the head's tiles before still compares what the ledger
// remembers, also of an earlier time, and says what does not fit.
func TestAForkIsRefusedByAProcessThatKnowsTheLog(t *testing.T) {
	metrictest.Capture(t)
	for size, want := range map[int64]string{
		2: "another root was signed of its first 2 leaves",
		6: "another root was signed of its 6 leaves",
		7: "it has 6 leaves, and a checkpoint of 7 was signed",
	} {
		b := open(t)
		h := b.handler()
		for n := range 2 {
			b.accept(t, 3*n, 3*n+3)
			b.run(t, h)
		}
		b.kit.Put(t, b.ledger.Table, attribute.Item{"erasureId": attribute.Text("checkpoint"),
			"size": attribute.Number(size), "root": &bytesValue{Value: make([]byte, 32)}})
		b.accept(t, 6, 9)
		err := h.handle(t.Context(), events.EventBridgeEvent{})
		if !errors.Is(err, errRefused) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, %d leaves", err, b.note(t).Tree.N)
		}
	}
}

// A log whose tiles are damaged is refused by the next new process, though nothing waits
// to be sealed: the alarm does not wait for the next erasure.
func TestDamageIsNoticedWhileNothingWaits(t *testing.T) {
	metrictest.Capture(t)
	b := open(t)
	b.accept(t, 0, 3)
	b.run(t, b.handler())
	b.delete(t, b.plain.Table, "part", "tile/0/0")
	if err := b.handler().handle(t.Context(), events.EventBridgeEvent{}); !errors.Is(err, errRefused) {
		t.Error(err)
	}
}

// What is marked is noted tile by tile: runs that die amid many marks come to an end
// together.
func TestMarksAreNotedTileByTile(t *testing.T) {
	metrictest.Capture(t)
	b := open(t)
	b.accept(t, 0, 600)
	kept, first := 1, 256+1 // the writes before the marks of the second tile
	b.kit.Faults.InjectOn("UpdateItem", dynamotest.Refused, kept+first+10, 1_000)
	if err := b.handler().handle(t.Context(), events.EventBridgeEvent{}); err == nil {
		t.Error("marks that fail are no error")
	}
	b.kit.Faults.Calls()
	if head := b.note(t); head.Tree.N != 600 || head.Sealed != 256 {
		t.Errorf("%d of %d leaves are noted as marked", head.Sealed, head.Tree.N)
	}
	b.run(t, b.handler())
	b.check(t)
}
