package main

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"customercare/infra/testkit/frontdoor"
	"customercare/infra/testkit/provisiontest"
	"customercare/shared/store"
)

var operator = map[string]any{"principalId": "csr", "operations": "delete-customer-info set-temporary-allow"}

func door(f testing.TB, known bool) frontdoor.Door {
	db := &frontdoor.Database{Known: known}
	return frontdoor.New(f, db, handler{store.Users{DB: db.Client(), Table: "Users"}, provisiontest.Digests, time.Now}.endpoint().Handler())
}

// FuzzQuery: any query string does one deletion, in one call, or none; and none unless
// one of the three is plainly true.
func FuzzQuery(f *testing.F) {
	for _, query := range []string{
		"reset=true", "reset=TRUE&unregisterDevices=fAlSe&x=y", "cancelAllTemporaryAllows=true&reset=true", "reset=true&reset=false",
		"reset=true&reset=True", "reset", "reset=", "Reset=true", "reset=%74rue", "reset=true%00", "reset=tru\u00e9", "unregisterDevices=faLſe&reset=true",
		"reset=true;unregisterDevices=true", "reset=1", "reset=+true", "%72eset=true", "=&&=true", "reset=true&unregisterDevices=yes", "reset[]=true",
	} {
		f.Add(query)
	}
	door := door(f, true)
	f.Fuzz(func(t *testing.T, query string) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		answer := door.Send(t, frontdoor.Request{
			Method: "DELETE", Params: map[string]string{"customerId": "u1"}, Query: values, Authorizer: operator,
		})
		frontdoor.Provision(t, answer)
		calls := len(door.Database.Calls())
		want, one := 0, false
		for _, name := range []string{"cancelAllTemporaryAllows", "unregisterDevices", "reset"} {
			for i, value := range values[name] {
				one = one || strings.EqualFold(value, "true")
				if lower := strings.ToLower(value); lower != "true" && lower != "false" ||
					i > 0 && lower != strings.ToLower(values[name][0]) {
					want = 400
				}
			}
		}
		if want == 0 && !one {
			want = 400
		}
		if want == 0 {
			want = 200
		}
		if answer.StatusCode != want || calls != map[int]int{200: 1}[answer.StatusCode] {
			t.Errorf("%q: %d with %d DynamoDB calls, want %d", query, answer.StatusCode, calls, want)
		}
	})
}

// FuzzPathID: any customer id in the path is looked for as what it decodes to, or
// refused.
func FuzzPathID(f *testing.F) {
	for _, id := range []string{
		"u1", "a%2Fb", "%25", "%", "%zz", "%0", "", "%00", "%7F", "%C2%85", "%ff", "..", "%2e%2e%2f", "a+b", "\U0001F98A", "%F0%9F%A6%8A",
		strings.Repeat("%41", 256), strings.Repeat("a", 257), strings.Repeat("é", 128), "%e2%80%ae", "a#b?c=d", "%252F", "%EF%BF%BE", "a%EF%BF%BFb", "%EF%BF%BD", "\U0001FFFF",
	} {
		f.Add(id, true)
		f.Add(id, false)
	}
	known, unknown := door(f, true), door(f, false)
	f.Fuzz(func(t *testing.T, id string, stands bool) {
		door := unknown
		if stands {
			door = known
		}
		id = strings.ToValidUTF8(id, "\uFFFD") // an event is JSON
		answer := door.Send(t, frontdoor.Request{
			Method: "DELETE", Params: map[string]string{"customerId": id}, Query: map[string][]string{"reset": {"true"}}, Authorizer: operator,
		})
		frontdoor.Provision(t, answer)
		decoded, err := url.PathUnescape(id)
		want := 200
		switch {
		case err != nil,
			decoded == "",
			len(decoded) > 256,
			!utf8.ValidString(decoded),
			strings.ContainsFunc(decoded, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 || r == 0xfffe || r == 0xffff }):
			want = 400
		case !stands:
			want = 404
		}
		if answer.StatusCode != want {
			t.Errorf("%q: %d %s, want %d", id, answer.StatusCode, answer.Body, want)
		}
		if want == 400 {
			return
		}
		var call struct {
			Key struct{ CustomerID struct{ S string } }
		}
		if err := json.Unmarshal(door.Database.Calls()[0].Body, &call); err != nil || call.Key.CustomerID.S != decoded {
			t.Errorf("%q: asked for %q, %v", id, call.Key.CustomerID.S, err)
		}
	})
}

// FuzzEvent: whatever API Gateway passes on, the answer is one of operation 1's.
func FuzzEvent(f *testing.F) {
	for _, event := range frontdoor.Events(f, "delete-customer-info") {
		f.Add(event, true)
	}
	f.Add([]byte(`{}`), false)
	f.Add([]byte(`null`), false)
	f.Add([]byte(`{"httpMethod":"DELETE","pathParameters":null,"headers":null,"multiValueHeaders":{"Accept":null,"":[""]},"queryStringParameters":{"reset":"true"},`+
		`"requestContext":{"authorizer":{"operations":["delete-customer-info"]}}}`), false)
	known, unknown := door(f, true), door(f, false)
	frontdoor.FuzzEvents(f, known, unknown, frontdoor.Provision)
}
