package e2e

import (
	"maps"
	"strings"
	"testing"
)

func TestDeleteInfoInBothFormatsUnderBothPaths(t *testing.T) {
	csr := operator(t, "csr-formats")
	loadUsers(t, "u-formats")
	for _, base := range bases {
		path := at(base, "u-formats") + "?unregisterDevices=true&cancelAllTemporaryAllows=true&reset=true"
		send(t, "DELETE", path, "", csr, bodyJSON).done(t, "json")
		send(t, "DELETE", path, "", csr, bodyXML, acceptXML).done(t, "xml")
		send(t, "DELETE", path, "", csr).done(t, "json")
		send(t, "DELETE", path, "", csr, bodyJSON, acceptXML).done(t, "xml")
		send(t, "DELETE", path, "", csr, bodyXML, acceptJSON).done(t, "json")
		send(t, "DELETE", path, "", csr, bodyXML).done(t, "xml")
		for format, accept := range map[string]string{"json": acceptJSON, "xml": acceptXML} {
			unknown := send(t, "DELETE", at(base, "u-formats-nobody")+"?reset=true", "", csr, accept)
			unknown.refused(t, 404, format, "Customer ID not found")
		}
	}
}

// Each deletion takes exactly what it says, is idempotent, and leaves every other byte of
// every table alone.
func TestDeleteInfoTakesExactlyWhatItSays(t *testing.T) {
	csr := operator(t, "csr-exact")
	loadUsers(t, "u-exact", "u-exact2", "u-exac", "U-exact")
	send(t, "PUT", at(bases[0], "u-exact"), `{"tempAllowType":1}`, csr).done(t, "json")
	send(t, "PUT", at(bases[0], "u-exact"), `{"tempAllowType":2}`, csr).done(t, "json")
	send(t, "PUT", at(bases[0], "u-exact2"), `{"tempAllowType":2}`, csr).done(t, "json")
	full := userItem(t, "u-exact")
	for _, name := range []string{"registration", "questions", "images", "phrases", "devices", "tempAllows", "data"} {
		if full[name] == "" {
			t.Fatalf("the user to begin with has no %s: %v", name, full)
		}
	}
	passAllWriterLifetimes(t)
	others := func() []string {
		var rest []string
		for _, line := range dump(t, "") {
			if !strings.Contains(line, `"u-exact"`) {
				rest = append(rest, line)
			}
		}
		return rest
	}
	before := others()

	noAllows := without(full, "tempAllows")
	noAllows["tempAllows"] = `{"Value":{}}`
	for _, step := range []struct {
		query string
		want  map[string]string
	}{
		// Precedence: with more than one true, only the first in the documented order is
		// done.
		{"reset=true&unregisterDevices=true&cancelAllTemporaryAllows=true", noAllows},
		{"cancelAllTemporaryAllows=true", noAllows},
		{"reset=true&unregisterDevices=true&cancelAllTemporaryAllows=false", without(noAllows, "devices")},
		{"unregisterDevices=true", without(noAllows, "devices")},
		{"reset=true&unregisterDevices=false", without(noAllows, "devices", "registration", "questions", "images",
			"phrases")},
	} {
		for _, try := range []string{"first", "again"} {
			send(t, "DELETE", at(bases[1], "u-exact")+"?"+step.query, "", csr).done(t, "json")
			if got := userItem(t, "u-exact"); !maps.Equal(got, step.want) {
				t.Errorf("%s, %s: got %v\nwant %v", step.query, try, got, step.want)
			}
		}
	}
	if rest := difference(before, others()); len(rest) != 0 {
		t.Errorf("others changed:\n%s", strings.Join(rest, "\n"))
	}

	// Reset alone leaves devices and temporary allows in place, and the user known.
	loaded := userItem(t, "u-exact2")
	send(t, "DELETE", at(bases[0], "u-exact2")+"?reset=true", "", csr).done(t, "json")
	if got, want := userItem(t, "u-exact2"), without(loaded, "registration", "questions", "images",
		"phrases"); !maps.Equal(got, want) {
		t.Errorf("reset: got %v\nwant %v", got, want)
	}
	send(t, "PUT", at(bases[0], "u-exact2"), `{"tempAllowType":1}`, csr).done(t, "json")
}

