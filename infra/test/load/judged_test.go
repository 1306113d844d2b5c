package load

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/tsenart/vegeta/v12/lib"

	"customercare/infra/client"
	"customercare/infra/local/apigateway"
)

func TestJudge(t *testing.T) {
	both := func(code, sentence string) string {
		return `{"responseCode":"` + code + `","responseMessage":"` + sentence + `","status":false,"retCode":"` +
			code + `","retMsg":"` + sentence + `"}`
	}
	element := func(code, sentence string) string {
		return `<StatusResponse><responseCode>` + code + `</responseCode><responseMessage>` + sentence +
			`</responseMessage><status>false</status></StatusResponse>`
	}
	own := map[string]apigateway.Response{}
	for kind, code := range map[string]int{
		"THROTTLED": 429, "INTEGRATION_FAILURE": 503, "INTEGRATION_TIMEOUT": 503, "AUTHORIZER_FAILURE": 503,
		"DEFAULT_5XX": 500,
	} {
		own[kind] = apigateway.Response{
			StatusCode: code,
			Templates: map[string]string{
				client.JSON: both(strconv.Itoa(code), kind),
				client.XML:  element(strconv.Itoa(code), kind),
			},
		}
	}
	failed := func(status, text string) string {
		return client.XMLHead + `<response status="` + status + `"><error>` + text + `</error></response>`
	}
	asked := func(kind, media, body string, headers ...string) *call {
		want := answer{Expected: client.Expected{Status: 200, Media: media, Body: body}}
		return &call{kind: kind, Request: client.Request{Headers: headers}, want: want}
	}
	inJSONAsked := asked(deleteInfo, client.JSON, "{}")
	inXMLAsked := asked(setAllow, client.XML, "<x/>", client.AcceptXML)
	customer := asked(deleteCustomer, client.XML, "<x/>")
	customerJSON := asked(deleteCustomer, client.JSON, "{}")
	customerJSONP := asked(deleteCustomer, client.Script, "cb({});")
	numbers := asked(cleanData, client.JSON, "{}")
	for _, row := range []struct {
		name        string
		call        *call
		code        uint16
		media, body string
		retryAfter  string
		want        verdict
	}{
		{"right", inJSONAsked, 200, client.JSON, "{}", "", right},
		{"another word", inJSONAsked, 200, client.JSON, "{ }", "", wrong},
		{"another type", inJSONAsked, 200, client.XML, "{}", "", wrong},
		{"nothing", inJSONAsked, 0, "", "", "", lost},
		{"too many", inJSONAsked, 429, client.JSON, both("429", "THROTTLED"), "1", refused},
		{"too many, in XML", inXMLAsked, 429, client.XML, element("429", "THROTTLED"), "1", refused},
		{"too many, not as asked for", inXMLAsked, 429, client.JSON, both("429", "THROTTLED"), "1", wrong},
		{"too many, until when?", inJSONAsked, 429, client.JSON, both("429", "THROTTLED"), "", wrong},
		{"too many, never again", inJSONAsked, 429, client.JSON, both("429", "THROTTLED"), "never", wrong},
		{"too many, again at once", inJSONAsked, 429, client.JSON, both("429", "THROTTLED"), "0", wrong},
		{"too many, again next year", inJSONAsked, 429, client.JSON, both("429", "THROTTLED"), "31536000", wrong},
		{"too many, in other words", inJSONAsked, 429, client.JSON, both("429", "later"), "1", wrong},
		{"too many, says 200", inJSONAsked, 429, client.JSON, both("200", "THROTTLED"), "1", wrong},
		{"too many, of a proxy", inJSONAsked, 429, "text/html", "slow down", "1", wrong},
		{"too many, with another status", inJSONAsked, 503, client.JSON, both("429", "THROTTLED"), "1", wrong},
		{"no answer", inJSONAsked, 503, client.JSON, both("503", "INTEGRATION_FAILURE"), "1", busy},
		{"no answer in time", customer, 503, client.JSON, both("503", "INTEGRATION_TIMEOUT"), "1", busy},
		{"no authorizer", numbers, 503, client.JSON, both("503", "AUTHORIZER_FAILURE"), "1", busy},
		{"the function failed", numbers, 500, client.JSON, both("500", "DEFAULT_5XX"), "1", wrong},
		{
			"busy", inJSONAsked, 503, client.JSON,
			`{"responseCode":"503","responseMessage":"` + busySentence + `","status":false}`, "1", busy,
		},
		{"busy, in XML", inXMLAsked, 503, client.XML, client.XMLHead + element("503", busySentence), "2", busy},
		{"busy, of operation 3", customer, 503, client.XML, failed("error", busySentence), "1", busy},
		{
			"busy, in JSON", customerJSON, 503, client.JSON, `{"status":"error","error":"` + busySentence + `"}`, "1",
			busy,
		},
		{
			"busy, in JSONP", customerJSONP, 503, "application/javascript",
			`/**/cb({"status":"error","error":"` + busySentence + `"});`, "1", busy,
		},
		{"busy and yet done", customer, 503, client.XML, failed("success", busySentence), "1", wrong},
		{"its insides", customer, 503, client.XML, failed("error", "goroutine 1 [running]: main.main()"), "1", wrong},
		{
			"busy as operation 4 says it", numbers, 500, client.JSON,
			`{"retCode":"500","retMsg":"` + busySentence + `"}`, "", busy,
		},
		{
			"a failure of ours", numbers, 500, client.JSON,
			`{"retCode":"500","retMsg":"The service failed, try again"}`, "", wrong,
		},
		{"a failure of ours", customer, 500, client.XML, failed("error", busySentence), "1", wrong},
	} {
		r := &vegeta.Result{Code: row.code, Body: []byte(row.body), Headers: http.Header{
			"Content-Type": {row.media}, "Cache-Control": {"no-store"}, "X-Content-Type-Options": {"nosniff"},
			"Strict-Transport-Security": {"max-age=31536000; includeSubDomains"},
		}}
		if row.retryAfter != "" {
			r.Headers.Set("Retry-After", row.retryAfter)
		}
		if got, sentence := judge(r, row.call, own); got != row.want {
			t.Errorf("%s: %d (%s), want %d", row.name, got, sentence, row.want)
		}
		for name := range onEvery {
			was := r.Headers[name]
			r.Headers.Set(name, "another")
			if got, _ := judge(r, row.call, own); got != wrong && got != lost {
				t.Errorf("%s with another %s: %d", row.name, name, got)
			}
			r.Headers[name] = was
		}
	}
}
