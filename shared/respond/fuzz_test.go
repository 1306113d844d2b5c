package respond

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"customercare/infra/testkit/bounds"
)

// FuzzNegotiate: whatever the Accept header is, the format is JSON or XML, and the only
// refusal is Not Acceptable. The q-values are not read here: a format that no range names
// is not chosen, one that a range without parameters names is not refused, and of the two
// formats the one that is named alone is chosen.
func FuzzNegotiate(f *testing.F) {
	for _, accept := range []string{
		"application/xml", "text/html, */*;q=0.1", "application/json;q=1", "*", "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", "application/*;q=0.001, application/json;q=0", "",
		",,", "application/json;q=2, application/xml", `a/b;q="1,2", application/xml`, `application/json; profile="a,b", application/xml;q=0.1`, `application/json;a="`, `a="application/xml,`, "0,* \n", "application/json;charset=utf-8", "APPLICATION/JSON", "application/json;q=NaN", "application/xml;q=1e-9",
		"application/json; q=0x1p-2", "text/*", "application/xml;;", "*/json", "*/*;q=0", "application/problem+json", "\x00", strings.Repeat("*/*,", 2000), "application/json;" + strings.Repeat("a=b;", 2000),
	} {
		f.Add("application/xml", accept, "")
		f.Add("", accept, "application/json;q=0.5")
	}
	f.Fuzz(func(t *testing.T, contentType, accept, more string) {
		var format Format
		var refusal error
		bounds.Check(t, func() {
			format, refusal = negotiate(http.Header{"Content-Type": {contentType}, "Accept": {accept, more}}, nil)
		})
		if format.Media != JSON && format.Media != XML || refusal != nil && AsError(refusal).Kind != NotAcceptable {
			t.Fatalf("got %+v, %v", format, refusal)
		}
		name := map[Media]string{JSON: "application/json", XML: "application/xml"}[format.Media]
		ranges := strings.ToLower(accept + "," + more)
		if strings.Trim(ranges, " \t,") == "" {
			if refusal != nil {
				t.Errorf("without Accept: %v", refusal)
			}
			return
		}
		if refusal == nil && !strings.Contains(ranges, name) && !strings.Contains(ranges, "*") {
			t.Errorf("%q is answered with %s", ranges, name)
		}
		if strings.Contains(ranges, ";") {
			return
		}
		named := map[string]bool{}
		for _, element := range strings.Split(ranges, ",") {
			named[strings.TrimSpace(element)] = true
		}
		any := named["*"] || named["*/*"] || named["application/*"]
		if ok := any || named["application/json"] || named["application/xml"]; ok != (refusal == nil) {
			t.Errorf("%q: %v", ranges, refusal)
		} else if ok && !any && !named[name] {
			t.Errorf("%q is answered with %s", ranges, name)
		}
	})
}

// Any text comes back out of both formats, but for what XML cannot say.
func FuzzWrite(f *testing.F) {
	f.Add("customerId is wrong")
	f.Add("<\x00\u2028\xff&]]>")
	f.Add(`a"b'c &#34; &quot;`)
	f.Add("\ufffe\U0010ffff\r\n\t\x7f\u0085")
	f.Fuzz(func(t *testing.T, text string) {
		body := StatusResponse{ResponseCode: "400", ResponseMessage: text}
		var fromJSON, fromXML StatusResponse
		inJSON := written(400, Format{}, body).Body.Bytes()
		if err := json.Unmarshal(inJSON, &fromJSON); err != nil {
			t.Error(err)
		}
		if bytes.ContainsFunc(inJSON, func(r rune) bool { return r >= utf8.RuneSelf }) {
			t.Errorf("%q is not ASCII in JSON: %q", text, inJSON)
		}
		if err := xml.Unmarshal(written(400, Format{Media: XML}, body).Body.Bytes(), &fromXML); err != nil {
			t.Error(err)
		}
		// Each byte that is no UTF-8 becomes one replacement character.
		if want := string([]rune(text)); fromJSON.ResponseMessage != want {
			t.Errorf("%q came back as %q", text, fromJSON.ResponseMessage)
		}
		// Every character of XML 1.0 section 2.2 comes back; another becomes the
		// replacement character.
		want := strings.Map(func(r rune) rune {
			if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == '\uFFFE' || r == '\uFFFF' {
				return '\uFFFD'
			}
			return r
		}, string([]rune(text)))
		if fromXML.ResponseMessage != want {
			t.Errorf("%q came back as %q from XML", text, fromXML.ResponseMessage)
		}
		script := written(200, Format{Media: JSONP, Callback: "f"}, body).Body.String()
		if strings.ContainsAny(script, "\u2028\u2029<>\n") {
			t.Errorf("%q is the script %q", text, script)
		}
	})
}
