package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"pgregory.net/rapid"

	"customercare/infra/testkit/metrictest"
	"customercare/shared/store"
)

// lateIndex is a transport to an index that is late both ways: what came may not be shown
// yet, and what it has shown before may be shown again, also twice in one answer.
type lateIndex struct {
	next http.RoundTripper

	mu     sync.Mutex
	chance *rand.Rand                   // nil: it is late no more
	shown  map[string][]json.RawMessage // by the query, whose shard it names
}

func (l *lateIndex) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".Query") {
		return l.next.RoundTrip(r)
	}
	asked, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(asked))
	answer, err := l.next.RoundTrip(r)
	if err != nil || answer.StatusCode != http.StatusOK {
		return answer, err
	}
	defer answer.Body.Close()
	var page map[string]json.RawMessage
	var items []json.RawMessage
	if err := json.NewDecoder(answer.Body).Decode(&page); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(page["Items"], &items); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.chance != nil {
		shard := string(asked)
		before := l.shown[shard]
		l.shown[shard] = append(before, items...)
		items = append(items, before...)
		l.chance.Shuffle(len(items), func(i, k int) { items[i], items[k] = items[k], items[i] })
		items = items[:l.chance.IntN(len(items)+1)]
	}
	if page["Items"], err = json.Marshal(items); err != nil {
		return nil, err
	}
	page["Count"] = json.RawMessage(fmt.Sprint(len(items)))
	page["ScannedCount"] = page["Count"]
	body, err := json.Marshal(page)
	answer.Header.Del("X-Amz-Crc32")
	answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return answer, err
}

// step is what happens at a call of a run, and what becomes of the run then.
type step struct {
	call int
	do   func()
	fate string // "goes on", "dies before" or "dies after" the call
}

// steps is a transport of one run.
type steps struct {
	next http.RoundTripper
	die  context.CancelFunc

	mu    sync.Mutex
	calls int
	plan  []step
}

func (s *steps) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.calls++
	at := s.calls
	s.mu.Unlock()
	for _, step := range s.plan {
		if step.call != at {
			continue
		}
		step.do()
		switch step.fate {
		case "dies before":
			s.die()
			return nil, context.Canceled
		case "dies after":
			if answer, err := s.next.RoundTrip(r); err == nil {
				answer.Body.Close()
			}
			s.die()
			return nil, context.Canceled
		}
	}
	return s.next.RoundTrip(r)
}

// ledger is the model: erasures that writers accept and end while several runs seal, die
// at any call, and are overtaken at any call by writers and other runs.
type ledger struct {
	*bench
	tb    testing.TB
	index *lateIndex

	mu       sync.Mutex
	accepted int
	ended    int
}

func (m *ledger) accept(n int) func() {
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.bench.accept(m.tb, m.accepted, m.accepted+n)
		m.accepted += n
	}
}

// end ends erasures in the order in which they were accepted, some long after.
func (m *ledger) end(n int) func() {
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		for ; n > 0 && m.ended < m.accepted; n-- {
			m.bench.end(m.tb, m.ended, true)
			m.ended++
		}
	}
}

// event draws something that happens; depth bounds the runs within runs.
func (m *ledger) event(t *rapid.T, depth int) func() {
	kinds := []string{"accept", "accept many", "end", "end many"}
	if depth > 0 {
		kinds = append(kinds, "seal", "seal", "seal", "seal")
	}
	switch rapid.SampledFrom(kinds).Draw(t, "event") {
	case "accept":
		return m.accept(1)
	case "accept many":
		return m.accept(rapid.IntRange(2, 300).Draw(t, "records"))
	case "end":
		return m.end(1)
	case "end many":
		return m.end(rapid.IntRange(2, 60).Draw(t, "records"))
	}
	plan := make([]step, rapid.IntRange(0, 4).Draw(t, "steps"))
	for i := range plan {
		plan[i].call = rapid.OneOf(rapid.IntRange(1, 20), rapid.IntRange(1, 400)).Draw(t, "call")
		plan[i].do = m.event(t, depth-1)
		plan[i].fate = rapid.SampledFrom([]string{"goes on", "goes on", "dies before", "dies after"}).Draw(t, "fate")
	}
	return func() { m.seal(plan) }
}

// seal is one run in a process of its own.
func (m *ledger) seal(plan []step) {
	ctx, die := context.WithCancel(context.Background())
	defer die()
	h := m.handler()
	client := &http.Client{Transport: &steps{next: m.index, die: die, plan: plan}}
	options := m.kit.DB.Options()
	options.HTTPClient = client
	db := dynamodb.New(options)
	h.ledger.DB, h.log = db, store.Log{DB: db, Table: h.log.Table}
	signs := h.key.client.Options()
	signs.HTTPClient = client
	h.key.client = awskms.New(signs)
	_ = h.handle(ctx, events.EventBridgeEvent{})
}

// Runs that overtake each other and die anywhere, writers between any two calls, an index
// that is late both ways: every statement is in the log once.
//
// Each of these lines was broken once, and a test failed:
//
//	broken                                              seen by
//	the mark's condition (store.markAcceptedAlone)      TestSomethingHappensAtEveryCall/an_end
//	records are marked before their leaves are there    TestKMSIsGone, TestEveryCallFailsOnce
//	the condition of store.Log.Append                   TestSomethingHappensAtEveryCall
//	the strongly consistent reading of records          TestReadingsAreConsistent
//	SetSealed comes before the marks                    TestEveryCallFailsOnce/dies_before
//	no run marks what one before it has left            TestEveryCallFailsOnce/dies_after
//	the index's keys at the end of an erasure           TestErasuresAreSealed
//	what the index shows twice is taken twice           TestModel
//	the end's leaf comes before that of the acceptance  TestErasuresAreSealed
//	a mark needs no record                              TestARecordVanishes
//	the ledger's memory goes back                       TestSomethingHappensAtEveryCall
//	the root that it remembers is not compared          TestForksAreRefused
//	the key is not compared                             TestAnotherKeyThatIsMeant
func TestModel(t *testing.T) {
	metrictest.Capture(t)
	rapid.Check(t, func(rt *rapid.T) {
		b := open(t)
		m := &ledger{bench: b, tb: t, index: &lateIndex{
			next: b.kit.Faults, shown: map[string][]json.RawMessage{},
			chance: rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "chance"), 1)),
		}}
		for range rapid.IntRange(1, 8).Draw(rt, "events") {
			m.event(rt, 3)()
			b.note(t)
		}
		m.index.chance = nil
		m.seal(nil)
		m.seal(nil)
		b.check(t)
		if t.Failed() {
			rt.Fatal("see above")
		}
	})
}
