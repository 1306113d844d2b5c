package passon

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
)

const (
	plainly = "type must be given once and plainly, so that nobody can read another one"
	notOurs = "customer_delete is not passed on, it must be the type of a form that is sent by POST"
	media   = "Content-Type must be application/x-www-form-urlencoded or multipart/form-data"
	unclear = "The form in the request body can be read in more than one way"
	parts   = "Content-Type: multipart/form-data; boundary=b"
)

// part is a part of a multipart form.
func part(header, value string) string {
	return "--b\r\nContent-Disposition: form-data; " + header + "\r\n\r\n" + value + "\r\n"
}

// What somebody could read as customer_delete, or as another type than somebody else, is
// refused in operation 3's shape, and nothing of it reaches the vendor. All kinds of it
// are in TestStays, beside the function.
func TestNothingElseLeaves(t *testing.T) {
	const credentials = "&user_id=john&user_password=" + apiKey + "&account_id=account&code=code-0"
	type row struct {
		sentence, method, query, body string
		headers                       []string
	}
	form := func(sentence, body string) row {
		return row{sentence, "POST", "", body + credentials, []string{urlencoded}}
	}
	for i, r := range []row{
		form(plainly, "Type=points"), form(notOurs, "TYPE=customer_delete"), form(plainly, "type=points&Type=points"), form(plainly, "type[]=points"),
		form(notOurs, "type[]=customer_delete"), form(notOurs, "type[]=customer_delete&type=points"), form(notOurs, "type=points&type=customer_delete"), form(plainly, "+type=points"),
		form(notOurs, "type=customer_delete&type=points"), form(plainly, "type.=a&type=points"), form("The name of a field must be printable ASCII without a percent sign", "type%00=a&type=points"),
		form(notOurs, "type=Customer_Delete"), form(notOurs, "type=+customer_delete"), form(notOurs, "type=customer_delete%00"), form(notOurs, "type=CUSTOMER-DELETE"),
		form(plainly, "type=%EF%BD%83ustomer_delete"), form(notOurs, "type=customer%255Fdelete"), form(plainly, "t%79pe=points"),
		form("The name of a field must be printable ASCII without a percent sign", "t%2579pe=points&type=points"), form("type is required", "kind=points"), form(plainly, "type="),
		form(notOurs, "type=points&data=%7B%22type%22%3A%22customer_delete%22%7D"), form(notOurs, "type=points&x=1%26type%3Dcustomer_delete"), form(plainly, "x=1;type=a&type=points"),
		form(unclear, "type=points&x=%zz"), form("The method must not be overridden", "type=points&_method=DELETE"),
		{plainly, "POST", "?type=points", "type=points" + credentials, []string{urlencoded}},
		{notOurs, "POST", "?type=customer_delete", "type=points" + credentials, []string{urlencoded}},
		{notOurs, "POST", "?type=customer_delete" + credentials, "", nil}, {notOurs, "GET", "?type=customer_delete" + credentials, "", nil},
		{notOurs, "GET", "?type=Customer%5fDelete", "", nil}, {notOurs, "GET", "?type=customer%255Fdelete", "", nil}, {plainly, "GET", "?type=points&Type=points", "", nil},
		{plainly, "GET", "?type=points;type=points", "", nil}, {notOurs, "GET", "?type=points;type=customer_delete", "", nil}, {"type is required", "GET", "", "", nil},
		{notOurs, "GET", "?x=customer_delete&type=points", "", nil}, {"A GET must not have a body", "GET", "?type=points", "type=customer_delete" + credentials, []string{urlencoded}},
		{"The method must not be overridden", "POST", "?type=points", "a=b", []string{urlencoded, "X-HTTP-Method-Override: GET"}},
		{"The method must not be overridden", "POST", "", "type=points", []string{urlencoded, "X-HTTP-Method-Override: POST"}},
		{"The method must not be overridden", "GET", "?type=points", "", []string{"X-Method-Override: POST"}},
		{"The call has been passed on to this service already", "GET", "?type=points", "", []string{"Via: 1.1 customercare-pass-on"}},
		{media, "POST", "", `{"type":"points"}`, []string{"Content-Type: application/json"}}, {media, "POST", "", "type=points", []string{"Content-Type: text/plain"}},
		{media, "POST", "", "type=points", []string{urlencoded, "Content-Type: application/json"}}, {media, "POST", "", "type=points", nil},
		{media, "POST", "", "<type>points</type>", []string{"Content-Type: text/xml"}}, {media, "POST", "?type=points", "{}", []string{"Content-Type: application/json"}},
		{unclear, "POST", "", "type=points", []string{urlencoded + "; charset=utf-7"}}, {unclear, "POST", "", "type=points", []string{"Content-Type: multipart/form-data"}},
		{unclear, "POST", "", part(`name="type"`, "points"), []string{parts}}, {unclear, "POST", "", "x" + part(`name="type"`, "points") + "--b--", []string{parts}},
		{notOurs, "POST", "", part(`name="type"`, "Customer_Delete") + "--b--", []string{parts}}, {plainly, "POST", "", part(`name="type"; filename="a"`, "points") + "--b--", []string{parts}},
		{notOurs, "POST", "", part(`name="type"; filename="a"`, "customer_delete") + part(`name="type"`, "points") + "--b--", []string{parts}},
		{unclear, "POST", "", part("name=\"type\"\r\nContent-Transfer-Encoding: base64", "points") + "--b--", []string{parts}},
		{unclear, "POST", "", part("name=\"type\"\r\nContent-Type: text/plain; charset=utf-16", "points") + "--b--", []string{parts}},
		{unclear, "POST", "", part(`name='type'`, "customer_deleted") + part(`name="type"`, "points") + "--b--", []string{parts}},
		{unclear, "POST", "", part(`name="type"`, "points") + part(`name="x"`, "a\n--b\nContent-Disposition: form-data; name=a\n\nb") + "--b--", []string{parts}},
	} {
		mark := fmt.Sprint("stays ", i)
		got := send(t, running.URL, r.method, "/api.php"+r.query, r.body, append(r.headers, "Referer: "+mark)...)
		if got.status != http.StatusOK || !strings.Contains(got.body, `<response status="error"><error>`+r.sentence+`</error></response>`) {
			t.Errorf("%s %s %q under %q: %d %s, want %s", r.method, r.query, r.body, r.headers, got.status, got.body, r.sentence)
		}
		if len(vendor.took(mark)) > 0 {
			t.Errorf("%s %s %q under %q has left", r.method, r.query, r.body, r.headers)
		}
	}
	body := strings.Repeat("x", 256<<10)
	if r := send(t, running.URL, "POST", "/", "type=points&"+body, urlencoded, "Referer: too large"); r.status != http.StatusRequestEntityTooLarge || len(vendor.took("too large")) > 0 {
		t.Errorf("a large body: %d %s", r.status, r.body)
	}
	if r := send(t, running.URL, "POST", "/", "type=points&x="+body[:255<<10], urlencoded, "Referer: large"); r.status != http.StatusAccepted || len(vendor.took("large")) != 1 {
		t.Errorf("a body that is not too large: %d %.100q", r.status, r.body)
	}
}

