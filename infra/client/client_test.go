package client

import (
	"bufio"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"customercare/shared/operation"
)

// serve answers every request with body, and gives what came as it was on the wire.
func serve(t *testing.T, media, body string) (c Client, sent func() string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	seen := make(chan string, 1)
	go func() {
		connection, err := listener.Accept()
		if err != nil {
			return
		}
		defer connection.Close()
		var text strings.Builder
		lines := bufio.NewReader(connection)
		for line := ""; line != "\r\n"; text.WriteString(line) {
			if line, err = lines.ReadString('\n'); err != nil {
				break
			}
		}
		seen <- text.String()
		_, _ = connection.Write([]byte("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: " + media +
			"\r\n\r\n" + body))
	}()
	return Client{Base: "http://" + listener.Addr().String() + "/v1"}, func() string { return <-seen }
}

// Paths and the names of headers arrive byte for byte, behind the stage.
func TestSentAsWritten(t *testing.T) {
	for _, path := range []string{"/a%2fb%2Fc?x=%zz&x", "/", "/%F0%9F%98%80/provision"} {
		c, sent := serve(t, JSON, "{}")
		if _, err := c.Send(t.Context(), Request{Method: "PUT", Path: path,
			Headers: []string{"x-LOWER: 1", "x-LOWER: 2"}}); err != nil {
			t.Fatal(err)
		}
		got := sent()
		if !strings.HasPrefix(got, "PUT /v1"+path+" HTTP/1.1\r\n") ||
			!strings.Contains(got, "\r\nx-LOWER: 1\r\nx-LOWER: 2\r\n") {
			t.Errorf("sent %q", got)
		}
	}
}

// All of an operation's paths are built of its first.
func TestUnder(t *testing.T) {
	for _, test := range []struct {
		r     Request
		index int
		want  string
	}{
		{DeleteCustomerInfo("50% a/b", "reset=true"), 0, "/customercare/v1/50%25%20a%2Fb/provision?reset=true"},
		{DeleteCustomerInfo("50% a/b", "reset=true"), 1, "/risk-cc/customercare/v1/50%25%20a%2Fb/provision?reset=true"},
		{SetTemporaryAllow("u", Allow{Type: "1"}, JSON), 1, "/risk-cc/customercare/v1/u/provision"},
		{DeleteCustomer(APIUser{}, "4711"), 0, "/api.php"},
		{DeleteCustomer(APIUser{}, "4711"), 1, "/"},
	} {
		if got := test.r.Under(test.index).Path; got != test.want {
			t.Errorf("%s, want %s", got, test.want)
		}
	}
}

func TestBodies(t *testing.T) {
	at := time.Date(2030, 10, 15, 1, 29, 29, 768e6, time.UTC)
	for got, want := range map[string]string{
		SetTemporaryAllow("u", Allow{"3", at},
			JSON).Body: `{"tempAllowType":3,"expirationDate":"2030-10-15T01:29:29.768Z"}`,
		SetTemporaryAllow("u", Allow{Type: "1"}, JSON).Body: `{"tempAllowType":1}`,
		CleanCustomerData().Body:                            `{"customNos":[]}`,
		CleanCustomerData("135****1111", "wen11").Body:      `{"customNos":["135****1111","wen11"]}`,
		ReadSubjects("x", "4711", "a#b").Body:               `{"subjects":["4711","a#b"]}`,
		ReadReceiptFor("x", "4711").Body:                    `{"subject":"4711"}`,
		Read(operation.ReadReceipt, "a/b").Path:             "/erasures/a%2Fb/receipt",
		IssueToken("ak", "sk").Body:                         `{"app_key":"ak","app_secret":"sk"}`,
		DeleteCustomer(APIUser{"j", "k", "a"}, "1", "code",
			"2").Body: "account_id=a&code=2&type=customer_delete&user_id=j&user_password=k",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if r := SetTemporaryAllow("u", Allow{"3", at}, XML); !strings.HasSuffix(r.Body,
		"<TempAllowRequest><tempAllowType>3</tempAllowType><expirationDate>2030-10-15T01:29:29.768Z</expirationDate></TempAllowRequest>") ||
		r.Header().Get("Content-Type") != XML {
		t.Errorf("%+v", r)
	}
	parts := DeleteCustomerInParts(APIUser{"j", "k", "a"}, "1", "output", "JSON")
	request := httptest.NewRequest(parts.Method, parts.Path, strings.NewReader(parts.Body))
	request.Header = parts.Header()
	if request.FormValue("user_password") != "k" || request.FormValue("output") != "JSON" ||
		request.MultipartForm == nil {
		t.Errorf("%+v", parts)
	}
}

// Only the very answer is right, and what an error shows of another holds no secret.
func TestIs(t *testing.T) {
	mask := func(s string) string { return strings.ReplaceAll(s, "secret", "***") }
	for _, test := range []struct {
		status      int
		media, body string
		wrong       string // a part of the error; "": none
	}{
		{200, "application/json; charset=UTF-8", Cleaned.Body, ""},
		{200, "application/json; charset=latin1", Cleaned.Body, "charset=latin1"},
		{200, XML, Cleaned.Body, "want application/json"},
		{500, JSON, Cleaned.Body, "got 500"},
		{200, JSON, Cleaned.Body + "secret", `success\"}***"`},
	} {
		a := Answer{test.status, http.Header{"Content-Type": {test.media}}, test.body, mask}
		err := a.Is(Cleaned)
		if (err == nil) != (test.wrong == "") || err != nil && !strings.Contains(err.Error(), test.wrong) {
			t.Errorf("%s: %v", a, err)
		}
	}
}

// A failure's sentence is read in every format that has one, and nothing else is a
// failure.
func TestSentence(t *testing.T) {
	failures := func(sentence string) []Expected {
		return []Expected{NotDone(JSON, 404, sentence), NotDone(XML, 404, sentence), Failed(404, sentence)}
	}
	for i, want := range failures(Any) {
		sent := failures("no such ID")[i]
		answer := Answer{Status: sent.Status, Header: http.Header{"Content-Type": {sent.Media}}, Body: sent.Body}
		if sentence, err := answer.Sentence(want); sentence != "no such ID" || err != nil {
			t.Errorf("%s: %s %v", sent.Body, sentence, err)
		}
		for _, body := range []string{Done(JSON).Body, Done(XML).Body, "", "{}", "<html/>", NotDeleted(JSON, "x").Body} {
			answer.Body = body
			if _, err := answer.Sentence(want); err == nil {
				t.Errorf("%q is a failure like %q", body, want.Body)
			}
		}
	}
	if _, err := (Answer{Status: 200, Body: `{"AccessToken":""}`}).Token(); err == nil {
		t.Error("an empty token")
	}
}
