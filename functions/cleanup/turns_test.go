package main

import (
	"bytes"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/alecthomas/repr"
	"github.com/aws/aws-lambda-go/events"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/metrictest"
)

// Whenever runs come, late, twice, after hours or with a clock that was put back, every
// part has had its turn once they have gone through a round, and the round is whole.
func TestEveryPartHasItsTurn(t *testing.T) {
	const segments = 7
	for name, minutes := range map[string][]float64{
		"in time":        {0, 1, 2, 3, 4, 5, 6},
		"drifting":       {0, 1.1, 2.1, 3.2, 4.2, 5.3, 6.3},
		"left out":       {0, 3, 6},
		"only the last":  {6},
		"long left out":  {0, 700},
		"twice":          {0, 0, 1, 1, 2, 4, 4, 6},
		"an hour on":     {0, 1, 62},
		"an hour back":   {0, 1, 2, 3, -57, -56, -55},
		"there and back": {0, 1, 62, 2, 3, 4, 5, 6, 7},
	} {
		t.Run(name, func(t *testing.T) {
			h, kit, clock := newHandler(t, segments)
			start := clock.Now()
			putUsers(t, kit, 120, start.Add(-2*time.Hour))
			begin(t, kit, segments, 0, start)
			for _, minute := range minutes {
				clock.Advance(start.Add(time.Duration(minute * float64(time.Minute))).Sub(clock.Now()))
				// What was swept first may have been left for that long since.
				late := max(0, int(60*(minute-2*segments)))
				run(t, h).Expect(t, metrictest.Line{"SweepBehind": late})
			}
			sweep := kept(t, kit)
			if left := allowsLeft(t, kit); left != 0 || len(sweep.Open) != 0 || !sweep.Whole.Equal(start) {
				t.Errorf("%d allows are left, %s", left, repr.String(sweep))
			}
		})
	}
}

// A run sweeps what is due and not more, whatever time its event says; one that comes
// early sweeps one part.
func TestRunSweepsWhatIsDue(t *testing.T) {
	h, kit, clock := newHandler(t, 60)
	begin(t, kit, 60, 0, clock.Now())
	for _, c := range []struct {
		pass time.Duration
		want int32
	}{{0, 1}, {0, 2}, {0, 3}, {4 * time.Minute, 5}, {59 * time.Second, 6}, {time.Second, 7}, {time.Hour, 7 + openParts}} {
		clock.Advance(c.pass)
		event := events.EventBridgeEvent{Time: time.Unix(rand.Int64N(1<<40), 0)}
		if err := h.handle(t.Context(), event); err != nil {
			t.Fatal(err)
		}
		if got := kept(t, kit).Position; got != c.want {
			t.Errorf("after %s more: %d parts, want %d", c.pass, got, c.want)
		}
	}
}

// What is due and has no room among the open parts is behind, though no part is open.
func TestWhatHasNoRoomIsBehind(t *testing.T) {
	h, kit, clock := newHandler(t, 60)
	begin(t, kit, 60, 0, clock.Now())
	clock.Advance(40 * time.Minute)
	run(t, h).Expect(t, metrictest.Line{"SweepBehind": (40 - openParts) * 60})
	run(t, h).Expect(t, metrictest.Line{"SweepBehind": (40 - 2*openParts) * 60})
	run(t, h).Expect(t, metrictest.Line{"SweepBehind": 0})
}

// sweptSince checks that no more than these allows are left in the parts whose turn has
// come since start, by sweeping them once more.
func sweptSince(t *testing.T, h *handler, kit *dynamotest.Kit, start time.Time, most float64) {
	t.Helper()
	begin(t, kit, h.segments, 0, start)
	if left := run(t, h)["AllowsSwept"].(float64); left > most {
		t.Errorf("%v allows were left", left)
	}
}

