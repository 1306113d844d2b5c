package main

import (
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alecthomas/repr"
	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/infra/client"
	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/metrictest"
	"customercare/infra/testkit/provisiontest"
	"customercare/shared/gateway"
	"customercare/shared/store"
)

// now is the clock of all tests, a fraction of a second after a full one.
var now = time.Date(2029, 12, 31, 12, 0, 0, 250e6, time.UTC)

// byDefault are the template's types.
var byDefault = store.AllowTypes{1: true, 2: false, 3: false}

// Answers as they are written, and what stands in their stead in XML.
const (
	no        = `{"responseCode":"0","responseMessage":"","status":true,"allowed":false}`
	single    = `{"responseCode":"0","responseMessage":"","status":true,"allowed":true,"tempAllowType":1,"expirationDate":"2030-01-01T12:00:00.250Z","singleUse":true}`
	lasting   = `{"responseCode":"0","responseMessage":"","status":true,"allowed":true,"tempAllowType":2,"expirationDate":"2030-01-01T12:00:00.250Z","singleUse":false}`
	noInXML   = client.XMLHead + `<StatusResponse><responseCode>0</responseCode><responseMessage></responseMessage><status>true</status><allowed>false</allowed></StatusResponse>`
	oneInXML  = client.XMLHead + `<StatusResponse><responseCode>0</responseCode><responseMessage></responseMessage><status>true</status><allowed>true</allowed><tempAllowType>1</tempAllowType><expirationDate>2030-01-01T12:00:00.250Z</expirationDate><singleUse>true</singleUse></StatusResponse>`
	longInXML = client.XMLHead + `<StatusResponse><responseCode>0</responseCode><responseMessage></responseMessage><status>true</status><allowed>true</allowed><tempAllowType>2</tempAllowType><expirationDate>2030-01-01T12:00:00.250Z</expirationDate><singleUse>false</singleUse></StatusResponse>`
)

// on is the handler on a table, with a token of its own.
func on(users store.Users, token string) handler {
	return handler{
		users: users, digests: provisiontest.Digests, types: byDefault,
		now: func() time.Time { return now }, token: func() string { return token },
	}
}

