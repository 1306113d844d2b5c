package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"customercare/infra/client"
)

// The rows of the contracts page's section "3: delete a customer".

// Sentences of refusals.
const (
	wrongCaller = "user_id, user_password or account_id is wrong"
	unknownCode = "code is not the code of a customer of this account"
	wrongForm   = "The form in the request body cannot be read"
	wrongMedia  = "Content-Type must be application/x-www-form-urlencoded or multipart/form-data"
	noCallback  = "callback must be the name of a JavaScript function"
)

// fieldsOf is the documented form, changed by pairs of name and value; the value "-"
// leaves the field out.
func fieldsOf(account, code string, changes ...string) url.Values {
	form := client.Form(client.APIUser{Name: userOf(account), Key: keyOf(account), Account: account}, code, changes...)
	for name, values := range form {
		if values[0] == "-" {
			form.Del(name)
		}
	}
	return form
}

// formOf is fieldsOf, urlencoded.
func formOf(account, code string, changes ...string) string {
	return fieldsOf(account, code, changes...).Encode()
}

const (
	boundary  = "------------------------d74496d66958873e"
	multipart = "Content-Type: multipart/form-data; boundary=" + boundary
)

// partsOf is the form as PHP's curl sends an array; more are parts of the caller's own.
func partsOf(form url.Values, more ...string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range form[name] {
			fmt.Fprintf(&b, "--%s\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n", boundary, name, value)
		}
	}
	for _, part := range more {
		fmt.Fprintf(&b, "--%s\r\n%s\r\n", boundary, part)
	}
	return b.String() + "--" + boundary + "--\r\n"
}

// padded fills a form up to size bytes with a field nobody knows.
func padded(form string, size int) string {
	return form + "&padding=" + strings.Repeat("x", size-len(form)-len("&padding="))
}

const (
	xmlType   = "application/xml; charset=utf-8"
	jsonType  = "application/json"
	jsonpType = "application/javascript; charset=utf-8"
)