// A run in which one call fails, whichever and however, or whose time is up there, or in
// which the process dies, leaves no part out: the next run, minutes later, makes up for
// it.
func TestSweepThatMeetsAFaultGoesOn(t *testing.T) {
	const segments = 20
	type faults = dynamotest.Faults
	fates := map[string]func(t *testing.T, h *handler, clock *dynamotest.Clock, f *faults, k int){
		"time is up": func(t *testing.T, h *handler, clock *dynamotest.Clock, f *faults, k int) {
			f.Interrupt(k, func() { clock.Advance(sweepBudget) })
			_, _, _, _ = h.sweep(t.Context())
		},
		"dies before": func(_ *testing.T, h *handler, _ *dynamotest.Clock, f *faults, k int) {
			_, _, _, _ = h.sweep(f.Die(k, false))
		},
		"dies after": func(_ *testing.T, h *handler, _ *dynamotest.Clock, f *faults, k int) {
			_, _, _, _ = h.sweep(f.Die(k, true))
		},
		"panics": func(t *testing.T, h *handler, _ *dynamotest.Clock, f *faults, k int) {
			f.Interrupt(k, func() { panic("user-0001") })
			_, _, _, _ = h.sweep(t.Context())
		},
	}
	for _, fault := range []dynamotest.Fault{
		dynamotest.Before, dynamotest.After, dynamotest.Throttle, dynamotest.Timeout, dynamotest.Refused,
	} {
		for name, times := range map[string]int{" once": 1, " for good": 1000} {
			fates[string(fault)+name] = func(t *testing.T, h *handler, _ *dynamotest.Clock, f *faults, k int) {
				f.Inject(fault, k, k+times-1)
				_, _, _, _ = h.sweep(t.Context())
			}
		}
	}
	slog.SetDefault(slog.New(slog.NewJSONHandler(&bytes.Buffer{}, nil)))
	h, kit, clock := newHandler(t, segments)
	for fate, meet := range fates {
		t.Run(fate, func(t *testing.T) {
			moments := dynamotest.EveryMoment(t, func(t *testing.T, k int) (struck bool) {
				start := clock.Now()
				putUsers(t, kit, 60, start.Add(-time.Hour))
				begin(t, kit, segments, 0, start)
				meet(t, h, clock, kit.Faults, k)
				struck = kit.Faults.Struck()
				kit.Faults.Calls()
				clock.Advance(3 * time.Minute)
				run(t, h).Expect(t, metrictest.Line{"SweepBehind": 0})
				if left := allowsLeft(t, kit); left == 0 {
					t.Error("there was nothing else")
				}
				most := 0. // a user who cannot be cleaned has the next turn
				if fate == "panics" || fate == "refused once" {
					most = 1
				}
				sweptSince(t, h, kit, start, most)
				return struck
			})
			if moments < 4 {
				t.Errorf("%d calls", moments)
			}
		})
	}
}

