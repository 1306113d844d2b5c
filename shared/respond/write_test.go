package respond

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

const head = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"

// written gives what Write makes of body.
func written(status int, f Format, body any) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	Write(w, status, f, body)
	return w
}

func TestWrite(t *testing.T) {
	type pair struct {
		A string `json:"a"`
		B []int  `json:"b"`
	}
	jsonp := Format{Media: JSONP, Callback: "jQuery.cb$_1"}
	for _, test := range []struct {
		format Format
		body   any
		want   string
	}{
		// As documented: three keys and three elements, the empty message among them.
		{Format{}, Done, `{"responseCode":"0","responseMessage":"","status":true}`},
		{Format{Media: XML}, Done, head + `<StatusResponse><responseCode>0</responseCode><responseMessage></responseMessage><status>true</status></StatusResponse>`},
		{Format{}, StatusResponse{ResponseCode: "0", SessionID: "s", Status: true}, `{"responseCode":"0","responseMessage":"","sessionId":"s","status":true}`},
		{Format{Media: XML}, StatusResponse{ResponseCode: "0", SessionID: "s", Status: true}, head + `<StatusResponse><responseCode>0</responseCode><responseMessage></responseMessage><sessionId>s</sessionId><status>true</status></StatusResponse>`},
		{Format{}, Verified, `{"retCode":"0","retMsg":"VerifyParams success"}`},

		{Format{Indent: true}, pair{"x", []int{1}}, "{\n  \"a\": \"x\",\n  \"b\": [\n    1\n  ]\n}"},
		{jsonp, pair{A: "x"}, `/**/jQuery.cb$_1({"a":"x","b":null});`},
		{Format{Media: JSONP, Callback: "f", Indent: true}, pair{A: "x", B: []int{}}, "/**/f({\n  \"a\": \"x\",\n  \"b\": []\n});"},

		// Characters that end a string, an element or a line of script elsewhere.
		{Format{}, pair{A: "\"\\/\n\x00\x1f\x7f"}, `{"a":"\"\\/\n\u0000\u001f` + "\x7f" + `","b":null}`},
		{Format{}, pair{A: "</script><!--&"}, `{"a":"\u003c/script\u003e\u003c!--\u0026","b":null}`},
		{jsonp, pair{A: "\u2028\u2029*/"}, `/**/jQuery.cb$_1({"a":"\u2028\u2029*/","b":null});`},
		{Format{}, pair{A: "é\U0001F98A\xff"}, `{"a":"\u00e9\ud83e\udd8a\ufffd","b":null}`},
		{Format{Indent: true}, pair{A: "\u0080\ud7ff\ue000\uffff\U00010000\U0010ffff"}, "{\n  \"a\": \"" + `\u0080\ud7ff\ue000\uffff\ud800\udc00\udbff\udfff` + "\",\n  \"b\": null\n}"},
		{jsonp, pair{A: "é"}, `/**/jQuery.cb$_1({"a":"\u00e9","b":null});`},
		{Format{Media: XML}, StatusResponse{ResponseMessage: "<a b=\"c\" d='e'>&]]>\t\r\n"}, head +
			"<StatusResponse><responseCode></responseCode><responseMessage>&lt;a b=\"c\" d='e'&gt;&amp;]]&gt;\t&#xD;\n</responseMessage><status>false</status></StatusResponse>"},
		{Format{Media: XML}, StatusResponse{ResponseMessage: "\x00\x01\x0b\x1f\xff\ufffe\uffff\U0001F98A"}, head +
			"<StatusResponse><responseCode></responseCode><responseMessage>\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\U0001F98A</responseMessage><status>false</status></StatusResponse>"},
	} {
		if got := written(200, test.format, test.body).Body.String(); got != test.want {
			t.Errorf("%+v of %+v\ngot  %q\nwant %q", test.format, test.body, got, test.want)
		}
	}
}

func TestHeader(t *testing.T) {
	for media, contentType := range map[Media]string{
		JSON: "application/json", XML: "application/xml; charset=utf-8", JSONP: "application/javascript; charset=utf-8",
	} {
		for kind, status := range statuses {
			w := written(status, Format{Media: media, Callback: "f"}, StatusResponse{})
			want := map[string]string{
				"Content-Type":              contentType,
				"Cache-Control":             "no-store",
				"X-Content-Type-Options":    "nosniff",
				"Strict-Transport-Security": "max-age=31536000; includeSubDomains",
				"Retry-After":               "",
			}
			if kind == Unavailable || kind == TooManyRequests {
				want["Retry-After"] = "1"
			}
			for name, value := range want {
				if got := w.Header().Get(name); got != value {
					t.Errorf("medium %d, status %d: %s is %q, want %q", media, status, name, got, value)
				}
			}
			if w.Code != status {
				t.Errorf("status %d is sent as %d", status, w.Code)
			}
		}
	}
}

