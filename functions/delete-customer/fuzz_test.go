package main

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/testkit/frontdoor"
	"customercare/shared/digest"
	"customercare/shared/erasure"
	"customercare/shared/gateway"
	"customercare/shared/principal"
	"customercare/shared/respond"
	"customercare/shared/store"
)

const urlencoded = "application/x-www-form-urlencoded"

// The form of an API user who may delete the customers of the account a, among whom is
// 47.
const goodForm = "type=customer_delete&user_id=john&user_password=key&account_id=a&code=47"

// door is the function with one API user; known says whether every customer exists, or
// none ever did.
func door(f testing.TB, known bool) frontdoor.Door {
	db := &frontdoor.Database{Known: known, Principals: map[string]string{
		"apiUser#john": `{"principal":{"S":"apiUser#john"},` +
			`"hashes":{"L":[{"S":"` + principal.Hash("key") + `"}]},"accounts":{"L":[{"S":"a"}]}}`,
	}}
	return frontdoor.New(f, db, onDatabase(db.Client()))
}

// onDatabase is the function whose calls the client makes.
func onDatabase(client *dynamodb.Client) func(context.Context, events.APIGatewayProxyRequest) (gateway.Answer, error) {
	directory := principal.Directory{
		Principals: store.Principals{
			DB:    client,
			Table: "Principals",
		}, Guard: principal.Guard{Limit: 10, Window: time.Minute}, Now: time.Now,
	}
	digests := digest.Digester{Current: "1", Keys: map[string][]byte{"1": []byte("a key of digests, 32 characters.")}}
	intake := erasure.NewCustomerIntake(store.Erasures{DB: client, Table: "Erasures"},
		store.Customers{DB: client, Table: "Customers", Limiter: store.NewLimiter(2)},
		store.Holds{DB: client, Table: "Holds"},
		digests,
		erasure.Timing{WriterLifetime: 5 * time.Minute, ClockSkew: time.Minute}, erasure.SystemClock())
	return handler{directory, intake, digests, time.Second, upstream{}}.endpoint().Handler()
}

var jsonp = regexp.MustCompile(`^/\*\*/([A-Za-z_$][A-Za-z0-9_$.]{0,127})\(([^<>` + "\u2028\u2029" + `]*)\);$`)

// read checks an answer of operation 3 and gives it; callback is the name that a script's
// answer calls.
func read(t testing.TB, a events.APIGatewayProxyResponse) (got answer, callback string) {
	t.Helper()
	text := a.Body
	for _, accept := range []string{"", "application/xml"} { // a GET, in this function without an upstream
		if none := respond.AsError(errNotOffered(accept)); a.StatusCode == none.Status() && text == string(none.Answer.(respond.Whole).Body) {
			return got, ""
		}
	}
	switch a.MultiValueHeaders["Content-Type"][0] {
	case "application/xml; charset=utf-8":
		frontdoor.ReadXML(t, text, &got)
	case "application/javascript; charset=utf-8":
		parts := jsonp.FindStringSubmatch(text)
		if parts == nil {
			t.Fatalf("the script is %q", text)
		}
		callback, text = parts[1], parts[2]
		fallthrough
	case "application/json":
		frontdoor.ReadJSON(t, text, &got)
	default:
		t.Errorf("Content-Type is %q", a.MultiValueHeaders["Content-Type"])
	}
	got.XMLName = xml.Name{}
	switch {
	case got.Status == "success" && a.StatusCode == 200 && got.Error == "" && got.Customer != nil && got.Customer.Status == "deleted" && got.Customer.Code != "":
	case got.Status == "error" && (a.StatusCode == 200 || a.StatusCode == 413 || a.StatusCode == 429) && got.Customer == nil:
		frontdoor.Sentence(t, got.Error)
	default:
		t.Errorf("the answer to %d is %s", a.StatusCode, a.Body)
	}
	return got, callback
}

// send sends a form. What is answered to be deleted must be what a second reader finds in
// the form, in fields given once or alike, and an erasure on record.
func send(t testing.TB, door frontdoor.Door, contentType string, body []byte) {
	t.Helper()
	a := door.Send(t,
		frontdoor.Request{Method: "POST", Path: "/", Header: [][2]string{{"Content-Type", contentType}}, Body: body})
	got, callback := read(t, a)
	written := false
	for _, call := range door.Database.Calls() {
		written = written || call.Action == "TransactWriteItems"
	}
	if written != (got.Status == "success") {
		t.Errorf("%.200q: %s, and written: %v", body, a.Body, written)
	}
	if got.Status != "success" {
		return
	}
	form := again(t, contentType, body)
	want := map[string]string{
		"type":       "customer_delete",
		"user_id":    "john",
		"account_id": "a",
		"code":       got.Customer.Code,
	}
	if callback != "" {
		want["callback"] = callback
	}
	for name, value := range want {
		if !xmlChars(form.Get(name)) {
			t.Errorf("%.200q: taken with a %s that XML cannot say", body, name)
		}
		for _, given := range form[name] {
			if given != value {
				t.Errorf("%.200q: taken with %s %q, which reads %q", body, name, value, given)
			}
		}
		if len(form[name]) == 0 {
			t.Errorf("%.200q: taken with %s %q, which is not there", body, name, value)
		}
	}
	if form.Get("user_password") != "key" && form.Get("user_api_key") != "key" {
		t.Errorf("%.200q was taken without the key", body)
	}
}

