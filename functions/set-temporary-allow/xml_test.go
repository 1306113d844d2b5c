package main

import (
	"strings"
	"testing"

	"customercare/infra/client"
	"customercare/infra/testkit/provisiontest"
	"customercare/shared/respond"
)

func TestXML(t *testing.T) {
	const (
		kind    = "<tempAllowType>1</tempAllowType>"
		date    = "<expirationDate>D</expirationDate>"
		broken  = "The request body is not valid XML in UTF-8"
		bytes   = "The request body is not valid UTF-8 text"
		named   = "The elements of the request body must not have prefixes or be in namespaces"
		own     = "The request body must not declare xml or xmlns as prefixes, nor their namespaces for others"
		xsi     = `xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"`
		utf16   = "The request body is in UTF-16, it must be XML in UTF-8"
		inst    = "The request body must not have processing instructions; an XML declaration comes first and says version 1.0 and, if any, the name of an encoding"
		doctype = "The request body must not have a DOCTYPE"
		outside = "The request body has text outside its elements"
		behind  = "The request body has content behind TempAllowRequest"
		deep    = "The request body is nested too deeply"
	)
	root := func(inside string) string { return "<TempAllowRequest>" + inside + "</TempAllowRequest>" }
	foreign := func(encoding string) string {
		return "The request body is declared to be in " + encoding + ", XML that is not all ASCII must be in UTF-8"
	}
	attributes := func(element string) string {
		return element + " must not have attributes but xmlns, xml: and those of XMLSchema-instance"
	}
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
		{root("<expirationDate/>"), "|-"},
		{root(kind + "<expirationDate></expirationDate>"), "1|-"},
		{root("<expirationDate>\n\t</expirationDate>" + kind), "1|"}, // which is no date
		{root(kind + "<expirationDate><![CDATA[]]></expirationDate>"), "1|-"},
		{root(kind + "<expirationDate>\u00a0</expirationDate>"), "1|\u00a0"},
		{root("<tempAllowType/>"), "|-"},
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
		{`<?xml version="1.0" encoding="UTF-8'?>` + root(kind), inst},
		{`<?xml version="1.0" encoding=""?>` + root(kind), inst},
		{`<?xml version="1.0" encoding="<"?>` + root(kind), inst},
		{`<?xml version="1.0" encoding="utf8" standalone="no"?>` + root(kind+"<x>é</x>"), "1|-"},
		{`<?xml version="1.0" encoding="UTF8"?>` + root(kind+"<x>é</x>"), "1|-"},
		{`<?xml version='1.0' encoding='ASCII'?>` + "\n" + root(kind), "1|-"},
		{`<?xml version="1.0" encoding="ISO-8859-1" standalone="yes"?>` + root(kind), "1|-"},
		{`<?xml version="1.0" encoding="UTF-16"?>` + root(kind), "1|-"}, // .NET's StringWriter, in UTF-8
		{"\uFEFF" + `<?xml version="1.0" encoding="windows-1252"?>` + root(kind), "1|-"},
		{`<?xml version="1.0" encoding="x-Nobody.1"?>` + root(kind), "1|-"},
		{`<?xml version="1.0" encoding="ISO-8859-1"?>` + root(kind+"<x>\xe9</x>"), foreign("ISO-8859-1")},
		{`<?xml version="1.0" encoding="ISO-8859-1"?>` + root(kind+"<x>é</x>"), foreign("ISO-8859-1")},
		{`<?xml version='1.0' encoding='ascii'?>` + root(kind+"<!-- é -->"), foreign("ascii")},
		{"\uFEFF" + `<?xml version="1.0" encoding="windows-1252"?>` + root(kind+"<x>é</x>"), foreign("windows-1252")},
		{`<?xml version="1.0" encoding="` + strings.Repeat("x", 41) + `"?>` + root(kind+"<x>é</x>"), foreign("an unknown charset")},
		{`<?xml version="1.0" encoding="utf8"?>` + root(kind+"<x>\xe9</x>"), bytes},
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
		{"\xff\xfe<\x00a\x00/\x00>\x00", utf16},
		{"\xfe\xff\x00<\x00a\x00/\x00>", utf16},
		{"<\x00a\x00/\x00>\x00", utf16},

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

		{`<TempAllowRequest xmlns="urn:x">` + kind + `</TempAllowRequest>`, named},
		{`<TempAllowRequest xmlns:a="urn:x"><a:tempAllowType>1</a:tempAllowType></TempAllowRequest>`, named},
		{root(`<a:tempAllowType>1</a:tempAllowType>`), named},
		{root(`<tempAllowType xmlns="urn:x">1</tempAllowType>`), named},
		{`<a:TempAllowRequest xmlns:a="urn:x">` + kind + `</a:TempAllowRequest>`, named},
		{`<a:TempAllowRequest>` + kind + `</a:TempAllowRequest>`, named},
		{`<a:TempAllowRequest xmlns:a="">` + kind + `</a:TempAllowRequest>`, broken}, // would be a prefix that is in no namespace
		{root(kind + `<other xmlns="urn:x"/>`), named},
		{root(kind + `<other><a:b xmlns:a="urn:x"/></other>`), named},
		{root(kind + `<xml:tempAllowType/>`), named},
		{root(kind + `<:other/>`), named},

		// Declarations, xml: attributes and XMLSchema-instance say nothing about the two
		// values.
		{`<TempAllowRequest ` + xsi + ` xmlns:xsd="http://www.w3.org/2001/XMLSchema">` + kind + date + `</TempAllowRequest>`, "1|D"},
		{`<TempAllowRequest xmlns="" xmlns:a="urn:a" xmlns:b='urn:b'>` + kind + `</TempAllowRequest>`, "1|-"},
		{`<TempAllowRequest xmlns=""><tempAllowType xmlns="">1</tempAllowType></TempAllowRequest>`, "1|-"},
		{`<TempAllowRequest ` + xsi + ` xsi:noNamespaceSchemaLocation="a.xsd" xsi:schemaLocation="urn:a a.xsd" xsi:type="TempAllowRequest">` + kind + `</TempAllowRequest>`, "1|-"},
		{`<TempAllowRequest ` + xsi + ` xmlns:xs="http://www.w3.org/2001/XMLSchema"><tempAllowType xsi:type="xs:int">1</tempAllowType></TempAllowRequest>`, "1|-"},
		{`<TempAllowRequest xml:lang="en" xml:space="preserve" xml:base="a"><tempAllowType xml:id="b"> 1 </tempAllowType></TempAllowRequest>`, "1|-"},
		{root(`<tempAllowType xmlns:p3="urn:x">1</tempAllowType>`), "1|-"},
		{root(kind + `<expirationDate ` + xsi + ` xsi:nil="true"/>`), "1|-"},
		{`<TempAllowRequest xmlns:i="http://www.w3.org/2001/XMLSchema-instance">` + kind + `<expirationDate i:nil="1"></expirationDate></TempAllowRequest>`, "1|-"},
		{`<TempAllowRequest ` + xsi + `>` + kind + `<expirationDate xsi:nil=" true "> </expirationDate></TempAllowRequest>`, "1|-"},
		{`<TempAllowRequest ` + xsi + `><tempAllowType xsi:nil="true"/></TempAllowRequest>`, "|-"},
		{`<TempAllowRequest ` + xsi + ` xsi:nil="false"><tempAllowType xsi:nil="false">1</tempAllowType><expirationDate xsi:nil="0">D</expirationDate></TempAllowRequest>`, "1|D"},
		{`<TempAllowRequest ` + xsi + `><expirationDate xsi:nil="true"/><tempAllowType>1</tempAllowType></TempAllowRequest>`, "1|-"},
		{`<TempAllowRequest ` + xsi + ` xsi:nil="true"/>`, "|-"},
		{`<TempAllowRequest ` + xsi + ` xsi:nil="true">` + kind + `</TempAllowRequest>`, "TempAllowRequest is nil and has elements"},
		{`<TempAllowRequest ` + xsi + `>` + kind + `<expirationDate xsi:nil="true">D</expirationDate></TempAllowRequest>`, "expirationDate is nil and has a value"},
		{`<TempAllowRequest ` + xsi + `><tempAllowType xsi:nil="1"><![CDATA[1]]></tempAllowType></TempAllowRequest>`, "tempAllowType is nil and has a value"},
		{`<TempAllowRequest ` + xsi + `><tempAllowType xsi:nil="TRUE"/></TempAllowRequest>`, "xsi:nil of tempAllowType must be true or false"},

		// The prefixes of XML's own names and their namespaces belong to nobody else.
		{`<TempAllowRequest xmlns:xml="http://www.w3.org/XML/1998/namespace" xml:lang="en">` + kind + `</TempAllowRequest>`, "1|-"},
		{`<TempAllowRequest xmlns:xml="urn:x">` + kind + `</TempAllowRequest>`, own},
		{`<TempAllowRequest xmlns:xmlns="urn:x">` + kind + `</TempAllowRequest>`, own},
		{`<TempAllowRequest xmlns:xmlns="http://www.w3.org/2000/xmlns/">` + kind + `</TempAllowRequest>`, own},
		{`<TempAllowRequest xmlns:a="http://www.w3.org/2000/xmlns/" a:b="c">` + kind + `</TempAllowRequest>`, own},
		{`<TempAllowRequest xmlns:a="http://www.w3.org/XML/1998/namespace" a:b="c">` + kind + `</TempAllowRequest>`, own},
		{`<TempAllowRequest xmlns="http://www.w3.org/XML/1998/namespace">` + kind + `</TempAllowRequest>`, own},
		{`<TempAllowRequest xmlns="http://www.w3.org/2000/xmlns/">` + kind + `</TempAllowRequest>`, own},
		{root(`<tempAllowType xmlns:xml="urn:x">1</tempAllowType>`), own},
		{root(kind + `<other xmlns:xmlns="urn:x"/>`), own},
		{`<TempAllowRequest xmlns:a="xmlns" a:b="c">` + kind + `</TempAllowRequest>`, own}, // would pass for a declaration
		{`<TempAllowRequest xmlns:a="xm&#108;ns"><tempAllowType a:b="c">1</tempAllowType></TempAllowRequest>`, own},
		{root(kind + `<expirationDate xmlns:a='xmlns' a:nil="true"/>`), own},
		{`<TempAllowRequest xmlns="xmlns">` + kind + `</TempAllowRequest>`, own},

		// Other attributes may say something that we do not know.
		{`<TempAllowRequest version="1.0">` + kind + `</TempAllowRequest>`, attributes("TempAllowRequest")},
		{root(`<tempAllowType nil="true">1</tempAllowType>`), attributes("tempAllowType")},
		{root(kind + `<expirationDate format="x"/>`), attributes("expirationDate")},
		{root(kind + `<expirationDate xsi:nil="true"/>`), attributes("expirationDate")}, // the prefix is not declared
		{`<TempAllowRequest xmlns:a="urn:a" a:b="c">` + kind + `</TempAllowRequest>`, attributes("TempAllowRequest")},
		{`<TempAllowRequest xmlns:xsi="http://www.w3.org/1999/XMLSchema-instance" xsi:null="1">` + kind + `</TempAllowRequest>`, attributes("TempAllowRequest")},

		// Elements nobody knows may have any, as long as it is XML.
		{root(kind + `<other a="b" c:d="e" xmlns:f="urn:x" nil="true">2</other>`), "1|-"},
		{root(kind + `<other><deep a="b"/></other>`), "1|-"},
		{root(kind + `<other a="b" a="b"/>`), broken},
		{root(kind + `<other a=b/>`), broken},
		{`<TempAllowRequest ` + xsi + ` ` + xsi + `>` + kind + `</TempAllowRequest>`, broken},
		{`<TempAllowRequest ` + xsi + `>` + kind + `<expirationDate xsi:nil="false" xsi:nil="true"/></TempAllowRequest>`, broken},
		{`<TempAllowRequest xmlns:a="http://www.w3.org/2001/XMLSchema-instance" ` + xsi + ` xsi:nil="false" a:nil="false">` + kind + `</TempAllowRequest>`, broken},

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
				got = refusal.Error()
				if status := respond.AsError(refusal).Status(); status != 400 {
					t.Errorf("status %d", status)
				}
			}
			if got != test.want {
				t.Errorf("%.200q\ngot  %q\nwant %q", test.body, got, test.want)
			}
		})
	}
}

// What the XML reader refuses is an XML answer through the front door, and nothing is
// stored.
func TestXMLRefusal(t *testing.T) {
	users := provisiontest.Unreachable()
	answer := put(t, users.Users, provisiontest.Event("PUT", "u1", "", "<!DOCTYPE a><TempAllowRequest/>", asXML))
	provisiontest.Expect(t, answer, 400, client.XMLHead+`<StatusResponse><responseCode>400</responseCode>`+
		`<responseMessage>The request body must not have a DOCTYPE</responseMessage><status>false</status></StatusResponse>`)
	if n := users.Calls(); n != 0 {
		t.Errorf("%d DynamoDB calls", n)
	}
}
