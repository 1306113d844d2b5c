package main

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/repr"
	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/infra/client"
	"customercare/infra/testkit/metrictest"
	"customercare/infra/testkit/provisiontest"
	"customercare/shared/gateway"
	"customercare/shared/store"
)

// now is the clock of all tests. provisiontest's user has an allow of type 1 that has
// expired then, and one of type 2 that is in force.
var now = time.Date(2029, 12, 31, 12, 0, 0, 250e6, time.UTC)

const (
	whole = `{"responseCode":"0","responseMessage":"","status":true,"registered":true,"questions":1,"images":1,"phrases":1,"devices":1,` +
		`"tempAllows":[{"tempAllowType":2,"expirationDate":"2099-12-03T16:53:20.000Z","grantedAt":"2023-07-22T04:26:40.000Z","singleUse":false}]}`
	wholeInXML = client.XMLHead + `<StatusResponse><responseCode>0</responseCode><responseMessage></responseMessage><status>true</status>` +
		`<registered>true</registered><questions>1</questions><images>1</images><phrases>1</phrases><devices>1</devices>` +
		`<tempAllows><tempAllow><tempAllowType>2</tempAllowType><expirationDate>2099-12-03T16:53:20.000Z</expirationDate>` +
		`<grantedAt>2023-07-22T04:26:40.000Z</grantedAt><singleUse>false</singleUse></tempAllow></tempAllows></StatusResponse>`
	empty      = `{"responseCode":"0","responseMessage":"","status":true,"registered":false,"questions":0,"images":0,"phrases":0,"devices":0,"tempAllows":[]}`
	emptyInXML = client.XMLHead + `<StatusResponse><responseCode>0</responseCode><responseMessage></responseMessage><status>true</status>` +
		`<registered>false</registered><questions>0</questions><images>0</images><phrases>0</phrases><devices>0</devices><tempAllows></tempAllows></StatusResponse>`
)