// xmlChars says whether XML 1.0 can say all of text (section 2.2), so that it comes back
// as it was.
func xmlChars(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool {
		return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == '\uFFFE' || r == '\uFFFF'
	})
}

// FuzzForm: any urlencoded body is refused, or does what a second reader reads in it.
func FuzzForm(f *testing.F) {
	for _, body := range []string{
		goodForm, goodForm + "&output=JSON&condensed=yes", strings.Replace(goodForm, "47", "%C3%A9", 1) + "&_charset_=utf-8", strings.Replace(goodForm, "47", "%C3%A9", 1) + "&_Charset_=latin1", goodForm + "&callback=cb&API=1.6", goodForm + "&code=47", goodForm + "&code=48", goodForm + "&code=%00",
		strings.Replace(goodForm, "47", "%34%37", 1), strings.Replace(goodForm, "47", "+4;7%3B", 1), strings.Replace(goodForm, "47", "%ff", 1), strings.Replace(goodForm, "47", "%01%0d%0a", 1),
		strings.Replace(goodForm, "47", "%EF%BF%BE", 1), strings.Replace(goodForm, "47", "4%EF%BF%BF7", 1) + "&output=JSON", strings.Replace(goodForm, "47", "%09%0A%0D%C2%85", 1),
		strings.Replace(goodForm, "47", "%", 1), strings.Replace(goodForm, "47", "%E2%80%A8%3C%2Fscript%3E", 1) + "&output=json&callback=f", goodForm + ";output=JSON",
		strings.Replace(goodForm, "user_password=", "user_api_key=", 1), goodForm + "&user_api_key=other", strings.Replace(goodForm, "=key", "=wrong", 1), goodForm + "&output=yaml",
		"", "&&=&", "code[]=47", "\uFEFF" + goodForm, strings.Replace(goodForm, "47", strings.Repeat("%23", 128), 1), strings.Replace(goodForm, "47", strings.Repeat("a", 129), 1),
	} {
		f.Add([]byte(body), true)
		f.Add([]byte(body), false)
	}
	known, unknown := door(f, true), door(f, false)
	f.Fuzz(func(t *testing.T, body []byte, stands bool) {
		if stands {
			send(t, known, urlencoded, body)
		} else {
			a := unknown.Send(t, frontdoor.Request{Method: "POST", Header: [][2]string{{"Content-Type", urlencoded}}, Body: body})
			if got, _ := read(t, a); got.Status != "error" {
				t.Errorf("%q deleted a customer who never was: %s", body, a.Body)
			}
		}
	})
}

const goodMultipart = "--b\r\nContent-Disposition: form-data; name=\"type\"\r\n\r\ncustomer_delete\r\n--b\r\nContent-Disposition: form-data; name=\"user_id\"\r\n\r\njohn\r\n" +
	"--b\r\nContent-Disposition: form-data; name=\"user_password\"\r\n\r\nkey\r\n--b\r\nContent-Disposition: form-data; name=\"account_id\"\r\n\r\na\r\n" +
	"--b\r\nContent-Disposition: form-data; name=\"code\"\r\n\r\n47\r\n--b--\r\n"

