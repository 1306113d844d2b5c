package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"customercare/infra/fuzz/bounds"
	"customercare/infra/fuzz/frontdoor"
	"customercare/shared/store"
)

const defaultTypes = "1=24h,2=2h,3=date"

// door is the function with the template's rules, at the tests' time.
func door(f testing.TB, known bool) frontdoor.Door {
	var all types
	if err := all.UnmarshalText([]byte(defaultTypes)); err != nil {
		f.Fatal(err)
	}
	db := &frontdoor.Database{Known: known}
	a := allows{
		users: store.Users{DB: db.Client(), Table: "Users"},
		rules: rules{types: all, maxAhead: 8784 * time.Hour}, now: func() time.Time { return now },
	}
	return frontdoor.New(f, db, a.endpoint().Handler())
}

// send sends a body and gives the allow that was stored, "type expires" in Unix milliseconds, "" when it was refused.
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
		if until, ok = parseDate(*date); !ok {
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
		strings.Repeat("<a>", 20), "<tempAllowType>3</tempAllowType><expirationDate><![CDATA[2030-10-15T01]]><![CDATA[:29:29]]>&#90;</expirationDate>",
	} {
		f.Add([]byte("<TempAllowRequest>" + inside + "</TempAllowRequest>"))
	}
	const plain = "<TempAllowRequest><tempAllowType>2</tempAllowType></TempAllowRequest>"
	f.Add([]byte(`<?xml version="1.0" encoding="UTF-8" ?> ` + plain + " \n<!-- end -->"))
	f.Add([]byte("\uFEFF" + plain))
	f.Add([]byte(`<?xml version="1.0" encoding="UTF-16"?>` + plain))
	f.Add([]byte(`<!DOCTYPE a [<!ENTITY a "1"><!ENTITY b "&a;&a;">]>` + plain))
	f.Add([]byte(plain + plain))
	f.Add([]byte(plain + "<![CDATA[ ]]>"))
	door := door(f, true)
	f.Fuzz(func(t *testing.T, body []byte) {
		stored := send(t, door, "application/xml", body)
		if stored == "" {
			return
		}
		var again struct {
			XMLName xml.Name `xml:"TempAllowRequest"`
			Kind    []string `xml:"tempAllowType"`
			Date    []string `xml:"expirationDate"`
		}
		if err := xml.Unmarshal(body, &again); err != nil || !utf8.Valid(body) || len(again.Kind) != 1 || len(again.Date) > 1 {
			t.Fatalf("%q was taken as %+v: %v", body, again, err)
		}
		var date *string
		if len(again.Date) > 0 {
			trimmed := strings.Trim(again.Date[0], " \t\r\n")
			date = &trimmed
		}
		if want := expected(t, strings.Trim(again.Kind[0], " \t\r\n"), date); stored != want {
			t.Errorf("%q: stored %q, want %q", body, stored, want)
		}
	})
}

// Bodies of the largest size, each the dearest of its kind that we could think of.
func TestLargestBodies(t *testing.T) {
	door := door(t, true)
	fill := func(before, unit, after string) []byte {
		return []byte(before + strings.Repeat(unit, (bodyLimit-len(before)-len(after))/len(unit)) + after)
	}
	names := new(bytes.Buffer)
	for i := 0; names.Len() < bodyLimit-16; i++ {
		fmt.Fprintf(names, ",%q:0", strconv.FormatInt(int64(i), 36))
	}
	for name, body := range map[string][]byte{
		"names":    []byte(`{"tempAllowType":2` + names.String()[:strings.LastIndex(names.String()[:bodyLimit-20], ",")] + "}"),
		"lists":    fill(`{"tempAllowType":2,"x":`, "[", ""),
		"objects":  fill(`{"tempAllowType":2,"x":`, `{"":`, ""),
		"numbers":  fill(`{"tempAllowType":2,"x":[0`, ",0", "]}"),
		"digits":   fill(`{"tempAllowType":`, "1", "}"),
		"escapes":  fill(`{"tempAllowType":2,"expirationDate":"`, `\u0041`, `"}`),
		"fraction": fill(`{"tempAllowType":2,"expirationDate":"2030-10-15T01:29:29.`, "7", `Z"}`),
		"spaces":   fill("", " ", `{"tempAllowType":2}`),
	} {
		t.Run("JSON "+name, func(t *testing.T) { send(t, door, "application/json", body) })
	}
	const kind, end = "<TempAllowRequest><tempAllowType>2</tempAllowType>", "</TempAllowRequest>"
	for name, body := range map[string][]byte{
		"open tags": fill("<TempAllowRequest>", "<a>", ""),
		"tags":      fill(kind, "<a/>", end),
		"CDATA":     fill("<TempAllowRequest><tempAllowType>", "<![CDATA[111111111111]]>", "</tempAllowType>"+end),
		"entities":  fill("<TempAllowRequest><tempAllowType>", "&#49;", "</tempAllowType>"+end),
		"comments":  fill(kind, "<!---->", end),
		"text":      fill("<TempAllowRequest><tempAllowType>", "1", "</tempAllowType>"+end),
		"attribute": fill(kind+`<a b="`, "1", `"/>`+end),
		"list":      fill(kind+"<a", ` b=""`, "/>"+end),
		"name":      fill(kind+"<", "a", "/>"+end),
		"DOCTYPE":   fill("<!DOCTYPE a [", "<!a>", "]>"+kind+end),
		"directive": fill("<!", "<", ""),
	} {
		t.Run("XML "+name, func(t *testing.T) { send(t, door, "application/xml", body) })
	}
}

