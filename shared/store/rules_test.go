package store_test

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/alecthomas/repr"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/retention"
	"customercare/shared/store"
)

// standing is a rule with something in each field.
func standing(name string) retention.Standing {
	at := time.UnixMilli(1_790_000_000_123)
	return retention.Standing{
		Rule:  retention.Rule{Name: name, What: retention.Contacts, Days: 400, Tenant: "acme#1"},
		State: retention.On, SetBy: "ann", YesBy: "ann", YesAt: at, AlsoBy: "bob", Version: 7,
		Dry: &retention.DryRun{At: at, Found: 3, OutOf: 10, Complete: true},
	}
}

// A rule is read as it was kept, whichever call fails once; a kept one that got no answer
// is not taken for somebody else's. What is refused or cancelled changes nothing.
func TestRulesAreKept(t *testing.T) {
	t.Parallel()
	for _, fault := range []dynamotest.Fault{
		dynamotest.Before, dynamotest.After, dynamotest.Throttle, dynamotest.Timeout, dynamotest.Cancelled,
		dynamotest.Refused,
	} {
		kit := dynamotest.Open(t)
		dynamotest.EveryMoment(t, func(t *testing.T, k int) (struck bool) {
			before, err := kit.Rules.ReadRules(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			rule := standing("old")
			rule.Version = int64(k)
			want := []retention.Standing{rule}
			kit.Faults.Inject(fault, k, k)
			set, err := kit.Rules.ReadRules(t.Context())
			if err == nil {
				err = kit.Rules.KeepRule(t.Context(), set, rule)
			}
			struck = kit.Faults.Struck()
			kit.Faults.Calls()
			if err != nil {
				want = before.Rules
			}
			if err != nil && fault != dynamotest.Cancelled && fault != dynamotest.Refused || err != nil && !struck {
				t.Error(fault, err)
			}
			set, err = kit.Rules.ReadRules(t.Context())
			if err != nil || !reflect.DeepEqual(set.Rules, want) {
				t.Errorf("%s: %s, %v, want %s", fault, repr.String(set.Rules), err, repr.String(want))
			}
			return struck
		})
	}
}

// Of two people who change rules at once, each with all rules in view, one is told to
// look again, wherever the one is when the other is done.
func TestRulesChangedAtOnce(t *testing.T) {
	t.Parallel()
	kit := dynamotest.Open(t)
	plain := store.Rules{DB: kit.Plain, Table: kit.Rules.Table}
	dynamotest.EveryMoment(t, func(t *testing.T, k int) (struck bool) {
		kit.Faults.Interrupt(k, func() {
			set, err := plain.ReadRules(t.Context())
			if err == nil {
				err = plain.KeepRule(t.Context(), set, standing("theirs"))
			}
			if err != nil {
				t.Error(err)
			}
		})
		set, err := kit.Rules.ReadRules(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		seen := len(set.Rules)
		err = kit.Rules.KeepRule(t.Context(), set, standing("ours"))
		struck = kit.Faults.Struck()
		kit.Faults.Calls()
		if struck && k > 1 && !errors.Is(err, store.ErrRulesChanged) || (!struck || k == 1) && err != nil {
			t.Errorf("with %d rules in view: %v", seen, err)
		}
		return struck
	})
}

// The switch for all rules is off until it is resumed, and what cannot be read is not
// taken for on.
func TestStop(t *testing.T) {
	t.Parallel()
	kit := dynamotest.Open(t)
	at := time.UnixMilli(1_790_000_000_123)
	for range 2 {
		if off, err := kit.Rules.IsStopped(t.Context()); off != nil || err != nil {
			t.Errorf("%+v, %v", off, err)
		}
		if err := kit.Rules.Stop(t.Context(), "ann", at); err != nil {
			t.Fatal(err)
		}
		if off, err := kit.Rules.IsStopped(t.Context()); err != nil || off == nil || off.By != "ann" || !off.At.Equal(at) {
			t.Errorf("%+v, %v", off, err)
		}
		kit.Faults.FailOn("GetItem")
		if off, err := kit.Rules.IsStopped(t.Context()); err == nil {
			t.Errorf("%+v", off)
		}
		kit.Faults.Calls()
		if err := kit.Rules.Resume(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// An item that is no rule is left out, and one of no state is not on.
func TestForeignRules(t *testing.T) {
	t.Parallel()
	kit := dynamotest.Open(t)
	kit.Put(t, kit.Rules.Table,
		item{"rule": text("rule-"), "what": text("contacts")},
		item{"rule": text("rule-none")},
		item{"rule": text("rule-young"), "what": text("contacts"), "days": text("400")},
		item{"rule": text("rule-odd"), "what": text("users"), "days": number("400"), "state": text("ON"), "dry": text("yes")})
	set, err := kit.Rules.ReadRules(t.Context())
	if err != nil || len(set.Rules) != 1 || set.Rules[0].Name != "odd" || set.Rules[0].State != retention.Set {
		t.Errorf("%s, %v", repr.String(set.Rules), err)
	}
}