// Quotation marks and white space are bare in text alone: in an attribute they would end
// it, or come back as blanks. What a caller writes as a reference stays what it is.
func TestAttributes(t *testing.T) {
	type element struct {
		XMLName   struct{} `xml:"a"`
		Attribute string   `xml:"b,attr"`
		Text      string   `xml:"c"`
	}
	const text = "'\"\t\n\r>&#34;&#xA;é"
	const want = head + "<a b=\"&#39;&#34;&#x9;&#xA;&#xD;&gt;&amp;#34;&amp;#xA;é\"><c>'\"\t\n&#xD;&gt;&amp;#34;&amp;#xA;é</c></a>"
	if got := written(200, Format{Media: XML}, element{Attribute: text, Text: text}).Body.String(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// An answer is written whole or not at all: what cannot be written leaves the response
// alone.
func TestUnwritable(t *testing.T) {
	for _, format := range []Format{{}, {Media: XML}, {Media: JSONP}} {
		w := httptest.NewRecorder()
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v: a function was written as %q", format, w.Body)
				}
			}()
			Write(w, 200, format, func() {})
		}()
		if len(w.Header()) != 0 || w.Body.Len() != 0 {
			t.Errorf("%+v: %v and %q were written", format, w.Header(), w.Body)
		}
	}
}

func TestShapes(t *testing.T) {
	for kind, want := range map[Kind]int{
		Internal: 500, Invalid: 400, Unauthorized: 401, Forbidden: 403, NotFound: 404, MethodNotAllowed: 405,
		NotAcceptable: 406, Conflict: 409, Gone: 410, TooLarge: 413, UnsupportedMedia: 415, TooManyRequests: 429, Unavailable: 503,
	} {
		refusal := AsError(Refuse(kind, "customerId is wrong"))
		status, body := Provision.Failure(refusal)
		text := fmt.Sprintf(`{"responseCode":"%d","responseMessage":"customerId is wrong","status":false}`, want)
		if got := written(status, Format{}, body); status != want || got.Body.String() != text {
			t.Errorf("kind %d: %d %s", kind, status, got.Body)
		}
		if kind == Unavailable { // the documents of operations 4 and 5 know 500 alone
			want = 500
		}
		status, body = App.Failure(refusal)
		text = fmt.Sprintf(`{"retCode":"%d","retMsg":"customerId is wrong"}`, want)
		if got := written(status, Format{}, body); status != want || got.Body.String() != text {
			t.Errorf("kind %d: %d %s", kind, status, got.Body)
		}
	}
	if len(statuses) != 13 {
		t.Error("a kind has no status, or this table does not know it")
	}
	r := &http.Request{Header: http.Header{"Accept": {"application/xml"}}}
	if format, refusal := App.Format(r.Header, nil); format.Media != JSON || refusal != nil {
		t.Errorf("the app shape is JSON only, got %+v, %v", format, refusal)
	}
}

type retryable bool

func (r retryable) Error() string   { return "secret cause" }
func (r retryable) Retryable() bool { return bool(r) }

func TestAsError(t *testing.T) {
	refusal := Refuse(Forbidden, "no")
	for _, test := range []struct {
		err      error
		kind     Kind
		sentence string
		logged   bool
	}{
		{refusal, Forbidden, "no", false},
		{fmt.Errorf("wrapped: %w", refusal), Forbidden, "no", false},
		{retryable(true), Unavailable, "The service is busy, try again in a moment", true},
		{fmt.Errorf("wrapped: %w", retryable(true)), Unavailable, "The service is busy, try again in a moment", true},
		{retryable(false), Internal, "The service failed, try again", true},
		{errors.New("secret cause"), Internal, "The service failed, try again", true},
		{nil, Internal, "The service failed, try again", false},
		{&Error{Kind: Invalid, Sentence: "no", Cause: retryable(true)}, Invalid, "no", true},
	} {
		got := AsError(test.err)
		if got.Kind != test.kind || got.Sentence != test.sentence || (got.Cause != nil) != test.logged {
			t.Errorf("%v: got kind %d, %q, cause %v", test.err, got.Kind, got.Sentence, got.Cause)
		}
	}
}