// FuzzMultipart: any body under any Content-Type is refused, or does what a second reader
// reads in it.
func FuzzMultipart(f *testing.F) {
	const form = "multipart/form-data; boundary="
	for _, body := range []string{
		goodMultipart, multipartBody, strings.ReplaceAll(goodMultipart, "\r\n", "\n"), "preamble\r\n" + goodMultipart + "epilogue", strings.TrimSuffix(goodMultipart, "--b--\r\n"),
		strings.Replace(goodMultipart, "--b--\r\n", "--b\r\nContent-Disposition: f", 1),
		strings.Replace(goodMultipart, `name="code"`, `name="code"; filename=""`, 1), strings.Replace(goodMultipart, `name="code"`, `name="code"; filename="x"`, 1),
		strings.Replace(goodMultipart, `name="code"`, `name=code`, 1), strings.Replace(goodMultipart, `name="code"`, `name*=utf-8''code`, 1), strings.Replace(goodMultipart, `"code"`, `"code"; name="type"`, 1),
		strings.Replace(goodMultipart, "\r\n\r\n47", "\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=34=37", 1), strings.Replace(goodMultipart, "\r\n\r\n47", "\r\nContent-Type: text/plain; charset=utf-16\r\n\r\n47", 1),
		strings.Replace(goodMultipart, "47", "4\r\n--b7", 1), strings.Replace(goodMultipart, "47", "\x00", 1), "--b\r\n\r\n--b--", "--\r\n----",
		goodMultipart[:len(goodMultipart)-7] + goodMultipart, // code and all others twice
	} {
		f.Add(form+"b", []byte(body))
	}
	f.Add(
		form+"b",
		[]byte(
			strings.Replace(goodMultipart, "\r\n\r\n47",
				"\r\nContent-Type: text/plain; charset=ISO-8859-1\r\n\r\n4\xe97", 1),
		),
	)
	f.Add(
		form+"b; charset=koi8-r",
		[]byte(
			"\uFEFF"+strings.Replace(
				goodMultipart,
				"\r\n\r\n47",
				"\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n4\xe97",
				1,
			),
		),
	)
	f.Add(urlencoded+"; charset=latin1", []byte(strings.Replace(goodForm, "47", "%E9", 1)))
	for _, types := range []string{
		"text/plain; charset=ISO-8859-1\r\nContent-Type: text/plain; charset=ISO-8859-1", "text/plain; charset=ISO-8859-1; charset=latin1", "text/plain; charset=ISO 8859-1",
		"text/plain; charset=utf-8; charset=latin1", "text/plain charset=latin1", "text/plain;; a=\"b;charset=utf-8\"; charset*=utf-8''latin1", "text/plain; charset=\"latin1",
	} {
		f.Add(form+"b",
			[]byte(strings.Replace(goodMultipart, "\r\n\r\n47", "\r\nContent-Type: "+types+"\r\n\r\ncaf\xc3\xa9", 1)))
	}
	accented := strings.Replace(goodMultipart, "47", "café", 1)
	f.Add(form+"b; charset=latin1; charset=koi8-r", []byte(accented))
	f.Add(form+"b", []byte("--b\r\nContent-Disposition: form-data; name=_charset_\r\n\r\nlatin1\r\n"+accented))
	f.Add(urlencoded+"; charset=ISO-8859-1; charset=latin1", []byte(strings.Replace(goodForm, "47", "caf%C3%A9", 1)))
	f.Add(urlencoded+"; charset=ISO 8859-1", []byte(strings.Replace(goodForm, "47", "caf%C3%A9", 1)))
	f.Add(urlencoded, []byte(strings.Replace(goodForm, "47", "caf%C3%A9", 1)+"&_charset_=ISO-8859-1"))
	f.Add("multipart/form-data", []byte("--\r\n----"))
	f.Add(form+`"b"; charset=utf-8`, []byte(goodMultipart))
	f.Add(form+strings.Repeat("b", 71), []byte(strings.ReplaceAll(goodMultipart, "--b", "--"+strings.Repeat("b", 71))))
	f.Add(form+`" "`, []byte("-- \r\n-- --"))
	f.Add("multipart/mixed; boundary=b", []byte(goodMultipart))
	f.Add("Multipart/Form-Data; Boundary=b", []byte(goodMultipart))
	f.Add("", []byte(goodForm))
	f.Add("text/plain", []byte(goodForm))
	f.Add(urlencoded+"; charset=utf-8", []byte(goodForm))
	door := door(f, true)
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		send(t, door, strings.ToValidUTF8(contentType, "\uFFFD"), body) // an event is JSON
	})
}

// FuzzEvent: whatever API Gateway passes on, the answer is one of operation 3's.
func FuzzEvent(f *testing.F) {
	for _, event := range frontdoor.Events(f, "delete-customer") {
		f.Add(event, true)
	}
	good, _ := json.Marshal(
		events.APIGatewayProxyRequest{
			HTTPMethod: "POST",
			Body:       goodForm,
			Headers:    map[string]string{"content-type": urlencoded},
		},
	)
	f.Add(good, true)
	f.Add(bytes.Replace(good, []byte(`{"content-type"`), []byte(`{"API_ACCESS_KEY":"key","content-type"`), 1), false)
	f.Add([]byte(`{}`), false)
	f.Add([]byte(`{"body":"%","isBase64Encoded":true}`), true)
	known, unknown := door(f, true), door(f, false)
	frontdoor.FuzzEvents(f, known, unknown, func(t testing.TB, a events.APIGatewayProxyResponse) answer {
		got, _ := read(t, a)
		return got
	})
}
