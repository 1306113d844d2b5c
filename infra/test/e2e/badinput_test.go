package e2e

import (
	"strings"
	"testing"
)

// bad is a request body that must be refused, and what the sentence must name: the field,
// where there is one.
type bad struct{ what, body, names string }

// badJSON are bodies around one good field: good is `"name":value`.
func badJSON(name, good, wrongCase string) []bad {
	return []bad{
		{"empty", "", name},
		{"white space", " \r\n\t", name},
		{"cut", "{" + good, "JSON"},
		{"no JSON", "hello", "JSON"},
		{"a trailing comma", "{" + good + ",}", "JSON"},
		{"single quotes", strings.ReplaceAll("{"+good+"}", `"`, "'"), "JSON"},
		{"a comment", "{" + good + "/* */}", "JSON"},
		{"two byte order marks", "\uFEFF\uFEFF{" + good + "}", "JSON"},
		{"a byte order mark alone", "\uFEFF", name},
		{"a byte order mark inside", "{\uFEFF" + good + "}", "JSON"},
		{"UTF-16 with a mark", "\xff\xfe{\x00}\x00", "UTF-16"},
		{"UTF-16", "{\x00\"\x00a\x00\"\x00:\x001\x00}\x00", "JSON"},
		{"not a number", `{"` + name + `":NaN}`, "JSON"},
		{"invalid UTF-8", "{" + good + ",\"x\":\"\xff\"}", "JSON"},
		{"invalid UTF-8 in a name", "{" + good + ",\"\xc3\":1}", "JSON"},
		{"half a surrogate pair", "{" + good + `,"x":"\ud800"}`, "JSON"},
		{"a raw NUL", "{" + good + ",\"x\":\"\x00\"}", "JSON"},
		{"NUL behind the object", "{" + good + "}\x00", "JSON"},
		{"an escaped NUL", "{" + good + `,"x":"a\u0000"}`, "NUL"},
		{"an escaped NUL in a name", "{" + good + `,"x\u0000":1}`, "NUL"},
		{"text behind the object", "{" + good + "} x", "behind"},
		{"a second object", "{" + good + "}{" + good + "}", "behind"},
		{"a list", "[{" + good + "}]", "JSON object"},
		{"null", "null", "JSON object"},
		{"a string", `"text"`, "JSON object"},
		{"a number", "1", "JSON object"},
		{"a duplicate", "{" + good + "," + good + "}", name},
		{"an escaped duplicate", "{" + good + `,"\u00` + inHex(name[0]) + name[1:] + `":0}`, name},
		{"a duplicate further in", "{" + good + `,"x":{"same":1,"same":1}}`, "same"},
		{"wrong case", "{" + wrongCase + "}", name},
		{"wrong case besides", "{" + good + "," + wrongCase + "}", name},
		{"deep nesting", "{" + good + `,"x":` + strings.Repeat("[", 60000), "JSON"},
	}
}

// inHex is a byte as two hexadecimal digits.
func inHex(b byte) string { return string("0123456789abcdef"[b>>4]) + string("0123456789abcdef"[b&15]) }