func TestDeleteInfoQuery(t *testing.T) {
	csr := operator(t, "csr-query")
	loadUsers(t, "u-query")
	path := at(bases[0], "u-query")
	none := "One of cancelAllTemporaryAllows, unregisterDevices or reset"
	t.Run("refused", func(t *testing.T) {
		unchanged(t)
		for query, names := range map[string]string{
			"": none, "?": none, "?reset=false": none, "?Reset=true": none, "?RESET=true": none, "?other=true": none,
			"?reset=false&unregisterDevices=FALSE&cancelAllTemporaryAllows=False": none,
			"?reset":                              "reset",
			"?reset=":                             "reset",
			"?reset=1":                            "reset",
			"?reset=yes":                          "reset",
			"?reset=%zz":                          "reset",
			"?reset=true+":                        "reset",
			"?reset=%00":                          "reset",
			"?reset=true,":                        "reset",
			"?reset=tru%E2%84%AF":                 "reset",
			"?reset=true&reset=false":             "reset",
			"?reset=false&reset=true":             "reset",
			"?reset=true&unregisterDevices=maybe": "unregisterDevices",
			"?cancelAllTemporaryAllows=true&reset=maybe":                             "reset",
			"?unregisterDevices=true&unregisterDevices=true&unregisterDevices=false": "unregisterDevices",
			"?cancelAllTemporaryAllows=null&reset=true":                              "cancelAllTemporaryAllows",
		} {
			send(t, "DELETE", path+query, "", csr).refused(t, 400, "json", names)
			send(t, "DELETE", path+query, "", csr, acceptXML).refused(t, 400, "xml", names)
		}
	})
	for _, query := range []string{
		"reset=TRUE", "reset=True", "reset=tRuE", "reset=true&reset=TRUE", "re%73et=tru%65",
		"reset=true&other=maybe&Reset=x",
		"unregisterDevices=FALSE&reset=true", "&&reset=true&", "reset=true;unregisterDevices=false",
	} {
		send(t, "DELETE", path+"?"+query, "", csr).done(t, "json")
	}
}

func TestCustomerID(t *testing.T) {
	csr := operator(t, "csr-ids")
	ids := []string{
		"a/b", "/", "//", "100%", "%41", "%2F", "what?", "a?reset=false", "#tag", "a#b", "two words", " ", "+",
		"a+b", "..", ".",
		"../..", "a&b=c;d", "😀", "ünï", "\u00e9", "e\u0301", "a\\b", `"quoted"`, "<xml>&amp;", "a:b@c", "*", "~",
		"{customerId}", ofAFunction, "use",
		strings.Repeat("x", 256), strings.Repeat("😀", 64), strings.Repeat("%", 256),
	}
	loadUsers(t, ids...)
	for _, id := range ids { // had another id's call hit this one's user, it would not be whole any more
		if whole := userItem(t, id); whole["devices"] == "" || whole["tempAllows"] != `{"Value":{}}` {
			t.Errorf("%q: the user was changed by another's call: %v", id, whole)
		}
		send(t, "DELETE", at(bases[1], id)+"?unregisterDevices=true", "", csr).done(t, "json")
		send(t, "PUT", at(bases[0], id), `{"tempAllowType":2}`, csr).done(t, "json")
		if item := userItem(t, id); item["devices"] != "" || !strings.Contains(item["tempAllows"], `"2":`) {
			t.Errorf("%q: the user was not changed: %v", id, item)
		}
	}
	// Every byte may be written percent-encoded, in either case.
	send(t, "DELETE", "/customercare/v1/a%2fb/provision?reset=true", "", csr).done(t, "json")
	send(t, "DELETE", "/customercare/v1/%61%2F%62/provision?reset=true", "", csr).done(t, "json")

	unchanged(t)
	for _, id := range []string{
		strings.Repeat("x", 257), strings.Repeat("%F0%9F%98%80", 64) + "x", "%00", "a%00b", "a%0Ab", "%0D", "%1f",
		"%7F", "%C2%85", "%C2%9f",
		"%", "%2", "%zz", "a%4", "%u0041", "%FF", "a%C3", "%C0%AF", "%ED%A0%80", "%F4%90%80%80",
	} {
		path := "/risk-cc/customercare/v1/" + id + "/provision"
		send(t, "DELETE", path+"?reset=true", "", csr).refused(t, 400, "json", "customerId")
		send(t, "PUT", path, `{"tempAllowType":1}`, csr, acceptXML).refused(t, 400, "xml", "customerId")
	}
	for _, id := range []string{"A%2Fb", "a%252Fb", "a%20b", "two+words", "e", "😀😀", "%F0%9F%98%81", "..%2F"} {
		send(t, "DELETE", "/customercare/v1/"+id+"/provision?reset=true", "", csr).refused(t, 404, "json",
			"Customer ID not found")
	}
}