// use sends one event through the front door.
func use(t *testing.T, h handler, event events.APIGatewayProxyRequest) gateway.Answer {
	t.Helper()
	answer, err := h.endpoint().Handler()(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func post(customerID, body string, header ...string) events.APIGatewayProxyRequest {
	return provisiontest.Event("POST", customerID, "", body, header...)
}

// until is an allow as operation 2 stores it.
func until(at time.Time) types.AttributeValue {
	return attribute.Map(provisiontest.Item{
		"expires": attribute.Number(at.UnixMilli()), "grantedBy": attribute.Text("csr"),
		"grantedAt": attribute.Number(now.Add(-time.Hour).UnixMilli()),
	})
}

// with is the user u1 with these allows.
func with(allows provisiontest.Item) provisiontest.Item {
	user := provisiontest.User("u1")
	user["tempAllows"] = attribute.Map(allows)
	return user
}

// A call answers what is in force, uses up a single login and nothing else, and makes one
// DynamoDB call whatever comes of it. A second call finds what the first has left.
func TestUse(t *testing.T) {
	day := now.Add(24 * time.Hour)
	item := func(allows ...any) provisiontest.Item {
		all := provisiontest.Item{}
		for i := 0; i < len(allows); i += 2 {
			all[allows[i].(string)] = allows[i+1].(types.AttributeValue)
		}
		return all
	}
	users := provisiontest.New(t)
	for name, c := range map[string]struct {
		allows        provisiontest.Item
		first, second string // what both calls answer, in JSON
		used          bool
	}{
		"a single login":           {item("1", until(day)), single, no, true},
		"two hours":                {item("2", until(day)), lasting, lasting, false},
		"none":                     {item(), no, no, false},
		"expired at this moment":   {item("1", until(now), "2", until(now), "3", until(now)), no, no, false},
		"expired before":           {item("1", until(now.Add(-time.Hour))), no, no, false},
		"one that lasts, first":    {item("1", until(now.Add(time.Hour)), "2", until(day)), lasting, lasting, false},
		"the longest that lasts":   {item("3", until(now.Add(time.Hour)), "2", until(day)), lasting, lasting, false},
		"one that has just ended":  {item("1", until(day), "2", until(now)), single, no, true},
		"a type that is no more":   {item("7", until(day)), no, no, false},
		"it keeps none from one":   {item("1", until(day), "7", until(day)), single, no, true},
		"another writer's entries": {item("1", attribute.Text("x"), "2", attribute.Number(7), "x", until(day)), no, no, false},
	} {
		users.Put(t, with(c.allows), provisiontest.User("u2"))
		before := users.Items(t)
		provisiontest.Expect(t, use(t, on(users.Users, "a"), post("u1", "")), 200, c.first)
		after := users.Items(t)
		want := before["u1"]
		if c.used { // the mark, and the time of the user's last activity
			mark := until(day).(*types.AttributeValueMemberM)
			mark.Value["usedAt"], mark.Value["usedBy"] = attribute.Number(now.UnixMilli()), attribute.Text("a")
			marked := item()
			for kind, allow := range c.allows {
				marked[kind] = allow
			}
			marked["1"] = mark
			want = with(marked)
			want["activeAt"] = attribute.Number(now.UnixMilli())
		}
		if !reflect.DeepEqual(after["u1"], want) || !reflect.DeepEqual(after["u2"], before["u2"]) {
			t.Errorf("%s: the table holds\n%s\nwant\n%s", name, repr.String(after["u1"]), repr.String(want))
		}
		provisiontest.Expect(t, use(t, on(users.Users, "b"), post("u1", "")), 200, c.second)
		if got := users.Items(t); !reflect.DeepEqual(got, after) {
			t.Errorf("%s: the second call has changed %s", name, repr.String(got))
		}
		if n := users.Calls(); n != 2 {
			t.Errorf("%s: two calls made %d DynamoDB calls", name, n)
		}
	}
}

// The last millisecond of an allow is one of it.
func TestLastMoment(t *testing.T) {
	users := provisiontest.New(t)
	users.Put(t, with(provisiontest.Item{"1": until(now.Add(time.Millisecond))}))
	for range 2 {
		answer := use(t, on(users.Users, "a"), post("u1", ""))
		if !strings.Contains(answer.Body, `"expirationDate":"2029-12-31T12:00:00.251Z"`) {
			t.Error(answer.Body) // the second call has the first one's token
		}
	}
	late := on(users.Users, "a")
	late.now = func() time.Time { return now.Add(time.Millisecond) }
	users.Put(t, with(provisiontest.Item{"1": until(now.Add(time.Millisecond))}))
	provisiontest.Expect(t, use(t, late, post("u1", "")), 200, no)
}

// Both formats are as those of operations 1 and 2.
func TestFormats(t *testing.T) {
	users := provisiontest.New(t)
	day := now.Add(24 * time.Hour)
	for _, c := range []struct {
		allows      provisiontest.Item
		json, inXML string
	}{
		{provisiontest.Item{"1": until(day)}, single, oneInXML},
		{provisiontest.Item{"2": until(day)}, lasting, longInXML},
		{provisiontest.Item{}, no, noInXML},
	} {
		for _, f := range []struct{ header, body, media string }{
			{"Accept: application/json", c.json, "application/json"},
			{"Accept: application/xml", c.inXML, "application/xml; charset=utf-8"},
			{"Content-Type: application/xml", c.inXML, "application/xml; charset=utf-8"},
		} {
			users.Put(t, with(c.allows))
			answer := use(t, on(users.Users, "a"), post("u1", "", f.header))
			provisiontest.Expect(t, answer, 200, f.body)
			if got := http.Header(answer.MultiValueHeaders).Get("Content-Type"); got != f.media {
				t.Errorf("%s: Content-Type is %q", f.header, got)
			}
		}
	}
}

// Of a hundred simultaneous calls exactly one gets the single login.
func TestExactlyOneOfAHundred(t *testing.T) {
	users := provisiontest.New(t)
	users.Put(t, with(provisiontest.Item{"1": until(now.Add(24 * time.Hour))}))
	const callers = 100
	answers := make([]string, callers)
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			h := on(users.Users, "token "+string(rune('!'+i)))
			answer, err := h.endpoint().Handler()(t.Context(), post("u1", ""))
			if answers[i] = answer.Body; err != nil || answer.StatusCode != 200 {
				t.Errorf("%d %s, %v", answer.StatusCode, answer.Body, err)
			}
		})
	}
	all.Wait()
	yes := 0
	for _, answer := range answers {
		if answer == single {
			yes++
		} else if answer != no {
			t.Errorf("answered %s", answer)
		}
	}
	if yes != 1 {
		t.Errorf("%d of %d were let in", yes, callers)
	}
}

