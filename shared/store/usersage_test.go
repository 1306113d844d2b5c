package store_test

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/repr"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/quotas"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

// millis is a time as an item has it.
func millis(at time.Time) types.AttributeValue { return number(strconv.FormatInt(at.UnixMilli(), 10)) }

// activities are the calls of operations 1 and 2 on a user.
var activities = map[string]func(t *testing.T, u store.Users, id string, at time.Time) error{
	"cancel": func(t *testing.T, u store.Users, id string, at time.Time) error {
		return u.CancelTempAllows(t.Context(), id, at)
	},
	"unregister": func(t *testing.T, u store.Users, id string, at time.Time) error {
		return u.UnregisterDevices(t.Context(), id, at)
	},
	"reset": func(t *testing.T, u store.Users, id string, at time.Time) error {
		return u.Reset(t.Context(), id, at)
	},
	"set": func(t *testing.T, u store.Users, id string, at time.Time) error {
		return u.SetTempAllow(t.Context(), id, store.TempAllow{Type: 2, Expires: at.Add(time.Hour), GrantedAt: at})
	},
}

// one is the only item of a table.
func one(t *testing.T, kit *dynamotest.Kit, table string) item {
	t.Helper()
	all := dynamotest.Items(t, kit.Plain, table)
	if len(all) != 1 {
		t.Fatalf("%d items", len(all))
	}
	return all[0]
}

// Each of operations 1 and 2 notes its own time, in the write that it makes anyway, over
// whatever stood there; and none of them makes a user.
func TestActivityIsNoted(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1_900_000_000_123)
	for name, do := range activities {
		for _, before := range []types.AttributeValue{nil, millis(at.Add(-time.Hour)), text("another writer's")} {
			kit := dynamotest.Open(t)
			if err := do(t, kit.Users, "nobody", at); err != store.ErrNoUser {
				t.Errorf("%s of nobody: %v", name, err)
			}
			if left := kit.Dump(t, kit.Users.Table); len(left) != 0 {
				t.Errorf("%s has made a user: %s", name, left)
			}
			user := userWithAllows("u", map[string]time.Time{"1": at})
			if before != nil {
				user["activeAt"] = before
			}
			kit.Put(t, kit.Users.Table, user)
			kit.Faults.Calls()
			if err := do(t, kit.Users, "u", at); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if calls := kit.Faults.Calls(); !slices.Equal(calls, []string{"UpdateItem"}) {
				t.Errorf("%s: calls %s", name, calls)
			}
			if got := one(t, kit, kit.Users.Table)["activeAt"]; !reflect.DeepEqual(got, millis(at)) {
				t.Errorf("%s: activeAt is %s", name, repr.String(got))
			}
		}
	}
}

// The sweep of expired allows is no activity.
func TestSweepIsNoActivity(t *testing.T) {
	t.Parallel()
	kit := dynamotest.Open(t)
	now := time.Now()
	user := userWithAllows("u", map[string]time.Time{"1": now.Add(-time.Hour)})
	user["activeAt"] = number("1700000000001")
	kit.Put(t, kit.Users.Table, user)
	if n, err := kit.Users.SweepTempAllows(t.Context(), 0, 1, now); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if left := kit.Dump(t, kit.Users.Table)[0]; !strings.Contains(left, `"1700000000001"`) {
		t.Error(left)
	}
}

// A user whose item has no room for a time gets what the operation does all the same, and
// keeps no older time: nobody can tell then how old such a user is.
func TestActivityOfAFullItem(t *testing.T) {
	t.Parallel()
	for name, do := range activities {
		kit := dynamotest.Open(t)
		// The older time takes 4 bytes less than the new one.
		user := item{"customerId": text("u"), "activeAt": number("1900000000000"), "tempAllows": mapOf(item{})}
		at, room := time.UnixMilli(1_900_000_000_123), 0
		if name == "set" { // of which the new entry takes as much as the old one
			user["tempAllows"] = mapOf(item{"2": mapOf(item{
				"expires": millis(at.Add(time.Hour)), "grantedBy": text(""), "grantedAt": millis(at)})})
			delete(user, "activeAt")
			room = 15 // and a time, with its name, takes 16
		}
		// Engines differ by some bytes in how they count, so the item is as large as this
		// one takes it.
		full := quotas.MaxItem - quotas.Size(user) - len("rest")
		var err error
		for less := range 64 {
			user["rest"] = text(strings.Repeat("x", full-less))
			if _, err = kit.Plain.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &kit.Users.Table, Item: user}); err == nil {
				full -= less
				break
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		user["rest"] = text(strings.Repeat("x", full-room))
		kit.Put(t, kit.Users.Table, user)
		if err := do(t, kit.Users, "u", at); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		left := one(t, kit, kit.Users.Table)
		if left["activeAt"] != nil || left["rest"] == nil {
			t.Errorf("%s: activeAt is %s", name, repr.String(left["activeAt"]))
		}
	}
}