// What operation 3 took for customer_delete it does as before, whatever else the request
// says, and none of it leaves.
func TestDeletionsStay(t *testing.T) {
	erased(t, 0, "POST", "/", ours(0), urlencoded)
	erased(t, 0, "POST", "/api.php", ours(0), urlencoded) // once more
	erased(t, 1, "POST", "/?type=points", ours(1), urlencoded)
	erased(t, 2, "POST", "/api.php?type=customer_delete&TYPE=points", ours(2), urlencoded, "X-HTTP-Method-Override: POST")
	erased(t, 3, "POST", "/", ours(3)+"&Type=points&type[]=redeem&_method=GET", urlencoded)
	erased(t, 4, "POST", "/", ours(4)+"&type=customer_delete")
	erased(t, 5, "POST", "/", strings.Replace(ours(5), "type=", "t%79pe=", 1), urlencoded+"; charset=utf-8", "X-HTTP-Method: GET", "Via: 1.1 customercare-pass-on")
	var form strings.Builder
	for _, pair := range strings.Split(ours(6), "&") {
		name, value, _ := strings.Cut(pair, "=")
		form.WriteString(part(`name="`+name+`"`, value))
	}
	erased(t, 6, "POST", "/", form.String()+part(`name="type"; filename="x"`, "points")+"--b--", parts)
	erased(t, 6, "POST", "/", "preamble\r\n"+form.String()+"--b--\r\nepilogue", parts)
	// Refused as before.
	for body, sentence := range map[string]string{
		strings.Replace(ours(7), "account_id", "account", 1): "account_id is required", ours(7) + "&output=CSV": "output must be JSON or XML",
		ours(7) + "&code=x": "code is given twice with different values", strings.Replace(ours(7), apiKey, "wrong", 1): "user_id, user_password or account_id is wrong",
	} {
		if r := send(t, running.URL, "POST", "/", body, urlencoded, "Referer: refused"); r.status != http.StatusOK || !strings.Contains(r.body, sentence) {
			t.Errorf("%q: %d %s", body, r.status, r.body)
		}
	}
	if len(vendor.took("refused")) > 0 {
		t.Error("a refused deletion has left")
	}
}

// A body in chunks of any size is the body that it is.
func TestChunks(t *testing.T) {
	for size := 1; size < 12; size++ {
		for i, body := range []string{"code=1&type=points", "x=1&type=Customer_Delete"} {
			connection, err := net.Dial("tcp", strings.TrimPrefix(running.URL, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			mark := fmt.Sprint("chunks ", size, " ", i)
			fmt.Fprintf(connection, "POST /api.php HTTP/1.1\r\nHost: x\r\n%s\r\nReferer: %s\r\nTransfer-Encoding: chunked\r\n\r\n", urlencoded, mark)
			for rest := body; rest != ""; {
				n := min(size, len(rest))
				fmt.Fprintf(connection, "%x;x=y\r\n%s\r\n", n, rest[:n])
				rest = rest[n:]
			}
			fmt.Fprint(connection, "0\r\nX-Trailer: a\r\n\r\n")
			answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
			if err != nil {
				t.Fatal(err)
			}
			connection.Close()
			took := vendor.took(mark)
			if i == 0 && (answer.StatusCode != http.StatusAccepted || len(took) != 1 || took[0].body != body || took[0].header.Get("Content-Length") == "") ||
				i == 1 && (answer.StatusCode != http.StatusOK || len(took) > 0) {
				t.Errorf("%s: %d, %v", mark, answer.StatusCode, took)
			}
		}
	}
}
