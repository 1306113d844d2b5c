package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/metrictest"
	"customercare/shared/erasure"
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
		openJobs: dynamotest.OpenIndex, users: kit.Users, segments: segments, skew: skew, clock: clock,
	}
}

// restarted is the next process of the function, which knows nothing of the last one.
func (h *handler) restarted() *handler {
	return &handler{
		worker: h.worker, openJobs: h.openJobs, users: h.users, holder: h.holder, standing: h.standing,
		segments: h.segments, skew: h.skew, clock: h.clock,
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

// run is a run of cleanup that was due then, and what it reports of the sweep.
func run(t testing.TB, h *handler, due time.Time) metrictest.Line {
	t.Helper()
	log := metrictest.Capture(t)
	if err := h.handle(t.Context(), events.EventBridgeEvent{Time: due}); err != nil {
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
			run(t, h, clock.Now()).Expect(t, metrictest.Line{"AllowsSwept": users - 1, "SweepBehind": 3600 - 60 - 60})
			kit.Faults.Calls()
			kit.Faults.Next = through
			if left := allowsLeft(t, kit); left != 1 {
				t.Errorf("%s, user %d: %d allows are left", name, bad, left)
			}
			clock.Advance(time.Minute)
			run(t, h, clock.Now()).Expect(t, metrictest.Line{"AllowsSwept": 1, "SweepBehind": 0})
		}
	}
}

// A part of the table that cannot be read keeps no other from being swept, and has not
// lost its turn: the next minute's run goes on with it.
func TestSweepGoesOnPastAPage(t *testing.T) {
	for name, spoil := range map[string]func(f *dynamotest.Faults, k int){
		"refused": func(f *dynamotest.Faults, k int) { f.InjectOn("Scan", dynamotest.Refused, k, k) },
		"panic":   func(f *dynamotest.Faults, k int) { f.Interrupt(k, func() { panic("user-0001") }) },
	} {
		for k := range sweepParts {
			h, kit, clock := newHandler(t, sweepParts)
			putUsers(t, kit, 64, clock.Now().Add(-time.Hour))
			due := clock.Truncate(time.Minute)
			if name == "panic" && k > 0 {
				continue // which call a later one is depends on the order
			}
			spoil(kit.Faults, k+1)
			first := run(t, h, due)
			kit.Faults.Calls()
			swept := int(first["AllowsSwept"].(float64))
			if swept == 0 || len(h.waiting) != 1 {
				t.Errorf("%s: %d swept, %d parts wait", name, swept, len(h.waiting))
			}
			clock.Advance(time.Minute)
			second := run(t, h, due.Add(time.Minute))
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
	start := clock.Truncate(time.Minute)
	for start.Unix()/60%3 != 1 { // the turn of part 1
		start = start.Add(time.Minute)
	}
	clock.Advance(start.Sub(clock.Now()))
	for minute := range 7 {
		putUsers(t, kit, 60, clock.Now().Add(-time.Hour)) // in use again and again
		want := metrictest.Line{"SweepBehind": 60 * minute}
		run(t, h, clock.Now()).Expect(t, want)
		if len(h.waiting) != 1 {
			t.Fatalf("minute %d: %d parts wait", minute, len(h.waiting))
		}
		clock.Advance(time.Minute)
	}
	kit.Faults.Next = through
	for range 3 {
		run(t, h, clock.Now()).Expect(t, metrictest.Line{"SweepBehind": 0})
		clock.Advance(time.Minute)
	}
	if left := allowsLeft(t, kit); left != 0 {
		t.Errorf("%d allows are left", left)
	}
}

// Whenever starts come, late, twice, out of order or not at all, every part has had its
// turn once the starts reach beyond it.
func TestEveryPartHasItsTurn(t *testing.T) {
	const segments = 7
	at := func(minute, second int) time.Duration {
		return time.Duration(minute)*time.Minute + time.Duration(second)*time.Second
	}
	type start struct{ due, late time.Duration }
	inTime := func(dues ...time.Duration) (starts []start) {
		for _, due := range dues {
			starts = append(starts, start{due, 0})
		}
		return starts
	}
	for name, starts := range map[string][]start{
		"in time": inTime(
			at(0, 7), at(1, 7), at(2, 7), at(3, 7), at(4, 7), at(5, 7), at(6, 7)),
		"a second late": {
			{at(0, 59), at(0, 1)}, {at(1, 59), 0}, {at(2, 59), at(0, 1)}, {at(3, 59), 0},
			{at(4, 59), at(0, 1)}, {at(5, 59), 0}, {at(6, 59), 0},
		},
		"drifting":      inTime(at(0, 58), at(1, 59), at(3, 0), at(4, 1), at(5, 2), at(6, 3)),
		"left out":      inTime(at(0, 7), at(3, 7), at(6, 7)),
		"long left out": inTime(at(0, 7), at(700, 7)),
		"twice": {
			{at(0, 7), 0}, {at(0, 7), 0}, {at(1, 7), 0}, {at(1, 7), at(2, 0)}, {at(2, 7), 0},
			{at(4, 7), 0}, {at(3, 7), 0}, {at(6, 7), 0}, {at(6, 7), 0},
		},
		"minutes delayed": {
			{at(0, 7), at(3, 0)}, {at(1, 7), at(3, 0)}, {at(2, 7), at(9, 0)}, {at(6, 7), at(3, 0)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			h, kit, clock := newHandler(t, segments)
			start := clock.Truncate(time.Minute).Add(time.Hour)
			putUsers(t, kit, 120, start.Add(-time.Hour))
			h.next = start.Unix() / 60 // the minutes before have had their turn
			for _, s := range starts {
				clock.Advance(start.Add(s.due + s.late).Sub(clock.Now()))
				run(t, h, start.Add(s.due)).Expect(t, metrictest.Line{"SweepBehind": 0})
			}
			if left := allowsLeft(t, kit); left != 0 || len(h.waiting) != 0 {
				t.Errorf("%d allows are left, %d parts wait", left, len(h.waiting))
			}
		})
	}
}

// A run that somebody starts by hand, without the time of an event or with any, sweeps
// what is due now, and has the next run make up for nothing.
func TestRunByHand(t *testing.T) {
	endOfTime := time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	for _, given := range []time.Time{{}, time.Unix(0, 0), time.Unix(-1<<40, 0), endOfTime} {
		h, kit, clock := newHandler(t, 60)
		clock.Advance(clock.Truncate(time.Hour).Add(time.Hour).Sub(clock.Now()))
		putUsers(t, kit, 240, clock.Now().Add(-time.Hour))
		byHand := run(t, h, given)
		scheduled := run(t, h, clock.Now())
		byHand.Expect(t, metrictest.Line{"SweepBehind": 0})
		scheduled.Expect(t, metrictest.Line{"AllowsSwept": 0, "SweepBehind": 0})
		if byHand["AllowsSwept"].(float64) == 0 || allowsLeft(t, kit) == 0 {
			t.Errorf("%s: swept %v", given, byHand["AllowsSwept"])
		}
	}
}

// An allow is in force by a clock that goes ClockSkew after this one until it has
// expired there.
func TestSweepWaitsForTheLastClock(t *testing.T) {
	for early, want := range map[time.Duration]int{time.Millisecond: 0, 0: 1, -time.Millisecond: 1} {
		h, kit, clock := newHandler(t, 1)
		putUsers(t, kit, 1, clock.Now().Add(early-skew))
		run(t, h, clock.Now()).Expect(t, metrictest.Line{"AllowsSwept": want})
		if left := allowsLeft(t, kit); left != 1-want {
			t.Errorf("expired %s ago: %d left", skew-early, left)
		}
	}
}

// Users are cleaned several at once, in all parts, and never more than that.
func TestSweepAtOnce(t *testing.T) {
	h, kit, clock := newHandler(t, sweepParts) // a new process begins with all of them
	putUsers(t, kit, 80, clock.Now().Add(-time.Hour))
	together := &meeting{next: kit.Faults.Next, all: make(chan struct{})}
	kit.Faults.Next = together
	// Else it waits for ever where they are not.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if removed, _, err := h.sweep(ctx, clock.Now()); removed != 80 || err != nil {
		t.Errorf("%d removed, %v", removed, err)
	}
	if together.most != sweepParts*removalsAtOnce {
		t.Errorf("%d at once", together.most)
	}
}

// A run whose time is up leaves what it has not come to for the next minute's, whose own
// parts are others: nothing waits for another turn.
func TestSweepThatRunsOutOfTimeGoesOn(t *testing.T) {
	const segments = 20
	dynamotest.EveryMoment(t, func(t *testing.T, k int) (struck bool) {
		h, kit, clock := newHandler(t, segments)
		due := clock.Truncate(time.Minute)
		putUsers(t, kit, 100, clock.Now().Add(-time.Hour))
		ctx, cancel := context.WithCancel(t.Context())
		kit.Faults.Interrupt(k, cancel) // as the deadline does
		_, behind, _ := h.sweep(ctx, due)
		struck = kit.Faults.Struck()
		kit.Faults.Calls()
		cancel()
		if struck && (len(h.waiting) == 0 || behind <= 0) {
			t.Errorf("%d parts wait, %s behind", len(h.waiting), behind)
		}
		clock.Advance(time.Minute)
		run(t, h, due.Add(time.Minute)).Expect(t, metrictest.Line{"SweepBehind": 0})
		left := allowsLeft(t, kit)
		// A process that had the time finds nothing more in the parts of both minutes.
		again := h.restarted()
		for minute := range 2 {
			run(t, again, due.Add(time.Duration(minute)*time.Minute)).Expect(t, metrictest.Line{"AllowsSwept": 0})
		}
		if left > 95 || left == 0 {
			t.Fatalf("%d of 100 allows are left", left)
		}
		return struck
	})
}

// A process that ends in the middle of a sweep, whenever that is, costs no part its
// turn: the next one, minutes later, begins with what may be left.
func TestSweepOfAProcessThatEnds(t *testing.T) {
	const segments = 20
	for minutes := 1; minutes < firstTurns; minutes++ {
		h, kit, clock := newHandler(t, segments)
		due := clock.Truncate(time.Minute)
		putUsers(t, kit, 100, clock.Now().Add(-time.Hour))
		_, _, _ = h.sweep(kit.Faults.Die(3, false), due)
		kit.Faults.Calls()
		clock.Advance(time.Duration(minutes) * time.Minute)
		next := h.restarted()
		run(t, next, due.Add(time.Duration(minutes)*time.Minute)).Expect(t, metrictest.Line{"SweepBehind": 0})
		// It has looked at that minute; now only there.
		next.waiting, next.next = nil, due.Unix()/60+1
		run(t, next, due).Expect(t, metrictest.Line{"AllowsSwept": 0})
		if left := allowsLeft(t, kit); left == 0 {
			t.Error("there was nothing else")
		}
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
