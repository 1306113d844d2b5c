package rfc3339

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"customercare/infra/testkit/bounds"
)

// grammar is that of section 5.6, with the bounds of an offset, which Go's time does not
// keep to.
var grammar = regexp.MustCompile(
	`^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`,
)

// FuzzParse: a date of that grammar is taken if and only if time.Time takes it, and as
// the same moment; but for leap seconds, which Go does not know. Another text is refused.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"2030-10-15T01:29:29.768Z", "2016-12-31T15:59:60.5-08:00", "2030-02-29T00:00:00Z", "2032-02-29t23:59:59z", "0000-01-01T00:00:00-23:59",
		"9999-12-31T23:59:59.999999999+23:59", "2030-10-15T24:00:00Z", "2030-10-15 01:29:29Z", "2030-10-15T01:29:29,5Z", "2030-10-15T1:29:29Z", "2030-10-15T01:29:29+24:00",
		"2030-10-15T01:29:29-00:00", "2030-10-15T01:29:29", "2030-13-01T00:00:00Z", "٢٠٣٠-10-15T01:29:29Z", "", "2016-12-31T23:59:60Z", "2030-10-15T01:29:29.99999999999Z",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var got time.Time
		var ok bool
		bounds.Check(t, func() { got, ok = Parse(text) })
		if !grammar.MatchString(text) {
			if ok {
				t.Errorf("%q was taken", text)
			}
			return
		}
		if text[17:19] == "60" {
			if again, err := time.Parse(time.RFC3339Nano, strings.ToUpper(text[:17]+"59"+text[19:])); ok &&
				(err != nil || !got.Equal(again.Add(time.Second))) {
				t.Errorf("%q is %v, and a second before %v, %v", text, got, again, err)
			}
			return
		}
		var want time.Time
		err := want.UnmarshalText([]byte(strings.ToUpper(text)))
		if ok != (err == nil) || ok && !got.Equal(want) {
			t.Errorf("%q: got %v %v, want %v, %v", text, got, ok, want, err)
		}
	})
}
