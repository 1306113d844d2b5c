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

// numberItems gives every item of the ledger and the log whose key begins so this number
// of a schema, and returns the items.
func (b *bench) numberItems(t testing.TB, key string, number int64) (items []string) {
	t.Helper()
	for _, table := range b.tables {
		for _, item := range dynamotest.Items(t, b.kit.Plain, table) {
			if strings.HasPrefix(attribute.ReadText(item, "erasureId")+attribute.ReadText(item, "part"), key) {
				item[store.SchemaAttribute] = attribute.Number(number)
				b.kit.Put(t, table, item)
			}
		}
	}
	for _, line := range b.kit.Dump(t, b.tables...) {
		if strings.Contains(line, `"erasureId":{"Value":"`+key) || strings.Contains(line, `"part":{"Value":"`+key) {
			items = append(items, line)
		}
	}
	return items
}

// wantLeft looks that items of a newer version are as they were.
func (b *bench) wantLeft(t testing.TB, items []string) {
	t.Helper()
	now := strings.Join(b.kit.Dump(t, b.tables...), "\n")
	for _, item := range items {
		if !strings.Contains(now, item) {
			t.Errorf("a newer version's item is changed or gone: %s", item)
		}
	}
}

// A record of a newer version is left to it, and keeps no other out of the log. It counts
// among those that wait, and not among those that cannot be read.
func TestNewerRecord(t *testing.T) {
	b := open(t)
	b.accept(t, 0, 3)
	items := b.numberItems(t, "erasure-"+idOf(1), store.Schema+1)
	log := metrictest.Capture(t)
	b.run(t, b.handler())
	b.wantLeft(t, items)
	lines := metrictest.Lines(t, log.String())
	lines[len(lines)-1].Expect(t, metrictest.Line{"LeavesSealed": 2, "LedgerUnsealed": 1, "LedgerUnreadable": 0, "LedgerRefused": 0})
	if !strings.Contains(log.String(), "left to the newer version") {
		t.Error("no line says so")
	}
	b.numberItems(t, "erasure-", store.Schema)
	b.run(t, b.handler())
	b.check(t)
	if head := b.note(t); head.Tree.N != 3 {
		t.Errorf("%d leaves of 3 statements", head.Tree.N)
	}
}

// A log of a newer version is not gone on with, whichever of its items says so. That is
// no log which somebody has changed: nobody is alarmed for that.
func TestNewerLog(t *testing.T) {
	for _, key := range []string{"checkpoint", "head", "tile/0/0"} {
		b := open(t)
		b.accept(t, 0, 3)
		b.run(t, b.handler())
		b.accept(t, 3, 5)
		items := b.numberItems(t, key, store.Schema+1)
		log := metrictest.Capture(t)
		before := strings.Join(b.kit.Dump(t, b.tables...), "\n")
		if err := b.handler().handle(t.Context(), events.EventBridgeEvent{}); !errors.Is(err, store.ErrNewer) {
			t.Errorf("%s: %v", key, err)
		}
		if after := strings.Join(b.kit.Dump(t, b.tables...), "\n"); len(items) != 1 || after != before {
			t.Errorf("%s: sealed over %v", key, items)
		}
		if _, err := b.plain.Leaves(t.Context(), 0, 3); errors.Is(err, store.ErrNewer) != (key == "tile/0/0") {
			t.Errorf("%s: the leaves are read: %v", key, err)
		}
		lines := metrictest.Lines(t, log.String())
		lines[len(lines)-1].Expect(t, metrictest.Line{"LeavesSealed": 0, "LedgerUnsealed": 2, "LedgerRefused": 0})
		b.numberItems(t, key, store.Schema)
		b.run(t, b.handler())
		b.check(t)
		if head := b.note(t); head.Tree.N != 5 {
			t.Errorf("%s: %d leaves of 5 statements", key, head.Tree.N)
		}
	}
}

// At every call of a run a newer version may write all that stands in the ledger and the
// log: from then on nothing of it changes, and when it is this version's again each
// statement comes into the log once.
func TestNewerAtEveryCall(t *testing.T) {
	metrictest.Capture(t)
	b := open(t)
	n := 0
	calls := dynamotest.EveryMoment(t, func(t *testing.T, k int) (struck bool) {
		b.accept(t, n, n+3)
		if n > 0 {
			b.end(t, n-1, true)
		}
		n += 3
		var raised []string
		b.kit.Faults.Interrupt(k, func() { raised = b.numberItems(t, "", store.Schema+1) })
		if err := b.handler().handle(t.Context(), events.EventBridgeEvent{}); err != nil && !errors.Is(err, store.ErrNewer) {
			t.Error(err)
		}
		struck = b.kit.Faults.Struck()
		b.kit.Faults.Calls()
		b.wantLeft(t, raised)
		b.numberItems(t, "", store.Schema)
		b.run(t, b.handler())
		b.check(t)
		return struck
	})
	if calls < 10 {
		t.Errorf("only %d calls", calls)
	}
}
