package erasure

import (
	"time"
	"unicode/utf8"

	"customercare/shared/identifier"
	"customercare/shared/rfc3339"
	"customercare/shared/statement"
)

// The limits of what a hold is placed with.
const (
	MaxHoldID     = 64
	MaxHoldReason = 500 // characters
)

// IsHoldID says whether a hold may have this id. It stands in contacts, in the sealed log
// and in addresses, so it has a form in which nobody is likely to be named.
func IsHoldID(id string) bool {
	for i, c := range []byte(id) {
		letter := 'a' <= c && c <= 'z' || '0' <= c && c <= '9'
		if !letter && (c != '-' || i == 0 || i == len(id)-1) {
			return false
		}
	}
	return id != "" && len(id) <= MaxHoldID
}

// IsHoldReason says whether a hold may be placed for this reason.
func IsHoldReason(reason string) bool {
	return reason != "" && utf8.RuneCountInString(reason) <= MaxHoldReason && utf8.ValidString(reason) &&
		!identifier.HasControl(reason)
}

// HoldUntil reads when a hold ends by itself, as a statement has it. ok is false where
// the text is no time that could be meant.
func HoldUntil(text string) (until time.Time, ok bool) {
	until, ok = rfc3339.Parse(text)
	return statement.TimeOf(until).Time, ok && until.Year() >= 2000 && until.Year() <= 9998
}
