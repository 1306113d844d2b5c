package store_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

func seconds(at time.Time) types.AttributeValue { return number(strconv.FormatInt(at.Unix(), 10)) }

// A principal goes whose time has ended before the cutoff, whatever kind of caller it is;
// tokens, failed attempts and principals without an end stay.
func TestEraseExpired(t *testing.T) {
	t.Parallel()
	kit := dynamotest.Open(t)
	cutoff := time.Unix(1_900_000_000, 0)
	for _, c := range []struct {
		key   string
		until types.AttributeValue
		goes  bool
	}{
		{"operator#old", seconds(cutoff.Add(-time.Second)), true},
		{"apiUser#old", seconds(cutoff.Add(-time.Hour)), true},
		{"app#old", seconds(cutoff.Add(-time.Hour)), true},
		{"app#at the cutoff", seconds(cutoff), false},
		{"app#later", seconds(cutoff.Add(time.Hour)), false},
		{"app#without", nil, false},
		{"app#zero", number("0"), false},
		{"app#odd", text("1"), false},
		{"token#x", number("1"), false},
		{"failures#10.0.0.1", number("1"), false},
		{"app", number("1"), false},
		{"app#a#b", number("1"), false},
	} {
		p := item{"principal": text(c.key), "tenantId": text("acme")}
		if c.until != nil {
			p["validUntil"] = c.until
		}
		kit.Put(t, kit.Principals.Table, p)
		before := len(kit.Dump(t, kit.Principals.Table))
		erased, err := kit.Principals.EraseExpired(t.Context(), c.key, cutoff)
		gone := len(kit.Dump(t, kit.Principals.Table)) == before-1
		if erased != c.goes || gone != c.goes || err != nil {
			t.Errorf("%s: erased %v, gone %v, %v", c.key, erased, gone, err)
		}
	}
	if erased, err := kit.Principals.EraseExpired(t.Context(), "app#nobody", cutoff); erased || err != nil {
		t.Errorf("nobody: erased %v, %v", erased, err)
	}
	kit.Put(t, kit.Principals.Table, item{"principal": text("app#u"), "validUntil": seconds(cutoff)})
	if erased, err := kit.Principals.EraseExpired(t.Context(), "app#u", cutoff.Add(time.Millisecond)); !erased || err != nil {
		t.Errorf("between two seconds: erased %v, %v", erased, err)
	}
}

// A principal whose time is made longer before the deletion, or who is put anew without
// an end, stays; and a deletion that fails takes nobody who is not due.
func TestExpiredRenewedBeforeTheDeletion(t *testing.T) {
	t.Parallel()
	cutoff := time.Unix(1_900_000_000, 0)
	old := item{"principal": text("app#ak"), "validUntil": seconds(cutoff.Add(-time.Hour))}
	for name, renewed := range map[string]item{
		"longer":      {"principal": text("app#ak"), "validUntil": seconds(cutoff.Add(time.Hour))},
		"without end": {"principal": text("app#ak")},
	} {
		kit := dynamotest.Open(t)
		kit.Put(t, kit.Principals.Table, old)
		kit.Faults.Interrupt(1, func() { kit.Put(t, kit.Principals.Table, renewed) })
		erased, err := kit.Principals.EraseExpired(t.Context(), "app#ak", cutoff)
		if !kit.Faults.Struck() || erased || err != nil || len(kit.Dump(t, kit.Principals.Table)) != 1 {
			t.Errorf("%s: erased %v, %v", name, erased, err)
		}
	}
	for _, fault := range []dynamotest.Fault{
		dynamotest.Before, dynamotest.After, dynamotest.Throttle, dynamotest.Timeout, dynamotest.Refused,
	} {
		kit := dynamotest.Open(t)
		kit.Put(t, kit.Principals.Table, old, item{"principal": text("app#kept"), "validUntil": seconds(cutoff)})
		for _, key := range []string{"app#ak", "app#kept"} {
			kit.Faults.Inject(fault, 1, 1)
			_, err := kit.Principals.EraseExpired(t.Context(), key, cutoff)
			failed, isError := err.(*store.Error)
			if (err != nil) != (fault == dynamotest.Refused) || err != nil && (!isError || failed.Call != "principals: erase expired") {
				t.Errorf("%s, %s: %v", fault, key, err)
			}
			kit.Faults.Calls()
			if _, err := kit.Principals.EraseExpired(t.Context(), key, cutoff); err != nil {
				t.Error(err)
			}
		}
		if left := kit.Dump(t, kit.Principals.Table); len(left) != 1 {
			t.Errorf("%s: left %s", fault, left)
		}
	}
}
