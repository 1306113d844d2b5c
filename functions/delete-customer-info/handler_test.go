package main

import (
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/repr"
	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/client"
	"customercare/infra/testkit/provisiontest"
	"customercare/shared/gateway"
	"customercare/shared/store"
)

var (
	doneJSON = client.Done(client.JSON).Body
	doneXML  = client.Done(client.XML).Body
)

func failureJSON(status int, sentence string) string {
	return client.NotDone(client.JSON, status, sentence).Body
}

// now is when every call of these tests comes.
var now = time.UnixMilli(1_900_000_000_123)

// active is the item after a call.
func active(item provisiontest.Item) provisiontest.Item {
	item = maps.Clone(item)
	item["activeAt"] = &types.AttributeValueMemberN{Value: "1900000000123"}
	return item
}

// call sends one event through the function's front door.
func call(t *testing.T, users store.Users, event events.APIGatewayProxyRequest) gateway.Answer {
	t.Helper()
	answer, err := handler{users, provisiontest.Digests, func() time.Time { return now }}.endpoint().Handler()(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// TestOneDeletion checks, for each combination of parameters, what is gone afterwards,
// and that nothing else is.
func TestOneDeletion(t *testing.T) {
	cancelled := func(item provisiontest.Item) provisiontest.Item {
		item = maps.Clone(item)
		item["tempAllows"] = &types.AttributeValueMemberM{Value: provisiontest.Item{}}
		return item
	}
	unregistered := func(item provisiontest.Item) provisiontest.Item {
		return provisiontest.Without(item, "devices")
	}
	reset := func(item provisiontest.Item) provisiontest.Item {
		return provisiontest.Without(item, "registration", "questions", "images", "phrases")
	}
	users := provisiontest.New(t)
	for _, test := range []struct {
		query string
		want  func(provisiontest.Item) provisiontest.Item
	}{
		{"cancelAllTemporaryAllows=true", cancelled},
		{"unregisterDevices=true", unregistered},
		{"reset=true", reset},
		// Precedence, in whatever order the parameters stand.
		{"unregisterDevices=true&cancelAllTemporaryAllows=true&reset=true", cancelled},
		{"reset=true&cancelAllTemporaryAllows=true", cancelled},
		{"reset=true&unregisterDevices=true", unregistered},
		{"reset=true&unregisterDevices=true&cancelAllTemporaryAllows=false", unregistered},
		{"reset=true&unregisterDevices=false&cancelAllTemporaryAllows=false", reset},
		// Any case of a value, the same value twice, and names that are nobody's.
		{"reset=TRUE&unregisterDevices=False", reset},
		{"reset=true&reset=True", reset},
		{"reset=true&unregisterDevices=false&unregisterDevices=FALSE", reset},
		{"reset=true&Unregisterdevices=true&verbose=maybe&=", reset},
	} {
		t.Run(test.query, func(t *testing.T) {
			user, other := provisiontest.User("u1"), provisiontest.User("u10")
			users.Put(t, user, other)
			want := map[string]provisiontest.Item{"u1": active(test.want(user)), "u10": other}
			for _, turn := range []string{"first", "second"} {
				provisiontest.Expect(t, call(t, users.Users, provisiontest.Event("DELETE", "u1", test.query, "")), 200, doneJSON)
				if got := users.Items(t); !reflect.DeepEqual(got, want) {
					t.Errorf("after the %s call the table holds\n%s\nwant\n%s", turn, repr.String(got), repr.String(want))
				}
				if n := users.Calls(); n != 1 {
					t.Errorf("the %s call made %d DynamoDB calls, want 1", turn, n)
				}
			}
		})
	}
}

// A user of whom little is left stays known: what is not there is deleted with success.
func TestBareUser(t *testing.T) {
	users := provisiontest.New(t)
	for _, d := range deletions {
		users.Put(t, provisiontest.Item{"customerId": &types.AttributeValueMemberS{Value: "bare"}})
		provisiontest.Expect(t, call(t, users.Users, provisiontest.Event("DELETE", "bare", d.parameter+"=true", "")), 200, doneJSON)
		if item := provisiontest.Without(users.Items(t)["bare"], "tempAllows", "activeAt"); len(item) != 1 {
			t.Errorf("%s: the user is now %s", d.parameter, repr.String(item))
		}
	}
}

func TestUnknownCustomer(t *testing.T) {
	users := provisiontest.New(t)
	users.Put(t, provisiontest.User("u1"))
	before := users.Items(t)
	for _, d := range deletions {
		for _, id := range []string{"nobody", "U1", "u1%20", "u"} {
			answer := call(t, users.Users, provisiontest.Event("DELETE", id, d.parameter+"=true", ""))
			provisiontest.Expect(t, answer, 404, failureJSON(404, "Customer ID not found"))
			if n := users.Calls(); n != 1 {
				t.Errorf("%d DynamoDB calls, want 1", n)
			}
		}
	}
	if after := users.Items(t); !reflect.DeepEqual(after, before) {
		t.Errorf("the table changed to %s", repr.String(after))
	}
}

// Any character once percent-decoded is a customerId's own; it is decoded once, and no
// other user is meant.
func TestCustomerIDs(t *testing.T) {
	users := provisiontest.New(t)
	ids := []string{
		"a/b", "a%2Fb", "100%", "a?b#c", "a b", "a+b", "\U0001F98A", "é", "e\u0301", `"\'<&>`, "..",
		strings.Repeat("x", 256), "\u2028", "ab",
	}
	want := make(map[string]provisiontest.Item)
	for _, id := range ids {
		want[id] = provisiontest.User(id)
		users.Put(t, want[id])
	}
	for _, id := range ids {
		provisiontest.Expect(t,
			call(t, users.Users, provisiontest.Event("DELETE", url.PathEscape(id), "unregisterDevices=true", "")),
			200, doneJSON)
		want[id] = active(provisiontest.Without(want[id], "devices"))
		if got := users.Items(t); !reflect.DeepEqual(got, want) {
			t.Fatalf("after deleting the devices of %q the table holds\n%s", id, repr.String(got))
		}
	}
}

// TestRefusals needs no storage: the table cannot be reached, and nothing tries.
func TestRefusals(t *testing.T) {
	const (
		none      = "One of cancelAllTemporaryAllows, unregisterDevices or reset must be true"
		badID     = "customerId in the path must be 1 to 256 bytes of UTF-8 without control characters"
		unsayable = "customerId in the path holds a character that XML cannot carry"
	)
	users := provisiontest.Unreachable()
	for name, test := range map[string]struct {
		id, query, body string
		header          []string
		status          int
		sentence        string
	}{
		"no parameter":              {"u1", "", "", nil, 400, none},
		"all false":                 {"u1", "reset=false&unregisterDevices=FALSE&cancelAllTemporaryAllows=false", "", nil, 400, none},
		"name in another case":      {"u1", "Reset=true&RESET=true&unregisterdevices=true", "", nil, 400, none},
		"unknown parameters only":   {"u1", "all=true", "", nil, 400, none},
		"in the body only":          {"u1", "", `{"reset":true}`, nil, 400, none},
		"yes":                       {"u1", "reset=yes", "", nil, 400, "reset must be true or false"},
		"1":                         {"u1", "unregisterDevices=1", "", nil, 400, "unregisterDevices must be true or false"},
		"empty":                     {"u1", "cancelAllTemporaryAllows=", "", nil, 400, "cancelAllTemporaryAllows must be true or false"},
		"white space":               {"u1", "reset=true%20", "", nil, 400, "reset must be true or false"},
		"list":                      {"u1", "reset=true,true", "", nil, 400, "reset must be true or false"},
		"folded letter":             {"u1", "reset=fal%C5%BFe", "", nil, 400, "reset must be true or false"},
		"wrong beside a true one":   {"u1", "cancelAllTemporaryAllows=true&reset=ja", "", nil, 400, "reset must be true or false"},
		"wrong after a good one":    {"u1", "reset=true&reset=ja", "", nil, 400, "reset must be true or false"},
		"two values":                {"u1", "reset=true&reset=false", "", nil, 400, "reset is given twice with different values"},
		"two values below the rank": {"u1", "cancelAllTemporaryAllows=true&reset=FALSE&reset=true", "", nil, 400, "reset is given twice with different values"},
		"no id":                     {"", "reset=true", "", nil, 400, badID},
		"257 bytes":                 {strings.Repeat("x", 257), "reset=true", "", nil, 400, badID},
		"258 bytes of 129 letters":  {strings.Repeat("%C3%A9", 129), "reset=true", "", nil, 400, badID},
		"NUL":                       {"a%00b", "reset=true", "", nil, 400, badID},
		"newline":                   {"a%0Ab", "reset=true", "", nil, 400, badID},
		"DEL":                       {"a%7F", "reset=true", "", nil, 400, badID},
		"C1":                        {"a%C2%85", "reset=true", "", nil, 400, badID},
		"U+FFFE":                    {"a%EF%BF%BEb", "reset=true", "", nil, 400, unsayable},
		"U+FFFF":                    {"%EF%BF%BF", "reset=true", "", nil, 400, unsayable},
		"invalid UTF-8":             {"a%FF", "reset=true", "", nil, 400, badID},
		"overlong UTF-8":            {"%C0%AF", "reset=true", "", nil, 400, badID},
		"half an escape":            {"a%2", "reset=true", "", nil, 400, "customerId in the path is not valid percent-encoding"},
		"impossible Accept":         {"u1", "reset=true", "", []string{"Accept: text/html"}, 406, "Accept must allow application/json or application/xml"},
		"large body":                {"u1", "reset=true", strings.Repeat(" ", 64<<10+1), nil, 413, "The request body is larger than 65536 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := call(t, users.Users,
				provisiontest.Event("DELETE", test.id, test.query, test.body, test.header...))
			provisiontest.Expect(t, answer, test.status, failureJSON(test.status, test.sentence))
			if n := users.Calls(); n != 0 {
				t.Errorf("%d DynamoDB calls for a request that is refused", n)
			}
		})
	}
}

