package e2e

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// The documented answers of operations 1 and 2.
const (
	xmlHead  = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`
	doneJSON = `{"responseCode":"0","responseMessage":"","status":true}`
	doneXML  = xmlHead + "\n" + `<StatusResponse><responseCode>0</responseCode><responseMessage></responseMessage><status>true</status></StatusResponse>`

	acceptXML  = "Accept: application/xml"
	acceptJSON = "Accept: application/json"
	bodyXML    = "Content-Type: application/xml"
	bodyJSON   = "Content-Type: application/json"
)

var bases = []string{"/customercare", "/risk-cc/customercare"}

// operator loads an operator and returns the header that lets it in.
func operator(t testing.TB, name string) string {
	t.Helper()
	load(t, fmt.Sprintf(`{"kind":"operator","name":"%s","password":"password of %s"}`, name, name))
	return basic(name, "password of "+name)
}

// loadUsers loads full users of these ids.
func loadUsers(t testing.TB, ids ...string) {
	t.Helper()
	var records []string
	for _, id := range ids {
		quoted, _ := json.Marshal(id)
		records = append(records, fmt.Sprintf(`{"kind":"user","customerId":%s,"registration":{"level":2,"at":"2024-02-29T12:00:00Z"},`+
			`"questions":{"q1":{"text":"first pet","answer":"Rex <&> \u2028"}},"images":{"i1":"tulip"},"phrases":{"p1":"ünïcode"},`+
			`"devices":{"d1":{"name":"phone","seen":[1,2.50,null,true]},"d2":{"name":"tablet"}},"note":"kept as it is"}`, quoted))
	}
	load(t, records...)
}

// userItem is what stands under the id, each attribute as JSON; nil when nothing does.
func userItem(t testing.TB, id string) map[string]string {
	t.Helper()
	out, err := client.GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName: aws.String(running.Table("Users")), ConsistentRead: aws.Bool(true),
		Key: map[string]types.AttributeValue{"customerId": &types.AttributeValueMemberS{Value: id}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if out.Item == nil {
		return nil
	}
	item := map[string]string{}
	for name, value := range out.Item {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		item[name] = string(text)
	}
	return item
}

// at is the path of a customer under a base path.
func at(base, id string) string { return base + "/v1/" + url.PathEscape(id) + "/provision" }

// is checks status and body, byte for byte.
func (r reply) is(t testing.TB, status int, body string) {
	t.Helper()
	if r.Status != status || r.Body != body {
		t.Errorf("got %d %s\nwant %d %s", r.Status, r.Body, status, body)
	}
}

// done checks that an answer is operations 1 and 2's success in the format.
func (r reply) done(t testing.TB, format string) {
	t.Helper()
	if format == "xml" {
		r.is(t, 200, doneXML)
	} else {
		r.is(t, 200, doneJSON)
	}
	r.contentType(t, format)
}

func (r reply) contentType(t testing.TB, format string) {
	t.Helper()
	if got, want := r.Header.Get("Content-Type"), "application/"+format; got != want && got != want+"; charset=utf-8" {
		t.Errorf("Content-Type is %q, want %s", got, want)
	}
}

var (
	refusedJSON = regexp.MustCompile(`^\{"responseCode":"(\d{3})","responseMessage":("(?:[^"\\]|\\.)+"),"status":false\}$`)
	refusedXML  = regexp.MustCompile(`^` + regexp.QuoteMeta(xmlHead) + `\n?<StatusResponse><responseCode>(\d{3})</responseCode>` +
		`<responseMessage>([^<>]+)</responseMessage><status>false</status></StatusResponse>$`)
)

// refused checks that an answer is operations 1 and 2's failure in the format: exactly the three fields, the code that
// of the HTTP status, and a sentence with each of words.
func (r reply) refused(t testing.TB, status int, format string, words ...string) {
	t.Helper()
	pattern := refusedJSON
	if format == "xml" {
		pattern = refusedXML
	}
	m := pattern.FindStringSubmatch(r.Body)
	if r.Status != status || m == nil || m[1] != fmt.Sprint(status) {
		t.Errorf("got %d %s, want a %d in %s", r.Status, r.Body, status, format)
		return
	}
	r.contentType(t, format)
	sentence(t, m[2], words...)
}

// sentence checks that a message is a sentence for people that holds each of words.
func sentence(t testing.TB, text string, words ...string) {
	t.Helper()
	if len(strings.Fields(text)) < 3 || len(text) > 250 {
		t.Errorf("no sentence: %s", text)
	}
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("the sentence does not name %s: %s", word, text)
		}
	}
}

// without is item without the attributes of these names.
func without(item map[string]string, names ...string) map[string]string {
	rest := map[string]string{}
	for name, value := range item {
		rest[name] = value
	}
	for _, name := range names {
		delete(rest, name)
	}
	return rest
}
