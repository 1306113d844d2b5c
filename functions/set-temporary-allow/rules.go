package main

import (
	"fmt"
	"regexp"
	"strconv"
	"sync"
	"time"

	"customercare/shared/respond"
	"customercare/shared/rfc3339"
	"customercare/shared/tempallow"
)

// rules are which temporary allows a deployment gives, and until when.
type rules struct {
	types    tempallow.Types
	maxAhead time.Duration // how far ahead an expirationDate may lie, at most
}

// integer is how JSON writes an integer. XML text is read the same way, so that both
// formats allow the same.
var integer = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`) })

// kind reads tempAllowType, the number as the body wrote it, "" when there was none. 1.0,
// 1e0 and "1" are refused: the documented type is an integer.
func (r rules) kind(text string) (int, error) {
	if text == "" {
		return 0, respond.Refuse(respond.Invalid, "tempAllowType is missing, it must be one of "+r.types.String())
	}
	number, err := strconv.Atoi(text)
	if _, known := r.types[number]; err != nil || !known || !integer().MatchString(text) {
		return 0, respond.Refuse(respond.Invalid, "tempAllowType must be an integer, one of "+r.types.String())
	}
	return number, nil
}

// expires says when an allow of the kind ends: on date when there is one, else after the
// kind's own lifetime.
func (r rules) expires(kind int, date *string, now time.Time) (time.Time, error) {
	life := time.Duration(r.types[kind].Life)
	switch {
	case date == nil && life == 0:
		return time.Time{}, respond.Refuse(respond.Invalid,
			fmt.Sprintf("expirationDate is missing, tempAllowType %d needs it", kind))
	case date == nil:
		return now.Add(life), nil
	}
	t, ok := rfc3339.Parse(*date)
	switch {
	case !ok:
		return time.Time{}, respond.Refuse(respond.Invalid,
			"expirationDate must be a date and time of RFC 3339, such as 2030-10-15T01:29:29.768Z")
	case !t.After(now):
		return time.Time{}, respond.Refuse(respond.Invalid, "expirationDate must be in the future")
	case t.Sub(now) > r.maxAhead:
		return time.Time{}, respond.Refuse(respond.Invalid,
			"expirationDate is too far ahead, at most "+spoken(r.maxAhead)+" are allowed")
	}
	return t, nil
}

// spoken is a duration in the largest unit that shows it whole: 366 days, 36 hours, 90
// minutes.
func spoken(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d%day == 0:
		return fmt.Sprintf("%d days", d/day)
	case d%time.Hour == 0:
		return fmt.Sprintf("%d hours", d/time.Hour)
	}
	return fmt.Sprintf("%d minutes", d/time.Minute)
}
