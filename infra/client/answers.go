package client

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// XMLHead is how every XML answer begins.
const XMLHead = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"

// Expected is the one answer that is right, byte for byte.
type Expected struct {
	Status      int
	Media, Body string
}

// Any stands in an Expected for a sentence that is not laid down: see Answer.Sentence.
const Any = "\x00"

// Done is what operations 1 and 2 answer when they have done their work. The media type
// is JSON or XML.
func Done(media string) Expected { return statusResponse(media, http.StatusOK, "0", "", "true") }

// NotDone is what operations 1 and 2 answer otherwise. The sentence stands in it as it
// is.
func NotDone(media string, status int, sentence string) Expected {
	return statusResponse(media, status, strconv.Itoa(status), sentence, "false")
}

func statusResponse(media string, status int, code, sentence, done string) Expected {
	body := `{"responseCode":"` + code + `","responseMessage":"` + sentence + `","status":` + done + `}`
	if media == XML {
		body = XMLHead + "<StatusResponse><responseCode>" + code + "</responseCode><responseMessage>" +
			sentence + "</responseMessage><status>" + done + "</status></StatusResponse>"
	}
	return Expected{status, media, body}
}

// Callback is the name of the function that answers in JSONP call here.
const Callback = "cb"

// Deleted is what operation 3 answers when a customer is deleted, in XML, in JSON with
// condensed=yes, or as Script in JSONP (Callback) with condensed=yes.
func Deleted(media, code string) Expected {
	return customerResponse(media,
		`<response status="success"><customer status="deleted"><code>`+code+`</code></customer></response>`,
		`{"status":"success","customer":{"status":"deleted","code":"`+code+`"}}`)
}

// NotDeleted is what operation 3 answers otherwise, also with status 200, in the formats
// of Deleted. The sentence stands in it as it is.
func NotDeleted(media, sentence string) Expected {
	return customerResponse(media, `<response status="error"><error>`+sentence+`</error></response>`,
		`{"status":"error","error":"`+sentence+`"}`)
}

func customerResponse(media, inXML, inJSON string) Expected {
	switch media {
	case XML:
		return Expected{http.StatusOK, XML, XMLHead + inXML}
	case Script:
		return Expected{http.StatusOK, Script, "/**/" + Callback + "(" + inJSON + ");"}
	default:
		return Expected{http.StatusOK, JSON, inJSON}
	}
}

// Cleaned is what operation 4 answers when the erasure is sure to happen.
var Cleaned = Expected{http.StatusOK, JSON, `{"retCode":"0","retMsg":"VerifyParams success"}`}

// Failed is what operations 4 and 5 answer otherwise. The sentence stands in it as it is.
func Failed(status int, sentence string) Expected {
	return Expected{status, JSON, `{"retCode":"` + strconv.Itoa(status) + `","retMsg":"` + sentence + `"}`}
}

// Issued is what operation 5 answers. Its groups are the token and the time in Unix
// seconds.
func Issued(app, expires string) *regexp.Regexp {
	return regexp.MustCompile(`^\{"AccessToken":"([^"]{32,})","ApplyType":"Bearer","CreateTime":"(\d{10})","Expires":"` +
		expires + `","Scope":"[^"]+","AppKey":"` + regexp.QuoteMeta(app) + `","UserID":"Anonymous"\}$`)
}

// Sentence returns the part of the answer that want leaves open (the first Any), with its
// escapes. An answer that differs from want elsewhere is an error.
func (a Answer) Sentence(want Expected) (string, error) {
	any := `(?:[^"\\]|\\.)+` // in JSON
	if want.Media == XML {
		any = `[^<>]+`
	}
	shape := regexp.MustCompile(`^` + strings.ReplaceAll(regexp.QuoteMeta(want.Body), Any, `(`+any+`)`) + `$`)
	found := shape.FindStringSubmatch(a.Body)
	if a.Status != want.Status || found == nil {
		return "", fmt.Errorf("got %s, want %d like %s", a, want.Status, shape)
	}
	return found[1], a.HasType(want.Media)
}

// Token reads the token out of an answer of operation 5.
func (a Answer) Token() (string, error) {
	var body struct{ AccessToken string }
	if err := json.Unmarshal([]byte(a.Body), &body); err != nil || a.Status != http.StatusOK || body.AccessToken == "" {
		return "", fmt.Errorf("got %s, want a token", a)
	}
	return body.AccessToken, nil
}
