package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/repr"
	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/metrictest"
	"customercare/shared/erasure"
	"customercare/shared/store"
)

const skew = time.Minute

// newHandler sweeps the table in so many minutes.
func newHandler(t testing.TB, segments int32) (*handler, *dynamotest.Kit, *dynamotest.Clock) {
	kit := dynamotest.Open(t)
	clock := &dynamotest.Clock{Time: time.UnixMilli(time.Now().UnixMilli())}
	return handlerOf(kit, erasure.NewClock(clock.Now, clock.AfterFunc), segments, skew), kit, clock
}

// handlerOf is a new process of the function on these tables. Writers of its erasures are
// never late.
func handlerOf(kit *dynamotest.Kit, clock erasure.Clock, segments int32, skew time.Duration) *handler {
	timing := erasure.Timing{ClockSkew: skew}
	return &handler{
		worker:   erasure.NewWorker(kit.Erasures, kit.Customers, kit.Contacts, kit.Holds, nil, timing, time.Minute, clock),
		holder:   erasure.NewHolder(kit.Erasures, kit.Customers, kit.Contacts, kit.Holds, timing, clock),
		standing: dynamotest.StandingIndex,
		openJobs: dynamotest.OpenIndex, users: kit.Users, rules: kit.Rules, segments: segments, skew: skew,
		clock: clock,
	}
}

