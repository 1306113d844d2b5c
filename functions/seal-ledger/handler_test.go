package main

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/metrictest"
)

// The first run signs the empty log, so that there is a checkpoint before anything is in
// it; later ones append what has come since, at the borders of tiles, too.
func TestStatementsAreSealed(t *testing.T) {
	b := openEmpty(t)
	h := b.handler()
	b.run(t, h)
	if head := b.note(t); head.Tree.N != 0 || !strings.HasPrefix(head.Checkpoint, origin+"\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n— "+origin+" ") {
		t.Errorf("the empty log: %q", head.Checkpoint)
	}
	from := 0
	for _, to := range []int{1, 2, 255, 256, 257, 511, 513, 1300} {
		b.accept(t, from, to)
		b.run(t, h)
		if head := b.note(t); head.Tree.N != int64(to) || head.Sealed != int64(to) {
			t.Fatalf("%d leaves, %d sealed, want %d", head.Tree.N, head.Sealed, to)
		}
		from = to
	}
	for n := range 900 {
		b.end(t, n, true)
	}
	b.accept(t, 1300, 4000) // more than a batch
	log := metrictest.Capture(t)
	b.run(t, b.handler()) // another process
	b.check(t)
	lines := metrictest.Lines(t, log.String())
	if len(lines) != 1 {
		t.Fatal(log)
	}
	lines[0].Expect(t, metrictest.Line{"LeavesSealed": 3600, "LedgerUnsealed": 0, "OldestUnsealed": 0,
		"LedgerRefused": 0, "LedgerUnreadable": 0})
}

// Every call of a run fails once, in every way, or the process dies before or after it:
// the next run comes to the same end.
func TestEveryCallFailsOnce(t *testing.T) {
	for _, fault := range []dynamotest.Fault{dynamotest.Before, dynamotest.After, dynamotest.Throttle,
		dynamotest.Timeout, dynamotest.Refused, dynamotest.Unprocessed, dynamotest.Cancelled, "dies before", "dies after"} {
		t.Run(string(fault), func(t *testing.T) {
			metrictest.Capture(t)
			b := openEmpty(t)
			n := 0
			calls := dynamotest.EveryMoment(t, func(t *testing.T, k int) bool {
				b.accept(t, n, n+3)
				if n > 0 {
					b.end(t, n-1, true)
				}
				n += 3
				ctx := t.Context()
				switch fault {
				case "dies before", "dies after":
					ctx = b.kit.Faults.Die(k, fault == "dies after")
				default:
					b.kit.Faults.Inject(fault, k, k)
				}
				_ = b.handler().handle(ctx, events.EventBridgeEvent{})
				struck := b.kit.Faults.Struck()
				b.kit.Faults.Calls()
				b.remembers(t)
				b.run(t, b.handler())
				b.check(t)
				return struck
			})
			if calls < 10 {
				t.Errorf("only %d calls", calls)
			}
		})
	}
}

// Whatever else happens at any call of a run: another run, an acceptance, an end, a
// record that goes.
func TestSomethingHappensAtEveryCall(t *testing.T) {
	metrictest.Capture(t)
	for name, moment := range map[string]func(t *testing.T, b *bench, n int){
		"another run": func(t *testing.T, b *bench, n int) { b.run(t, b.handler()) },
		"an end":      func(t *testing.T, b *bench, n int) { b.end(t, n, true) },
		"an end and a run": func(t *testing.T, b *bench, n int) {
			b.end(t, n, true)
			b.run(t, b.handler())
		},
		"an acceptance": func(t *testing.T, b *bench, n int) { b.accept(t, n+2, n+3) },
		"an acceptance and a run": func(t *testing.T, b *bench, n int) {
			b.accept(t, n+2, n+3)
			b.run(t, b.handler())
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := open(t)
			n := 0
			dynamotest.EveryMoment(t, func(t *testing.T, k int) bool {
				b.accept(t, n, n+2)
				b.kit.Faults.Interrupt(k, func() { moment(t, b, n) })
				err := b.handler().handle(t.Context(), events.EventBridgeEvent{})
				if err != nil {
					t.Error(err)
				}
				struck := b.kit.Faults.Struck()
				b.kit.Faults.Calls()
				if kept, _, err := b.ledger.ReadCheckpoint(t.Context()); err != nil || kept != b.note(t).Tree {
					t.Errorf("the ledger remembers %v, %v", kept, err)
				}
				b.run(t, b.handler())
				b.check(t)
				n += 3
				return struck
			})
		})
	}
}

