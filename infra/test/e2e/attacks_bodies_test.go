package e2e

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
)

// parameters stand where nobody looks, or are not what they are meant for.
func (a *attacks) parameters() {
	csr, bearer, path := a.csr, a.bearer, a.path
	for _, q := range []string{"?reset[]=true", "?reset%00=true", "?reset.=true", "?%72eset%20=true",
		"?x=1%26reset=true", "?reset=false&reset[]=true", "?{reset}=true", "?" + strings.Repeat("a=1&", 2000)} {
		a.row(400, "One of cancelAllTemporaryAllows", "query "+q[:min(len(q), 30)], over("DELETE", path+q, "", csr))
	}
	a.row(400, "One of cancelAllTemporaryAllows", "parameters in the body",
		over("DELETE", path, "reset=true", csr, bodyJSON))
	a.row(400, "customNos", "numbers in the query", over("POST", cleanPath+"?customNos=attack-a", "{}", bearer))
	a.row(400, "app_key", "credentials in the query",
		over("POST", tokenPath+"?app_key=app-attack&app_secret="+secretOf("app-attack"), "{}"))
	a.row(200, "code is required", "a list of codes",
		over("POST", "/", attackForm("code", "-")+"&code[]=attack-code&code[0]=attack-code", urlencoded))
	a.row(200, wrongCaller, "an account as a list", over("POST", "/", attackForm("account_id", "attack,c-foreign"),
		urlencoded))
}

// json are bodies of operations 2, 4 and 5 that readers could understand differently.
func (a *attacks) json() {
	csr, bearer, path := a.csr, a.bearer, a.path
	huge := strings.Repeat("9", 30000)
	for _, body := range []string{
		`{"__proto__":{"tempAllowType":1}}`, `{"constructor":{"prototype":{"tempAllowType":1}}}`,
		`{"tempAllowType":` + huge + `}`, `{"tempAllowType":1e9999999}`, `{"tempAllowType":-1}`,
		`{"tempAllowType":1.0000000000000000001}`, `{"tempAllowType":"1"}`, `{"tempAllowType":[1]}`,
		`{"tempAllowType":{"$gt":0}}`, `{"tempAllowType":2,"__proto__":{},"tempAllowType":1}`,
		`{"tempAllowType":1,"expirationDate":"` + strings.Repeat("2", 60000) + `"}`,
		`{"tempAllowType":1,"expirationDate":{"$date":1}}`,
	} {
		a.row(400, "", "JSON "+body[:min(len(body), 40)], over("PUT", path, body, csr, bodyJSON))
	}
	a.row(400, "customNos", "numbers of a prototype",
		over("POST", cleanPath, `{"__proto__":{"customNos":["attack-a"]}}`, bearer))
	a.row(400, "customNos", "numbers as numbers", over("POST", cleanPath, `{"customNos":[`+huge+`,1e999]}`, bearer))
	a.row(400, "app_key", "credentials of a prototype",
		over("POST", tokenPath, `{"__proto__":`+credentials("app-attack")+`}`))
}

// xml are bodies of operation 2 that make a reader work, or fetch.
func (a *attacks) xml() {
	csr, path := a.csr, a.path
	laughs := `<!DOCTYPE l [<!ENTITY a "ha">`
	for i := range 20 {
		laughs += fmt.Sprintf(`<!ENTITY %c "&%c;&%c;&%c;&%c;&%c;&%c;&%c;&%c;&%c;&%c;">`, 'b'+i, 'a'+i, 'a'+i, 'a'+i,
			'a'+i, 'a'+i, 'a'+i, 'a'+i, 'a'+i, 'a'+i, 'a'+i)
	}
	const kind = "<tempAllowType>1</tempAllowType>"
	for _, body := range []string{
		laughs + `]><TempAllowRequest><tempAllowType>&u;</tempAllowType></TempAllowRequest>`,
		`<!DOCTYPE l SYSTEM "http://169.254.169.254/x.dtd"><TempAllowRequest>` + kind + `</TempAllowRequest>`,
		`<!DOCTYPE l [<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;]><TempAllowRequest>` + kind + `</TempAllowRequest>`,
		`<TempAllowRequest><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/>` +
			kind + `</TempAllowRequest>`,
		`<?xml version="1.0" encoding="UTF-7"?>+ADw-TempAllowRequest+AD4-`,
		`<TempAllowRequest>` + strings.Repeat(`<a b="c">`, 5000) + kind,
		`<TempAllowRequest ` + strings.Repeat(`a="" `, 10000) + `>` + kind + `</TempAllowRequest>`,
	} {
		a.row(400, "", "XML "+body[:min(len(body), 50)], over("PUT", path, body, csr, bodyXML))
	}
}

