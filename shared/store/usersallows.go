package store

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// AllowTypes are the types of temporary allows that count in a deployment. A type that is
// true is for a single use. An allow of any other type lets nobody in: nobody can say any
// more what it was for, and it may have been a single use.
type AllowTypes map[int]bool

// Allow is a temporary allow that is in force: its type is one that counts, its time has
// not come, and it is not used up.
type Allow struct {
	Type               int
	Expires, GrantedAt time.Time // GrantedAt is zero where another writer left it out
	Once               bool      // the first use is the last one
}

// lastExpiry is the end of the year 9999 in Unix milliseconds, the last time that RFC
// 3339 can write. Another writer's allow that ends later counts for none, as one does
// whose end is no number.
const lastExpiry = 253402300799999

// once and lasting are the types of either kind, sorted.
func (t AllowTypes) once() []int    { return t.of(true) }
func (t AllowTypes) lasting() []int { return t.of(false) }

func (t AllowTypes) of(once bool) (all []int) {
	for _, kind := range slices.Sorted(maps.Keys(t)) {
		if t[kind] == once {
			all = append(all, kind)
		}
	}
	return all
}

// inForce are the allows of a user's item that are in force at the time at, sorted by
// their type. It is the same rule as the one of stands, for an item that has been read.
func (t AllowTypes) inForce(item object, at time.Time) (all []Allow) {
	for _, kind := range slices.Sorted(maps.Keys(t)) {
		entry := item.member("tempAllows").member(strconv.Itoa(kind))
		expires, known := moment(entry["expires"])
		if _, used := entry["usedAt"]; !known || used || expires <= at.UnixMilli() {
			continue
		}
		all = append(all, t.allow(kind, entry))
	}
	return all
}

// allow is an entry of tempAllows whose end is known.
func (t AllowTypes) allow(kind int, entry object) Allow {
	expires, _ := moment(entry["expires"])
	allow := Allow{Type: kind, Expires: time.UnixMilli(expires).UTC(), Once: t[kind]}
	if granted, known := moment(entry["grantedAt"]); known {
		allow.GrantedAt = time.UnixMilli(granted).UTC()
	}
	return allow
}

// usedBy is the allow for a single use that the call with this token has used up.
func (t AllowTypes) usedBy(item object, token string) (Allow, bool) {
	for _, kind := range t.once() {
		entry := item.member("tempAllows").member(strconv.Itoa(kind))
		if _, known := moment(entry["expires"]); known && entry.text("usedBy") == token {
			return t.allow(kind, entry), true
		}
	}
	return Allow{}, false
}

// first is the allow that ends first of those for a single use, and last the one that
// ends last of those that last; false where there is none.
func first(all []Allow) (Allow, bool) {
	return pick(all, true, func(a, b Allow) bool { return a.Expires.Before(b.Expires) })
}

func last(all []Allow) (Allow, bool) {
	return pick(all, false, func(a, b Allow) bool { return a.Expires.After(b.Expires) })
}

func pick(all []Allow, once bool, better func(a, b Allow) bool) (best Allow, found bool) {
	for _, allow := range all {
		if allow.Once == once && (!found || better(allow, best)) {
			best, found = allow, true
		}
	}
	return best, found
}

// moment is a time in Unix milliseconds, to which another writer may have written a
// fraction. known is false for what is no number, or no time from 1970 to 9999.
func moment(value types.AttributeValue) (at int64, known bool) {
	n, isNumber := value.(*types.AttributeValueMemberN)
	if !isNumber {
		return 0, false
	}
	at, err := wholePart(n.Value)
	return at, err == nil && at >= 1 && at <= lastExpiry
}

// member is the map that stands under a name, nil where something else does.
func (o object) member(name string) object {
	m, _ := o[name].(*types.AttributeValueMemberM)
	if m == nil {
		return nil
	}
	return m.Value
}
