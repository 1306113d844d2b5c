package importer

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/shared/identifier"
	"customercare/shared/rfc3339"
)

// Bounds in bytes. Those of identifiers are the calls' that later name them: what can be
// loaded can be erased.
const (
	longID      = identifier.MaxLong  // customerId, principals' names
	shortID     = identifier.MaxShort // all others
	maxSecret   = 256
	maxSecrets  = 2
	maxAccounts = 1000
)

// fields are a line's top-level fields. Each reader takes its field out, so that what is
// left at the end is the record's own data; the first refusal is kept, later ones are not
// looked at.
type fields struct {
	left object
	err  error
}

// refuse keeps the first refusal.
func (f *fields) refuse(format string, args ...any) {
	if f.err == nil {
		f.err = refuse(format, args...)
	}
}

// look gives a field and leaves it where it is. It refuses a name that differs from this
// one only in case: its value would be lost silently.
func (f *fields) look(right string) (types.AttributeValue, bool) {
	for name := range f.left {
		if name != right && strings.EqualFold(name, right) {
			f.refuse("%s is not known, write %s", printable(name), right)
		}
	}
	value, ok := f.left[right]
	return value, ok
}

// take takes a field out.
func (f *fields) take(name string) (types.AttributeValue, bool) {
	value, ok := f.look(name)
	delete(f.left, name)
	return value, ok
}

// need takes a required field out. One that is missing is nil, which no reader of a value
// takes: what they refuse then is not the first refusal.
func (f *fields) need(name string) types.AttributeValue {
	value, ok := f.take(name)
	if !ok {
		f.refuse("%s is missing", name)
	}
	return value
}

// id takes a required identifier of 1 to most bytes.
func (f *fields) id(name string, most int) string { return f.check(name, f.need(name), most) }

// check gives an identifier of 1 to most bytes; name is what a refusal calls it.
func (f *fields) check(name string, value types.AttributeValue, most int) string {
	s, ok := value.(*types.AttributeValueMemberS)
	if !ok || s.Value == "" || len(s.Value) > most {
		f.refuse("%s must be a string of 1 to %d bytes", name, most)
		return ""
	}
	switch {
	case identifier.HasControl(s.Value):
		f.refuse("%s holds a control character", name)
	case !identifier.Sayable(s.Value):
		f.refuse("%s%s", name, identifier.Unsayable)
	}
	return s.Value
}

// secrets takes a required secret, or a list of two while it is being changed: each lets
// in.
func (f *fields) secrets(name, owner string) []string {
	value := f.need(name)
	list, isList := value.(*types.AttributeValueMemberL)
	if !isList {
		return []string{f.secret(name, owner, value)}
	}
	if len(list.Value) == 0 || len(list.Value) > maxSecrets {
		f.refuse("%s must be a string, or a list of 1 or %d", name, maxSecrets)
	}
	var all []string
	for _, member := range list.Value {
		if s := f.secret("each of "+name, owner, member); slices.Contains(all, s) {
			f.refuse("%s lists the same twice", name)
		} else {
			all = append(all, s)
		}
	}
	return all
}

// at reads the field at, RFC 3339 in full, and leaves it where it is: it is data, too.
func (f *fields) at() time.Time {
	value, ok := f.look("at")
	if !ok {
		f.refuse("at is missing")
	}
	return f.time("at", value)
}

// time reads a time as RFC 3339 writes it, in the years 0000 to 9999 of UTC: a key has
// four digits for the year.
func (f *fields) time(name string, value types.AttributeValue) time.Time {
	s, ok := value.(*types.AttributeValueMemberS)
	var at time.Time
	if ok {
		at, ok = rfc3339.Parse(s.Value)
	}
	if !ok || at.Year() < 0 || at.Year() > 9999 {
		f.refuse("%s must be a time as RFC 3339 writes it, e.g. 2030-10-15T01:29:29Z", name)
	}
	return at
}

// active takes the field activeAt out, if there is one, and puts the time into item as
// the tables have it: the Unix milliseconds of the last activity.
func (f *fields) active(item object) {
	value, ok := f.take("activeAt")
	if !ok {
		return
	}
	at := f.time("activeAt", value)
	if at.UnixMilli() < 1 {
		f.refuse("activeAt must be a time after 1970")
	}
	item["activeAt"] = attribute.Number(at.UnixMilli())
}

// list takes a required list of 1 to most different strings; one given twice counts once.
func (f *fields) list(name string, most int) []string {
	list, ok := f.need(name).(*types.AttributeValueMemberL)
	if !ok || len(list.Value) == 0 || len(list.Value) > most {
		f.refuse("%s must be a list of 1 to %d strings", name, most)
		return nil
	}
	var all []string
	for _, member := range list.Value {
		if s := f.check("each of "+name, member, shortID); !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

// absent refuses fields that this kind cannot have.
func (f *fields) absent(why string, names ...string) {
	for _, name := range names {
		if _, ok := f.look(name); ok {
			f.refuse("%s %s", name, why)
		}
	}
}

// nothingElse refuses what is left: a principal's bound that is misspelt would be kept as
// data, and bind nobody.
func (f *fields) nothingElse() {
	for _, name := range slices.Sorted(maps.Keys(f.left)) {
		f.refuse("%s is no field of this kind", printable(name))
	}
}

// data puts everything that is left into item as the one map data, where no name can
// clash with a key.
func (f *fields) data(item object) object {
	if len(f.left) > 0 {
		item["data"] = &types.AttributeValueMemberM{Value: f.left}
	}
	return item
}