// forms are bodies of operation 3. The right key would delete.
func (a *attacks) forms() {
	csr, bearer, path := a.csr, a.bearer, a.path
	part := func(header, value string) string { return header + "\r\n\r\n" + value }
	withoutCode := fieldsOf("attack", "attack-code", "code", "-")
	many := make([]string, 2500)
	for i := range many {
		many[i] = part(fmt.Sprintf(`Content-Disposition: form-data; name="a%d"`, i), "x")
	}
	for what, body := range map[string]string{
		"thousands of parts": partsOf(withoutCode, many...),
		"a part's header of 100 KB": partsOf(fieldsOf("attack", "attack-code", "user_password", "wrong"),
			part(`Content-Disposition: form-data; name="code"; x="`+strings.Repeat("x", 100<<10)+`"`, "attack-code")),
		"a part of 10000 headers": partsOf(withoutCode,
			part(strings.Repeat("X: x\r\n", 10001)+`Content-Disposition: form-data; name="code"`, "attack-code")),
		"a form within a part": partsOf(withoutCode,
			part("Content-Type: multipart/mixed; boundary=y",
				"--y\r\nContent-Disposition: form-data; name=\"code\"\r\n\r\nattack-code\r\n--y--")),
		"a code behind the end": partsOf(withoutCode) + partsOf(fieldsOf("attack", "attack-code")),
		"a code before the start": part(`Content-Disposition: form-data; name="code"`, "attack-code") + "\r\n" +
			partsOf(withoutCode),
		"two names of a part": partsOf(withoutCode,
			part("Content-Disposition: form-data; name=\"x\"\r\nContent-Disposition: form-data; name=\"code\"",
				"attack-code")),
	} {
		a.row(200, "", what, over("POST", "/", body, multipart))
	}
	var squeezed bytes.Buffer
	squeeze := gzip.NewWriter(&squeezed)
	_, _ = squeeze.Write([]byte(padded(attackForm(), 10<<20)))
	_ = squeeze.Close()
	a.row(200, "Content-Encoding", "a form of 10 MB in 10 KB",
		over("POST", "/", squeezed.String(), urlencoded, "Content-Encoding: gzip"))
	a.row(400, "Content-Encoding", "numbers, squeezed",
		over("POST", cleanPath, squeezed.String(), bearer, "Content-Encoding: gzip"))
	a.row(400, "Content-Encoding", "credentials, squeezed",
		over("POST", tokenPath, squeezed.String(), "Content-Encoding: gzip, gzip"))
	a.row(415, "Content-Encoding", "an allow, squeezed",
		over("PUT", path, squeezed.String(), csr, bodyJSON, "Content-Encoding: br"))
}

// callbacks are JSONP functions. The first is one, of a Flash file; the answer begins
// otherwise.
func (a *attacks) callbacks() {
	flash := "CWSMIKI0hCD0Up0IZUnnnnnnnnnnnnnnnnnnnUU5nnnnnn3Snn7iiudIbEAt333swW0ssG03sDDtDDDt0333333Gt333swwv3wwwFPOHtoHHvwHHFhH3D0Up0IZU"
	a.row(200, "/**/CWS", "a Flash file", over("POST", "/",
		attackForm("callback", flash, "code", "nobody", "condensed", "yes"), urlencoded))
	for _, callback := range []string{
		"</script><script>alert(1)//", "a\u2028b", "\uff41lert", `\u0061lert`, "a;alert", "a=1", "a`1`",
		"a\r\nX-Injected: 1", "a/**/", "new a", "-a", "a(", "a b", strings.Repeat("a", 129), "%61%28", "1;a",
	} {
		a.row(200, noCallback, fmt.Sprintf("callback %.20q", callback),
			over("POST", "/", attackForm("callback", callback, "output", "json"), urlencoded))
	}
}

// lineEnds stand in what might be said again in a header.
func (a *attacks) lineEnds() {
	csr, path, query := a.csr, a.path, a.query
	a.row(400, "customerId", "a line end in an id",
		over("DELETE", at(bases[0], "u-attack-nobody\r\nX-Injected: 1")+query, "", csr))
	a.row(404, "not found", "an encoded line end in an id",
		over("DELETE", at(bases[0], "u-attack-nobody%0d%0aX-Injected: 1")+query, "", csr))
	a.row(200, unknownCode, "a line end in a code", over("POST", "/", attackForm("code", "nobody\r\nX-Injected: 1"),
		urlencoded))
	a.row(400, "write app_key", "a line end in a name",
		over("POST", tokenPath, `{"app_key\r\nX-Injected: 1":"","App_Key":""}`))
	for _, injected := range []string{"%0d%0aX-Injected:%201", "\rX-Injected: 1", "%E5%98%8D%E5%98%8AX-Injected:%201"} {
		a.row(401, "", "a line end in a trace's name", over("DELETE", path, "", "X-Amzn-Trace-Id: Root=1"+injected))
		a.row(400, "X-Token-Expire", "a line end in a duration",
			over("POST", tokenPath, credentials("app-attack"), "X-Token-Expire: 60"+injected))
	}
}
