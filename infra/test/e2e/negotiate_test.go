package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"customercare/infra/testkit/dynamotest"
)

// The answer's format follows Accept; without one the request's Content-Type; without
// either it is JSON.
func TestProvisionNegotiation(t *testing.T) {
	csr := operator(t, "csr-negotiation")
	loadUsers(t, "u-negotiation")
	path := at(bases[0], "u-negotiation")
	for _, row := range []struct{ accept, contentType, format string }{
		{"", "", "json"},
		{"", "application/json", "json"},
		{"", "application/xml", "xml"},
		{"", "application/xml; charset=utf-8", "xml"},
		{"", "Application/XML", "xml"},
		{"*/*", "", "json"},
		{"*/*", "application/json", "json"},
		{"*/*", "application/xml", "xml"}, // curl sends */* by itself
		{"application/*", "application/xml", "xml"},
		{"*", "", "json"},
		{"application/json", "application/xml", "json"},
		{"application/xml", "application/json", "xml"},
		{"application/xml; charset=utf-8", "", "xml"},
		{"application/json;charset=UTF-8", "application/xml", "json"},
		{"APPLICATION/XML", "", "xml"},
		{"application/xml, application/json", "", "xml"},
		{"application/json, application/xml", "application/xml", "json"},
		{"application/json;q=0.5, application/xml", "", "xml"},
		{"application/json;q=0.5, application/xml;q=0.499", "", "json"},
		{"application/xml; charset=utf-8; q=0.9, application/json; q=0.8", "", "xml"},
		{"application/json;q=0.2, */*;q=0.8", "", "xml"},
		{"application/xml;q=0.2, application/*;q=0.8", "", "json"},
		{"application/xml;q=0, */*", "application/xml", "json"},
		{"application/json;q=0, */*;q=0.1", "", "xml"},
		{"text/html, application/xml;q=0.9, */*;q=0.8", "", "xml"}, // a browser's
		{"text/html, */*;q=0.1", "", "json"},
		{"text/html, nonsense, application/xml;q=0.001", "", "xml"},
		{"application/json;q=0.000, application/xml;q=1.000", "", "xml"},
		{"application/xml,", "", "xml"},
	} {
		headers := []string{csr}
		if row.accept != "" {
			headers = append(headers, "Accept: "+row.accept)
		}
		if row.contentType != "" {
			headers = append(headers, "Content-Type: "+row.contentType)
		}
		t.Run(row.accept+" "+row.contentType, func(t *testing.T) {
			send(t, "DELETE", path+"?reset=true", "", headers...).done(t, row.format)
			send(t, "DELETE", path+"?reset=maybe", "", headers...).refused(t, 400, row.format, "reset")
		})
	}
	// Two header lines are one list, and names of headers have no case.
	send(t, "DELETE", path+"?reset=true", "", csr, "Accept: text/html", "Accept: application/xml").done(t, "xml")
	send(t, "DELETE", path+"?reset=true", "", csr, "accept: application/xml",
		"content-type: application/json").done(t, "xml")
	send(t, "DELETE", path+"?reset=true", "", strings.ToLower(csr[:13])+csr[13:]).done(t, "json")
}

