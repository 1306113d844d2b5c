package main

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"customercare/infra/testkit/frontdoor"
)

// FuzzCallback: any callback and output give a script that calls just that name, or none
// at all.
func FuzzCallback(f *testing.F) {
	for _, callback := range []string{
		"cb", "jQuery.cb$_1", "", "alert(1)//", "a b", "a\u2028b", "1a", ".a", "a..b", "a-b", "a[0]", "<script>", "é", "\x00", strings.Repeat("a", 128), strings.Repeat("a", 129), "a\n", "a;b",
	} {
		for _, output := range []string{"", "json", "XML", "JſON", "yaml"} {
			f.Add(callback, output, "yes")
		}
	}
	f.Add("cb", "\xab", "yes")
	f.Add("cb", "", "\x00")
	door := door(f, true)
	f.Fuzz(func(t *testing.T, callback, output, condensed string) {
		body := goodForm + "&callback=" + url.QueryEscape(callback) + "&output=" + url.QueryEscape(output) +
			"&condensed=" + url.QueryEscape(condensed)
		a := door.Send(t,
			frontdoor.Request{Method: "POST", Header: [][2]string{{"Content-Type", urlencoded}}, Body: []byte(body)})
		got, called := read(t, a)
		valid := regexp.MustCompile(`^[A-Za-z_$][A-Za-z0-9_$.]{0,127}$`).MatchString(callback)
		asJSON := strings.EqualFold(output, "JSON")
		wantCalled := valid && (output == "" || asJSON)
		if !utf8.ValidString(output) || strings.Contains(output, "\x00") {
			wantCalled = called != "" // refused as no text; then the answer follows the callback, or has the usual format
		}
		if wantCalled && called != callback || !wantCalled && called != "" {
			t.Errorf("callback %q with output %q calls %q", callback, output, called)
		}
		if got.Status == "success" && callback != "" && !valid && !strings.EqualFold(output, "XML") {
			t.Errorf("callback %q with output %q: %s", callback, output, a.Body)
		}
	})
}