// kept is what the runs so far have kept of the sweep.
func kept(t testing.TB, kit *dynamotest.Kit) store.Sweep {
	t.Helper()
	sweep, err := store.Rules{DB: kit.Plain, Table: kit.Rules.Table}.ReadSweep(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return sweep
}

// begin has a round of so many parts begin then, with this many of them swept.
func begin(t testing.TB, kit *dynamotest.Kit, segments, position int32, begun time.Time) {
	t.Helper()
	sweep := kept(t, kit)
	sweep.Segments, sweep.Position, sweep.Begun = segments, position, begun
	sweep.Open, sweep.Before, sweep.Whole = nil, time.Time{}, time.Time{}
	rules := store.Rules{DB: kit.Plain, Table: kit.Rules.Table}
	if is, err := rules.KeepSweep(t.Context(), sweep); !is || err != nil {
		t.Fatal(is, err)
	}
}

// putUsers puts so many users with one allow each, which expired then.
func putUsers(t testing.TB, kit *dynamotest.Kit, n int, expired time.Time) {
	users := make([]attribute.Item, n)
	for i := range users {
		users[i] = attribute.Item{
			"customerId": attribute.Text(fmt.Sprintf("user-%04d", i)),
			"tempAllows": attribute.Map(attribute.Item{"1": allow(expired)}),
		}
	}
	kit.Put(t, kit.Users.Table, users...)
}

// allow is a stored allow of any kind, until then.
func allow(expires time.Time) types.AttributeValue {
	return attribute.Map(attribute.Item{"expires": attribute.Number(expires.UnixMilli())})
}

// allowsLeft counts the allows in the table.
func allowsLeft(t testing.TB, kit *dynamotest.Kit) int {
	return strings.Count(strings.Join(kit.Dump(t, kit.Users.Table), "\n"), `"expires"`)
}

// run is a run of cleanup, and what it reports of the sweep.
func run(t testing.TB, h *handler) metrictest.Line {
	t.Helper()
	log := metrictest.Capture(t)
	if err := h.handle(t.Context(), events.EventBridgeEvent{}); err != nil {
		t.Fatal(err)
	}
	return metrictest.Lines(t, log.String())[0]
}

// No user who cannot be cleaned keeps another from it, whichever it is and however it
// fails.
func TestSweepGoesOnPastAUser(t *testing.T) {
	const users = 30
	for bad := 1; bad <= users; bad += 7 {
		for name, spoil := range map[string]func(*dynamotest.Faults){
			"refused": func(f *dynamotest.Faults) { f.InjectOn("UpdateItem", dynamotest.Refused, bad, bad) },
			"panic": func(f *dynamotest.Faults) {
				f.Next = &panicking{next: f.Next, at: bad}
			},
		} {
			h, kit, clock := newHandler(t, 1)
			through := kit.Faults.Next
			putUsers(t, kit, users, clock.Now().Add(-time.Hour))
			spoil(kit.Faults)
			run(t, h).Expect(t, metrictest.Line{"AllowsSwept": users - 1, "SweepBehind": 3600 - 60 - 60})
			kit.Faults.Calls()
			kit.Faults.Next = through
			if left := allowsLeft(t, kit); left != 1 {
				t.Errorf("%s, user %d: %d allows are left", name, bad, left)
			}
			clock.Advance(time.Minute)
			run(t, h).Expect(t, metrictest.Line{"AllowsSwept": 1, "SweepBehind": 0})
		}
	}
}

// A part of the table that cannot be read keeps no other from being swept, and has not
// lost its turn: the next minute's run goes on with it.
func TestSweepGoesOnPastAPage(t *testing.T) {
	for name, spoil := range map[string]func(f *dynamotest.Faults, k int){
		"refused": func(f *dynamotest.Faults, k int) { f.InjectOn("Scan", dynamotest.Refused, k, k) },
		"panic":   func(f *dynamotest.Faults, k int) { f.Interrupt(k+1, func() { panic("user-0001") }) },
	} {
		for k := range sweepParts {
			h, kit, clock := newHandler(t, sweepParts)
			putUsers(t, kit, 64, clock.Now().Add(-time.Hour))
			begin(t, kit, sweepParts, 0, clock.Now().Add(-(sweepParts-1)*time.Minute))
			if name == "panic" && k > 0 {
				continue // which call a later one is depends on the order
			}
			spoil(kit.Faults, k+1)
			first := run(t, h)
			kit.Faults.Calls()
			swept := int(first["AllowsSwept"].(float64))
			if swept == 0 || len(kept(t, kit).Open) != 1 {
				t.Errorf("%s: %d swept, open are %s", name, swept, repr.String(kept(t, kit).Open))
			}
			clock.Advance(time.Minute)
			second := run(t, h)
			second.Expect(t, metrictest.Line{"SweepBehind": 0})
			if left := allowsLeft(t, kit); left != 0 || swept+int(second["AllowsSwept"].(float64)) != 64 {
				t.Errorf("%s: %d allows are left", name, left)
			}
		}
	}
}

// A part that can never be read is reported with the time for which it has waited, and
// costs no other its turn.
func TestUnreadablePartIsReported(t *testing.T) {
	h, kit, clock := newHandler(t, 3)
	through := kit.Faults.Next
	kit.Faults.Next = unreadable{through, `"Segment":1,`}
	begin(t, kit, 3, 1, clock.Now().Add(-time.Minute)) // now it is the turn of part 1
	for minute := range 7 {
		putUsers(t, kit, 60, clock.Now().Add(-time.Hour)) // in use again and again
		want := metrictest.Line{"SweepBehind": 60 * minute}
		run(t, h).Expect(t, want)
		if sweep := kept(t, kit); len(sweep.Open) != 1 || !sweep.Whole.IsZero() {
			t.Fatalf("minute %d: %s", minute, repr.String(sweep))
		}
		clock.Advance(time.Minute)
	}
	kit.Faults.Next = through
	for range 3 {
		run(t, h).Expect(t, metrictest.Line{"SweepBehind": 0})
		clock.Advance(time.Minute)
	}
	if left := allowsLeft(t, kit); left != 0 {
		t.Errorf("%d allows are left", left)
	}
}

// An allow is in force by a clock that goes ClockSkew after this one until it has
// expired there.
func TestSweepWaitsForTheLastClock(t *testing.T) {
	for early, want := range map[time.Duration]int{time.Millisecond: 0, 0: 1, -time.Millisecond: 1} {
		h, kit, clock := newHandler(t, 1)
		putUsers(t, kit, 1, clock.Now().Add(early-skew))
		run(t, h).Expect(t, metrictest.Line{"AllowsSwept": want})
		if left := allowsLeft(t, kit); left != 1-want {
			t.Errorf("expired %s ago: %d left", skew-early, left)
		}
	}
}

// Users are cleaned several at once, in all parts, and never more than that.
func TestSweepAtOnce(t *testing.T) {
	h, kit, clock := newHandler(t, sweepParts)
	begin(t, kit, sweepParts, 0, clock.Now().Add(-(sweepParts-1)*time.Minute))
	putUsers(t, kit, 80, clock.Now().Add(-time.Hour))
	together := &meeting{next: kit.Faults.Next, all: make(chan struct{})}
	kit.Faults.Next = together
	// Else it waits for ever where they are not.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if removed, _, _, err := h.sweep(ctx); removed != 80 || err != nil {
		t.Errorf("%d removed, %v", removed, err)
	}
	if together.most != sweepParts*removalsAtOnce {
		t.Errorf("%d at once", together.most)
	}
}

// Each of so many minutes in a row has a part of its own, and those of four lie far from
// each other.
func TestPartsInARow(t *testing.T) {
	for _, turns := range []int64{1, 2, 3, 4, 5, 7, 8, 60, 90, 360, 1000, 1439, 1440, 2520, 10079, 10080} {
		seen := map[int64]bool{}
		for minute := range turns {
			at := minute * stride(turns) % turns
			seen[at] = true
			for before := range min(minute, sweepParts-1) {
				apart := (at - (minute-before-1)*stride(turns)%turns + turns) % turns
				if apart = min(apart, turns-apart); turns >= 300 && apart < turns/5 {
					t.Fatalf("%d parts: %d minutes in a row are %d apart", turns, before+2, apart)
				}
			}
		}
		if len(seen) != int(turns) {
			t.Errorf("%d minutes have %d parts", turns, len(seen))
		}
	}
}
