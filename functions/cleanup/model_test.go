package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/metrictest"
	"customercare/shared/erasure"
	"customercare/shared/store"
)

// allows is the specification of the sweep: what was last set, and is in force by some
// clock, is there; what is there is what was last set.
//
// The clock that goes after all others shows now. Every other one, of a writer, of a
// reader, of a run of cleanup, shows at most ClockSkew more.
type allows struct {
	*handler
	tb    testing.TB
	kit   *dynamotest.Kit
	clock *dynamotest.Clock
	plain store.Users

	of       string
	set      map[string]map[string]time.Time // by user and kind
	removals int
}

const modelUsers = 8

func (m *allows) user(t *rapid.T) string {
	return fmt.Sprint(m.of, rapid.IntRange(1, modelUsers).Draw(t, "user"))
}

// anyClock is what one of the clocks shows.
func (m *allows) anyClock(t *rapid.T) time.Time {
	fast := rapid.IntRange(0, int(skew/time.Millisecond)).Draw(t, "fast")
	return m.clock.Now().Add(time.Duration(fast) * time.Millisecond)
}

// oneOf is one of these times, in milliseconds.
func oneOf(t *rapid.T, ms ...int) time.Duration {
	return time.Duration(rapid.SampledFrom(ms).Draw(t, "ms")) * time.Millisecond
}

// setOne sets an allow as operation 2 does: in the future by its own clock.
func (m *allows) setOne(t *rapid.T, user string, now time.Time) func() {
	kind := rapid.IntRange(1, 3).Draw(t, "kind")
	expires := now.Add(oneOf(t, 1, 500, 59_999, 60_000, 60_001, 180_000))
	return func() { m.put(user, kind, now, expires) }
}

func (m *allows) put(user string, kind int, now, expires time.Time) {
	allow := store.TempAllow{Type: kind, Expires: expires, GrantedAt: now, GrantedBy: "csr"}
	if err := m.plain.SetTempAllow(context.Background(), user, allow); err != nil {
		panic(err)
	}
	m.set[user][strconv.Itoa(kind)] = expires
}

func (m *allows) grant(t *rapid.T) { m.setOne(t, m.user(t), m.anyClock(t))() }

// grantMany gives a user more kinds than one write removes.
func (m *allows) grantMany(t *rapid.T) {
	user, now := m.user(t), m.clock.Now()
	many := map[string]types.AttributeValue{}
	m.set[user] = map[string]time.Time{}
	for i := range 60 {
		kind, expires := strconv.Itoa(i), now.Add(time.Duration(i-20)*time.Second)
		many[kind], m.set[user][kind] = allow(expires), expires
	}
	m.kit.Put(m.tb, m.kit.Users.Table, attribute.Item{
		"customerId": attribute.Text(user), "tempAllows": attribute.Map(many),
	})
}

func (m *allows) cancel(t *rapid.T) {
	user := m.user(t)
	if err := m.plain.CancelTempAllows(context.Background(), user, time.Now()); err != nil {
		t.Fatal(err)
	}
	m.set[user] = map[string]time.Time{}
}

// sweep is a run by any clock, an hour slow it may be, that may meet with anything at any
// call: it dies, the call fails, or somebody sets an allow or has another run at that
// very moment.
func (m *allows) sweep(t *rapid.T) {
	shows := m.anyClock(t)
	if rapid.Bool().Draw(t, "slow") {
		shows = shows.Add(-time.Hour)
	}
	m.handler.clock = erasure.NewClock(func() time.Time { return shows }, m.clock.AfterFunc)
	k := rapid.IntRange(1, 20).Draw(t, "call")
	ctx := context.Background()
	fates := []string{"well", "dies", "fails", "renewed", "expired ones renewed", "lost", "another"}
	switch rapid.SampledFrom(fates).Draw(t, "meets with") {
	case "dies":
		ctx = m.kit.Faults.Die(k, rapid.Bool().Draw(t, "after"))
	case "fails":
		m.kit.Faults.Inject(dynamotest.Refused, k, k+rapid.IntRange(0, 3).Draw(t, "more"))
	case "lost":
		m.kit.Faults.Inject(dynamotest.After, k, k)
	case "another":
		m.kit.Faults.Interrupt(k, func() {
			removed, _, _, _ := m.handler.sweep(context.Background())
			m.removals += removed
		})
	case "renewed":
		m.kit.Faults.Interrupt(k, m.setOne(t, m.user(t), m.anyClock(t)))
	case "expired ones renewed":
		now := m.anyClock(t)
		m.kit.Faults.Interrupt(k, func() {
			for user, kinds := range m.set {
				for kind, expires := range kinds {
					if number, _ := strconv.Atoi(kind); !m.clock.Now().Before(expires) && number <= 3 {
						m.put(user, number, now, now.Add(time.Minute))
					}
				}
			}
		})
	default:
		m.kit.Faults.Calls()
	}
	removed, _, _, _ := m.handler.sweep(ctx)
	m.kit.Faults.Calls()
	m.removals += removed
	m.check(t)
}

