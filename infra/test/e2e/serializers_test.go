package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// What serializers and HTTP libraries of other languages write, as they write it.

const xsi = `xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"`

// Every document sets type 2, until date or for its own two hours.
func TestXMLOfOtherSerializers(t *testing.T) {
	csr := operator(t, "csr-serializers")
	loadUsers(t, "u-serializers")
	path := at(bases[0], "u-serializers")
	const kind = "<tempAllowType>2</tempAllowType>"
	expires, until := soon()
	date := "<expirationDate>" + until + "</expirationDate>"
	for _, test := range []struct {
		name, body string
		dated      bool
	}{
		{".NET XmlSerializer", `<?xml version="1.0" encoding="utf-8"?>` + "\r\n" + `<TempAllowRequest ` + xsi +
			` xmlns:xsd="http://www.w3.org/2001/XMLSchema">` +
			"\r\n  " + kind + "\r\n  " + date + "\r\n</TempAllowRequest>", true},
		{".NET XmlSerializer, no date", `<?xml version="1.0" encoding="utf-16"?><TempAllowRequest ` + xsi + `>` +
			kind + `<expirationDate xsi:nil="true" /></TempAllowRequest>`, false},
		{"DataContract without a namespace", `<TempAllowRequest xmlns:i="http://www.w3.org/2001/XMLSchema-instance">` + `<expirationDate i:nil="true"/>` + kind + `</TempAllowRequest>`, false},
		{"DataContract, empty default", `<TempAllowRequest xmlns="" xmlns:i="http://www.w3.org/2001/XMLSchema-instance" xmlns:a="http://schemas.microsoft.com/2003/10/Serialization/Arrays">` + kind + date + `</TempAllowRequest>`, true},
		{"JAXB with a schema location", `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n" +
			`<TempAllowRequest ` + xsi + ` xsi:noNamespaceSchemaLocation="allow.xsd">` + kind + date +
			`</TempAllowRequest>`, true},
		{"JAXB with several packages", `<TempAllowRequest xmlns:ns2="urn:b" xmlns:ns3="urn:c" ` + xsi +
			` xsi:schemaLocation="urn:b b.xsd">` + kind + `<expirationDate xsi:nil="true"/></TempAllowRequest>`, false},
		{"JAXB, dynamic types", `<TempAllowRequest ` + xsi +
			` xmlns:xs="http://www.w3.org/2001/XMLSchema"><tempAllowType xsi:type="xs:int">2</tempAllowType><expirationDate xsi:type="xs:dateTime">` + until + `</expirationDate></TempAllowRequest>`, true},
		{"Jackson", `<TempAllowRequest>` + kind + `<expirationDate ` + xsi + ` xsi:nil="true"/></TempAllowRequest>`,
			false},
		{"lxml", `<?xml version='1.0' encoding='ASCII'?>` + "\n" +
			`<TempAllowRequest xmlns:py="http://codespeak.net/lxml/objectify/pytype" ` + xsi + `>` + kind +
			`</TempAllowRequest>`, false},
		{"ElementTree", `<?xml version='1.0' encoding='us-ascii'?>` + "\n" + `<TempAllowRequest>` + kind +
			`<expirationDate /></TempAllowRequest>`, false},
		{"utf8", `<?xml version="1.0" encoding="utf8"?><TempAllowRequest>` + kind +
			`<note>é</note></TempAllowRequest>`, false},
		{"UTF8", `<?xml version='1.0' encoding='UTF8' standalone='no'?><TempAllowRequest>` + kind +
			`<note>é</note></TempAllowRequest>`, false},
		{"ISO-8859-1 of ASCII", `<?xml version="1.0" encoding="ISO-8859-1"?><TempAllowRequest>` + kind + date +
			`</TempAllowRequest>`, true},
		{"windows-1252 of ASCII", `<?xml version="1.0" encoding="windows-1252"?><TempAllowRequest>` + kind +
			`<note>&#233;</note></TempAllowRequest>`, false},
		{"an encoding nobody knows", `<?xml version="1.0" encoding="x-none"?><TempAllowRequest>` + kind +
			`</TempAllowRequest>`, false},
		{"a byte-order mark and a declaration",
			"\uFEFF" + `<?xml version="1.0" encoding="ISO-8859-1"?><TempAllowRequest>` + kind +
				`</TempAllowRequest>`, false},
		{"empty date", `<TempAllowRequest>` + kind + `<expirationDate></expirationDate></TempAllowRequest>`, false},
		{"nil around white space", "<TempAllowRequest " + xsi + ">" + kind +
			"<expirationDate xsi:nil='true'>\n\t</expirationDate></TempAllowRequest>", false},
		{"date of empty CDATA", "<TempAllowRequest><expirationDate><![CDATA[]]></expirationDate>" + kind +
			"</TempAllowRequest>", false},
		{"nil as a number", `<TempAllowRequest ` + xsi + `>` + kind +
			`<expirationDate xsi:nil="1"></expirationDate></TempAllowRequest>`, false},
		{"not nil", `<TempAllowRequest ` + xsi +
			`><tempAllowType xsi:nil="false">2</tempAllowType><expirationDate xsi:nil="0">` + until +
			`</expirationDate></TempAllowRequest>`, true},
		{"xml: attributes", `<TempAllowRequest xml:lang="en" xml:space="preserve"><tempAllowType xml:id="a"> 2 </tempAllowType></TempAllowRequest>`, false},
		{"comments, CDATA, references", "<!-- a --><TempAllowRequest ><!-- b --><tempAllowType><![CDATA[2]]></tempAllowType><expirationDate>" + strings.ReplaceAll(until, "-", "&#45;") + "</expirationDate></TempAllowRequest><!-- c -->", true},
		{"an unknown element with attributes",
			`<TempAllowRequest>` + kind + `<reason code="7" xml:lang="en" xmlns:a="urn:a" a:b="c"><text lang="en">x</text></reason></TempAllowRequest>`, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			send(t, "DELETE", path+"?cancelAllTemporaryAllows=true", "", csr)
			send(t, "PUT", path, test.body, csr, bodyXML).done(t, "xml")
			got := allows(t, "u-serializers")["2"]
			want := millisOf(t, got.granted).Add(2 * 60 * 60 * 1e9)
			if test.dated {
				want = expires
			}
			if !millisOf(t, got.expires).Equal(want) {
				t.Errorf("stored until %s, want %s", millisOf(t, got.expires), want)
			}
		})
	}
}

