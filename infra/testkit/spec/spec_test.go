package spec

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/operation"
)

func document(t *testing.T) *Document {
	t.Helper()
	d, err := Read(filepath.Join(dynamotest.Root(), "docs", "openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// The document is one of OpenAPI 3.1 by its own rules.
func TestDocumentIsValid(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(dynamotest.Root(), "docs", "openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	document, err := libopenapi.NewDocument(text)
	if err != nil {
		t.Fatal(err)
	}
	v, errs := validator.NewValidator(document)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if ok, faults := v.ValidateDocument(); !ok {
		for _, f := range faults {
			t.Errorf("%s: %s %v", f.Message, f.Reason, f.SchemaValidationErrors)
		}
	}
}

// It has every route that a caller may use, and no other.
func TestRoutes(t *testing.T) {
	got := document(t).Routes()
	var want []string
	for _, o := range operation.Every() {
		for _, route := range o.Routes() {
			if route.Method != operation.AnyMethod {
				want = append(want, route.Method+" "+route.Path)
			}
		}
	}
	for _, route := range want {
		if !strings.Contains(strings.Join(got, "\n")+"\n", route+"\n") {
			t.Errorf("it lacks %s", route)
		}
	}
	if len(got) != len(want) {
		t.Errorf("it has %d routes, want %d: %q", len(got), len(want), got)
	}
}

// in is the headers of an answer with this type, and others, each "Name: value".
func in(media string, others ...string) http.Header {
	header := http.Header{"Content-Type": {media}}
	for _, other := range others {
		name, value, _ := strings.Cut(other, ": ")
		header.Set(name, value)
	}
	return header
}

// Answers that are not as the document says are noticed, whatever is wrong with them.
func TestCheck(t *testing.T) {
	d := document(t)
	const provision = "/customercare/v1/x%2Fy/provision"
	done := `{"responseCode":"0","responseMessage":"","status":true}`
	refused := strings.Replace(done, "true", "false", 1)
	const clean, cleaned = "/apiaccess/CC-Management/v1/clearUserInfo/cleancustpersonaldata", `{"retCode":"0","retMsg":"VerifyParams success"}`
	xml := `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n" +
		`<StatusResponse><responseCode>0</responseCode><responseMessage></responseMessage><status>true</status></StatusResponse>`
	gone := `<response status="success"><customer status="deleted"><code>1</code></customer></response>`
	const allow = `<tempAllow><tempAllowType>1</tempAllowType><expirationDate>2030-10-15T01:29:29.768Z</expirationDate><singleUse>true</singleUse></tempAllow>`
	had := strings.Replace(xml, "</status>", "</status><registered>true</registered><questions>1</questions><images>0</images>"+
		"<phrases>0</phrases><devices>2</devices><tempAllows>"+allow+"</tempAllows>", 1)
	problem := `{"type":"about:blank","title":"Not Found","status":404,"detail":"There is no such erasure"}`
	right := []Answer{
		{"DELETE", provision + "?reset=true", 200, in("application/json"), done},
		{"PUT", "/risk-cc" + provision, 404, in("application/xml; charset=utf-8"), xml},
		{"POST", "/", 200, in("application/xml; charset=utf-8"), gone},
		{"POST", "/api.php", 200, in("application/javascript; charset=utf-8"), `/**/a({});`},
		{"GET", provision, 200, in("application/xml"), had},
		{"GET", provision, 200, in("application/xml"), strings.ReplaceAll(had, allow, "")},
		{"GET", provision, 200, in("application/xml"), strings.ReplaceAll(had, allow, allow+allow)},
		{"GET", "/erasures/x", 404, in("application/problem+json"), problem},
		{"GET", "/erasures/x/receipt", 200, in("text/plain; charset=utf-8"), "x"},
		{"GET", "/erasures/preview", 405, in("application/problem+json"), "what /erasures/{id} does not know"},
		{"PUT", provision, 429, in("application/json", "Retry-After: 1", "X-Amzn-Requestid: x"), refused},
		{"PUT", provision, 401, in("application/json", `WWW-Authenticate: Basic realm="customercare"`), refused},
		{"POST", clean, 200, in("application/json", `Link: </erasures/x>; rel="status"`), cleaned},
		{"GET", "/nothing", 404, in("text/html"), "nobody knows the path"},
		{"PATCH", "/", 404, in("text/html"), "nobody knows the method"},
	}
	for _, a := range right {
		if err := d.Check(a); err != nil {
			t.Errorf("%+v: %v", a, err)
		}
	}
	for _, a := range []Answer{
		{"DELETE", provision, 200, in("application/json"), `{"responseCode":0,"responseMessage":"","status":true}`},
		{"DELETE", provision, 200, in("application/json"), `{"responseCode":"0","status":true}`},
		{"DELETE", provision, 200, in("application/json"), `{`},
		{"DELETE", provision, 200, in("text/html"), done},
		{"DELETE", provision, 201, in("application/json"), done},
		{"PUT", provision, 200, in("application/xml"), strings.ReplaceAll(xml, "StatusResponse", "Response")},
		{"PUT", provision, 200, in("application/xml"), strings.ReplaceAll(xml, "responseMessage", "message")},
		{"POST", "/", 200, in("application/xml"), strings.Replace(gone, `"success"`, `"done"`, 1)},
		{"POST", "/", 200, in("application/xml"), strings.Replace(gone, `<code>1</code>`, ``, 1)},
		{"GET", provision, 200, in("application/xml"), strings.ReplaceAll(had, "tempAllow>", "allow>")},
		{"GET", provision, 200, in("application/xml"), strings.ReplaceAll(had, "<questions>1", "<questions>one")},
		{"GET", provision, 200, in("application/xml"), strings.ReplaceAll(had, "<registered>true", "<registered>1")},
		{"GET", provision, 200, in("application/xml"), strings.ReplaceAll(had, "<tempAllowType>1", "<tempAllowType>")},
		{"GET", provision, 200, in("application/xml"), strings.ReplaceAll(had, allow, "none")},
		{"GET", "/erasures/x", 404, in("application/problem+json"), strings.Replace(problem, "404", `"404"`, 1)},
		{"GET", "/erasures/x", 200, in("application/json"), `{}`},
		{"DELETE", provision, 200, in("application/json", "Location: /"), done},
		{"DELETE", provision, 200, in("application/json"), strings.Replace(done, `{`, `{"more":1,`, 1)},
		{"PUT", provision, 429, in("application/json"), refused},
		{"PUT", provision, 401, in("application/json"), refused},
		{"POST", clean, 200, in("application/json"), cleaned},
	} {
		if d.Check(a) == nil {
			t.Errorf("%+v is taken for right", a)
		}
	}
}
