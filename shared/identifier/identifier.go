// Package identifier is the rule of the characters that an identifier may have, and of
// how long it may be: a customer's code, an account, a user's id, a customer number, a
// caller's name. The importer and every operation read it here, so that what a call
// refuses was never loaded.
package identifier

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// The longest identifiers, in bytes. With them every key fits DynamoDB (see
// store.JoinKey).
const (
	MaxLong  = 256 // a user's id (customerId), a caller's name
	MaxShort = 128 // all others: an account, a code, a campaign, a customer number, ...
)

// Unsayable ends a sentence that begins with the name of the field at fault.
const Unsayable = " holds a character that XML cannot carry"

// Sayable says whether XML 1.0 can carry all of text (section 2.2): UTF-8 without U+FFFE,
// U+FFFF and the control characters below the space but tab, line feed and carriage
// return. An answer in XML could only name another identifier than one with such a
// character, so no call takes it.
func Sayable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool {
		return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == '\uFFFE' || r == '\uFFFF'
	})
}

// HasControl says whether text has a control character: C0, DEL or C1. The importer loads
// none, and no user's id has one. The other operations take those that are sayable all
// the same: another writer of the tables may have stored them, and what is stored can be
// erased.
func HasControl(text string) bool { return strings.ContainsFunc(text, unicode.IsControl) }
