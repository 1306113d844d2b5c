package main

import (
	"encoding/json"
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

var operator = map[string]any{"principalId": "csr", "operations": "read-provision"}

// door is the function in front of a user, or of nobody.
func door(f testing.TB, known bool) frontdoor.Door {
	db := &frontdoor.Database{Known: known, Item: `{"customerId":{"S":"u1"}}`}
	h := handler{
		users: store.Users{DB: db.Client(), Table: "Users"}, digests: provisiontest.Digests,
		types: store.AllowTypes{1: true}, now: time.Now,
	}
	return frontdoor.New(f, db, h.endpoint().Handler())
}

// check checks an answer: a 200 shows the user, all else is a refusal in the shape of
// operations 1 and 2.
func check(t testing.TB, a events.APIGatewayProxyResponse) events.APIGatewayProxyResponse {
	t.Helper()
	switch {
	case a.StatusCode != 200:
		frontdoor.Provision(t, a)
	case a.Body != empty && a.Body != emptyInXML:
		t.Errorf("the answer is %s", a.Body)
	}
	return a
}

// FuzzPathID: any customer id in the path is read as what it decodes to, or refused.
func FuzzPathID(f *testing.F) {
	for _, id := range []string{"u1", "a%2Fb", "%", "%00", "", "%ff", strings.Repeat("a", 257), "%EF%BF%BE", "..", "%252F"} {
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
		answer := check(t, door.Send(t, frontdoor.Request{
			Method: "GET", Params: map[string]string{"customerId": id}, Authorizer: operator,
		}))
		decoded, err := url.PathUnescape(id)
		calls := door.Database.Calls()
		if answer.StatusCode == 400 {
			if len(calls) != 0 || err == nil && decoded == "u1" {
				t.Errorf("%q is refused with %d calls", id, len(calls))
			}
			return
		}
		var asked struct {
			Key struct{ CustomerID struct{ S string } }
		}
		if answer.StatusCode != want || len(calls) != 1 || calls[0].Action != "GetItem" ||
			json.Unmarshal(calls[0].Body, &asked) != nil || asked.Key.CustomerID.S != decoded {
			t.Errorf("%q: %d with %d calls", id, answer.StatusCode, len(calls))
		}
	})
}

// FuzzEvent: whatever API Gateway passes on, the answer is one of this call's.
func FuzzEvent(f *testing.F) {
	for _, event := range frontdoor.Events(f, "read-provision") {
		f.Add(event, true)
	}
	f.Add([]byte(`{}`), false)
	f.Add([]byte(`{"httpMethod":"GET","pathParameters":{"customerId":"u1"},"requestContext":{"authorizer":{"principalId":7,"operations":"read-provision"}}}`), true)
	known, unknown := door(f, true), door(f, false)
	frontdoor.FuzzEvents(f, known, unknown, check)
}