// All these delete the same customer, the first one truly; the others repeat it.
func TestCustomerAnswers(t *testing.T) {
	t.Parallel()
	const account, code = "c-answers", "1234567890123456"
	openAccount(t, account, 3, code)
	form := func(changes ...string) string { return formOf(account, code, changes...) }
	parts := func(more ...string) string { return partsOf(fieldsOf(account, code), more...) }
	indented := "{\n  \"status\": \"success\",\n  \"customer\": {\n    \"status\": \"deleted\",\n    \"code\": \"1234567890123456\"\n  }\n}"
	condensed := `{"status":"success","customer":{"status":"deleted","code":"1234567890123456"}}`
	key := func(name string) string { return name + ": " + keyOf(account) }
	for _, test := range []struct {
		name, path, body string
		headers          []string
		contentType      string
		want             string
	}{
		// Ways to send the form.
		{"urlencoded", "/", form(), []string{urlencoded}, xmlType, goneXML(code)},
		{"the other route", "/api.php", form(), []string{urlencoded}, xmlType, goneXML(code)},
		{"charset", "/", form(), []string{"Content-Type: Application/X-WWW-Form-URLencoded; charset=UTF-8"},
			xmlType, goneXML(code)},
		{"no Content-Type", "/", form(), nil, xmlType, goneXML(code)},
		{"multipart", "/", parts(), []string{multipart}, xmlType, goneXML(code)},
		{"multipart, the other route", "/api.php", parts(), []string{multipart}, xmlType, goneXML(code)},
		{"boundary in quotes", "/", parts(), []string{`Content-Type: multipart/form-data; boundary="` + boundary +
			`"`}, xmlType, goneXML(code)},
		{"a file nobody asked for", "/", parts("Content-Disposition: form-data; name=\"photo\"; filename=\"a.bin\"\r\nContent-Type: application/octet-stream\r\n\r\n\x00\xff--\r\n"),
			[]string{multipart}, xmlType, goneXML(code)},
		{"parts with a type of their own", "/",
			partsOf(fieldsOf(account, code, "code", "-"),
				"Content-Disposition: form-data; name=\"code\"\r\nContent-Type: text/plain; charset=UTF-8\r\n\r\n"+code),
			[]string{multipart}, xmlType, goneXML(code)},
		{"unknown fields", "/", form("API", "1.6", "Code", "x", "codes", "\x00\xff"), []string{urlencoded}, xmlType,
			goneXML(code)},
		{"a plain semicolon", "/", form() + "&note=a;code=other", []string{urlencoded}, xmlType, goneXML(code)},
		{"a field twice with one value", "/", form() + "&code=" + code, []string{urlencoded}, xmlType, goneXML(code)},
		{"exactly 256 KB", "/", padded(form(), 256<<10), []string{urlencoded}, xmlType, goneXML(code)},

		// The key.
		{"user_api_key", "/", form("user_password", "-", "user_api_key", keyOf(account)), []string{urlencoded},
			xmlType, goneXML(code)},
		{"both, alike", "/", form("user_api_key", keyOf(account)), []string{urlencoded}, xmlType, goneXML(code)},
		{"header", "/", form("user_password", "-"), []string{urlencoded, key("api_access_key")}, xmlType,
			goneXML(code)},
		{"Header", "/", form("user_password", "-"), []string{urlencoded, key("Api_Access_Key")}, xmlType,
			goneXML(code)},
		{"HEADER", "/api.php", partsOf(fieldsOf(account, code, "user_password", "-")),
			[]string{multipart, key("API_ACCESS_KEY")}, xmlType, goneXML(code)},
		{"header wins over a wrong password", "/", form("user_password", "wrong"),
			[]string{urlencoded, key("api_access_key")}, xmlType, goneXML(code)},
		{"header wins over differing fields", "/", form("user_api_key", "wrong"),
			[]string{urlencoded, key("api_access_key")}, xmlType, goneXML(code)},

		// The answer's format.
		{"output=XML", "/", form("output", "XML", "condensed", "yes"), []string{urlencoded}, xmlType, goneXML(code)},
		{"output=xml", "/", form("output", "xml"), []string{urlencoded}, xmlType, goneXML(code)},
		{"output empty", "/", form("output", "", "callback", ""), []string{urlencoded}, xmlType, goneXML(code)},
		{"Accept is not looked at", "/", form(), []string{urlencoded, "Accept: application/json"}, xmlType,
			goneXML(code)},
		{"output=JSON", "/", form("output", "JSON"), []string{urlencoded}, jsonType, indented},
		{"output=json", "/", partsOf(fieldsOf(account, code, "output", "json")), []string{multipart}, jsonType,
			indented},
		{"condensed=yes", "/", form("output", "Json", "condensed", "yes"), []string{urlencoded}, jsonType, condensed},
		{"condensed=YES", "/", form("output", "JSON", "condensed", "YES"), []string{urlencoded}, jsonType, condensed},
		{"condensed=no", "/", form("output", "JSON", "condensed", "no"), []string{urlencoded}, jsonType, indented},
		{"callback", "/", form("callback", "cb", "condensed", "yes"), []string{urlencoded}, jsonpType,
			"/**/cb(" + condensed + ");"},
		{"callback, indented", "/", form("callback", "cb"), []string{urlencoded}, jsonpType,
			"/**/cb(" + indented + ");"},
		{"callback and output", "/", form("callback", "$jQuery_1.x", "output", "json", "condensed", "yes"),
			[]string{urlencoded}, jsonpType, "/**/$jQuery_1.x(" + condensed + ");"},
		{"the longest callback", "/", form("callback", strings.Repeat("c", 128), "condensed", "yes"),
			[]string{urlencoded}, jsonpType, "/**/" + strings.Repeat("c", 128) + "(" + condensed + ");"},
		{"callback with output=XML", "/", form("callback", "cb", "output", "XML"), []string{urlencoded}, xmlType,
			goneXML(code)},
		{"a bad callback with output=XML", "/", form("callback", "alert(1)", "output", "xml"), []string{urlencoded},
			xmlType, goneXML(code)},
	} {
		r := send(t, "POST", test.path, test.body, test.headers...)
		if r.Status != http.StatusOK || r.Body != test.want || r.Header.Get("Content-Type") != test.contentType {
			t.Errorf("%s:\ngot  %d %s %q\nwant 200 %s %q", test.name, r.Status, r.Header.Get("Content-Type"),
				r.Body, test.contentType, test.want)
		}
		if r.Header.Get("X-Content-Type-Options") != "nosniff" || r.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: headers %v", test.name, r.Header)
		}
	}
}