// A user goes whose last activity lies before the cutoff and whose allows have all ended
// before it; any other stays, and so does one of whom nobody can tell.
func TestEraseInactive(t *testing.T) {
	t.Parallel()
	kit := dynamotest.Open(t)
	cutoff := time.UnixMilli(1_900_000_000_000)
	long, just := cutoff.Add(-time.Hour), cutoff.Add(-time.Millisecond)
	for name, c := range map[string]struct {
		activeAt types.AttributeValue
		allows   types.AttributeValue
		goes     bool
		calls    int
	}{
		"inactive":               {millis(long), nil, true, 1},
		"just inactive":          {millis(just), mapOf(item{}), true, 1},
		"active at the cutoff":   {millis(cutoff), nil, false, 1},
		"active later":           {millis(cutoff.Add(time.Hour)), mapOf(item{}), false, 1},
		"no activity":            {nil, mapOf(item{}), false, 1},
		"zero":                   {number("0"), nil, false, 1},
		"negative":               {number("-5"), nil, false, 1},
		"no number":              {text("1"), nil, false, 1},
		"no whole number":        {number("1899999999999.5"), nil, true, 1},
		"allow that ended":       {millis(long), mapOf(item{"1": mapOf(item{"expires": millis(just)})}), true, 2},
		"allow at the cutoff":    {millis(long), mapOf(item{"1": mapOf(item{"expires": millis(cutoff)})}), false, 1},
		"allow in force":         {millis(long), mapOf(item{"1": mapOf(item{"expires": millis(long)}), "2": mapOf(item{"expires": millis(cutoff.Add(time.Hour))})}), false, 1},
		"allow of no end":        {millis(long), mapOf(item{"1": mapOf(item{"grantedBy": text("x")})}), false, 1},
		"allow of an odd end":    {millis(long), mapOf(item{"1": mapOf(item{"expires": text("1")})}), false, 1},
		"allow beyond 64 bits":   {millis(long), mapOf(item{"1": mapOf(item{"expires": number("9E+30")})}), false, 1},
		"allow that is none":     {millis(long), mapOf(item{"1": text("x")}), false, 1},
		"allows that are none":   {millis(long), text("x"), false, 1},
		"allows in a set":        {millis(long), set("1"), false, 1},
		"ended, with odd fields": {millis(long), mapOf(item{"a.b #": mapOf(item{"expires": millis(long), "x": list(set("b", "a"), number("1.50"))})}), true, 2},
	} {
		user := item{"customerId": text(name), "devices": mapOf(item{})}
		if c.activeAt != nil {
			user["activeAt"] = c.activeAt
		}
		if c.allows != nil {
			user["tempAllows"] = c.allows
		}
		kit.Put(t, kit.Users.Table, user)
		if at, known := store.LastActive(user); (known && at.Before(cutoff)) != c.goes {
			t.Errorf("%s: its age says %v, %v", name, at, known)
		}
		before := kit.Dump(t, kit.Users.Table)
		kit.Faults.Calls()
		erased, err := kit.Users.EraseInactive(t.Context(), name, cutoff)
		if calls := kit.Faults.Calls(); erased != c.goes || err != nil || len(calls) != c.calls {
			t.Errorf("%s: erased %v, %v, calls %s", name, erased, err, calls)
		}
		after := kit.Dump(t, kit.Users.Table)
		if c.goes != (len(after) == len(before)-1) || !c.goes && !slices.Equal(before, after) {
			t.Errorf("%s: left %s", name, after)
		}
		kit.Faults.Calls()
	}
	if erased, err := kit.Users.EraseInactive(t.Context(), "nobody", cutoff); erased || err != nil {
		t.Errorf("nobody: erased %v, %v", erased, err)
	}
	// A cutoff between two milliseconds is the later one's.
	kit.Put(t, kit.Users.Table, item{"customerId": text("u"), "activeAt": millis(cutoff)})
	if erased, err := kit.Users.EraseInactive(t.Context(), "u", cutoff.Add(time.Microsecond)); !erased || err != nil {
		t.Errorf("between two: erased %v, %v", erased, err)
	}
}

