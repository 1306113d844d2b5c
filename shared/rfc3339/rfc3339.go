// Package rfc3339 is the one reader of times that come from outside: in the body of
// operation 2, in the importer's records, and on a command line. All allow the same
// spellings.
package rfc3339

import (
	"regexp"
	"strconv"
	"sync"
	"time"
)

// dateTime is the date-time of RFC 3339 section 5.6, "T" and "Z" in either case. The
// space that a note there allows instead of "T" is for people's eyes and refused.
// time.Parse would not do: its RFC 3339 takes a comma before the fraction and hours of
// one digit, and refuses lower case and leap seconds.
var dateTime = sync.OnceValue(func() *regexp.Regexp { // not at a function's start, of which it would be the largest part
	return regexp.MustCompile(`^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))$`)
})

// Parse reads a date-time and gives it in UTC, or false when text is none. Of the
// fraction nine digits count, finer ones are cut. A leap second, the 61st of a UTC
// month's last minute (section 5.7), is the second after it, because Go's clock knows
// none. "-00:00", an unknown local offset, is UTC. The years 0000 and 9999 are read; with
// its offset taken off, a time may lie one year before or after them, which the caller
// must refuse if it cannot write such a year.
func Parse(text string) (time.Time, bool) {
	m := dateTime().FindStringSubmatch(text)
	if m == nil {
		return time.Time{}, false
	}
	n := func(i int) int {
		v, _ := strconv.Atoi(m[i]) // two or four digits, or none, which is 0
		return v
	}
	year, month, day, hour, minute, second := n(1), time.Month(n(2)), n(3), n(4), n(5), n(6)
	if month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 60 || n(9) > 23 || n(10) > 59 {
		return time.Time{}, false
	}
	if time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Day() != day {
		return time.Time{}, false // the month has fewer days, and time.Date went on into the next
	}
	nanos, _ := strconv.Atoi((m[7] + "000000000")[:9])
	offset := time.Duration(n(9))*time.Hour + time.Duration(n(10))*time.Minute
	if m[8] == "-" {
		offset = -offset
	}
	t := time.Date(year, month, day, hour, minute, second, nanos, time.UTC).Add(-offset)
	if second == 60 && (t.Day() != 1 || t.Hour() != 0 || t.Minute() != 0) {
		return time.Time{}, false
	}
	return t, true
}