func TestBadInputToSetTemporaryAllow(t *testing.T) {
	csr := operator(t, "csr-bad")
	loadUsers(t, "u-bad")
	path := at(bases[0], "u-bad")
	unchanged(t)
	for _, b := range badJSON("tempAllowType", `"tempAllowType":1`, `"TempAllowType":1`) {
		t.Run("JSON "+b.what, func(t *testing.T) {
			send(t, "PUT", path, b.body, csr, bodyJSON).refused(t, 400, "json", b.names)
			send(t, "PUT", path, b.body, csr, bodyJSON, acceptXML).refused(t, 400, "xml", b.names)
		})
	}
	const (
		kind = "<tempAllowType>1</tempAllowType>"
		good = "<TempAllowRequest>" + kind + "</TempAllowRequest>"
	)
	in := func(inside string) string { return "<TempAllowRequest>" + inside + "</TempAllowRequest>" }
	for _, b := range []bad{
		{"empty", "", "tempAllowType"},
		{"cut", "<TempAllowRequest>" + kind, "XML"},
		{"JSON", `{"tempAllowType":1}`, ""},
		{"not closed", "<TempAllowRequest><tempAllowType>1</TempAllowRequest>", "XML"},
		{"only a declaration", xmlDeclaration, "TempAllowRequest"},
		{"another root", "<Request>" + kind + "</Request>", "TempAllowRequest"},
		{"wrong case of the root", "<tempAllowRequest>" + kind + "</tempAllowRequest>", "TempAllowRequest"},
		{"wrong case", in("<TempAllowType>1</TempAllowType>"), "tempAllowType"},
		{"wrong case besides", in(kind + "<tempallowtype>1</tempallowtype>"), "tempAllowType"},
		{"wrong case of the date", in(kind + "<ExpirationDate>2030-10-15T01:29:29Z</ExpirationDate>"),
			"expirationDate"},
		{"a duplicate", in(kind + kind), "tempAllowType"},
		{"a duplicate date", in(kind + "<expirationDate/><expirationDate/>"), "expirationDate"},
		{"DOCTYPE", "<!DOCTYPE TempAllowRequest>" + good, "DOCTYPE"},
		{"an external entity", `<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>` +
			in("<tempAllowType>&x;</tempAllowType>"), "DOCTYPE"},
		{"an unknown entity", in("<tempAllowType>&x;</tempAllowType>"), "XML"},
		{"a comment inside a value", in("<tempAllowType>1<!-- -->2</tempAllowType>"), "tempAllowType"},
		{"a comment beside a value", in("<tempAllowType>1<!-- --></tempAllowType>"), "tempAllowType"},
		{"a comment inside the date", in(kind + "<expirationDate>2030<!-- -->-10-15T01:29:29Z</expirationDate>"),
			"expirationDate"},
		{"a processing instruction", in("<tempAllowType><?x y?>1</tempAllowType>"), "processing"},
		{"a stylesheet", `<?xml-stylesheet href="x"?>` + good, "processing"},
		{"an element inside a value", in("<tempAllowType><b>1</b></tempAllowType>"), "tempAllowType"},
		{"text behind the root", good + "x", "text"},
		{"CDATA behind the root", good + "<![CDATA[ ]]>", "text"},
		{"a second root", good + good, "behind"},
		{"text before the root", "x" + good, ""},
		{"text between the elements", in("x" + kind), "text"},
		{"a declaration inside", in(xmlDeclaration + kind), ""},
		{"another version", `<?xml version="1.1"?>` + good, "XML"},
		{"another encoding", `<?xml version="1.0" encoding="ISO-8859-1"?>` + in(kind+"<x>\xe9</x>"), "ISO-8859-1"},
		{"another encoding of UTF-8", `<?xml version="1.0" encoding="windows-1252"?>` + in(kind+"<x>é</x>"),
			"windows-1252"},
		{"ASCII that is none", `<?xml version='1.0' encoding='ASCII'?>` + in(kind+"<!-- é -->"), "ASCII"},
		{"UTF-16", "\xff\xfe<\x00T\x00>\x00", "UTF-8"},
		{"UTF-16 with a mark", "\xfe\xff\x00<\x00T\x00>", "UTF-16"},
		{"UTF-16 without a mark", "<\x00T\x00/\x00>\x00", "UTF-16"},
		{"invalid UTF-8", in(kind + "<x>\xff</x>"), "UTF-8"},
		{"a raw NUL", in(kind + "<x>\x00</x>"), ""},
		{"an escaped NUL", in("<tempAllowType>1&#0;</tempAllowType>"), "XML"},
		{"a control character", in(kind + "<x>\x01</x>"), "XML"},
		{"an attribute", in(`<tempAllowType x="1">1</tempAllowType>`), "attributes"},
		{"a namespace", `<TempAllowRequest xmlns="urn:x">` + kind + `</TempAllowRequest>`, "namespaces"},
		{"a namespace of a field", in(`<tempAllowType xmlns="urn:x">1</tempAllowType>`), "namespaces"},
		{"a prefix", in(`<a:tempAllowType>1</a:tempAllowType>`), "prefixes"},
		{"a prefixed root", `<a:TempAllowRequest xmlns:a="urn:x">` + kind + `</a:TempAllowRequest>`, "prefixes"},
		{"a prefix of no namespace", `<a:TempAllowRequest xmlns:a="">` + kind + `</a:TempAllowRequest>`, "XML"},
		{"an attribute of the root", `<TempAllowRequest version="1">` + kind + `</TempAllowRequest>`,
			"TempAllowRequest"},
		{"an attribute of another namespace", in(`<tempAllowType xmlns:a="urn:x" a:b="c">1</tempAllowType>`),
			"tempAllowType"},
		{"an attribute twice", in(kind + `<x a="1" a="1"/>`), "XML"},
		{"nil with text", in(kind + `<expirationDate ` + xsi +
			` xsi:nil="true">2030-10-15T01:29:29Z</expirationDate>`), "expirationDate"},
		{"nil that is no boolean", in(kind + `<expirationDate ` + xsi + ` xsi:nil="maybe"/>`), "expirationDate"},
		{"nil without a namespace", in(kind + `<expirationDate nil="true"/>`), "expirationDate"},
		{"a type that is nil", in(`<tempAllowType ` + xsi + ` xsi:nil="true"/>`), "tempAllowType is missing"},
		{"a type that is empty", in(`<tempAllowType/>`), "tempAllowType is missing"},
		{"type 3 until nothing", in(`<tempAllowType>3</tempAllowType><expirationDate/>`), "expirationDate is missing"},
		{"type 3 until nil", in(`<tempAllowType>3</tempAllowType><expirationDate ` + xsi + ` xsi:nil="1"/>`),
			"expirationDate is missing"},
		{"deep nesting", "<TempAllowRequest>" + strings.Repeat("<a>", 21000), "deep"},
	} {
		t.Run("XML "+b.what, func(t *testing.T) {
			send(t, "PUT", path, b.body, csr, bodyXML).refused(t, 400, "xml", b.names)
			send(t, "PUT", path, b.body, csr, bodyXML, acceptJSON).refused(t, 400, "json", b.names)
		})
	}
	// XML without its Content-Type is no JSON.
	send(t, "PUT", path, good, csr).refused(t, 400, "json", "JSON")
}