// Whatever operation comes before a call of the deletion keeps the user, with what it
// did.
func TestActivityBeforeTheDeletion(t *testing.T) {
	t.Parallel()
	cutoff := time.Now().Add(-time.Hour)
	for name, do := range activities {
		for _, allows := range []map[string]time.Time{nil, {"1": cutoff.Add(-time.Minute)}} {
			for k := 1; k <= 1+len(allows); k++ {
				kit := dynamotest.Open(t)
				user := userWithAllows("u", allows)
				user["activeAt"] = millis(cutoff.Add(-time.Hour))
				kit.Put(t, kit.Users.Table, user)
				now := time.Now()
				kit.Faults.Interrupt(k, func() {
					if err := do(t, store.Users{DB: kit.Plain, Table: kit.Users.Table}, "u", now); err != nil {
						t.Error(err)
					}
				})
				erased, err := kit.Users.EraseInactive(t.Context(), "u", cutoff)
				if !kit.Faults.Struck() || erased || err != nil {
					t.Errorf("%s before call %d: erased %v, %v", name, k, erased, err)
				}
				kit.Faults.Calls()
				if got := one(t, kit, kit.Users.Table)["activeAt"]; !reflect.DeepEqual(got, millis(now)) {
					t.Errorf("%s before call %d: activeAt is %s", name, k, repr.String(got))
				}
			}
		}
	}
	// Another writer's allow comes without any activity.
	kit := dynamotest.Open(t)
	user := userWithAllows("u", map[string]time.Time{"1": cutoff.Add(-time.Minute)})
	user["activeAt"] = millis(cutoff.Add(-time.Hour))
	kit.Put(t, kit.Users.Table, user)
	user["tempAllows"].(*types.AttributeValueMemberM).Value["2"] = mapOf(item{"expires": millis(cutoff.Add(time.Minute))})
	kit.Faults.Interrupt(2, func() { kit.Put(t, kit.Users.Table, user) })
	if erased, err := kit.Users.EraseInactive(t.Context(), "u", cutoff); erased || err != nil {
		t.Errorf("an allow of another writer's: erased %v, %v", erased, err)
	}
	kit.Faults.Calls()
	if left := kit.Dump(t, kit.Users.Table); len(left) != 1 {
		t.Error("the user is gone")
	}
}

// However a call of a deletion fails, and whoever asks again, what is due goes and what
// is not stays.
func TestDeletionsFailOnce(t *testing.T) {
	t.Parallel()
	cutoff := time.UnixMilli(1_900_000_000_000)
	old, young := cutoff.Add(-time.Hour), cutoff.Add(time.Hour)
	user := func(id string, at time.Time, allows map[string]time.Time) item {
		u := userWithAllows(id, allows)
		u["activeAt"] = millis(at)
		return u
	}
	for _, fault := range []dynamotest.Fault{
		dynamotest.Before, dynamotest.After, dynamotest.Throttle, dynamotest.Timeout, dynamotest.Refused,
	} {
		for k := 1; k <= 2; k++ {
			kit := dynamotest.Open(t)
			ended := map[string]time.Time{"1": old}
			kit.Put(t, kit.Users.Table, user("due", old, ended), user("kept", young, nil),
				user("allowed", old, map[string]time.Time{"1": young}))
			for _, id := range []string{"due", "kept", "allowed"} {
				kit.Faults.Inject(fault, k, k)
				erased, err := kit.Users.EraseInactive(t.Context(), id, cutoff)
				struck := kit.Faults.Struck()
				if (err != nil) != (struck && fault == dynamotest.Refused) || erased && id != "due" {
					t.Errorf("%s at call %d, %s: erased %v, %v", fault, k, id, erased, err)
				}
				kit.Faults.Calls()
			}
			if _, err := kit.Users.EraseInactive(t.Context(), "due", cutoff); err != nil {
				t.Error(err)
			}
			left := strings.Join(kit.Dump(t, kit.Users.Table), "")
			if strings.Contains(left, `"due"`) || !strings.Contains(left, `"kept"`) || !strings.Contains(left, `"allowed"`) {
				t.Errorf("%s at call %d: left %s", fault, k, left)
			}
		}
	}
}