// A byte-order mark, a charset that does not matter, headers that are there but empty,
// and quoted strings in Accept.
func TestHeadersOfOtherClients(t *testing.T) {
	csr := operator(t, "csr-clients")
	loadUsers(t, "u-clients")
	path := at(bases[1], "u-clients")
	const inJSON, mark = `{"tempAllowType":1}`, "\uFEFF"
	inXML := xmlRequest("1", "")
	for _, test := range []struct {
		body, format string
		headers      []string
	}{
		{mark + inJSON, "json", []string{bodyJSON}},
		{mark + inJSON, "json", nil},
		{mark + inXML, "xml", []string{bodyXML}},
		{inJSON, "json", []string{bodyJSON + "; charset=utf8"}},
		{inJSON, "json", []string{bodyJSON + "; charset=US-ASCII"}},
		{inJSON, "json", []string{bodyJSON + ";charset=ISO-8859-1"}},
		{inJSON, "json", []string{bodyJSON + `; charset="nobody knows"`}},
		{inJSON, "json", []string{bodyJSON + "; charset="}},
		{inJSON, "json", []string{bodyJSON + ";; charset"}},
		{`{"tempAllowType":1,"x":"é"}`, "json", []string{bodyJSON + "; charset=UTF8"}},
		{`{"tempAllowType":1,"x":"é"}`, "json", []string{bodyJSON + `; profile="a,b;charset=latin1"`}},
		{inXML, "xml", []string{bodyXML + "; charset=utf-16"}},
		{inXML, "xml", []string{bodyXML + "; charset=windows-1252"}},
		{mark + inXML, "xml", []string{bodyXML + "; charset=us-ascii"}},

		{inJSON, "json", []string{"Content-Type: ", "Accept: "}},
		{inJSON, "xml", []string{"Content-Type: ", acceptXML}},
		{inXML, "xml", []string{bodyXML, "Accept: "}},
		{inXML, "xml", []string{"Content-Type: ", bodyXML, "Accept: "}},

		{inJSON, "json", []string{`Accept: application/json; profile="https://x/y,z", application/xml;q=0.1`}},
		{inJSON, "xml", []string{`Accept: application/xml; profile="https://x/y,z", application/json;q=0.1`}},
		{inJSON, "xml", []string{`Accept: application/xml; profile="a,b"`}},
		{inJSON, "xml", []string{`Accept: application/json;q=0.1, application/xml; a="\",;q=0\\"; q=0.2`}},
		{inJSON, "xml", []string{`Accept: text/html; a="x, application/xml`}},
		{inJSON, "xml", []string{`Accept: application/xml; charset; =x; a=b c; q=0.2, application/json;q=0.1`}},
		{inJSON, "xml", []string{`Accept: application/xml;;q=0.2;, application/json;q=0.1`}},
		{inJSON, "xml", []string{"Accept: application/json;q=0;q=0.1, application/xml;q=0.5"}},
	} {
		t.Run(fmt.Sprint(test.headers), func(t *testing.T) {
			send(t, "PUT", path, test.body, append(test.headers, csr)...).done(t, test.format)
		})
	}
	send(t, "PUT", path, inJSON, csr, `Accept: text/html; a="application/xml, application/json"`).refused(t, 406,
		"json", "Accept")
	for _, charset := range []string{"latin1; charset=koi8-r", "ISO 8859-1", `"latin1`} {
		send(t, "PUT", path, `{"tempAllowType":1,"x":"é"}`, csr, bodyJSON+"; charset="+charset).refused(t, 415,
			"json", "Content-Type", "unknown charset")
	}
	for _, attribute := range []string{`xmlns:a="xmlns" a:b="c"`, `xmlns:xml="urn:x"`, `xmlns:xmlns="urn:x"`,
		`xmlns:a="http://www.w3.org/2000/xmlns/"`} {
		send(t, "PUT", path, strings.Replace(inXML, "<TempAllowRequest", "<TempAllowRequest "+attribute, 1), csr,
			bodyXML).refused(t, 400, "xml", "xmlns")
	}
}

