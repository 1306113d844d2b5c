package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"customercare/infra/testkit/frontdoor"
	"customercare/infra/testkit/provisiontest"
	"customercare/shared/rfc3339"
	"customercare/shared/store"
	"customercare/shared/tempallow"
)

const defaultTypes = "1=once/24h,2=2h,3=date" // the template's

// door is the function with the template's rules, at the tests' time.
func door(f testing.TB, known bool) frontdoor.Door {
	var all tempallow.Types
	if err := all.UnmarshalText([]byte(defaultTypes)); err != nil {
		f.Fatal(err)
	}
	db := &frontdoor.Database{Known: known}
	h := handler{
		digests: provisiontest.Digests,
		users:   store.Users{DB: db.Client(), Table: "Users"},
		rules:   rules{types: all, maxAhead: 8784 * time.Hour}, now: func() time.Time { return now },
	}
	return frontdoor.New(f, db, h.endpoint().Handler())
}

// send sends a body and gives the allow that was stored, "type expires" in Unix
// milliseconds, "" when it was refused.
func send(t testing.TB, door frontdoor.Door, contentType string, body []byte) (stored string) {
	t.Helper()
	answer := door.Send(t, frontdoor.Request{
		Method: "PUT", Params: map[string]string{"customerId": "u1"}, Body: body, Header: [][2]string{{"Content-Type", contentType}},
		Authorizer: map[string]any{"principalId": "csr", "operations": "set-temporary-allow"},
	})
	frontdoor.Provision(t, answer)
	if answer.StatusCode != 200 && answer.StatusCode != 400 {
		t.Errorf("%.200q: %d %s", body, answer.StatusCode, answer.Body)
	}
	for _, call := range door.Database.Calls() {
		var update struct {
			Names  map[string]string `json:"ExpressionAttributeNames"`
			Values map[string]struct {
				M struct{ Expires struct{ N string } }
			} `json:"ExpressionAttributeValues"`
		}
		if err := json.Unmarshal(call.Body, &update); err != nil {
			t.Fatal(err)
		}
		stored = update.Names["#type"] + " " + update.Values[":allow"].M.Expires.N
	}
	if (answer.StatusCode == 200) != (stored != "") {
		t.Errorf("%.200q: %d, and %q was stored", body, answer.StatusCode, stored)
	}
	return stored
}

// expected is what send gives for a type and a date that both readers agree on.
func expected(t testing.TB, kind string, date *string) string {
	t.Helper()
	number, err := strconv.Atoi(kind)
	if err != nil {
		t.Fatalf("the type %q was taken", kind)
	}
	until := now.Add(map[int]time.Duration{1: 24 * time.Hour, 2: 2 * time.Hour}[number])
	if date != nil {
		var ok bool
		if until, ok = rfc3339.Parse(*date); !ok {
			t.Fatalf("the date %q was taken", *date)
		}
	}
	return fmt.Sprint(number, " ", until.UnixMilli())
}

// FuzzJSON: any body is refused, or what is stored is what encoding/json reads in it.
func FuzzJSON(f *testing.F) {
	for _, body := range []string{
		`{"tempAllowType":1,"expirationDate":"2030-10-15T01:29:29.768Z"}`, `{"tempAllowType":2}`, `{"tempAllowType":3}`, `{"tempAllowType":1.0}`,
		`{"tempAllowType":1e0}`, `{"tempAllowType":"1"}`, `{"tempAllowType":-0}`, `{"tempAllowType":null,"expirationDate":null}`, `{"tempAllowType":[1]}`,
		`{"tempAllowType":18446744073709551617}`, `{"tempAllowType":1,"tempAllowType":2}`, `{"tempAllowType":2,"TempAllowType":1}`, `{"tempallowtype":1}`,
		`{"tempAllowTy\u0070e":2,"x":{"tempAllowType":1}}`, `{"tempAllowType":2,"expirationDate":"\ud800"}`, `{"tempAllowType":2,"x":"\u0000"}`,
		` {"tempAllowType" : 2 } x`, `[{"tempAllowType":1}]`, `null`, ``, "\uFEFF{\"tempAllowType\":2}", "{\"tempAllowType\":2,\"\xff\":1}", `{"tempAllowType":2,"expirationDate":7}`,
	} {
		f.Add([]byte(body))
	}
	door := door(f, true)
	f.Fuzz(func(t *testing.T, body []byte) {
		stored := send(t, door, "application/json", body)
		if stored == "" {
			return
		}
		var again map[string]json.RawMessage // exact names, where a struct's would match in any case
		body = bytes.TrimPrefix(body, []byte("\uFEFF"))
		if err := json.Unmarshal(body, &again); err != nil || !utf8.Valid(body) {
			t.Fatalf("%q was taken, and no JSON: %v", body, err)
		}
		var date *string
		if raw, ok := again["expirationDate"]; ok {
			if err := json.Unmarshal(raw, &date); err != nil {
				t.Fatal(err)
			}
		}
		if want := expected(t, string(again["tempAllowType"]), date); stored != want {
			t.Errorf("%q: stored %q, want %q", body, stored, want)
		}
	})
}