// Of runs at the same time each comes to its end, and the log is one.
func TestRunsAtTheSameTime(t *testing.T) {
	metrictest.Capture(t)
	b := open(t)
	for round := range 5 {
		b.accept(t, round*50, round*50+50)
		var runs sync.WaitGroup
		for range 3 {
			h := b.handler()
			runs.Go(func() { _ = h.handle(t.Context(), events.EventBridgeEvent{}) })
		}
		runs.Wait()
		b.run(t, b.handler())
		b.check(t)
	}
}

// While KMS is gone nothing is lost, the age of the oldest record grows, and no table
// changes.
func TestKMSIsGone(t *testing.T) {
	b := open(t)
	h := b.handler()
	b.run(t, h)
	b.accept(t, 0, 3)
	before := strings.Join(b.kit.Dump(t, b.tables...), "\n")
	for range 3 {
		log := metrictest.Capture(t)
		b.kit.Faults.InjectOn("Sign", dynamotest.Before, 1, 1000)
		if err := h.handle(t.Context(), events.EventBridgeEvent{}); err == nil {
			t.Fatal("sealed without a key")
		}
		b.kit.Faults.Calls()
		age := b.clock.Now().UnixMilli() - 1000
		metrictest.Lines(t, log.String())[0].Expect(t, metrictest.Line{"LedgerUnsealed": 3,
			"OldestUnsealed": float64(age) / 1000, "LeavesSealed": 0, "LedgerRefused": 0})
		b.clock.Advance(20 * 60e9)
	}
	if after := strings.Join(b.kit.Dump(t, b.tables...), "\n"); after != before {
		t.Error("a table changed")
	}
	b.run(t, h)
	b.check(t)
}

// A record that goes at any moment: its leaf stays, nothing comes back, nothing loops.
func TestARecordVanishes(t *testing.T) {
	metrictest.Capture(t)
	b := open(t)
	n := 0
	dynamotest.EveryMoment(t, func(t *testing.T, k int) bool {
		b.accept(t, n, n+2)
		b.kit.Faults.Interrupt(k, func() { b.vanish(t, n) })
		b.run(t, b.handler())
		struck := b.kit.Faults.Struck()
		b.kit.Faults.Calls()
		b.run(t, b.handler())
		head := b.note(t)
		left := strings.Join(b.kit.Dump(t, b.ledger.Table), "\n")
		if head.Sealed != head.Tree.N || strings.Contains(left, `"unlogged"`) || struck && strings.Contains(left, idOf(n)) {
			t.Errorf("%d of %d sealed, left: %s", head.Sealed, head.Tree.N, left)
		}
		n += 2
		return struck
	})
}

// vanish deletes a record.
func (b *bench) vanish(t testing.TB, n int) {
	_, err := b.kit.Plain.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &b.ledger.Table,
		Key: attribute.Item{"erasureId": attribute.Text("erasure-" + idOf(n))}})
	if err != nil {
		t.Error(err)
	}
}