// An error is said with HTTP status 200, in the format asked for, and leaves every table
// as it was.
func TestCustomerRefusals(t *testing.T) {
	const account, code = "c-refusals", "2234567890123456"
	openAccount(t, account, 3, code)
	openAccount(t, "c-refusals-foreign", 3, code, "only there")
	form := func(changes ...string) string { return formOf(account, code, changes...) }
	parts := func(changes ...string) string { return partsOf(fieldsOf(account, code, changes...)) }
	both := func(sentence string) (string, string) {
		return sorryXML(sentence), `{"status":"error","error":"` + sentence + `"}`
	}
	type row struct {
		name, body string
		headers    []string
		sentence   string
	}
	rows := []row{
		{"wrong type", form("type", "customer_add"), nil, "type must be customer_delete"},
		{"type in another case", form("type", "Customer_Delete"), nil, "type must be customer_delete"},
		{"wrong key", form("user_password", "wrong"), nil, wrongCaller},
		{"wrong key in another field", form("user_password", "-", "user_api_key", "wrong"), nil, wrongCaller},
		{"a key cut short", form("user_password", keyOf(account)[:10]), nil, wrongCaller},
		{"another user's key", form("user_password", keyOf("c-refusals-foreign")), nil, wrongCaller},
		{"wrong user", form("user_id", "nobody"), nil, wrongCaller},
		{"a user longer than any", form("user_id", strings.Repeat("u", 300)), nil, wrongCaller},
		{"foreign account", form("account_id", "c-refusals-foreign"), nil, wrongCaller},
		{"foreign account, its code", form("account_id", "c-refusals-foreign", "code", "only there"), nil, wrongCaller},
		{"account nobody has", form("account_id", "nowhere"), nil, wrongCaller},
		{"account in another case", form("account_id", "C-Refusals"), nil, wrongCaller},
		{"a part of an account", form("account_id", "c-refusal"), nil, wrongCaller},
		{"wrong key, unknown code", form("user_password", "wrong", "code", "unknown"), nil, wrongCaller},
		{"header wins though wrong", form(), []string{"api_access_key: wrong"}, wrongCaller},
		{"two headers", form(), []string{"api_access_key: " + keyOf(account), "API_ACCESS_KEY: wrong"},
			"api_access_key is given twice"},
		{"keys that differ", form("user_api_key", "wrong"), nil, "user_password and user_api_key differ"},
		{"no key", form("user_password", "-"), nil, "user_password is required, or the header api_access_key"},
		{"empty key", form("user_password", ""), nil, "user_password is required, or the header api_access_key"},

		{"unknown code", form("code", "2234567890123457"), nil, unknownCode},
		{"a code that exists elsewhere", form("code", "only there"), nil, unknownCode},
		{"a part of a code", form("code", code[:15]), nil, unknownCode},
		{"a code and a space", form("code", code+" "), nil, unknownCode},
		{"a code as a pattern", form("code", "*"), nil, unknownCode},
		{"a code of markup", form("code", "<b>&"), nil, unknownCode},
		{"129 bytes", form("code", strings.Repeat("x", 129)), nil, "code must have at most 128 bytes"},
		{"129 bytes of account", form("account_id", strings.Repeat("x", 129)), nil,
			"account_id must have at most 128 bytes"},

		{"broken percent-encoding", form() + "&API=%zz", nil, wrongForm},
		{"a broken repeat", form() + "&code=%zz", nil, wrongForm},
		{"NUL", form("code", "a\x00b"), nil, "code is not valid text"},
		{"invalid UTF-8", form("account_id", "a\xffb"), nil, "account_id is not valid text"},
		{"invalid UTF-8 in a part", parts("code", "a\xffb"), []string{multipart}, "code is not valid text"},
		{"NUL in a part", parts("user_id", "a\x00b"), []string{multipart}, "user_id is not valid text"},
		{"a code in a file", partsOf(fieldsOf(account, code, "code", "-"),
			"Content-Disposition: form-data; name=\"code\"; filename=\"c\"\r\n\r\n"+code), []string{multipart},
			"code is required"},
		{"two codes in parts", partsOf(fieldsOf(account, code),
			"Content-Disposition: form-data; name=\"code\"\r\n\r\nx"), []string{multipart},
			"code is given twice with different values"},
	}
	for _, name := range []string{"type", "user_id", "account_id", "code"} {
		rows = append(rows,
			row{"no " + name, form(name, "-"), nil, name + " is required"},
			row{"no part " + name, parts(name, "-"), []string{multipart}, name + " is required"},
			row{"empty " + name, form(name, ""), nil, name + " is required"},
			row{"two of " + name, form() + "&" + name + "=x", nil, name + " is given twice with different values"})
	}
	unchanged(t)
	for _, row := range rows {
		headers := row.headers
		if !slices.Contains(headers, multipart) {
			headers = append(slices.Clone(headers), urlencoded)
		}
		wantXML, wantJSON := both(row.sentence)
		if r := send(t, "POST", "/", row.body, headers...); r.Status != http.StatusOK || r.Body != wantXML ||
			r.Header.Get("Content-Type") != xmlType {
			t.Errorf("%s: %d %s, want %s", row.name, r.Status, r.Body, wantXML)
		}
		body := row.body + "&output=json&condensed=yes"
		if slices.Contains(headers, multipart) {
			body = strings.TrimSuffix(row.body, "--"+boundary+"--\r\n") +
				strings.SplitN(partsOf(url.Values{"output": {"JSON"}}), "\r\n--"+boundary+"--", 2)[0] + "\r\n" +
				partsOf(url.Values{"condensed": {"yes"}})
		}
		if row.sentence == wrongForm {
			wantJSON = wantXML // what cannot be read does not say what it wants
		}
		if r := send(t, "POST", "/api.php", body, headers...); r.Status != http.StatusOK || r.Body != wantJSON {
			t.Errorf("%s, as JSON: %d %s, want %s", row.name, r.Status, r.Body, wantJSON)
		}
	}

	indented := "{\n  \"status\": \"error\",\n  \"error\": \"" + noCallback + "\"\n}"
	for _, test := range []struct {
		name, body, contentType string
		status                  int
		want                    string
		contentTypeWanted       string
	}{
		{"empty body", "", "application/x-www-form-urlencoded", 200, sorryXML("type is required"), xmlType},
		{"nothing at all", "", "", 200, sorryXML("type is required"), xmlType},
		{"JSON", `{"type":"customer_delete"}`, "application/json", 200, sorryXML(wrongMedia), xmlType},
		{"text", form(), "text/plain", 200, sorryXML(wrongMedia), xmlType},
		{"no media type", form(), "nonsense;;", 200, sorryXML(wrongMedia), xmlType},
		{"no boundary", parts(), "multipart/form-data", 200, sorryXML(wrongForm), xmlType},
		{"another boundary", parts(), "multipart/form-data; boundary=x", 200, sorryXML(wrongForm), xmlType},
		{"cut off", parts()[:300], strings.TrimPrefix(multipart, "Content-Type: "), 200, sorryXML(wrongForm), xmlType},
		{"an empty multipart", "", strings.TrimPrefix(multipart, "Content-Type: "), 200, sorryXML(wrongForm), xmlType},
		{"multipart/mixed", parts(), "multipart/mixed; boundary=" + boundary, 200, sorryXML(wrongMedia), xmlType},
		{"one byte too many", padded(form(), 256<<10+1), "application/x-www-form-urlencoded", 413,
			sorryXML("The request body is larger than 262144 bytes"), xmlType},
		{"1 MB", padded(form("output", "JSON"), 1<<20), "application/x-www-form-urlencoded", 413,
			sorryXML("The request body is larger than 262144 bytes"), xmlType},
		{"unknown output", form("output", "CSV"), "application/x-www-form-urlencoded", 200,
			sorryXML("output must be JSON or XML"), xmlType},
		{"two outputs", form("output", "JSON") + "&output=XML", "application/x-www-form-urlencoded", 200,
			sorryXML("output is given twice with different values"), xmlType},

		{"callback: a call", form("callback", "alert(1)"), "application/x-www-form-urlencoded", 200,
			sorryXML(noCallback), xmlType},
		{"callback: a call, JSON", form("callback", "alert(1)", "output", "JSON"),
			"application/x-www-form-urlencoded", 200, indented, jsonType},
		{"callback: a digit first", form("callback", "1a", "output", "json"), "application/x-www-form-urlencoded",
			200, indented, jsonType},
		{"callback: a dot first", form("callback", ".a", "output", "json"), "application/x-www-form-urlencoded",
			200, indented, jsonType},
		{"callback: 129 characters", form("callback", strings.Repeat("c", 129), "output", "json"),
			"application/x-www-form-urlencoded", 200, indented, jsonType},
		{"callback: a line end", form("callback", "a\n", "output", "json"), "application/x-www-form-urlencoded",
			200, indented, jsonType},
		{"callback: a space", form("callback", " "), "application/x-www-form-urlencoded", 200, sorryXML(noCallback),
			xmlType},
		{"callback: a letter of no script", form("callback", "é"), "application/x-www-form-urlencoded", 200,
			sorryXML(noCallback), xmlType},
		{"callback: markup", form("callback", "<script>"), "application/x-www-form-urlencoded", 200,
			sorryXML(noCallback), xmlType},
		{"callback: brackets", form("callback", "a[0]"), "application/x-www-form-urlencoded", 200,
			sorryXML(noCallback), xmlType},
		{"callback with an error", form("callback", "cb", "condensed", "yes", "code", "x"),
			"application/x-www-form-urlencoded", 200,
			`/**/cb({"status":"error","error":"` + unknownCode + `"});`, jsonpType},
	} {
		var headers []string
		if test.contentType != "" {
			headers = []string{"Content-Type: " + test.contentType}
		}
		r := send(t, "POST", "/", test.body, headers...)
		if r.Status != test.status || r.Body != test.want || r.Header.Get("Content-Type") != test.contentTypeWanted {
			t.Errorf("%s:\ngot  %d %s %q\nwant %d %s %q", test.name, r.Status, r.Header.Get("Content-Type"), r.Body,
				test.status, test.contentTypeWanted, test.want)
		}
		if r.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: no nosniff", test.name)
		}
	}
}