// Two runs at once do no harm, wherever the one is when the other begins and ends: no
// part is left out, and the slower one does not put the sweep back.
func TestSweepsAtOnce(t *testing.T) {
	const segments = 20
	h, kit, clock := newHandler(t, segments)
	dynamotest.EveryMoment(t, func(t *testing.T, k int) (struck bool) {
		start := clock.Now()
		putUsers(t, kit, 60, start.Add(-time.Hour))
		begin(t, kit, segments, 0, start)
		kit.Faults.Interrupt(k, func() {
			for range 2 {
				if _, _, _, err := h.sweep(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
		_, behind, known, err := h.sweep(t.Context())
		struck = kit.Faults.Struck()
		kit.Faults.Calls()
		if behind != 0 || !known || err != nil {
			t.Errorf("%s behind, %t, %v", behind, known, err)
		}
		want := map[bool]int32{true: 2, false: 1}[struck]
		if k == 1 { // the other one was over before this one looked
			want = 3
		}
		if got := kept(t, kit); got.Position != want || len(got.Open) != 0 {
			t.Errorf("after both: %s, want position %d", repr.String(got), want)
		}
		clock.Advance(2 * time.Minute)
		run(t, h).Expect(t, metrictest.Line{"SweepBehind": 0})
		sweptSince(t, h, kit, start, 0)
		return struck
	})
}

// What cannot be kept is not reported as done: without the metric the alarm sounds. What
// is kept no more is reported with the time that the sweep lies behind.
func TestSweepThatCannotBeKept(t *testing.T) {
	h, kit, clock := newHandler(t, 3)
	putUsers(t, kit, 10, clock.Now().Add(-time.Hour))
	for _, action := range []string{"GetItem", "PutItem"} {
		kit.Faults.FailOn(action)
		if line := run(t, h); line["SweepBehind"] != nil || line["AllowsSwept"] == nil {
			t.Errorf("%s refused: %v", action, line)
		}
		kit.Faults.Calls()
	}
	kit.Faults.InjectOn("PutItem", dynamotest.After, 1, 1) // its answer is lost
	if is, err := kit.Rules.KeepSweep(t.Context(), kept(t, kit)); !is || err != nil {
		t.Errorf("kept %t, %v", is, err)
	}
	begin(t, kit, 3, 3, clock.Now()) // the first round is over, and none is whole after it
	whole := kept(t, kit)
	whole.Whole = clock.Now()
	if is, err := kit.Rules.KeepSweep(t.Context(), whole); !is || err != nil {
		t.Fatal(is, err)
	}
	clock.Advance(10 * time.Minute)
	through := kit.Faults.Next
	kit.Faults.Next = unreadable{through, `"Segment":1,`}
	run(t, h).Expect(t, metrictest.Line{"SweepBehind": 4 * 60})
	kit.Faults.Next = through
}

// An item that is none of the sweep's, or one of another number of parts, has the sweep
// begin anew.
func TestSweepOfAnotherForm(t *testing.T) {
	h, kit, clock := newHandler(t, 3)
	text, number := attribute.Text, attribute.Number
	for name, item := range map[string]attribute.Item{
		"empty":         {},
		"texts":         {"run": number(1), "segments": text("3"), "position": text("1"), "open": text("x")},
		"negative":      {"run": text("r"), "segments": number(-3), "position": number(-1)},
		"beyond":        {"run": text("r"), "segments": number(3), "position": number(4)},
		"no parts":      {"run": text("r"), "segments": number(3), "position": number(2)},
		"foreign parts": {"run": text("r"), "segments": number(3), "position": number(2), "open": attribute.List(number(1))},
		"part 7 of 3": {"run": text("r"), "segments": number(3), "position": number(2), "open": attribute.List(
			attribute.Map(attribute.Item{"segment": number(7)}))},
		"of 5 parts": {"run": text("r"), "segments": number(5), "position": number(4), "open": attribute.List(
			attribute.Map(attribute.Item{"segment": number(4), "from": text("user-0001")}))},
	} {
		item["rule"] = text("sweep-allows")
		kit.Put(t, kit.Rules.Table, item)
		putUsers(t, kit, 20, clock.Now().Add(-time.Hour))
		for range 3 {
			run(t, h).Expect(t, metrictest.Line{"SweepBehind": 0})
			clock.Advance(time.Minute)
		}
		sweep := kept(t, kit)
		if left := allowsLeft(t, kit); left != 0 || sweep.Position != 3 || sweep.Whole.IsZero() {
			t.Errorf("%s: %d left, %s", name, left, repr.String(sweep))
		}
	}
}

// A place in the middle of a part is kept: where the users fill pages and the time is up
// behind the first, the next run, of another process, goes on behind it.
func TestPlaceInAPartIsKept(t *testing.T) {
	h, kit, clock := newHandler(t, 1)
	putLargeUsers(t, kit, 30, clock.Now().Add(-time.Hour))
	calls := &counter{next: kit.Faults.Next, action: "Scan", nth: 2, do: func() { clock.Advance(sweepBudget) }}
	kit.Faults.Next = calls
	swept, _, known, _ := h.sweep(t.Context())
	if open := kept(t, kit).Open; swept == 0 || swept == 30 || !known || len(open) != 1 {
		t.Fatalf("%d swept, open are %s", swept, repr.String(open))
	}
	calls.pages = 0
	next := handlerOf(kit, h.clock, 1, skew)
	run(t, next).Expect(t, metrictest.Line{"AllowsSwept": 30 - swept, "SweepBehind": 0})
	rest := calls.pages
	calls.pages = 0
	run(t, next) // a round from its start
	if rest >= calls.pages {
		t.Errorf("%d pages are read of %d", rest, calls.pages)
	}
	if open := kept(t, kit).Open; len(open) != 0 {
		t.Errorf("open are %s", repr.String(open))
	}
}