// FuzzXML: any body is refused, or what is stored is what encoding/xml reads in it.
func FuzzXML(f *testing.F) {
	for _, inside := range []string{
		"<tempAllowType>1</tempAllowType>", "<tempAllowType>1</tempAllowType> <expirationDate>2030-10-15T01:29:29.768Z</expirationDate>", "<tempAllowType/>",
		"<tempAllowType><![CDATA[1]]></tempAllowType><x><y/></x>", "<tempAllowType>&#50;</tempAllowType>", "<tempAllowType>\n 2\t</tempAllowType><!-- c -->",
		"<tempAllowType>1<!-- -->2</tempAllowType>", "<tempAllowType>1</tempAllowType><tempAllowType>2</tempAllowType>", "<TempAllowType>1</TempAllowType>",
		`<tempAllowType x="y">1</tempAllowType>`, "<a:tempAllowType>1</a:tempAllowType>", "<x><tempAllowType>2</tempAllowType></x>", "<tempAllowType>&a;</tempAllowType>",
		"<tempAllowType>1</tempAllowType><?php 1?>", "text", "<tempAllowType>2</tempAllowType>\x00", "<tempAllowType>\u00a02</tempAllowType>", "<tempAllowType>2</tempallowtype>",
		`<tempAllowType xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:type="x">2</tempAllowType><expirationDate xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true"/>`,
		`<tempAllowType xml:lang="en">2</tempAllowType><x y="z"/><expirationDate/>`, `<a:tempAllowType xmlns:a="">1</a:tempAllowType>`,
		`<tempAllowType>2</tempAllowType><expirationDate> </expirationDate>`, "<tempAllowType>2</tempAllowType><expirationDate><![CDATA[\n]]></expirationDate>",
		`<tempAllowType xmlns:a="xmlns" a:b="c">2</tempAllowType>`, `<tempAllowType xmlns:xml="urn:x" xml:b="c">2</tempAllowType>`,
		`<tempAllowType>2</tempAllowType><expirationDate xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="1"> </expirationDate>`,
		strings.Repeat("<a>", 20), "<tempAllowType>3</tempAllowType><expirationDate><![CDATA[2030-10-15T01]]><![CDATA[:29:29]]>&#90;</expirationDate>",
	} {
		f.Add([]byte("<TempAllowRequest>" + inside + "</TempAllowRequest>"))
	}
	const plain = "<TempAllowRequest><tempAllowType>2</tempAllowType></TempAllowRequest>"
	f.Add([]byte(`<?xml version="1.0" encoding="UTF-8" ?> ` + plain + " \n<!-- end -->"))
	f.Add([]byte("\uFEFF" + plain))
	f.Add([]byte(`<?xml version="1.0" encoding="UTF-16"?>` + plain))
	f.Add([]byte(`<?xml version="1.0" encoding="ISO-8859-1"?><!-- é -->` + plain))
	f.Add([]byte(`<TempAllowRequest xmlns="" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="false"><tempAllowType>2</tempAllowType></TempAllowRequest>`))
	f.Add([]byte(`<!DOCTYPE a [<!ENTITY a "1"><!ENTITY b "&a;&a;">]>` + plain))
	f.Add([]byte(plain + plain))
	f.Add([]byte(plain + "<![CDATA[ ]]>"))
	door := door(f, true)
	f.Fuzz(func(t *testing.T, body []byte) {
		stored := send(t, door, "application/xml", body)
		if stored == "" {
			return
		}
		type field struct {
			Text string `xml:",chardata"`
			Nil  string `xml:"http://www.w3.org/2001/XMLSchema-instance nil,attr"`
		}
		var again struct {
			XMLName xml.Name `xml:"TempAllowRequest"`
			Kind    []field  `xml:"tempAllowType"`
			Date    []field  `xml:"expirationDate"`
		}
		reader := xml.NewDecoder(bytes.NewReader(body))
		reader.CharsetReader = func(_ string, same io.Reader) (io.Reader, error) { return same, nil }
		if err := reader.Decode(&again); err != nil || !utf8.Valid(body) || len(again.Kind) != 1 ||
			len(again.Date) > 1 {
			t.Fatalf("%q was taken as %+v: %v", body, again, err)
		}
		knownAttributes(t, body)
		value := func(f field) *string {
			text := strings.Trim(f.Text, " \t\r\n")
			isNil := slices.Contains([]string{"true", "1"}, strings.Trim(f.Nil, " \t\r\n"))
			if isNil && text != "" {
				t.Errorf("%q was taken, with a value that is nil", body)
			}
			if isNil || f.Text == "" { // white space is a value, and a wrong one
				return nil
			}
			return &text
		}
		kind := value(again.Kind[0])
		if kind == nil {
			t.Fatalf("%q was taken without a type", body)
		}
		var date *string
		if len(again.Date) > 0 {
			date = value(again.Date[0])
		}
		if want := expected(t, *kind, date); stored != want {
			t.Errorf("%q: stored %q, want %q", body, stored, want)
		}
	})
}