func read(t *testing.T, users store.Users, event events.APIGatewayProxyRequest) gateway.Answer {
	t.Helper()
	h := handler{
		users: users, digests: provisiontest.Digests, types: store.AllowTypes{1: true, 2: false, 3: false},
		now: func() time.Time { return now },
	}
	answer, err := h.endpoint().Handler()(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func get(customerID string, header ...string) events.APIGatewayProxyRequest {
	return provisiontest.Event("GET", customerID, "", "", header...)
}

// A user is shown in both formats, by one DynamoDB call that changes nothing.
func TestRead(t *testing.T) {
	users := provisiontest.New(t)
	users.Put(t, provisiontest.User("u1"), provisiontest.Item{"customerId": attribute.Text("bare")}, provisiontest.User("u2"))
	before := users.Items(t)
	for _, c := range []struct{ id, header, media, body string }{
		{"u1", "Accept: application/json", "application/json", whole},
		{"u1", "Accept: */*", "application/json", whole},
		{"u1", "Accept: application/xml", "application/xml; charset=utf-8", wholeInXML},
		{"u1", "Content-Type: application/xml", "application/xml; charset=utf-8", wholeInXML},
		{"bare", "Accept: application/json", "application/json", empty},
		{"bare", "Accept: application/xml", "application/xml; charset=utf-8", emptyInXML},
	} {
		answer := read(t, users.Users, get(c.id, c.header))
		provisiontest.Expect(t, answer, 200, c.body)
		if got := http.Header(answer.MultiValueHeaders).Get("Content-Type"); got != c.media {
			t.Errorf("%s: Content-Type is %q", c.header, got)
		}
		if n := users.Calls(); n != 1 {
			t.Errorf("%d DynamoDB calls", n)
		}
	}
	if got := users.Items(t); !reflect.DeepEqual(got, before) {
		t.Errorf("the table changed to %s", repr.String(got))
	}
}

// An allow is shown while it can be used: not at its end, nor once it is used up, nor of
// a type that the deployment no longer has.
func TestAllowsInForce(t *testing.T) {
	users := provisiontest.New(t)
	entry := func(at time.Time, more ...string) types.AttributeValue {
		allow := provisiontest.Item{"expires": attribute.Number(at.UnixMilli())}
		for _, name := range more {
			allow[name] = attribute.Number(now.UnixMilli())
		}
		return attribute.Map(allow)
	}
	const first, second = `{"tempAllowType":1,"expirationDate":"2029-12-31T12:00:00.251Z","singleUse":true}`,
		`{"tempAllowType":3,"expirationDate":"2029-12-31T12:00:00.251Z","grantedAt":"2029-12-31T12:00:00.250Z","singleUse":false}`
	next := now.Add(time.Millisecond)
	for want, allows := range map[string]provisiontest.Item{
		first:                {"1": entry(next), "2": entry(now)},
		first + "," + second: {"3": entry(next, "grantedAt"), "1": entry(next)},
		"":                   {"1": entry(next, "usedAt"), "3": entry(now)},
		second:               {"7": entry(next), "03": entry(next), "3": entry(next, "grantedAt"), "1": attribute.Text("x")},
	} {
		user := provisiontest.User("u1")
		user["tempAllows"] = attribute.Map(allows)
		users.Put(t, user)
		answer := read(t, users.Users, get("u1"))
		if answer.StatusCode != 200 || !strings.HasSuffix(answer.Body, `"tempAllows":[`+want+"]}") {
			t.Errorf("%d %s, want %s", answer.StatusCode, answer.Body, want)
		}
	}
}

// Whatever another writer has stored in place of the attributes, the answer is one.
func TestForeignTypes(t *testing.T) {
	users := provisiontest.New(t)
	for name, value := range provisiontest.Foreign() {
		user := provisiontest.Item{"customerId": attribute.Text("u1")}
		if value != nil {
			for _, attribute := range []string{"registration", "questions", "images", "phrases", "devices", "tempAllows"} {
				user[attribute] = value
			}
		}
		users.Put(t, user)
		for _, accept := range []string{"Accept: application/json", "Accept: application/xml"} {
			if answer := read(t, users.Users, get("u1", accept)); answer.StatusCode != 200 {
				t.Errorf("%s: %d %s", name, answer.StatusCode, answer.Body)
			}
		}
	}
}

// What is refused is refused before anything is read.
func TestRefusals(t *testing.T) {
	users := provisiontest.Unreachable()
	refused := func(event events.APIGatewayProxyRequest, status int, sentence string) {
		t.Helper()
		provisiontest.Expect(t, read(t, users.Users, event), status, client.NotDone(client.JSON, status, sentence).Body)
		if n := users.Calls(); n != 0 {
			t.Errorf("%d DynamoDB calls for a request that is refused", n)
		}
	}
	refused(get("u1", "Accept: text/html"), 406, "Accept must allow application/json or application/xml")
	refused(get("u1", "Content-Encoding: gzip"), 415, "Content-Encoding must be identity, the body must not be compressed")
	refused(get("%"), 400, "customerId in the path is not valid percent-encoding")
	refused(get(""), 400, "customerId in the path must be 1 to 256 bytes of UTF-8 without control characters")
	for _, scopes := range []string{"", "delete-customer-info set-temporary-allow use-temporary-allow", "read-provisions"} {
		event := get("u1")
		event.RequestContext.Authorizer["operations"] = scopes
		refused(event, 403, "This operation is not allowed to the caller")
	}
	answer := read(t, users.Users, get("u1"))
	provisiontest.Expect(t, answer, 503, client.NotDone(client.JSON, 503, "The service is busy, try again in a moment").Body)
}

func TestUnknownCustomer(t *testing.T) {
	users := provisiontest.New(t)
	users.Put(t, provisiontest.User("u1"))
	for _, accept := range []string{client.JSON, client.XML} {
		answer := read(t, users.Users, get("nobody", "Accept: "+accept))
		provisiontest.Expect(t, answer, 404, client.NotDone(accept, 404, "Customer ID not found").Body)
	}
}

// One audit line a call, without the user.
func TestAudit(t *testing.T) {
	users := provisiontest.New(t)
	users.Put(t, provisiontest.User("u1"))
	logged := metrictest.Capture(t)
	read(t, users.Users, get("u1"))
	if log := logged.String(); strings.Count(log, `"msg":"audit"`) != 1 || !strings.Contains(log, `"did":"provision read"`) ||
		!strings.Contains(log, `"principal":"csr"`) || strings.Contains(log, "u1") {
		t.Errorf("logged %s", log)
	}
}