func TestProvisionRefusesMediaTypes(t *testing.T) {
	csr := operator(t, "csr-media")
	loadUsers(t, "u-media")
	unchanged(t)
	path := at(bases[1], "u-media")
	for _, accept := range []string{
		"text/html", "text/xml", "text/*", "image/png, text/plain;q=0.5", "application/json;q=0", "*/*;q=0",
		"application/pdf",
		"application/json;q=0, application/xml;q=0.0", "nonsense", "application/xml;q=2", "application/jsonp",
	} {
		send(t, "DELETE", path+"?reset=true", "", csr, "Accept: "+accept).refused(t, 406, "json", "Accept")
		send(t, "PUT", path, `{"tempAllowType":1}`, csr, "Accept: "+accept, bodyJSON).refused(t, 406, "json", "Accept")
		send(t, "PUT", path, `<TempAllowRequest><tempAllowType>1</tempAllowType></TempAllowRequest>`, csr,
			"Accept: "+accept, bodyXML).
			refused(t, 406, "xml", "Accept")
	}
	for _, contentType := range []string{
		"text/plain", "text/json", "text/xml", "application/x-www-form-urlencoded", "application/jsonx",
		"application/vnd.api+json",
		"multipart/form-data; boundary=x", "application", "nonsense/",
		"application/json, application/xml",
	} {
		format := "json"
		if strings.HasPrefix(contentType, "application/xml") {
			format = "xml"
		}
		header := "Content-Type: " + contentType
		send(t, "PUT", path, `{"tempAllowType":1}`, csr, header).refused(t, 415, format, "Content-Type")
		send(t, "PUT", path, `{"tempAllowType":1}`, csr, header, acceptXML).refused(t, 415, "xml", "Content-Type")
	}
	// A charset is refused where it matters, with its name.
	for _, charset := range []string{"iso-8859-1", "US-ASCII", "windows-1252", "utf-16", "nobody-knows"} {
		send(t, "PUT", path, `{"tempAllowType":1,"x":"é"}`, csr, bodyJSON+"; charset="+charset).refused(t, 415,
			"json", "Content-Type", charset)
		send(t, "PUT", path, "<TempAllowRequest><tempAllowType>1</tempAllowType><x>\xe9</x></TempAllowRequest>",
			csr, bodyXML+"; charset="+charset).
			refused(t, 415, "xml", "Content-Type", charset)
	}
	send(t, "PUT", path, `{"tempAllowType":1}`, csr, bodyJSON, bodyJSON).refused(t, 415, "json", "Content-Type")
}

// Methods and paths that are not offered.
func TestProvisionRoutes(t *testing.T) {
	csr := operator(t, "csr-routes")
	loadUsers(t, "u-routes")
	unchanged(t)
	for _, base := range bases {
		path := at(base, "u-routes")
		for _, method := range []string{"POST", "PATCH", "OPTIONS", "delete", "TRACE", "PROPFIND"} {
			for format, accept := range map[string]string{"json": acceptJSON, "xml": acceptXML} {
				r := send(t, method, path+"?reset=true", "", csr, accept)
				r.refused(t, 405, format, "DELETE", "GET", "PUT")
				if r.Header.Get("Allow") != "DELETE, GET, PUT" {
					t.Errorf("%s: Allow is %q", method, r.Header.Get("Allow"))
				}
			}
			send(t, method, path, "").refused(t, 401, "json")
		}
	}
	for _, path := range []string{
		"/customercare/v1//provision", "/customercare/v1/provision", "/customercare/v1/u-routes",
		"/customercare/v2/u-routes/provision",
		"/Customercare/v1/u-routes/provision", "/risk-cc/v1/u-routes/provision",
		"/customercare/v1/u-routes/provision/x",
		"/risk-cc/risk-cc/customercare/v1/u-routes/provision", "/customercare/v1/a/b/provision",
	} {
		r := send(t, "DELETE", path+"?reset=true", "", csr, acceptJSON)
		r.is(t, 404, `{"responseCode":"404","responseMessage":"The requested path and method are not known","status":false,`+
			`"retCode":"404","retMsg":"The requested path and method are not known"}`)
		r.contentType(t, "json")
		send(t, "PUT", path, "", csr, acceptXML).refused(t, 404, "xml", "path")
	}
}

// 64 KB are read, one byte more is not, whatever the body holds.
func TestProvisionBodyLimit(t *testing.T) {
	csr := operator(t, "csr-limit")
	loadUsers(t, "u-limit")
	path := at(bases[0], "u-limit")
	const limit = 64 << 10
	json := `{"tempAllowType":1}`
	xml := `<TempAllowRequest><tempAllowType>1</tempAllowType></TempAllowRequest>`
	pad := func(body string, size int) string { return body + strings.Repeat(" ", size-len(body)) }
	send(t, "PUT", path, pad(json, limit), csr, bodyJSON).done(t, "json")
	send(t, "PUT", path, pad(xml, limit), csr, bodyXML).done(t, "xml")
	send(t, "DELETE", path+"?reset=true", pad(json, limit), csr).done(t, "json")
	unchanged(t)
	for _, size := range []int{limit + 1, limit + 2, limit + 3, 1 << 20} {
		send(t, "PUT", path, pad(json, size), csr, bodyJSON).refused(t, 413, "json", "65536 bytes")
		send(t, "PUT", path, pad(xml, size), csr, bodyXML).refused(t, 413, "xml", "65536 bytes")
		send(t, "PUT", path, pad(json, size), csr, bodyJSON, acceptXML).refused(t, 413, "xml", "65536 bytes")
		send(t, "DELETE", path+"?reset=true", pad(json, size), csr).refused(t, 413, "json", "65536 bytes")
	}
	// More than Lambda takes, and more than API Gateway takes: its own answers, in the
	// asked format.
	for _, size := range []int{5 << 20, 10<<20 + 1} {
		send(t, "PUT", path, pad(json, size), csr, acceptXML).refused(t, 413, "xml", "too large")
		send(t, "PUT", path, pad(json, size), csr, acceptJSON).is(t, 413,
			`{"responseCode":"413","responseMessage":"The request body is too large",`+
				`"status":false,"retCode":"413","retMsg":"The request body is too large"}`)
	}
}