// A log that is not the one that was signed is not signed: nothing is written, the metric
// and the log say so.
func TestForksAreRefused(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, b *bench, head, earlier attribute.Item) *handler{
		"an earlier head": func(t *testing.T, b *bench, head, earlier attribute.Item) *handler {
			b.kit.Put(t, b.plain.Table, earlier)
			return b.handler()
		},
		"no head": func(t *testing.T, b *bench, head, earlier attribute.Item) *handler {
			b.delete(t, b.plain.Table, "part", "head")
			return b.handler()
		},
		"tiles alone": func(t *testing.T, b *bench, head, earlier attribute.Item) *handler {
			b.delete(t, b.plain.Table, "part", "head")
			b.delete(t, b.ledger.Table, "erasureId", "checkpoint")
			return b.handler()
		},
		"no memory": func(t *testing.T, b *bench, head, earlier attribute.Item) *handler {
			b.delete(t, b.ledger.Table, "erasureId", "checkpoint")
			return b.handler()
		},
		"another memory of the same size": func(t *testing.T, b *bench, head, earlier attribute.Item) *handler {
			b.kit.Put(t, b.ledger.Table, attribute.Item{"erasureId": attribute.Text("checkpoint"),
				"size": head["size"], "root": earlier["root"], "checkpoint": head["checkpoint"]})
			return b.handler()
		},
		"another memory of before": func(t *testing.T, b *bench, head, earlier attribute.Item) *handler {
			b.kit.Put(t, b.ledger.Table, attribute.Item{"erasureId": attribute.Text("checkpoint"),
				"size": attribute.Number(2), "root": head["root"], "checkpoint": head["checkpoint"]})
			return b.handler()
		},
		"a tile is gone": func(t *testing.T, b *bench, head, earlier attribute.Item) *handler {
			b.delete(t, b.plain.Table, "part", "tile/0/0")
			return b.handler()
		},
		"a tile is another": func(t *testing.T, b *bench, head, earlier attribute.Item) *handler {
			for _, item := range dynamotest.Items(t, b.kit.Plain, b.plain.Table) {
				if attribute.ReadText(item, "part") == "tile/0/0" {
					item["hashes"].(*bytesValue).Value[5] ^= 1
					b.kit.Put(t, b.plain.Table, item)
				}
			}
			return b.handler()
		},
		"a root that nobody signed": func(t *testing.T, b *bench, head, earlier attribute.Item) *handler {
			head["root"] = earlier["root"]
			b.kit.Put(t, b.plain.Table, head)
			return b.handler()
		},
		"another key":  func(t *testing.T, b *bench, head, earlier attribute.Item) *handler { return b.handlerWith(1, origin) },
		"another name": func(t *testing.T, b *bench, head, earlier attribute.Item) *handler { return b.handlerWith(0, "other") },
	} {
		t.Run(name, func(t *testing.T) {
			b := open(t)
			b.accept(t, 0, 3)
			b.run(t, b.handler())
			earlier := b.head(t)
			b.accept(t, 3, 6)
			b.run(t, b.handler())
			h := spoil(t, b, b.head(t), earlier)
			b.accept(t, 6, 9)
			before := strings.Join(b.kit.Dump(t, b.tables...), "\n")
			for range 2 {
				log := metrictest.Capture(t)
				err := h.handle(t.Context(), events.EventBridgeEvent{})
				if !errors.Is(err, errRefused) || !strings.Contains(log.String(), "the log is not signed") {
					t.Errorf("%v, log %s", err, log)
				}
				metrictest.Lines(t, log.String())[0].Expect(t, metrictest.Line{"LedgerRefused": 1, "LedgerUnsealed": 3, "LeavesSealed": 0})
			}
			if after := strings.Join(b.kit.Dump(t, b.tables...), "\n"); after != before {
				t.Error("something was written")
			}
		})
	}
}

// An operator lets the log go on under another key, once.
func TestAnotherKeyThatIsMeant(t *testing.T) {
	metrictest.Capture(t)
	b := open(t)
	b.accept(t, 0, 3)
	b.run(t, b.handler())
	next := b.handlerWith(1, origin)
	own, err := next.key.read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	head := b.head(t)
	head["nextKey"] = attribute.Text(own.text)
	b.kit.Put(t, b.plain.Table, head)
	b.accept(t, 3, 6)
	b.run(t, next)
	b.check(t)
	if err := b.handler().handle(t.Context(), events.EventBridgeEvent{}); !errors.Is(err, errRefused) {
		t.Errorf("back to the first key: %v", err)
	}
}

// What runs cost: one with nothing to do, of one leaf, and of a whole batch.
func TestCallsOfARun(t *testing.T) {
	metrictest.Capture(t)
	b := open(t)
	h := b.handler()
	b.run(t, h)
	b.accept(t, 0, 1)
	b.run(t, h)
	for name, c := range map[string]struct{ leaves, most int }{
		"nothing": {0, 6}, "one": {1, 14}, "a batch": {2000, 6 + 20 + 2 + 3 + 2000 + 9},
	} {
		b.accept(t, b.next(t), b.next(t)+c.leaves)
		b.kit.Faults.Calls()
		b.run(t, h)
		if calls := b.kit.Faults.Calls(); len(calls) > c.most {
			t.Errorf("%s: %d calls, at most %d: %v", name, len(calls), c.most, calls[:min(len(calls), 40)])
		} else {
			t.Log(fmt.Sprint(name, ": ", len(calls)))
		}
	}
	b.check(t)
}