// check compares the table with what was set.
func (m *allows) check(t *rapid.T) (left int) {
	found := map[string]map[string]types.AttributeValue{}
	page, err := m.kit.Plain.Scan(context.Background(), &dynamodb.ScanInput{TableName: &m.kit.Users.Table})
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range page.Items {
		user := item["customerId"].(*types.AttributeValueMemberS).Value
		found[user] = item["tempAllows"].(*types.AttributeValueMemberM).Value
	}
	now := m.clock.Now()
	for user, kinds := range m.set {
		there, ok := found[user]
		if !ok {
			t.Fatalf("%s is gone", user)
		}
		left += len(there)
		for kind, expires := range kinds {
			if there[kind] == nil && now.Before(expires) {
				t.Fatalf("%s, kind %s: removed %s before it expires by the last clock", user, kind, expires.Sub(now))
			}
		}
		for kind, allow := range there {
			at := allow.(*types.AttributeValueMemberM).Value["expires"].(*types.AttributeValueMemberN).Value
			if want := strconv.FormatInt(kinds[kind].UnixMilli(), 10); at != want {
				t.Fatalf("%s, kind %s: it expires at %s, set was %s", user, kind, at, want)
			}
		}
	}
	return left
}

// TestSkewedSweeps runs random sequences of settings, cancellations and sweeps by clocks
// that lie up to ClockSkew apart, with faults at any call: no allow is removed that any
// clock holds in force, no renewed one ever, and in the end all that have expired are
// gone.
func TestSkewedSweeps(t *testing.T) {
	metrictest.Capture(t)
	h, kit, clock := newHandler(t, 3)
	checks := "20"
	if more := os.Getenv("CHAOS_CHECKS"); more != "" { // `make chaos` runs many
		checks = more
	}
	_ = flag.Set("rapid.checks", checks)
	n, removals := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		m := &allows{
			handler: h, tb: t, kit: kit, clock: clock,
			plain: store.Users{DB: kit.Plain, Table: kit.Users.Table},
			of:    fmt.Sprint("check ", n, " user "), set: map[string]map[string]time.Time{},
		}
		for i := 1; i <= modelUsers; i++ {
			user := fmt.Sprint(m.of, i)
			m.set[user] = map[string]time.Time{}
			kit.Put(t, kit.Users.Table, attribute.Item{
				"customerId": attribute.Text(user), "tempAllows": attribute.Map(nil),
			})
		}
		rt.Repeat(map[string]func(*rapid.T){
			"grant":      m.grant,
			"grant many": m.grantMany,
			"cancel":     m.cancel,
			"sweep":      m.sweep,
			"let time pass": func(t *rapid.T) {
				clock.Advance(oneOf(t, 1, 999, 30_000, 59_999, 60_000, 120_000))
			},
		})
		// All has expired by every clock, and every part has its turn, however its last
		// runs ended.
		clock.Advance(10 * time.Minute)
		m.handler.clock = erasure.NewClock(clock.Now, clock.AfterFunc)
		for range 2 * 3 {
			removed, _, _, err := m.handler.sweep(t.Context())
			if err != nil {
				rt.Fatal(err)
			}
			m.removals += removed
			clock.Advance(time.Minute)
		}
		if left := m.check(rt); left != 0 {
			rt.Fatalf("%d expired allows are left", left)
		}
		removals += m.removals
	})
	t.Logf("%d allows removed in %d sequences", removals, n)
	if removals == 0 {
		t.Error("nothing was ever removed")
	}
}