// Failures of ours are answers in shape too: a database that is busy, an authorizer that
// fails, a function that dies.
func TestProvisionFailures(t *testing.T) {
	csr := operator(t, "csr-failures")
	loadUsers(t, "u-failures")
	path := at(bases[0], "u-failures")
	// the authorizer's answer is kept from here on
	send(t, "DELETE", path+"?unregisterDevices=true", "", csr).done(t, "json")
	t.Run("refused", func(t *testing.T) {
		unchanged(t)
		for _, fault := range []dynamotest.Fault{dynamotest.Throttle, dynamotest.Before} {
			calls.Inject(fault, 1, 1<<30)
			for format, accept := range map[string]string{"json": acceptJSON, "xml": acceptXML} {
				for _, r := range []reply{
					send(t, "DELETE", path+"?unregisterDevices=true", "", csr, accept),
					send(t, "PUT", path, `{"tempAllowType":1}`, csr, accept),
				} {
					r.refused(t, 503, format, "try again")
					if r.Header.Get("Retry-After") != "1" {
						t.Errorf("a 503 without Retry-After: %v", r.Header)
					}
				}
				send(t, "DELETE", path+"?reset=true", "", basic("csr-failures", "other"), acceptXML).refused(t, 503,
					"xml", "try again")
				send(t, "DELETE", path+"?reset=true", "", basic("csr-failures", "other"), acceptJSON).is(t, 503,
					`{"responseCode":"503",`+
						`"responseMessage":"The service did not answer, try again","status":false,"retCode":"503","retMsg":"The service did not answer, try again"}`)
			}
			calls.Calls() // ends the fault
		}
	})
	// One lost answer or one failed call is made good without the caller noticing.
	for _, fault := range []dynamotest.Fault{dynamotest.Throttle, dynamotest.Before, dynamotest.After} {
		var struck bool
		var made []string
		for range 5 { // functions in the background make such calls, too, now and then
			calls.InjectOn("UpdateItem", fault, 1, 1)
			send(t, "DELETE", path+"?unregisterDevices=true", "", csr).done(t, "json")
			struck = calls.Struck()
			if made = slices.DeleteFunc(calls.Calls(), func(action string) bool { return action != "UpdateItem" }); len(made) == 2 {
				break
			}
		}
		if !struck || len(made) != 2 { // at once again: environment.Backoff is some milliseconds there
			t.Errorf("%s cost the calls %s", fault, made)
		}
	}
}

// Every answer of a function says how it may be kept and read.
func TestProvisionHeaders(t *testing.T) {
	csr := operator(t, "csr-headers")
	loadUsers(t, "u-headers")
	for _, r := range []reply{
		send(t, "DELETE", at(bases[0], "u-headers")+"?reset=true", "", csr, acceptXML),
		send(t, "DELETE", at(bases[0], "u-headers-nobody")+"?reset=true", "", csr),
		send(t, "DELETE", at(bases[0], "u-headers"), "", csr),
		send(t, "PUT", at(bases[0], "u-headers"), "{", csr),
	} {
		for name, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%d: %s is %q, want %q", r.Status, name, got, want)
			}
		}
	}
	r := send(t, "DELETE", at(bases[0], "u-headers")+"?reset=true", "")
	if got, want := fmt.Sprint(r.Header[http.CanonicalHeaderKey("WWW-Authenticate")]), `[Basic realm="customercare"]`; r.Status != 401 || got != want {
		t.Errorf("%d with WWW-Authenticate %s, want 401 with %s", r.Status, got, want)
	}
}