func TestBadInputToTheAppRoutes(t *testing.T) {
	bearer := app(t, "app-bad", "tenant-bad")
	loadContacts(t, "tenant-bad", contact{"c", "bad-a", "bad-b", "kept"})
	unchanged(t)
	for _, b := range badJSON("customNos", `"customNos":["bad-a"]`, `"customnos":["bad-a"]`) {
		t.Run("operation 4 "+b.what, func(t *testing.T) {
			send(t, "POST", cleanPath, b.body, bearer, bodyJSON).failed(t, 400, b.names)
		})
	}
	good := `"app_key":"app-bad","app_secret":"secret-of-app-bad-0123456789abcdef"`
	for _, b := range badJSON("app_key", good, `"App_Key":"app-bad"`) {
		t.Run("operation 5 "+b.what, func(t *testing.T) {
			send(t, "POST", tokenPath, b.body, bodyJSON).failed(t, 400, b.names)
		})
	}
}

// What is no fault of the caller's: fields we do not know, and the freedoms of the
// formats.
func TestToleratedInput(t *testing.T) {
	csr := operator(t, "csr-tolerated")
	loadUsers(t, "u-tolerated")
	path := at(bases[0], "u-tolerated")
	for _, body := range []string{
		" \r\n\t{ \"tempAllowType\" :\t1 } \n", `{"temp\u0041llowType":1}`, `{"tempAllowType":2,"note":{"a":[1,null]}}`,
	} {
		send(t, "PUT", path, body, csr, "Content-Type: application/json; charset=UTF-8").done(t, "json")
	}
	for _, body := range []string{
		"<TempAllowRequest>\r\n\t<tempAllowType> 1\n</tempAllowType>\n</TempAllowRequest>\n",
		"<!-- a client's --><TempAllowRequest><!-- note --><tempAllowType>1</tempAllowType></TempAllowRequest><!-- end -->",
		"<TempAllowRequest><tempAllowType><![CDATA[1]]></tempAllowType><other>x</other></TempAllowRequest>",
		"<TempAllowRequest><tempAllowType>&#49;</tempAllowType></TempAllowRequest>",
		"\uFEFF" + xmlDeclaration + "<TempAllowRequest><tempAllowType>1</tempAllowType></TempAllowRequest>",
	} {
		send(t, "PUT", path, body, csr, "Content-Type: application/xml; charset=utf-8").done(t, "xml")
	}
}
