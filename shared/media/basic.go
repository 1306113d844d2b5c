package media

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// Basic is the name and the secret in the value of an Authorization header behind the
// word Basic (RFC 7617). ok is false for anything else.
func Basic(value string) (name, secret string, ok bool) {
	pair, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return "", "", false
	}
	return strings.Cut(characters(pair), ":")
}

// characters are those of a pair in UTF-8 or, where it is none, in ISO-8859-1, which
// older clients send (RFC 7617, appendix B). It is one reading or the other, so that a
// secret is looked at once, and a name is counted as the same in both.
func characters(pair []byte) string {
	if utf8.Valid(pair) {
		return string(pair)
	}
	return FromLatin1(pair)
}
