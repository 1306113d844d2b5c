package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"customercare/infra/client"
)

// The answers that are right, each operation's.
var (
	doneJSON = client.Done(client.JSON).Body
	doneXML  = client.Done(client.XML).Body
	cleaned  = client.Cleaned.Body

	// xmlDeclaration is how XML begins. API Gateway puts no line end behind it.
	xmlDeclaration = strings.TrimSpace(client.XMLHead)

	refusedJSON = regexp.MustCompile(`^\{"responseCode":"(\d{3})","responseMessage":("(?:[^"\\]|\\.)+"),"status":false\}$`)
	refusedXML  = regexp.MustCompile(`^` + regexp.QuoteMeta(xmlDeclaration) +
		`\n?<StatusResponse><responseCode>(\d{3})</responseCode>` +
		`<responseMessage>([^<>]+)</responseMessage><status>false</status></StatusResponse>$`)
	failure = regexp.MustCompile(`^\{"retCode":"(\d{3})","retMsg":("(?:[^"\\]|\\.)+")\}$`)
)

// goneXML is operation 3's answer in XML when it has deleted a customer, sorryXML when it
// has not.
func goneXML(code string) string      { return client.Deleted(client.XML, code).Body }
func sorryXML(sentence string) string { return client.NotDeleted(client.XML, sentence).Body }

// is checks status and body, byte for byte.
func (r reply) is(t testing.TB, status int, body string) {
	t.Helper()
	if r.Status != status || r.Body != body {
		t.Errorf("got %d %s\nwant %d %s", r.Status, r.Body, status, body)
	}
}

// done checks that an answer is operations 1 and 2's success in the format, "json" or
// "xml".
func (r reply) done(t testing.TB, format string) {
	t.Helper()
	r.is(t, 200, client.Done("application/"+format).Body)
	r.contentType(t, format)
}

// contentType checks the media type, "json" or "xml".
func (r reply) contentType(t testing.TB, format string) {
	t.Helper()
	if got, want := r.Header.Get("Content-Type"), "application/"+format; got != want && got != want+"; charset=utf-8" {
		t.Errorf("Content-Type is %q, want %s", got, want)
	}
}

// refused checks that an answer is operations 1 and 2's failure in the format: exactly
// the three fields, the code that of the HTTP status, and a sentence with each of the
// words.
func (r reply) refused(t testing.TB, status int, format string, words ...string) {
	t.Helper()
	shape := map[string]*regexp.Regexp{"json": refusedJSON, "xml": refusedXML}[format]
	r.fails(t, shape, status, format, words...)
}

// failed checks that an answer is operations 4 and 5's failure: exactly the two strings,
// and a sentence with each of the words.
func (r reply) failed(t testing.TB, status int, words ...string) {
	t.Helper()
	r.fails(t, failure, status, "json", words...)
}

// fails checks that an answer is a failure of this shape, whose first group is the code
// and whose second the sentence.
func (r reply) fails(t testing.TB, shape *regexp.Regexp, status int, format string, words ...string) {
	t.Helper()
	found := shape.FindStringSubmatch(r.Body)
	if r.Status != status || found == nil || found[1] != fmt.Sprint(status) {
		t.Errorf("got %d %s, want a %d in %s like %s", r.Status, r.Body, status, format, shape)
		return
	}
	r.contentType(t, format)
	sentence(t, found[2], words...)
}

// sentence checks that a message is a sentence for people that holds each of the words.
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
