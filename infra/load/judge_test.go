package main

import (
	"net/http"
	"testing"

	"github.com/tsenart/vegeta/v12/lib"
)

func TestJudge(t *testing.T) {
	both := func(code string) string {
		return `{"responseCode":"` + code + `","responseMessage":"later","status":false,"retCode":"` + code + `","retMsg":"later"}`
	}
	element := func(code string) string {
		return xmlHead + `<StatusResponse><responseCode>` + code + `</responseCode><responseMessage>later</responseMessage><status>false</status></StatusResponse>`
	}
	inJSONAsked := &call{operation: deleteInfo, want: answer{status: 200, media: inJSON, body: "{}"}}
	inXMLAsked := &call{operation: setAllow, headers: []string{acceptXML}, want: answer{status: 200, media: inXML, body: "<x/>"}}
	customer := &call{operation: deleteCustomer, want: answer{status: 200, media: inXML, body: "<x/>"}}
	numbers := &call{operation: cleanData, want: answer{status: 200, media: inJSON, body: "{}"}}
	for _, row := range []struct {
		name        string
		call        *call
		code        uint16
		media, body string
		retryAfter  string
		want        verdict
	}{
		{"right", inJSONAsked, 200, inJSON, "{}", "", right},
		{"another word", inJSONAsked, 200, inJSON, "{ }", "", wrong},
		{"another type", inJSONAsked, 200, inXML, "{}", "", wrong},
		{"nothing", inJSONAsked, 0, "", "", "", lost},
		{"too many", inJSONAsked, 429, inJSON, both("429"), "1", refused},
		{"too many, in XML", inXMLAsked, 429, inXML, element("429"), "1", refused},
		{"too many, not as asked for", inXMLAsked, 429, inJSON, both("429"), "1", wrong},
		{"too many, until when?", inJSONAsked, 429, inJSON, both("429"), "", wrong},
		{"too many, says 200", inJSONAsked, 429, inJSON, both("200"), "1", wrong},
		{"too many, of a proxy", inJSONAsked, 429, "text/html", "slow down", "1", wrong},
		{"busy", inJSONAsked, 503, inJSON, both("503"), "1", busy},
		{"busy, of the function", customer, 503, inXML, xmlHead + `<response status="error"><error>busy</error></response>`, "1", busy},
		{"busy as operation 4 says it", numbers, 500, inJSON, `{"retCode":"500","retMsg":"` + busySentence + `"}`, "", busy},
		{"a failure of ours", numbers, 500, inJSON, both("500"), "", wrong},
		{"a failure of ours", customer, 500, inJSON, both("500"), "1", wrong},
	} {
		r := &vegeta.Result{Code: row.code, Body: []byte(row.body), Headers: http.Header{
			"Content-Type": {row.media}, "Cache-Control": {"no-store"}, "X-Content-Type-Options": {"nosniff"},
		}}
		if row.retryAfter != "" {
			r.Headers.Set("Retry-After", row.retryAfter)
		}
		if got, sentence := judge(r, row.call); got != row.want {
			t.Errorf("%s: %d (%s), want %d", row.name, got, sentence, row.want)
		}
	}
}