// knownAttributes checks, by the prefixes as they are written, that the root and the two
// fields of a body that was taken have none but those that say nothing about a value.
func knownAttributes(t *testing.T, body []byte) {
	t.Helper()
	prefixes := []map[string]string{{}} // what each open element declares
	reader := xml.NewDecoder(bytes.NewReader(body))
	reader.CharsetReader = func(_ string, same io.Reader) (io.Reader, error) { return same, nil }
	for {
		token, err := reader.RawToken()
		if err != nil {
			return
		}
		switch token := token.(type) {
		case xml.EndElement:
			prefixes = prefixes[:len(prefixes)-1]
		case xml.StartElement:
			declared := maps.Clone(prefixes[len(prefixes)-1])
			prefixes = append(prefixes, declared)
			for _, a := range token.Attr {
				if a.Name.Space == "xmlns" {
					declared[a.Name.Local] = a.Value
				}
			}
			if depth := len(prefixes) - 1; depth > 2 || depth == 2 && token.Name.Local != typeField && token.Name.Local != dateField {
				continue
			}
			for _, a := range token.Attr {
				xsi := a.Name.Space != "" && declared[a.Name.Space] == "http://www.w3.org/2001/XMLSchema-instance"
				if !xsi && a.Name.Space != "xmlns" && a.Name.Space != "xml" && (a.Name != xml.Name{Local: "xmlns"}) {
					t.Errorf("%q was taken, with the attribute %+v", body, a)
				}
			}
		}
	}
}

// FuzzEvent: whatever API Gateway passes on, the answer is one of operation 2's.
func FuzzEvent(f *testing.F) {
	for _, event := range frontdoor.Events(f, "set-temporary-allow") {
		f.Add(event, true)
	}
	f.Add([]byte(`{}`), false)
	f.Add([]byte(`{"httpMethod":"PUT","pathParameters":{"customerId":"u1"},"body":"{\"tempAllowType\":2}","isBase64Encoded":false,"headers":{"accept":"*"},`+
		`"requestContext":{"authorizer":{"principalId":7,"operations":"set-temporary-allow"}}}`), true)
	known, unknown := door(f, true), door(f, false)
	frontdoor.FuzzEvents(f, known, unknown, frontdoor.Provision)
}
