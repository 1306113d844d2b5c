package main

import (
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"

	"customercare/infra/testkit/frontdoor"
	"customercare/infra/testkit/provisiontest"
	"customercare/shared/store"
)

var operator = map[string]any{"principalId": "csr", "operations": "use-temporary-allow"}

// door is the function in front of a user who has a single login, or of nobody.
func door(f testing.TB, known bool) frontdoor.Door {
	db := &frontdoor.Database{Known: known, Item: `{"customerId":{"S":"u1"},"tempAllows":{"M":{"1":{"M":{"expires":{"N":"1893499200250"}}}}}}`}
	h := handler{
		users: store.Users{DB: db.Client(), Table: "Users"}, digests: provisiontest.Digests, types: byDefault,
		now: func() time.Time { return now }, token: func() string { return "a token" },
	}
	return frontdoor.New(f, db, h.endpoint().Handler())
}

// read checks an answer: a 200 lets the single login in, all else is a refusal in the
// shape of operations 1 and 2.
func read(t testing.TB, a events.APIGatewayProxyResponse) events.APIGatewayProxyResponse {
	t.Helper()
	switch {
	case a.StatusCode != 200:
		frontdoor.Provision(t, a)
	case a.Body != single && a.Body != oneInXML:
		t.Errorf("the answer is %s", a.Body)
	}
	return a
}

// FuzzBody: any body is refused without a call, or is one that says nothing and makes
// one.
func FuzzBody(f *testing.F) {
	for _, body := range []string{
		"", "{}", " {\t\r\n} ", "\uFEFF{}", "{", "}", "{}{}", "{}x", "null", `{"tempAllowType":1}`, "<a/>", "\x00", "{\x00}",
		"{\u00a0}", "\uFEFF", "\uFEFF\uFEFF{}", "\xff\xfe{\x00}\x00", strings.Repeat(" ", 1024), strings.Repeat(" ", 1025), "{,}", "{{}}",
	} {
		f.Add([]byte(body))
	}
	door := door(f, true)
	f.Fuzz(func(t *testing.T, body []byte) {
		answer := read(t, door.Send(t, frontdoor.Request{
			Method: "POST", Params: map[string]string{"customerId": "u1"}, Body: body, Authorizer: operator,
		}))
		text := strings.TrimPrefix(string(body), "\uFEFF")
		says := strings.Join(strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n", r) }), "")
		want := 400
		switch {
		case len(body) > bodyLimit:
			want = 413
		case utf8.ValidString(text) && (says == "" || says == "{}"):
			want = 200
		}
		if calls := len(door.Database.Calls()); answer.StatusCode != want || calls != map[int]int{200: 1}[want] {
			t.Errorf("%q: %d with %d DynamoDB calls, want %d", body, answer.StatusCode, calls, want)
		}
	})
}

// FuzzPathID: any customer id in the path is asked about as what it decodes to, or
// refused.
func FuzzPathID(f *testing.F) {
	for _, id := range []string{"u1", "a%2Fb", "%", "%00", "", "%ff", strings.Repeat("a", 257), "%EF%BF%BE", "..", "use"} {
		f.Add(id, true)
		f.Add(id, false)
	}
	known, unknown := door(f, true), door(f, false)
	f.Fuzz(func(t *testing.T, id string, stands bool) {
		if !utf8.ValidString(id) { // no event has such
			return
		}
		door, want := unknown, 404
		if stands {
			door, want = known, 200
		}
		answer := read(t, door.Send(t, frontdoor.Request{
			Method: "POST", Params: map[string]string{"customerId": id}, Authorizer: operator,
		}))
		decoded, err := url.PathUnescape(id)
		calls := door.Database.Calls()
		if answer.StatusCode == 400 {
			if len(calls) != 0 || err == nil && decoded == "u1" {
				t.Errorf("%q is refused with %d calls", id, len(calls))
			}
			return
		}
		if answer.StatusCode != want || len(calls) != 1 || calls[0].Action != "UpdateItem" {
			t.Errorf("%q: %d with %d calls", id, answer.StatusCode, len(calls))
		}
	})
}

// FuzzEvent: whatever API Gateway passes on, the answer is one of this call's.
func FuzzEvent(f *testing.F) {
	for _, event := range frontdoor.Events(f, "use-temporary-allow") {
		f.Add(event, true)
	}
	f.Add([]byte(`{}`), false)
	f.Add([]byte(`{"httpMethod":"POST","pathParameters":{"customerId":"u1"},"requestContext":{"authorizer":{"principalId":7,"operations":"use-temporary-allow"}}}`), true)
	known, unknown := door(f, true), door(f, false)
	frontdoor.FuzzEvents(f, known, unknown, read)
}
