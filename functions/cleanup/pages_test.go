package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/repr"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/metrictest"
	"customercare/shared/store"
)

// putLargeUsers puts users of whom ten fill a page.
func putLargeUsers(t testing.TB, kit *dynamotest.Kit, n int, expired time.Time) {
	for i := range n {
		kit.Put(t, kit.Users.Table, attribute.Item{
			"customerId": attribute.Text(fmt.Sprintf("user-%04d", i)),
			"phrases":    attribute.Text(strings.Repeat("x", 99_000)),
			"tempAllows": attribute.Map(attribute.Item{"1": allow(expired)}),
		})
	}
}

// What goes on goes on behind the last page that was swept and reads none again, but for
// the one in whose middle the time was up.
func TestSweepGoesOnBehindTheLastPage(t *testing.T) {
	for at, want := range map[string]struct{ nth, pages, again int }{"Scan": {2, 2, 2}, "UpdateItem": {5, 1, 3}} {
		h, kit, clock := newHandler(t, 1)
		const users = 30
		putLargeUsers(t, kit, users, clock.Now().Add(-time.Hour))
		s := &sweeping{users: h.users, by: clock.Now().Add(-skew)}
		p := &part{SweepPart: store.SweepPart{Segment: store.Segment{Number: 0, Total: 1}}}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		calls := &counter{next: kit.Faults.Next, action: at, nth: want.nth, do: cancel}
		kit.Faults.Next = calls
		_ = s.sweep(ctx, p)
		if p.done || s.removed == 0 || s.removed == users || calls.pages != want.pages {
			t.Fatalf("%s: %d removed in %d pages", at, s.removed, calls.pages)
		}
		calls.pages = 0
		err := s.sweep(t.Context(), p) // an empty page may be the last
		// What was under way when the time was up may be done, and is not counted.
		left := allowsLeft(t, kit)
		if err != nil || !p.done || left != 0 || calls.pages < want.again || calls.pages > want.again+1 {
			t.Errorf("%s: %d left, with %d pages more, %v", at, left, calls.pages, err)
		}
	}
}

// A part whose second page can never be read has the first one swept in each of its
// turns.
func TestUnreadableSecondPage(t *testing.T) {
	h, kit, clock := newHandler(t, 1)
	kit.Faults.Next = unreadable{kit.Faults.Next, `"ExclusiveStartKey":`}
	for turn := range 3 {
		putLargeUsers(t, kit, 60, clock.Now().Add(-time.Hour))
		if swept := run(t, h)["AllowsSwept"].(float64); swept == 0 || swept == 60 {
			t.Errorf("turn %d: %v swept", turn, swept)
		}
		clock.Advance(time.Minute)
	}
}

// Parts that use up all the time of every run keep no other from being swept, in the
// next one at the latest.
func TestSweepPastPartsThatHang(t *testing.T) {
	const parts = 2 * sweepParts
	h, kit, clock := newHandler(t, parts)
	putUsers(t, kit, 80, clock.Now().Add(-time.Hour))
	begin(t, kit, parts, 0, clock.Now())
	hanging := &hanging{next: kit.Faults.Next}
	for minute := range int64(sweepParts) { // those whose turn comes first
		hanging.segments = append(hanging.segments, fmt.Sprintf(`"Segment":%d,`, minute*stride(parts)%parts))
	}
	kit.Faults.Next = hanging
	clock.Advance((parts - 1) * time.Minute)
	swept := 0
	for n := range 2 {
		hanging.begin(func() { clock.Advance(sweepBudget) })
		removed, behind, _, err := h.sweep(t.Context())
		if err == nil || behind <= 0 {
			t.Errorf("run %d: %s behind, %v", n, behind, err)
		}
		swept += removed
	}
	if swept == 0 || allowsLeft(t, kit) != 80-swept || len(kept(t, kit).Open) != 4 {
		t.Errorf("%d of 80 swept, open are %s", swept, repr.String(kept(t, kit).Open))
	}
	kit.Faults.Next = hanging.next
	clock.Advance(time.Minute)
	run(t, h).Expect(t, metrictest.Line{"AllowsSwept": 80 - swept, "SweepBehind": 0})
}

// The users of a page that takes nothing in several runs wait for their next turn, so
// that what lies behind it is swept; as long as something goes, its place is kept.
func TestPageThatTakesNothing(t *testing.T) {
	h, kit, clock := newHandler(t, 1000)
	putUsers(t, kit, 40, clock.Now().Add(-time.Hour))
	whole := &part{SweepPart: store.SweepPart{Segment: store.Segment{Number: 0, Total: 1}}}
	for n := 1; n <= maxIdle; n++ {
		ctx, cancel := context.WithCancel(t.Context())
		s := &sweeping{users: h.users, by: clock.Now().Add(-skew)}
		kit.Faults.Interrupt(2, cancel) // the page is read, and then there is no time
		_ = s.sweep(ctx, whole)
		cancel()
		kit.Faults.Calls()
		if s.removed != 0 || whole.done != (n == maxIdle) {
			t.Errorf("run %d: %d removed, done: %t", n, s.removed, whole.done)
		}
	}
}
