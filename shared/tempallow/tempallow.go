// Package tempallow reads the enumeration of temporary allows that a deployment gives:
// the template's parameter TempAllowTypes. Who sets an allow, who shows those in force
// and who uses one need the same.
package tempallow

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"customercare/shared/store"
)

// MaxTypes is how many types there may be. The condition of a use names them all, and
// DynamoDB takes expressions of at most 300 operators.
const MaxTypes = 16

// Types is the enumeration customercare.case.tempallow.level.enum, by its integers.
type Types map[int]Type

// Type is what a temporary allow of one type is.
type Type struct {
	// Life is the lifetime when the caller names no date, or 0 where the caller must name
	// one.
	Life Lifetime
	// Once says that the allow is for a single login: the first use is the last one.
	Once bool
}

// Lifetime is a positive whole number of hours or minutes: "24h", "90m".
type Lifetime time.Duration

// UnmarshalText reads a lifetime as the template's parameters have it.
func (l *Lifetime) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	unit := strings.TrimLeft(string(text), "0123456789")
	if err != nil || d <= 0 || unit != "h" && unit != "m" || !isNumber(strings.TrimSuffix(string(text), unit), 6) {
		return fmt.Errorf("%q is no lifetime, write for example 24h or 90m", text)
	}
	*l = Lifetime(d)
	return nil
}

// isNumber says whether text is so many digits at most, and one at least. It is asked at
// each start, where a regular expression would have to be made for it.
func isNumber(text string, most int) bool {
	return text != "" && len(text) <= most && strings.Trim(text, "0123456789") == ""
}

// once stands before the lifetime of a type that is for a single login.
const once = "once/"

// UnmarshalText reads the form of the parameter: "1=once/24h,2=2h,3=date".
func (t *Types) UnmarshalText(text []byte) error {
	all := make(Types)
	for _, entry := range strings.Split(string(text), ",") {
		name, value, _ := strings.Cut(entry, "=")
		if !isNumber(name, 9) {
			return fmt.Errorf("%q is no type with a lifetime, write for example 1=once/24h, 2=2h or 3=date", entry)
		}
		number, _ := strconv.Atoi(name) // nine digits at most
		if _, taken := all[number]; taken {
			return fmt.Errorf("type %d is given twice", number)
		}
		var one Type
		value, one.Once = strings.CutPrefix(value, once)
		if value != "date" {
			if err := one.Life.UnmarshalText([]byte(value)); err != nil {
				return fmt.Errorf("type %d: %w", number, err)
			}
		}
		all[number] = one
	}
	if len(all) > MaxTypes {
		return fmt.Errorf("there are %d types, at most %d can be", len(all), MaxTypes)
	}
	*t = all
	return nil
}

// String lists the types for a sentence: "1, 2, 3".
func (t Types) String() string {
	var all []string
	for _, number := range slices.Sorted(maps.Keys(t)) {
		all = append(all, strconv.Itoa(number))
	}
	return strings.Join(all, ", ")
}

// Uses are the types as the store needs them to say which allows are in force.
func (t Types) Uses() store.AllowTypes {
	all := make(store.AllowTypes, len(t))
	for number, one := range t {
		all[number] = one.Once
	}
	return all
}

// Date writes a time as the callers of operation 2 do, in UTC with milliseconds; "" for
// the zero time.
func Date(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format("2006-01-02T15:04:05.000Z")
}
