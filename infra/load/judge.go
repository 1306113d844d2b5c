package main

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/tsenart/vegeta/v12/lib"
)

// verdict is what a result is.
type verdict int

const (
	right   verdict = iota
	refused         // for the rate: a well-shaped 429
	busy            // a well-shaped 503, or its 500 of operations 4 and 5
	wrong
	lost // no answer at all
)

// judge compares a result with what its call must get; sentence says what is wrong.
func judge(r *vegeta.Result, c *call) (v verdict, sentence string) {
	if r.Code == 0 {
		return lost, r.Error
	}
	fault := c.want.differs(r)
	if fault == "" {
		return right, ""
	}
	if r.Code == http.StatusTooManyRequests || r.Code == http.StatusServiceUnavailable || r.Code == http.StatusInternalServerError {
		shape := shapeOf(r, c)
		switch {
		case shape != "":
			fault = shape
		case r.Code == http.StatusTooManyRequests:
			return refused, ""
		default:
			return busy, ""
		}
	}
	return wrong, fmt.Sprintf("%s: %s %s: %s", c.operation, c.method, c.path, fault)
}

// differs says in what a result is not this answer; "" when it is, word for word.
func (want answer) differs(r *vegeta.Result) string {
	media, _, _ := mime.ParseMediaType(r.Headers.Get("Content-Type"))
	body := string(r.Body)
	same := body == want.body
	if want.pattern != nil {
		same = want.pattern.MatchString(body)
	}
	if int(r.Code) != want.status || media != want.media || !same {
		return fmt.Sprintf("got %d %s %.300q, want %d %s %.300q", r.Code, media, body, want.status, want.media, want.body)
	}
	if want.byGateway {
		return ""
	}
	for name, value := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"} {
		if got := r.Headers.Get(name); got != value {
			return fmt.Sprintf("%s is %q, want %s", name, got, value)
		}
	}
	return ""
}

// busySentence is a function's for a table that is slow or throttled.
const busySentence = "The service is busy, try again in a moment"

// refusal is an answer of API Gateway's own, or a function's in one of the operations' shapes.
type refusal struct {
	ResponseCode    string `json:"responseCode" xml:"responseCode"`
	ResponseMessage string `json:"responseMessage" xml:"responseMessage"`
	RetCode         string `json:"retCode" xml:"-"`
	RetMsg          string `json:"retMsg" xml:"-"`
	Status          any    `json:"status" xml:"-"`
	Error           string `json:"error" xml:"error"`
}

// shapeOf says in what a 429, 503 or 500 is not well shaped: its status in the body too, a sentence, Retry-After; in the
// format asked for, when that is XML by Accept. A 500 may only be what operations 4 and 5 say in place of a 503.
func shapeOf(r *vegeta.Result, c *call) string {
	got := fmt.Sprintf("got %d %.300q", r.Code, r.Body)
	media, _, _ := mime.ParseMediaType(r.Headers.Get("Content-Type"))
	var said refusal
	var err error
	switch body := strings.TrimSuffix(strings.TrimPrefix(string(r.Body), "/**/cb("), ");"); media {
	case inXML:
		err = xml.Unmarshal([]byte(body), &said)
	case inJSON, "application/javascript":
		err = json.Unmarshal([]byte(body), &said)
	default:
		return got + " of the type " + media
	}
	if err != nil {
		return got + ": " + err.Error()
	}
	code := strconv.Itoa(int(r.Code))
	provision := said.ResponseCode == code && said.ResponseMessage != ""
	appShape := said.RetCode == code && said.RetMsg != ""
	shaped := provision
	switch c.operation {
	case cleanData, issueToken:
		shaped = appShape
	case deleteCustomer: // has no shape for what API Gateway says by itself
		shaped = provision || appShape || said.Error != ""
	}
	switch {
	case !shaped:
		return got + ": not in the operation's shape"
	case r.Code == http.StatusInternalServerError && said.RetMsg != busySentence:
		return got
	case r.Code != http.StatusInternalServerError && r.Headers.Get("Retry-After") == "":
		return got + " without Retry-After"
	case slices.Contains(c.headers, acceptXML) != (media == inXML) && c.operation != deleteCustomer && !slices.Contains(c.headers, bodyXML):
		return got + ": not in the format asked for"
	}
	return ""
}