func TestOtherMethods(t *testing.T) {
	const sentence = "The method is not offered here, only DELETE, GET and PUT are"
	users := provisiontest.Unreachable()
	for _, method := range []string{"GET", "HEAD", "POST", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "delete"} {
		for _, accept := range []string{"application/json", "application/xml"} {
			answer := call(t, users.Users, provisiontest.Event(method, "u1", "reset=true", "", "Accept: "+accept))
			provisiontest.Expect(t, answer, 405, client.NotDone(accept, 405, sentence).Body)
			if got := http.Header(answer.MultiValueHeaders).Get("Allow"); got != "DELETE, GET, PUT" {
				t.Errorf("%s: Allow is %q", method, got)
			}
		}
	}
	if n := users.Calls(); n != 0 {
		t.Errorf("%d DynamoDB calls", n)
	}
}

func TestFormats(t *testing.T) {
	users := provisiontest.New(t)
	users.Put(t, provisiontest.User("u1"))
	for _, test := range []struct {
		header    []string
		mediaType string
		body      string
	}{
		{nil, "application/json", doneJSON},
		{[]string{"Content-Type: application/json"}, "application/json", doneJSON},
		{[]string{"Content-Type: application/xml", "Accept: application/xml"}, "application/xml; charset=utf-8", doneXML},
		{[]string{"Content-Type: application/xml"}, "application/xml; charset=utf-8", doneXML},
		{[]string{"content-type: application/xml", "accept: application/json"}, "application/json", doneJSON},
		{[]string{"Content-Type: text/plain"}, "application/json", doneJSON},
		{[]string{"Content-Type: text/plain;charset=UTF-8", "Accept: */*"}, "application/json", doneJSON}, // a browser's fetch
		{[]string{"Content-Type: application/x-www-form-urlencoded", "Accept: application/xml"}, "application/xml; charset=utf-8", doneXML},
		{[]string{"Content-Type: application/xml; charset=latin1"}, "application/xml; charset=utf-8", doneXML},
		{[]string{"Content-Type: application/json", "Content-Type: text/plain"}, "application/json", doneJSON},
		{[]string{"Content-Type: nonsense"}, "application/json", doneJSON},
		{[]string{"Content-Type: ", "Accept: "}, "application/json", doneJSON},
	} {
		for _, body := range []string{"", "reset=false", "{}", "\x00\xff"} { // the operation has none
			answer := call(t, users.Users, provisiontest.Event("DELETE", "u1", "reset=true", body, test.header...))
			provisiontest.Expect(t, answer, 200, test.body)
			if got := http.Header(answer.MultiValueHeaders).Get("Content-Type"); got != test.mediaType {
				t.Errorf("%q: Content-Type is %q, want %q", test.header, got, test.mediaType)
			}
		}
	}
}

func TestStorageFails(t *testing.T) {
	users := provisiontest.Unreachable()
	answer := call(t, users.Users, provisiontest.Event("DELETE", "u1", "reset=true", ""))
	provisiontest.Expect(t, answer, 503, failureJSON(503, "The service is busy, try again in a moment"))
	if users.Calls() == 0 {
		t.Error("the counter did not see the attempts: it would not see a call too many either")
	}
	if got := http.Header(answer.MultiValueHeaders).Get("Retry-After"); got != "1" {
		t.Errorf("Retry-After is %q", got)
	}
}