// Operation 1 has no body: what a client sends along says nothing, of whatever type.
func TestDeleteInfoPassesBodiesOver(t *testing.T) {
	csr := operator(t, "csr-bodies")
	loadUsers(t, "u-bodies")
	path := at(bases[0], "u-bodies") + "?reset=true"
	for _, test := range []struct{ body, contentType, format string }{
		{"a text", "text/plain;charset=UTF-8", "json"}, // fetch, with a string as its body
		{"reset=false", "application/x-www-form-urlencoded", "json"},
		{"\x00\xff", "application/octet-stream", "json"},
		{"{", "application/json; charset=iso-8859-1", "json"},
		{"é", "application/xml; charset=us-ascii", "xml"},
		{"x", "nonsense", "json"},
		{"x", "", "json"},
	} {
		send(t, "DELETE", path, test.body, csr, "Content-Type: "+test.contentType, "Accept: */*").done(t, test.format)
	}
	send(t, "DELETE", path, "x", csr, bodyJSON, bodyXML).done(t, "json")
}

// Forms in other charsets, and codes that come back in quotes and beyond ASCII.
func TestFormsOfOtherClients(t *testing.T) {
	t.Parallel()
	const account, plain, accented, quotes, kept = "c-clients", "47", "café", `a"b'c`, "naïve"
	openAccount(t, account, 1, plain, accented, quotes, kept)
	condensed := `{"status":"success","customer":{"status":"deleted","code":"caf\u00e9"}}`
	latin1 := "caf\xe9"
	const misread = kept // in its bytes another code in ISO-8859-1, whose customer a client may mean
	part := func(code, contentType string) string {
		return partsOf(fieldsOf(account, "", "code", "-"),
			"Content-Disposition: form-data; name=\"code\"\r\nContent-Type: "+contentType+"\r\n\r\n"+code)
	}
	declared := func(charset string) string {
		return sorryXML("code is declared to be in " + charset + ", where it is not all ASCII it must be in UTF-8")
	}
	unclear := declared("an unknown charset")
	for _, test := range []struct{ name, body, header, want string }{
		{"quotes", formOf(account, quotes), urlencoded, goneXML(quotes)},
		{"quotes in JSON", formOf(account, quotes, "output", "JSON", "condensed", "yes"), urlencoded,
			`{"status":"success","customer":{"status":"deleted","code":"a\"b'c"}}`},
		{"beyond ASCII in XML", formOf(account, accented), urlencoded, goneXML(accented)},
		{"beyond ASCII in JSON", formOf(account, accented, "output", "JSON", "condensed", "yes"), urlencoded,
			condensed},
		{"beyond ASCII in JSONP", formOf(account, accented, "callback", "cb", "condensed", "yes"), urlencoded,
			"/**/cb(" + condensed + ");"},

		{"a byte-order mark", "\uFEFF" + formOf(account, plain), urlencoded, goneXML(plain)},
		{"a byte-order mark, multipart", "\uFEFF" + partsOf(fieldsOf(account, plain)), multipart, goneXML(plain)},
		{"an empty Content-Type", formOf(account, plain), "Content-Type: ", goneXML(plain)},
		{"an unreadable parameter", formOf(account, plain), urlencoded + ";; charset=; x", goneXML(plain)},
		{"utf8", formOf(account, accented), urlencoded + "; charset=utf8", goneXML(accented)},
		{"ISO-8859-1 of ASCII", formOf(account, plain), urlencoded + "; charset=ISO-8859-1", goneXML(plain)},
		{"ISO-8859-1", formOf(account, latin1), urlencoded + "; charset=ISO-8859-1", declared("ISO-8859-1")},
		{"ISO-8859-1 around UTF-8", formOf(account, accented), urlencoded + "; charset=ISO-8859-1",
			declared("ISO-8859-1")},
		{"UTF-16", "\xff\xfet\x00y\x00", urlencoded,
			sorryXML("The form in the request body is in UTF-16, it must be in UTF-8")},

		{"a part in UTF-8", part(accented, "text/plain; charset=UTF-8"), multipart, goneXML(accented)},
		{"a part in ISO-8859-1", part(latin1, "text/plain; charset=ISO-8859-1"), multipart, goneXML(accented)},
		{"a part in US-ASCII", part(plain, "text/plain; charset=US-ASCII"), multipart, goneXML(plain)},
		{"a part in windows-1252 of ASCII", part(plain, "text/plain; charset=windows-1252"), multipart, goneXML(plain)},
		{"a part in windows-1252", part(latin1, "text/plain; charset=windows-1252"), multipart,
			declared("windows-1252")},
		{"a part in US-ASCII that is none", part(accented, "text/plain; charset=US-ASCII"), multipart,
			declared("US-ASCII")},
		{"a part of two types", part(misread,
			"text/plain; charset=ISO-8859-1\r\nContent-Type: text/plain; charset=ISO-8859-1"), multipart, unclear},
		{"a part in two charsets", part(misread, "text/plain; charset=ISO-8859-1; charset=latin1"), multipart, unclear},
		{"a part in a charset that is none", part(misread, "text/plain; charset=ISO 8859-1"), multipart, unclear},
		{"two charsets", formOf(account, misread), urlencoded + "; charset=ISO-8859-1; charset=latin1", unclear},
		{"a charset that is none", formOf(account, misread), urlencoded + "; charset=ISO 8859-1", unclear},
		{"a charset that is none, of ASCII", formOf(account, plain), urlencoded + "; charset=ISO 8859-1",
			goneXML(plain)},
		{"a charset in a field", formOf(account, misread) + "&_charset_=ISO-8859-1", urlencoded,
			declared("ISO-8859-1")},
		{"UTF-8 in a field", formOf(account, accented) + "&_charset_=UTF-8", urlencoded, goneXML(accented)},
		{"a part that is no UTF-8", part(latin1, "text/plain"), multipart, sorryXML("code is not valid text")},
	} {
		if r := send(t, "POST", "/api.php", test.body, test.header); r.Status != 200 || r.Body != test.want {
			t.Errorf("%s: %d %q, want %q", test.name, r.Status, r.Body, test.want)
		}
	}
	// The customer whom a wrong reading would have named is still there.
	if r := send(t, "POST", "/", formOf(account, kept), urlencoded); r.Body != goneXML(kept) {
		t.Errorf("%d %q", r.Status, r.Body)
	}
}

