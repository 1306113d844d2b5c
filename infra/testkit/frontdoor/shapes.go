package frontdoor

import (
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-json-experiment/json"

	"customercare/shared/respond"
)

const xmlHead = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"

// ReadJSON reads a JSON body strictly: no name twice, none that into does not have,
// nothing behind it.
func ReadJSON(t testing.TB, body string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), into, json.RejectUnknownMembers(true)); err != nil {
		t.Errorf("%s: %v", body, err)
	}
}

// ReadXML reads an XML body strictly: the declaration, one root, nothing behind it.
func ReadXML(t testing.TB, body string, into any) {
	t.Helper()
	text, declared := strings.CutPrefix(body, xmlHead)
	if !declared {
		t.Errorf("%q begins without the declaration", body)
	}
	d := xml.NewDecoder(strings.NewReader(text))
	if err := d.Decode(into); err != nil {
		t.Errorf("%q: %v", body, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) || d.InputOffset() != int64(len(text)) {
		t.Errorf("%q goes on behind its root", body)
	}
}

// Provision checks an answer of operations 1 and 2.
func Provision(t testing.TB, a events.APIGatewayProxyResponse) (answer respond.StatusResponse) {
	t.Helper()
	switch a.MultiValueHeaders["Content-Type"][0] {
	case "application/json":
		ReadJSON(t, a.Body, &answer)
	case "application/xml; charset=utf-8":
		ReadXML(t, a.Body, &answer)
	default:
		t.Errorf("Content-Type is %q", a.MultiValueHeaders["Content-Type"])
	}
	answer.XMLName = xml.Name{}
	switch {
	case a.StatusCode == 200 && answer != respond.Done,
		a.StatusCode != 200 && (answer.Status || answer.ResponseCode != strconv.Itoa(a.StatusCode)):
		t.Errorf("the answer to %d is %+v", a.StatusCode, answer)
	case a.StatusCode != 200:
		Sentence(t, answer.ResponseMessage)
	}
	return answer
}

// App checks an answer of operations 4 and 5, but for the 200 of operation 5.
func App(t testing.TB, a events.APIGatewayProxyResponse) (answer respond.Result) {
	t.Helper()
	if got := a.MultiValueHeaders["Content-Type"][0]; got != "application/json" {
		t.Errorf("Content-Type is %q", got)
	}
	ReadJSON(t, a.Body, &answer)
	switch {
	case a.StatusCode == 200 && answer != respond.Verified,
		a.StatusCode != 200 && answer.RetCode != strconv.Itoa(a.StatusCode):
		t.Errorf("the answer to %d is %+v", a.StatusCode, answer)
	case a.StatusCode != 200:
		Sentence(t, answer.RetMsg)
	}
	return answer
}

// Sentence checks a refusal's sentence: one line that a person can read, and no caller's
// text at length.
func Sentence(t testing.TB, sentence string) {
	t.Helper()
	if sentence == "" || len(sentence) > 250 || strings.ContainsAny(sentence, "\x00\r\n\u2028") {
		t.Errorf("the sentence is %q", sentence)
	}
}