// rfc3339 is the grammar of section 5.6, with the bounds of an offset, which Go's time does not keep to.
var rfc3339 = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`)

// FuzzDate: a date of that grammar is taken if and only if time.Time takes it, and as the same moment; but for leap
// seconds, which Go does not know. Another text is refused.
func FuzzDate(f *testing.F) {
	for _, text := range []string{
		"2030-10-15T01:29:29.768Z", "2016-12-31T15:59:60.5-08:00", "2030-02-29T00:00:00Z", "2032-02-29t23:59:59z", "0000-01-01T00:00:00-23:59",
		"9999-12-31T23:59:59.999999999+23:59", "2030-10-15T24:00:00Z", "2030-10-15 01:29:29Z", "2030-10-15T01:29:29,5Z", "2030-10-15T1:29:29Z", "2030-10-15T01:29:29+24:00",
		"2030-10-15T01:29:29-00:00", "2030-10-15T01:29:29", "2030-13-01T00:00:00Z", "٢٠٣٠-10-15T01:29:29Z", "", "2016-12-31T23:59:60Z", "2030-10-15T01:29:29.99999999999Z",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var got time.Time
		var ok bool
		bounds.Check(t, func() { got, ok = parseDate(text) })
		if !rfc3339.MatchString(text) {
			if ok {
				t.Errorf("%q was taken", text)
			}
			return
		}
		if text[17:19] == "60" {
			if again, err := time.Parse(time.RFC3339Nano, strings.ToUpper(text[:17]+"59"+text[19:])); ok && (err != nil || !got.Equal(again.Add(time.Second))) {
				t.Errorf("%q is %v, and a second before %v, %v", text, got, again, err)
			}
			return
		}
		var want time.Time
		err := want.UnmarshalText([]byte(strings.ToUpper(text)))
		if ok != (err == nil) || ok && !got.Equal(want) {
			t.Errorf("%q: got %v %v, want %v, %v", text, got, ok, want, err)
		}
	})
}

// FuzzTypes: any setting of TEMP_ALLOW_TYPES is refused in a sentence, or read so that every type has a lifetime or asks
// for a date, and none is lost.
func FuzzTypes(f *testing.F) {
	for _, text := range []string{
		defaultTypes, "7=date", "007=1h", "10=90m,2=date", "", "1", "1=", "=2h", "1=2h,", ",", "1=2h,01=date", "1=0h", "1=-2h", "1=1h30m", "1=2h=3h",
		"999999999=999999h", "1=999999m", "1234567890=2h", "1=2.5h", "1 =2h", "1=２h", "1=date\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var got types
		var err error
		bounds.Check(t, func() { got = nil; err = got.UnmarshalText([]byte(text)) })
		if err != nil {
			if got != nil || err.Error() == "" {
				t.Errorf("%q: %v, %v", text, got, err)
			}
			return
		}
		for number, life := range got {
			if number < 0 || life < 0 || life > lifetime(999999*time.Hour) || time.Duration(life)%time.Minute != 0 {
				t.Errorf("%q: type %d lives %v", text, number, time.Duration(life))
			}
		}
		if entries := strings.Count(text, ",") + 1; len(got) != entries || strings.Count(text, "=") != entries || strings.Count(text, "date") != dates(got) {
			t.Errorf("%q is %v", text, got)
		}
	})
}

func dates(all types) (n int) {
	for _, life := range all {
		if life == 0 {
			n++
		}
	}
	return n
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
	f.Fuzz(func(t *testing.T, event []byte, stands bool) {
		door := unknown
		if stands {
			door = known
		}
		if answer, ok := door.SendRaw(t, event); ok {
			frontdoor.Provision(t, answer)
		}
	})
}
