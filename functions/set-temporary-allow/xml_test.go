package main

import (
	"strings"
	"testing"

	"customercare/shared/gateway/provisiontest"
)

func TestXML(t *testing.T) {
	const (
		kind    = "<tempAllowType>1</tempAllowType>"
		date    = "<expirationDate>D</expirationDate>"
		broken  = "The request body is not valid XML in UTF-8"
		bytes   = "The request body is not valid UTF-8 text"
		naked   = "The elements of the request body must not have attributes, prefixes or namespaces"
		inst    = "The request body must not have processing instructions, and its XML declaration may only say version 1.0 and UTF-8"
		doctype = "The request body must not have a DOCTYPE"
		outside = "The request body has text outside its elements"
		behind  = "The request body has content behind TempAllowRequest"
		deep    = "The request body is nested too deeply"
	)
	root := func(inside string) string { return "<TempAllowRequest>" + inside + "</TempAllowRequest>" }
	nested := func(n int) string { return strings.Repeat("<x>", n) + strings.Repeat("</x>", n) }
	// A want with a space is the refusal; else it is "type|date", with "-" for no date.
	for _, test := range []struct{ body, want string }{
		{root(kind), "1|-"},
		{root(kind + date), "1|D"},
		{root(date + kind), "1|D"},
		{root(""), "|-"},
		{"<TempAllowRequest/>", "|-"},
		{"<TempAllowRequest >" + kind + "</TempAllowRequest >\n", "1|-"},
		{root("<tempAllowType> \t\r\n1\n</tempAllowType>"), "1|-"},
		{root("<tempAllowType>\u00a01</tempAllowType>"), "\u00a01|-"},
		{root("<tempAllowType><![CDATA[1]]></tempAllowType>"), "1|-"},
		{root("<tempAllowType>&#49;&#x32;</tempAllowType>"), "12|-"},
		{root("<expirationDate/>"), "|"},
		{root("<tempAllowType/>"), "tempAllowType is empty"},
		{root("<tempAllowType> </tempAllowType>"), "tempAllowType is empty"},

		{`<?xml version="1.0" encoding="UTF-8" ?>` + root(kind), "1|-"},
		{`<?xml version='1.0' encoding='utf-8' standalone='yes'?>` + "\n" + root(kind), "1|-"},
		{`<?xml version="1.0"?>` + root(kind), "1|-"},
		{"\uFEFF" + `<?xml version="1.0"?>` + root(kind), "1|-"},
		{"\uFEFF\uFEFF" + root(kind), outside},
		{" " + root(kind), "1|-"},
		{` <?xml version="1.0"?>` + root(kind), inst},
		{`<?xml version="1.0"?><?xml version="1.0"?>` + root(kind), inst},
		{`<?xml version="1.0" encoding="UTF-8" x="y"?>` + root(kind), inst},
		{`<?xml encoding="UTF-8"?>` + root(kind), inst},
		{`<?xml version="1.1"?>` + root(kind), broken},
		{`<?xml version="1.0" encoding="ISO-8859-1"?>` + root(kind), broken},
		{`<?xml version="1.0" encoding="UTF-16"?>` + root(kind), broken},
		{`<?php echo 1 ?>` + root(kind), inst},
		{root(`<?xml-stylesheet href="x"?>` + kind), inst},
		{root(`<tempAllowType><?x?>1</tempAllowType>`), inst},
		{root(kind) + "<?x?>", inst},

		{`<!DOCTYPE TempAllowRequest>` + root(kind), doctype},
		{`<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>` + root("<tempAllowType>&x;</tempAllowType>"), doctype},
		{root("<!ELEMENT x>" + kind), doctype},
		{root("<tempAllowType>&x;</tempAllowType>"), broken},
		{root("<tempAllowType>&#0;</tempAllowType>"), broken},
		{root("<tempAllowType>\x01</tempAllowType>"), broken},
		{root("<tempAllowType>1\x00</tempAllowType>"), bytes},
		{root("<!-- \x00 -->" + kind), bytes},
		{root("<tempAllowType>1\xff</tempAllowType>"), bytes},
		{root("<!-- \xc0\xaf -->" + kind), bytes},
		{"\xff\xfe<\x00a\x00/\x00>\x00", bytes},

		{"<!-- a -->" + root("<!-- b -->"+kind+"<!-- c -->") + "<!-- d -->", "1|-"},
		{root("<tempAllowType>1<!-- 2 -->3</tempAllowType>"), "tempAllowType must not have comments inside"},
		{root(kind + "<expirationDate><!----></expirationDate>"), "expirationDate must not have comments inside"},
		{root(kind + "<other>a<!-- b --></other>"), "An element of the request body must not have comments inside"},
		{root(kind + "<!-- a -- b -->"), broken},

		{root(kind + kind), "tempAllowType is given twice in the request body"},
		{root(kind + date + date), "expirationDate is given twice in the request body"},
		{root(kind + "<expirationDate/><expirationDate/>"), "expirationDate is given twice in the request body"},
		{root("<TempAllowType>1</TempAllowType>"), "TempAllowType is not known, write tempAllowType"},
		{root(kind + "<EXPIRATIONDATE/>"), "EXPIRATIONDATE is not known, write expirationDate"},
		{"<tempAllowRequest>" + kind + "</tempAllowRequest>", "The root element of the request body must be TempAllowRequest"},
		{kind, "The root element of the request body must be TempAllowRequest"},
		{"<!-- nothing -->", "The request body has no element TempAllowRequest"},
		{`<?xml version="1.0"?>`, "The request body has no element TempAllowRequest"},
		{"{}", outside},

		{`<TempAllowRequest xmlns="urn:x">` + kind + `</TempAllowRequest>`, naked},
		{`<TempAllowRequest xmlns:a="urn:x"><a:tempAllowType>1</a:tempAllowType></TempAllowRequest>`, naked},
		{root(`<a:tempAllowType>1</a:tempAllowType>`), naked},
		{root(`<tempAllowType nil="true">1</tempAllowType>`), naked},
		{root(kind + `<other a="b"/>`), naked},
		{root(kind + `<xml:tempAllowType/>`), naked},
		{root(kind + `<:other/>`), naked},

		{root(kind + "<other>2<tempAllowType>2</tempAllowType><tempAllowType/></other><other/>"), "1|-"},
		{root("<other>" + kind + "</other>"), "|-"},
		{root("<tempAllowType><b>1</b></tempAllowType>"), "tempAllowType must not have elements inside"},
		{root("<expirationDate>D<tempAllowType>1</tempAllowType></expirationDate>"), "expirationDate must not have elements inside"},
		{root(kind + nested(15)), "1|-"},
		{root(kind + nested(16)), deep},
		{"<TempAllowRequest>" + strings.Repeat("<a>", 20_000), deep},
		{root(kind + "1"), outside},
		{root("<![CDATA[ ]]>" + kind), outside},
		{root(kind + "&#32;"), outside},

		{root(kind) + root(kind), behind},
		{root(kind) + "<x/>", behind},
		{root(kind) + "x", outside},
		{root(kind) + "<![CDATA[]]>", outside},
		{root(kind) + "</TempAllowRequest>", broken},
		{"<TempAllowRequest>" + kind, broken},
		{"<TempAllowRequest>" + kind + "</tempAllowRequest>", broken},
		{"<TempAllowRequest>" + "<tempAllowType>1</expirationDate></TempAllowRequest>", broken},
		{root("<tempAllowType>]]></tempAllowType>"), broken},
		{"<", broken},
	} {
		t.Run(test.body[:min(len(test.body), 60)], func(t *testing.T) {
			read, refusal := readXML([]byte(test.body))
			got := read.kind + "|-"
			if read.date != nil {
				got = read.kind + "|" + *read.date
			}
			if refusal != nil {
				got = refusal.Sentence
				if refusal.Status() != 400 {
					t.Errorf("status %d", refusal.Status())
				}
			}
			if got != test.want {
				t.Errorf("%.200q\ngot  %q\nwant %q", test.body, got, test.want)
			}
		})
	}
}

// What the XML reader refuses is an XML answer through the front door, and nothing is stored.
func TestXMLRefusal(t *testing.T) {
	users := provisiontest.Unreachable()
	answer := put(t, users.Users, provisiontest.Event("PUT", "u1", "", "<!DOCTYPE a><TempAllowRequest/>", asXML))
	expect(t, answer, 400, xmlHead+`<StatusResponse><responseCode>400</responseCode>`+
		`<responseMessage>The request body must not have a DOCTYPE</responseMessage><status>false</status></StatusResponse>`)
	if n := users.Calls(); n != 0 {
		t.Errorf("%d DynamoDB calls", n)
	}
}
