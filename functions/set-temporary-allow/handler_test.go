package main

import (
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/repr"
	"github.com/aws/aws-lambda-go/events"
	dynamo "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/client"
	"customercare/infra/testkit/provisiontest"
	"customercare/shared/gateway"
	"customercare/shared/store"
	"customercare/shared/tempallow"
)

var (
	doneJSON = client.Done(client.JSON).Body
	doneXML  = client.Done(client.XML).Body
)

const (
	asJSON = "Content-Type: application/json"
	asXML  = "Content-Type: application/xml"
)

// now is the clock of all tests: the eve of the documented example's year, a fraction of
// a second after a full one.
var now = time.Date(2029, 12, 31, 12, 0, 0, 250e6, time.UTC)

func failureJSON(status int, sentence string) string {
	return client.NotDone(client.JSON, status, sentence).Body
}

// put sends one event through the function's front door, with the template's rules.
func put(t *testing.T, users store.Users, event events.APIGatewayProxyRequest) gateway.Answer {
	t.Helper()
	var all tempallow.Types
	if err := all.UnmarshalText([]byte(defaultTypes)); err != nil {
		t.Fatal(err)
	}
	h := handler{
		digests: provisiontest.Digests,
		users:   users,
		rules:   rules{types: all, maxAhead: 8784 * time.Hour},
		now:     func() time.Time { return now },
	}
	answer, err := h.endpoint().Handler()(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// granted is the user with an allow of the kind that ends at expires.
func granted(user provisiontest.Item, kind string, expires time.Time) provisiontest.Item {
	num := func(t time.Time) dynamo.AttributeValue {
		return &dynamo.AttributeValueMemberN{Value: strconv.FormatInt(t.UnixMilli(), 10)}
	}
	allows := maps.Clone(user["tempAllows"].(*dynamo.AttributeValueMemberM).Value)
	allows[kind] = &dynamo.AttributeValueMemberM{Value: provisiontest.Item{
		"expires": num(expires), "grantedAt": num(now),
		"grantedBy": &dynamo.AttributeValueMemberS{Value: provisiontest.Operator},
	}}
	user = maps.Clone(user)
	user["tempAllows"], user["activeAt"] = &dynamo.AttributeValueMemberM{Value: allows}, num(now)
	return user
}

// TestGrants checks, for each way to ask, the answer, what is stored, and that nothing
// else changed.
func TestGrants(t *testing.T) {
	at := func(text string) time.Time {
		when, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	example := at("2030-10-15T01:29:29.768Z")
	users := provisiontest.New(t)
	for _, test := range []struct {
		name, header, body string
		kind               string
		expires            time.Time
	}{
		{"documented JSON", asJSON, `{ "tempAllowType":1, "expirationDate":"2030-10-15T01:29:29.768Z" }`, "1", example},
		{"documented XML", asXML, `<?xml version="1.0" encoding="UTF-8" ?> <TempAllowRequest> <tempAllowType>1</tempAllowType> <expirationDate>2030-10-15T01:29:29.768Z</expirationDate> </TempAllowRequest> `, "1", example},
		{"type 3 until the date", asJSON, `{"tempAllowType":3,"expirationDate":"2030-10-15t03:29:29.768+02:00"}`, "3", example},
		{"type 3 in XML", asXML, `<TempAllowRequest><expirationDate>2030-10-14T21:29:29.768-04:00</expirationDate><tempAllowType>3</tempAllowType></TempAllowRequest>`, "3", example},
		{"type 1 has a day", asJSON, `{"tempAllowType":1}`, "1", now.Add(24 * time.Hour)},
		{"type 2 has two hours", asJSON, `{"tempAllowType":2}`, "2", now.Add(2 * time.Hour)},
		{"type 2 in XML", asXML, "<TempAllowRequest>\n\t<tempAllowType>\r\n 2 </tempAllowType>\n</TempAllowRequest>\n", "2", now.Add(2 * time.Hour)},
		{"null is absent", asJSON, `{"tempAllowType":2,"expirationDate":null}`, "2", now.Add(2 * time.Hour)},
		{"no Content-Type", "Accept: */*", `{"tempAllowType":2}`, "2", now.Add(2 * time.Hour)},
		{"charset", asJSON + "; charset=UTF-8", `{"tempAllowType":2}`, "2", now.Add(2 * time.Hour)},
		{"another charset of ASCII", asJSON + "; charset=iso-8859-1", `{"tempAllowType":2}`, "2", now.Add(2 * time.Hour)},
		{"byte-order mark", asJSON, "\uFEFF" + `{"tempAllowType":2}`, "2", now.Add(2 * time.Hour)},
		{"unknown names", asJSON, `{"tempAllowType":2,"reason":{"tempAllowType":9,"why":[1]},"":0}`, "2", now.Add(2 * time.Hour)},
		{"the last moment allowed", asJSON, `{"tempAllowType":3,"expirationDate":"2031-01-01T12:00:00.25Z"}`, "3", now.Add(8784 * time.Hour)},
		{"the next millisecond", asJSON, `{"tempAllowType":3,"expirationDate":"2029-12-31T12:00:00.251Z"}`, "3", now.Add(time.Millisecond)},
	} {
		t.Run(test.name, func(t *testing.T) {
			user, other := provisiontest.User("u1"), provisiontest.User("u2")
			users.Put(t, user, other)
			want := map[string]provisiontest.Item{"u1": granted(user, test.kind, test.expires), "u2": other}
			done := doneJSON
			if test.header == asXML {
				done = doneXML
			}
			for _, turn := range []string{"first", "second"} {
				provisiontest.Expect(t, put(t, users.Users, provisiontest.Event("PUT", "u1", "", test.body, test.header)), 200, done)
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

func TestUnknownCustomer(t *testing.T) {
	users := provisiontest.New(t)
	users.Put(t, provisiontest.User("u1"))
	before := users.Items(t)
	for _, id := range []string{"nobody", "U1", "u1%2F"} {
		answer := put(t, users.Users, provisiontest.Event("PUT", id, "", `{"tempAllowType":1}`, asJSON))
		provisiontest.Expect(t, answer, 404, failureJSON(404, "Customer ID not found"))
		if n := users.Calls(); n != 1 {
			t.Errorf("%d DynamoDB calls, want 1", n)
		}
	}
	if after := users.Items(t); !reflect.DeepEqual(after, before) {
		t.Errorf("the table changed to %s", repr.String(after))
	}
}

func TestCustomerIDs(t *testing.T) {
	users := provisiontest.New(t)
	want := make(map[string]provisiontest.Item)
	ids := []string{"a/b", "a%2Fb", "100%", "a?b#c", "a b", "\U0001F98A", strings.Repeat("é", 128)}
	for _, id := range ids {
		want[id] = provisiontest.User(id)
		users.Put(t, want[id])
	}
	for _, id := range ids {
		provisiontest.Expect(t,
			put(t, users.Users, provisiontest.Event("PUT", url.PathEscape(id), "", `{"tempAllowType":1}`, asJSON)),
			200, doneJSON)
		want[id] = granted(want[id], "1", now.Add(24*time.Hour))
		if got := users.Items(t); !reflect.DeepEqual(got, want) {
			t.Fatalf("after the grant to %q the table holds\n%s", id, repr.String(got))
		}
	}
}

// TestRefusals needs no storage: the table cannot be reached, and nothing tries.
func TestRefusals(t *testing.T) {
	const (
		oneOf   = "tempAllowType must be an integer, one of 1, 2, 3"
		noType  = "tempAllowType is missing, it must be one of 1, 2, 3"
		noBody  = "The request body is empty, it must have tempAllowType and may have expirationDate"
		badDate = "expirationDate must be a date and time of RFC 3339, such as 2030-10-15T01:29:29.768Z"
		past    = "expirationDate must be in the future"
		far     = "expirationDate is too far ahead, at most 366 days are allowed"
		media   = "Content-Type must be application/json or application/xml, in UTF-8"
	)
	users := provisiontest.Unreachable()
	for name, test := range map[string]struct {
		header, body string
		status       int
		sentence     string
	}{
		"no body":                     {asJSON, "", 400, noBody},
		"no body, other type":         {"Content-Type: text/plain", "", 400, noBody},
		"blank body":                  {asXML, " \r\n\t", 400, noBody},
		"form":                        {"Content-Type: application/x-www-form-urlencoded", "tempAllowType=1", 415, media},
		"text/xml":                    {"Content-Type: text/xml", "<a/>", 415, media},
		"JSON with a suffix":          {"Content-Type: application/problem+json", "{}", 415, media},
		"charset":                     {asJSON + "; charset=iso-8859-1", `{"tempAllowType":1,"x":"é"}`, 415, "Content-Type declares iso-8859-1, a request body that is not all ASCII must be in UTF-8"},
		"JSON in UTF-16":              {asJSON, "\xff\xfe{\x00}\x00", 400, "The request body is in UTF-16, it must be JSON in UTF-8"},
		"no media type":               {"Content-Type: json", `{"tempAllowType":1}`, 415, media},
		"large body":                  {asJSON, strings.Repeat(" ", 64<<10+1), 413, "The request body is larger than 65536 bytes"},
		"empty object":                {asJSON, "{}", 400, noType},
		"null type":                   {asJSON, `{"tempAllowType":null}`, 400, noType},
		"type as text":                {asJSON, `{"tempAllowType":"1"}`, 400, oneOf},
		"type with a fraction":        {asJSON, `{"tempAllowType":1.0}`, 400, oneOf},
		"type with an exponent":       {asJSON, `{"tempAllowType":1e0}`, 400, oneOf},
		"type true":                   {asJSON, `{"tempAllowType":true}`, 400, oneOf},
		"type in a list":              {asJSON, `{"tempAllowType":[1]}`, 400, oneOf},
		"type 0":                      {asJSON, `{"tempAllowType":0}`, 400, oneOf},
		"type 4":                      {asJSON, `{"tempAllowType":4}`, 400, oneOf},
		"type -1":                     {asJSON, `{"tempAllowType":-1}`, 400, oneOf},
		"type beyond 64 bits":         {asJSON, `{"tempAllowType":18446744073709551617}`, 400, oneOf},
		"type with a leading 0":       {asJSON, `{"tempAllowType":01}`, 400, "The request body is not valid JSON"},
		"type twice":                  {asJSON, `{"tempAllowType":1,"tempAllowType":1}`, 400, "tempAllowType is given twice in the request body"},
		"type twice, escaped":         {asJSON, `{"tempAllowType":1,"temp\u0041llowType":1}`, 400, "tempAllowType is given twice in the request body"},
		"type in another case":        {asJSON, `{"TempAllowType":1}`, 400, "TempAllowType is not known, write tempAllowType"},
		"date in another case":        {asJSON, `{"tempAllowType":1,"expirationdate":null}`, 400, "expirationdate is not known, write expirationDate"},
		"date as a number":            {asJSON, `{"tempAllowType":1,"expirationDate":1918000000}`, 400, "expirationDate has a value of the wrong type"},
		"date empty":                  {asJSON, `{"tempAllowType":1,"expirationDate":""}`, 400, badDate},
		"date with a space":           {asJSON, `{"tempAllowType":1,"expirationDate":"2030-10-15 01:29:29Z"}`, 400, badDate},
		"date in the past":            {asJSON, `{"tempAllowType":1,"expirationDate":"2021-10-15T01:29:29.768Z"}`, 400, past},
		"date in year 0":              {asJSON, `{"tempAllowType":3,"expirationDate":"0000-01-01T00:00:00Z"}`, 400, past},
		"date now":                    {asJSON, `{"tempAllowType":3,"expirationDate":"2029-12-31T12:00:00.25Z"}`, 400, past},
		"date past by its offset":     {asJSON, `{"tempAllowType":3,"expirationDate":"2029-12-31T13:00:00+01:00"}`, 400, past},
		"date one nanosecond too far": {asJSON, `{"tempAllowType":3,"expirationDate":"2031-01-01T12:00:00.250000001Z"}`, 400, far},
		"date in year 9999":           {asJSON, `{"tempAllowType":1,"expirationDate":"9999-12-31T23:59:59Z"}`, 400, far},
		"type 3 without a date":       {asJSON, `{"tempAllowType":3}`, 400, "expirationDate is missing, tempAllowType 3 needs it"},
		"type 3 with null":            {asJSON, `{"tempAllowType":3,"expirationDate":null}`, 400, "expirationDate is missing, tempAllowType 3 needs it"},
		"list":                        {asJSON, `[{"tempAllowType":1}]`, 400, "The request body must be a JSON object"},
		"null":                        {asJSON, `null`, 400, "The request body must be a JSON object"},
		"broken JSON":                 {asJSON, `{"tempAllowType":1`, 400, "The request body is not valid JSON"},
		"trailing JSON":               {asJSON, `{"tempAllowType":1}{}`, 400, "The request body has content behind the JSON object"},
		"XML under JSON":              {asJSON, `<TempAllowRequest/>`, 400, "The request body is not valid JSON"},
		"XML type with a sign":        {asXML, "<TempAllowRequest><tempAllowType>+1</tempAllowType></TempAllowRequest>", 400, oneOf},
		"XML type with a leading 0":   {asXML, "<TempAllowRequest><tempAllowType>01</tempAllowType></TempAllowRequest>", 400, oneOf},
		"XML type with a fraction":    {asXML, "<TempAllowRequest><tempAllowType>1.0</tempAllowType></TempAllowRequest>", 400, oneOf},
		"XML without a type":          {asXML, "<TempAllowRequest/>", 400, noType},
		"XML date empty":              {asXML, "<TempAllowRequest><tempAllowType>3</tempAllowType><expirationDate/></TempAllowRequest>", 400, "expirationDate is missing, tempAllowType 3 needs it"},
		"XML type empty":              {asXML, "<TempAllowRequest><tempAllowType></tempAllowType></TempAllowRequest>", 400, noType},
		"XML in UTF-16":               {asXML + ";charset=utf-16", "<\x00T\x00e\x00m\x00p\x00/\x00>\x00", 415, "Content-Type declares utf-16, a request body that is not all ASCII must be in UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			answer := put(t, users.Users,
				provisiontest.Event("PUT", "u1", "", test.body, test.header, "Accept: application/json"))
			provisiontest.Expect(t, answer, test.status, failureJSON(test.status, test.sentence))
			if n := users.Calls(); n != 0 {
				t.Errorf("%d DynamoDB calls for a request that is refused", n)
			}
		})
	}
	for _, id := range []string{"", "a%0D", "%FF", "%", strings.Repeat("x", 257)} {
		answer := put(t, users.Users, provisiontest.Event("PUT", id, "", `{"tempAllowType":1}`, asJSON))
		if answer.StatusCode != 400 || !strings.Contains(answer.Body, "customerId") || users.Calls() != 0 {
			t.Errorf("customerId %q: %d %s", id, answer.StatusCode, answer.Body)
		}
	}
}

func TestStorageFails(t *testing.T) {
	answer := put(t, provisiontest.Unreachable().Users,
		provisiontest.Event("PUT", "u1", "", `{"tempAllowType":1}`, asJSON))
	provisiontest.Expect(t, answer, 503, failureJSON(503, "The service is busy, try again in a moment"))
	if got := http.Header(answer.MultiValueHeaders).Get("Retry-After"); got != "1" {
		t.Errorf("Retry-After is %q", got)
	}
}