// Operations 4 and 5 do not look at a body's type, but at its charset where that matters.
func TestJSONOfOtherClients(t *testing.T) {
	bearer := app(t, "app-clients", "tenant-clients")
	const mark = "\uFEFF"
	for _, charset := range []string{"", "; charset=utf8", "; charset=iso-8859-1", "; charset=US-ASCII",
		"; charset=x-none", "; charset="} {
		send(t, "POST", cleanPath, mark+`{"customNos":["nobody of clients"]}`, bearer, bodyJSON+charset).verified(t)
		if r := send(t, "POST", tokenPath, mark+credentials("app-clients"), bodyJSON+charset); r.Status != 200 {
			t.Errorf("a token with %q: %d %s", charset, r.Status, r.Body)
		}
	}
	send(t, "POST", cleanPath, `{"customNos":["nöbody of clients"]}`, bearer, bodyJSON+"; charset=UTF8").verified(t)
	send(t, "POST", cleanPath, `{"customNos":["nöbody of clients"]}`, bearer,
		bodyJSON+"; charset=iso-8859-1").failed(t, 400, "iso-8859-1", "UTF-8")
	send(t, "POST", cleanPath, "{\"customNos\":[\"n\xf6body of clients\"]}", bearer,
		bodyJSON+"; charset=windows-1252").failed(t, 400, "windows-1252")
	send(t, "POST", tokenPath, `{"app_key":"äpp","app_secret":"x"}`, bodyJSON+"; charset=iso-8859-1").failed(t, 400,
		"iso-8859-1")
	for _, contentTypes := range [][]string{
		{bodyJSON + "; charset=latin1", bodyJSON + "; charset=latin1"},
		{bodyJSON + "; charset=latin1; charset=koi8-r"}, {bodyJSON + "; charset=ISO 8859-1"},
	} {
		headers := append(contentTypes, bearer)
		send(t, "POST", cleanPath, `{"customNos":["nöbody of clients"]}`, headers...).failed(t, 400,
			"unknown charset", "UTF-8")
		send(t, "POST", cleanPath, `{"customNos":["nobody of clients"]}`, headers...).verified(t)
	}
	// An error that quotes the caller is ASCII too.
	r := send(t, "POST", cleanPath, `{"é":1,"é":2}`, bearer, bodyJSON)
	r.is(t, 400, `{"retCode":"400","retMsg":"\u00e9 is given twice in the request body"}`)
}