// An answer of DynamoDB's that is lost makes nobody ask twice: the repeat within the call
// finds the call's own mark. Whoever comes next finds it used.
func TestLostAnswer(t *testing.T) {
	for _, fault := range []dynamotest.Fault{dynamotest.After, dynamotest.Timeout, dynamotest.Before, dynamotest.Throttle} {
		users := provisiontest.New(t)
		users.Put(t, with(provisiontest.Item{"1": until(now.Add(24 * time.Hour))}))
		users.Faults.Inject(fault, 1, 1)
		provisiontest.Expect(t, use(t, on(users.Users, "a"), post("u1", "")), 200, single)
		if !users.Faults.Struck() {
			t.Errorf("%s: nothing failed", fault)
		}
		provisiontest.Expect(t, use(t, on(users.Users, "b"), post("u1", "")), 200, no)
	}
	// Where no answer ever comes, the caller is told to ask again, and is let in at most
	// once in all.
	users := provisiontest.New(t)
	users.Put(t, with(provisiontest.Item{"1": until(now.Add(24 * time.Hour))}))
	users.Faults.Inject(dynamotest.After, 1, 1<<30)
	if answer := use(t, on(users.Users, "a"), post("u1", "")); answer.StatusCode != 503 {
		t.Error(answer.StatusCode, answer.Body)
	}
	users.Calls()
	provisiontest.Expect(t, use(t, on(users.Users, "b"), post("u1", "")), 200, no)
}

// A repeated grant is a new single login.
func TestGrantedAgain(t *testing.T) {
	users := provisiontest.New(t)
	users.Put(t, with(provisiontest.Item{}))
	for _, token := range []string{"a", "b"} {
		err := users.Users.SetTempAllow(t.Context(), "u1", store.TempAllow{
			Type: 1, Expires: now.Add(24 * time.Hour), GrantedAt: now, GrantedBy: "csr",
		})
		if err != nil {
			t.Fatal(err)
		}
		provisiontest.Expect(t, use(t, on(users.Users, token), post("u1", "")), 200, single)
		provisiontest.Expect(t, use(t, on(users.Users, token+"'"), post("u1", "")), 200, no)
	}
}