// GET would put the key into access logs, so it is not offered; nor does a key in the
// query of a POST count.
func TestCustomerKeyInTheAddress(t *testing.T) {
	const account, code = "c-address", "3234567890123456"
	openAccount(t, account, 1, code)
	unchanged(t)
	query := formOf(account, code)
	calls := invocations(t, func() {
		for _, path := range []string{"/", "/api.php"} {
			for _, method := range []string{"GET", "PUT", "DELETE"} {
				if r := send(t, method, path+"?"+query, ""); r.Status != http.StatusNotFound {
					t.Errorf("%s %s: %d %s", method, path, r.Status, r.Body)
				}
			}
			if r := send(t, "POST", path+"?"+query, "", urlencoded); r.Body != sorryXML("type is required") {
				t.Errorf("POST %s: %d %s", path, r.Status, r.Body)
			}
		}
	})
	if len(calls) != 0 {
		t.Errorf("the key was looked at: %s", calls)
	}
}

// Where nobody has other types, a GET is answered as on a path that nobody offers.
func TestGetOfACustomer(t *testing.T) {
	for _, accept := range []string{"Accept: */*", acceptJSON, acceptXML, "Accept: application/xml;q=0.1, application/json"} {
		want := send(t, "GET", "/nothing", "", accept)
		for _, path := range []string{"/", "/api.php", "/api.php?type=customer_info"} {
			got := send(t, "GET", path, "", accept)
			for _, own := range []string{"X-Amzn-Trace-Id", "X-Amzn-Requestid", "X-Amz-Apigw-Id", "Date"} {
				got.Header.Del(own)
				want.Header.Del(own)
			}
			if got.Status != want.Status || got.Body != want.Body || !maps.EqualFunc(got.Header, want.Header, slices.Equal) {
				t.Errorf("%s, %s: %d %v %s, want %d %v %s", path, accept, got.Status, got.Header, got.Body, want.Status, want.Header, want.Body)
			}
		}
	}
}