// What is refused is refused before anything is asked for.
func TestRefusals(t *testing.T) {
	users := provisiontest.Unreachable()
	const body = "The request body must be empty, or an empty JSON object"
	refused := func(event events.APIGatewayProxyRequest, status int, sentence string) {
		t.Helper()
		answer := use(t, on(users.Users, "a"), event)
		provisiontest.Expect(t, answer, status, client.NotDone(client.JSON, status, sentence).Body)
		if n := users.Calls(); n != 0 {
			t.Errorf("%d DynamoDB calls for a request that is refused", n)
		}
	}
	for _, text := range []string{`{"tempAllowType":1}`, "{}{}", "{", "}", "null", "[]", "x", "\x00", "<TempAllowRequest/>", "{\x00}", "{\u00a0}"} {
		refused(post("u1", text), 400, body)
	}
	refused(post("u1", strings.Repeat(" ", 1025)), 413, "The request body is larger than 1024 bytes")
	refused(post("u1", "", "Content-Encoding: gzip"), 415, "Content-Encoding must be identity, the body must not be compressed")
	refused(post("u1", "", "Accept: text/html"), 406, "Accept must allow application/json or application/xml")
	refused(post("", ""), 400, "customerId in the path must be 1 to 256 bytes of UTF-8 without control characters")
	for _, method := range []string{"GET", "PUT", "DELETE", "PATCH", "HEAD", "post"} {
		event := post("u1", "")
		event.HTTPMethod = method
		answer := use(t, on(users.Users, "a"), event)
		provisiontest.Expect(t, answer, 405,
			client.NotDone(client.JSON, 405, "The method is not offered here, only POST is").Body)
		if allow := http.Header(answer.MultiValueHeaders).Get("Allow"); allow != "POST" {
			t.Errorf("Allow is %q", allow)
		}
	}
	for _, scopes := range []string{"", "delete-customer-info set-temporary-allow read-provision", "use-temporary-allows"} {
		event := post("u1", "")
		event.RequestContext.Authorizer["operations"] = scopes
		refused(event, 403, "This operation is not allowed to the caller")
	}
	answer := use(t, on(users.Users, "a"), post("u1", ""))
	provisiontest.Expect(t, answer, 503, client.NotDone(client.JSON, 503, "The service is busy, try again in a moment").Body)
}

// Bodies that say nothing are none.
func TestBodiesThatSayNothing(t *testing.T) {
	users := provisiontest.New(t)
	users.Put(t, with(provisiontest.Item{}))
	for _, body := range []string{"", " \r\n", "{}", " { \n} ", "\uFEFF{}", strings.Repeat(" ", 1024)} {
		provisiontest.Expect(t, use(t, on(users.Users, "a"), post("u1", body, "Content-Type: text/plain")), 200, no)
	}
}

func TestUnknownCustomer(t *testing.T) {
	users := provisiontest.New(t)
	users.Put(t, with(provisiontest.Item{"1": until(now.Add(time.Hour))}))
	before := users.Items(t)
	for _, kinds := range []store.AllowTypes{byDefault, {1: false}, {1: true, 2: true}} {
		h := on(users.Users, "a")
		h.types = kinds
		provisiontest.Expect(t, use(t, h, post("nobody", "")), 404,
			client.NotDone(client.JSON, 404, "Customer ID not found").Body)
		if n := users.Calls(); n != 1 {
			t.Errorf("%d DynamoDB calls", n)
		}
	}
	if got := users.Items(t); !reflect.DeepEqual(got, before) {
		t.Errorf("the table changed to %s", repr.String(got))
	}
}

// One audit line a call: who asked about whom, and what came of it, without the user.
func TestAudit(t *testing.T) {
	users := provisiontest.New(t)
	day := now.Add(24 * time.Hour)
	for _, c := range []struct {
		allows provisiontest.Item
		did    string
	}{
		{provisiontest.Item{"1": until(day)}, "allow 1 used up"},
		{provisiontest.Item{"2": until(day)}, "allow 2 in force until 2030-01-01T12:00:00.250Z"},
		{provisiontest.Item{}, "no allow in force"},
	} {
		users.Put(t, with(c.allows))
		logged := metrictest.Capture(t)
		use(t, on(users.Users, "a"), post("u1", ""))
		if log := logged.String(); strings.Count(log, `"msg":"audit"`) != 1 || !strings.Contains(log, `"did":"`+c.did+`"`) ||
			!strings.Contains(log, `"principal":"csr"`) || strings.Contains(log, "u1") {
			t.Errorf("logged %s", log)
		}
	}
}
