package apigateway

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/repr"
)

// talk sends raw bytes on a new connection and reads answers until the gateway closes it.
func (h *harness) talk(t *testing.T, raw string, end bool, methods ...string) (replies []reply) {
	t.Helper()
	conn := h.dial(t)
	go func() {
		_, _ = io.WriteString(conn, raw)
		if end {
			_ = conn.(*net.TCPConn).CloseWrite()
		}
	}()
	for br := bufio.NewReader(conn); ; {
		method := "GET"
		if len(methods) > len(replies) {
			method = methods[len(replies)]
		}
		if _, err := br.Peek(1); err == io.EOF {
			return replies
		}
		resp, err := http.ReadResponse(br, &http.Request{Method: method})
		if err != nil {
			t.Fatalf("answer %d: %v", len(replies)+1, err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatalf("answer %d: %v", len(replies)+1, err)
		}
		replies = append(replies, reply{resp.StatusCode, resp.Header, string(body)})
	}
}

const (
	hosted = "Host: x\r\n"
	last   = "GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
)

// Each text is sent on a connection of its own. want are the statuses of all answers
// until the gateway closes the connection; paths those that reached a function. Behind a
// request after which the connection stays, last follows.
func TestWire(t *testing.T) {
	chunks := "POST /c HTTP/1.1\r\n" + hosted + "Transfer-Encoding: chunked\r\n\r\n"
	post := "POST /p HTTP/1.1\r\n" + hosted
	big := fmt.Sprint(maxBody + 1)
	for _, c := range []struct{ name, raw, want, paths string }{
		// Targets: RFC 9112, 3.2.
		{"absolute", "GET http://y/a%2Fb?c=d HTTP/1.1\r\n" + hosted + "\r\n" + last, "200 200", "/a%2Fb /last"},
		{"absolute, TLS, a port, upper case", "GET HTTPS://Y:443/a HTTP/1.1\r\n" + hosted + "\r\n" + last, "200 200",
			"/a /last"},
		{"absolute, an address", "GET http://[::1]:80/a HTTP/1.1\r\n" + hosted + "\r\n" + last, "200 200", "/a /last"},
		{"absolute, without a path", "GET http://y HTTP/1.1\r\n" + hosted + "\r\n" + last, "200 200", "/ /last"},
		{"absolute, a query alone", "GET http://y?c=/d HTTP/1.1\r\n" + hosted + "\r\n" + last, "200 200", "/ /last"},
		{"absolute, an old client", "GET http://y/a HTTP/1.0\r\n\r\n", "200", "/a"},
		{"absolute, without a Host line", "GET http://y/a HTTP/1.1\r\n\r\n" + last, "400", ""},
		{"absolute, a user's name", "GET http://me@y/a HTTP/1.1\r\n" + hosted + "\r\n" + last, "400", ""},
		{"absolute, no host", "GET http:///a HTTP/1.1\r\n" + hosted + "\r\n" + last, "400", ""},
		{"another scheme", "GET ftp://y/a HTTP/1.1\r\n" + hosted + "\r\n" + last, "400", ""},
		{"an asterisk", "OPTIONS * HTTP/1.1\r\n" + hosted + "\r\n" + last, "400", ""},
		{"an asterisk for another method", "GET * HTTP/1.1\r\n" + hosted + "\r\n" + last, "400", ""},
		{"a tunnel", "CONNECT y:80 HTTP/1.1\r\n" + hosted + "\r\n" + last, "400", ""},
		{"a tunnel to a path", "CONNECT /a HTTP/1.1\r\n" + hosted + "\r\n" + last, "400", ""},
		{"a fragment", "GET /a#b HTTP/1.1\r\n" + hosted + "\r\n" + last, "400", ""},
		{"a control character", "GET /a\x01 HTTP/1.1\r\n" + hosted + "\r\n" + last, "400", ""},
		{"a tab", "GET /a\tHTTP/1.1\r\n" + hosted + "\r\n" + last, "400", ""},
		{"a line beyond any", "GET /" + strings.Repeat("a", maxHead) + " HTTP/1.1\r\n" + hosted + "\r\n" + last,
			"414", ""},
		{"a long line", "GET /" + strings.Repeat("a", maxHeaderBytes) + " HTTP/1.1\r\n" + hosted + "\r\n" + last,
			"431", ""},
		// The rest of the request line: RFC 9112, 2.3 and 3.
		{"a method that is no token", "G(T / HTTP/1.1\r\n" + hosted + "\r\n" + last, "400", ""},
		{"a method nobody knows", "BREW /a HTTP/1.1\r\n" + hosted + "\r\n" + last, "200 200", "/a /last"},
		{"a later minor version", "GET /a HTTP/1.7\r\n" + hosted + "\r\n" + last, "200 200", "/a /last"},
		{"a version in lower case", "GET /a http/1.1\r\n" + hosted + "\r\n" + last, "400", ""},
		{"a version with more to it", "GET /a HTTP/1.1x\r\n" + hosted + "\r\n" + last, "400", ""},
		{"a version of two digits", "GET /a HTTP/1.10\r\n" + hosted + "\r\n" + last, "400", ""},
		{"empty lines in front", "\r\n\r\n" + last, "200", "/last"},
		{"lines that end with LF", "GET /a HTTP/1.1\nHost: x\n\n" + last, "200 200", "/a /last"},
		{"a CR in the request line", "GET /a\rb HTTP/1.1\r\n" + hosted + "\r\n" + last, "400", ""},
		// Host: RFC 9112, 3.2.
		{"no Host", "GET /a HTTP/1.1\r\n\r\n" + last, "400", ""},
		{"no Host in HTTP/1.0", "GET /a HTTP/1.0\r\n\r\n", "200", "/a"},
		{"two Hosts", "GET /a HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n" + last, "400", ""},
		{"two Hosts in other cases", "GET /a HTTP/1.1\r\nHost: x\r\nhOST: y\r\n\r\n" + last, "400", ""},
		{"two Hosts in HTTP/1.0", "GET /a HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n" + last, "400", ""},
		{"an empty Host", "GET /a HTTP/1.1\r\nHost: \r\n\r\n" + last, "400", ""},
		{"a Host with a path", "GET /a HTTP/1.1\r\nHost: x/y\r\n\r\n" + last, "400", ""},
		{"a Host with a user", "GET /a HTTP/1.1\r\nHost: me@x\r\n\r\n" + last, "400", ""},
		{"a Host with a space", "GET /a HTTP/1.1\r\nHost: x y\r\n\r\n" + last, "400", ""},
		{"a Host with a port that is none", "GET /a HTTP/1.1\r\nHost: x:y\r\n\r\n" + last, "400", ""},
		{"a Host with a port", "GET /a HTTP/1.1\r\nHost: [::1]:3000\r\n\r\n" + last, "200 200", "/a /last"},
		// Header lines: RFC 9112, 5.
		{"a folded line", "GET /a HTTP/1.1\r\n" + hosted + "X: a\r\n\tb\r\n\r\n" + last, "400", ""},
		{"white space before the first", "GET /a HTTP/1.1\r\n " + hosted + "\r\n" + last, "400", ""},
		{"a space before the colon", "GET /a HTTP/1.1\r\n" + hosted + "X : a\r\n\r\n" + last, "400", ""},
		{"a tab before the colon", "GET /a HTTP/1.1\r\n" + hosted + "X\t: a\r\n\r\n" + last, "400", ""},
		{"a line without a colon", "GET /a HTTP/1.1\r\n" + hosted + "X\r\n\r\n" + last, "400", ""},
		{"a NUL", "GET /a HTTP/1.1\r\n" + hosted + "X: a\x00\r\n\r\n" + last, "400", ""},
		{"a control character in a value", "GET /a HTTP/1.1\r\n" + hosted + "X: a\x7f\r\n\r\n" + last, "400", ""},
		{"a CR in a value", "GET /a HTTP/1.1\r\n" + hosted + "X: a\rY: b\r\n\r\n" + last, "200 200", "/a /last"},
		{"a CR in a name", "GET /a HTTP/1.1\r\n" + hosted + "X\rY: b\r\n\r\n" + last, "400", ""},
		{"an empty value, tabs around another", "GET /a HTTP/1.1\r\n" + hosted + "X:\r\nY:\t b \t\r\n\r\n" + last,
			"200 200", "/a /last"},
		// Framing: RFC 9112, 6 and 7.
		{"a chunk size that is none", chunks + "x\r\nabc\r\n0\r\n\r\n" + last, "400", ""},
		{"no chunk size", chunks + "\r\nabc\r\n0\r\n\r\n" + last, "400", ""},
		{"a negative chunk size", chunks + "-3\r\nabc\r\n0\r\n\r\n" + last, "400", ""},
		{"a chunk size with 0x", chunks + "0x3\r\nabc\r\n0\r\n\r\n" + last, "400", ""},
		{"a chunk size beyond any", chunks + "FFFFFFFFFFFFFFFFF\r\nabc\r\n0\r\n\r\n" + last, "400", ""},
		{"a chunk longer than its size", chunks + "2\r\nabc\r\n0\r\n\r\n" + last, "400", ""},
		{"chunks without their end", chunks + "3\r\nabc\r\n", "400", ""},
		{"a trailer that is none", chunks + "3\r\nabc\r\n0\r\nX : y\r\n\r\n" + last, "400", ""},
		{"a trailer beyond all bounds", chunks + "3\r\nabc\r\n0\r\n" + strings.Repeat("X: y\r\n", maxHead) + "\r\n" +
			last, "431", ""},
		{"chunks with extensions and a trailer", chunks + "3;a=\"b\"\r\nabc\r\n0\r\nX: y\r\n\r\n" + last, "200 200",
			"/c /last"},
		{"chunks in upper case, in a list", post + "Transfer-Encoding: , CHUNKED\r\n\r\n3\r\nabc\r\n0\r\n\r\n" + last,
			"200 200", "/p /last"},
		{"both framings", post + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + last, "400", ""},
		{"a coding we do not know", post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + last, "501", ""},
		{"such a coding with a parameter, in a line of its own",
			post + "Transfer-Encoding: foo;bar=1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + last, "501", ""},
		{"chunks not last", post + "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n" + last, "400", ""},
		{"no chunks", post + "Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n" + last, "400", ""},
		{"chunks in chunks", post + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n" + last, "400", ""},
		{"an empty coding", post + "Transfer-Encoding:\r\n\r\n" + last, "400", ""},
		{"identity", post + "Transfer-Encoding: identity\r\n\r\n" + last, "400", ""},
		{"chunks in HTTP/1.0", "POST /p HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + last, "400", ""},
		{"an empty length", post + "Content-Length:\r\n\r\n" + last, "400", ""},
		{"a signed length", post + "Content-Length: +3\r\n\r\nabc" + last, "400", ""},
		{"a length with a space", post + "Content-Length: 1 3\r\n\r\nabc" + last, "400", ""},
		{"two lengths", post + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc" + last, "400", ""},
		{"one length twice", post + "Content-Length: 3\r\ncontent-length: 3\r\n\r\nabc" + last, "200 200", "/p /last"},
		{"a length beyond the limit", post + "Content-Length: " + big + "\r\n\r\n" + last, "413", ""},
		{"a length beyond all numbers", post + "Content-Length: 99999999999999999999999\r\n\r\n" + last, "413", ""},
		{"less than the length", post + "Content-Length: 30\r\n\r\nabc", "400", ""},
		{"a head cut off", "POST /p HTTP/1.1\r\nHos", "400", ""},
		{"a request line cut off", "POST /p HT", "400", ""},
		{"nothing", "", "", ""},
		// Expect: RFC 9110, 10.1.1.
		{"expecting", post + "Expect: 100-Continue\r\nContent-Length: 3\r\n\r\nabc" + last, "100 200 200", "/p /last"},
		{"expecting, with chunks", post + "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" +
			last, "100 200 200", "/p /last"},
		{"expecting without a body", post + "Expect: 100-continue\r\n\r\n" + last, "200 200", "/p /last"},
		{"expecting, beyond the limit", post + "Expect: 100-continue\r\nContent-Length: " + big + "\r\n\r\n" + last,
			"413", ""},
		{"expecting, on no route", "POST /nothing/here HTTP/1.1\r\n" + hosted +
			"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n" + last, "403", ""},
		{"expecting, with a wrong length", post + "Expect: 100-continue\r\nContent-Length: x\r\n\r\n" + last,
			"400", ""},
		{"expecting in HTTP/1.0", "POST /p HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
			"200", "/p"},
		// Connections: RFC 9112, 9.3 and 9.6.
		{"no route, with a body", "POST /nothing/here HTTP/1.1\r\n" + hosted + "Content-Length: 3\r\n\r\na b" + last,
			"403 200", "/last"},
		{"no route, with chunks that are none",
			"POST /nothing/here HTTP/1.1\r\n" + hosted + "Transfer-Encoding: chunked\r\n\r\nx\r\n" + last, "403", ""},
		{"close among others", "GET /a HTTP/1.1\r\n" + hosted + "Connection: x, Close\r\n\r\n" + last, "200", "/a"},
		{"close in the second line", "GET /a HTTP/1.1\r\n" + hosted + "Connection: x\r\nconnection: close\r\n\r\n" +
			last, "200", "/a"},
		{"a word with close in it", "GET /a HTTP/1.1\r\n" + hosted + "Connection: closed\r\n\r\n" + last, "200 200",
			"/a /last"},
		{"HTTP/1.0", "GET /a HTTP/1.0\r\n\r\n" + last, "200", "/a"},
		{"HTTP/1.0 kept", "GET /a HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n" + last, "200 200", "/a /last"},
		{"HTTP/1.0 kept and closed", "GET /a HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n" + last, "200", "/a"},
		{"one behind the other", "GET /a HTTP/1.1\r\n" + hosted + "\r\n" + post + "Content-Length: 3\r\n\r\nabc" +
			last, "200 200 200", "/a /p /last"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := serve(t, API{Routes: []Route{{Method: "ANY", Path: "/", Function: "F"},
				{Method: "ANY", Path: "/{one}", Function: "F"}}})
			var statuses, paths []string
			for _, r := range h.talk(t, c.raw, true) {
				statuses = append(statuses, fmt.Sprint(r.status))
			}
			for _, event := range h.seen {
				paths = append(paths, fmt.Sprint(event["path"]))
			}
			if got := strings.Join(statuses, " "); got != c.want {
				t.Errorf("answered with %s, want %s", got, c.want)
			}
			if got := strings.Join(paths, " "); got != c.paths {
				t.Errorf("%s reached a function, want %s", got, c.paths)
			}
		})
	}
}

// An answer that refuses comes while the client still holds its side open and has more to
// send.
func TestRefusedWhileSending(t *testing.T) {
	h := serve(t, API{})
	for want, raw := range map[int]string{
		400: "POST / HTTP/1.1\r\n" + hosted + "Transfer-Encoding: chunked\r\n\r\nx\r\n" + strings.Repeat("y", 4<<20),
		413: "POST / HTTP/1.1\r\n" + hosted + "Content-Length: 99999999\r\n\r\n" + strings.Repeat("y", 4<<20),
		501: "POST / HTTP/1.1\r\n" + hosted + "Transfer-Encoding: gzip, chunked\r\n\r\n" + strings.Repeat("y", 4<<20),
	} {
		replies := h.talk(t, raw, false)
		if len(replies) != 1 || replies[0].status != want {
			t.Errorf("%+v, want %d and no more", replies, want)
		}
	}
}

// The host of an absolute target is what the function reads, whatever the Host line says.
func TestAbsoluteTarget(t *testing.T) {
	h := serve(t, API{})
	for raw, want := range map[string]string{
		"GET http://y:1/a?b=c HTTP/1.1\r\nhOST: x\r\nConnection: close\r\n\r\n": "y:1",
		"GET http://y:1/a?b=c HTTP/1.0\r\n\r\n":                                 "y:1",
		"GET /a?b=c HTTP/1.0\r\n\r\n":                                           "local.execute-api.us-east-1.amazonaws.com",
	} {
		h.talk(t, raw, true)
		e := h.last()
		equal(t, "path", e["path"], `"/a"`)
		equal(t, "query", e["queryStringParameters"], `{"b":"c"}`)
		equal(t, "Host", e["multiValueHeaders"].(map[string]any)["Host"], `["`+want+`"]`)
	}
}

// A CR within a value is read as a space, so that nobody behind takes it for the end of a
// line.
func TestLoneCR(t *testing.T) {
	h := serve(t, API{})
	h.talk(t, "GET /a HTTP/1.1\r\n"+hosted+"X: a\rY: b\r\nConnection: close\r\n\r\n", true)
	equal(t, "X", h.last()["headers"].(map[string]any)["X"], `"a Y: b"`)
}

// HEAD gets no body, whatever the method is overridden with: the client would take it for
// the next answer.
func TestHead(t *testing.T) {
	h := serve(t, API{})
	h.answer = func(string, map[string]any) (string, error) { return `{"body":"abc"}`, nil }
	const over = "X-HTTP-Method-Override: "
	replies := h.talk(t, "HEAD /a HTTP/1.1\r\n"+hosted+"\r\n"+
		"HEAD /a HTTP/1.1\r\n"+hosted+over+"GET\r\n\r\n"+
		"POST /a HTTP/1.1\r\n"+hosted+over+"HEAD\r\n\r\n"+last, true, "HEAD", "HEAD", "POST", "GET")
	if len(replies) != 4 {
		t.Fatalf("%+v", replies)
	}
	for i, want := range []string{"", "", "abc", "abc"} {
		if r := replies[i]; r.status != 200 || r.body != want || r.header.Get("Content-Length") != "3" {
			t.Errorf("answer %d is %+v, want %q of 3 bytes", i+1, r, want)
		}
	}
}

// Answers that have no content end with their head.
func TestNoContent(t *testing.T) {
	for status, length := range map[int]string{204: "", 205: "0", 304: ""} {
		h := serve(t, API{})
		h.answer = func(string, map[string]any) (string, error) {
			return fmt.Sprintf(`{"statusCode":%d,"body":"abc"}`, status), nil
		}
		replies := h.talk(t, "GET /a HTTP/1.1\r\n"+hosted+"\r\n"+last, true)
		if len(replies) != 2 || replies[0].status != status || replies[0].body != "" ||
			replies[0].header.Get("Content-Length") != length {
			t.Errorf("%d: %+v", status, replies)
		}
	}
}

// A head of which nothing more comes is answered, a connection on which nothing came is
// not.
func TestSilentClients(t *testing.T) {
	for text, want := range map[string]int{"": 0, "\r\n": 0, "GET / HT": 408, "GET / HTTP/1.1\r\nHo": 408} {
		silent := io.MultiReader(strings.NewReader(text), silence{})
		req, err := readHead(bufio.NewReader(silent))
		switch {
		case want == 0 && !errors.Is(err, os.ErrDeadlineExceeded):
			t.Errorf("%q: %s, %v", text, repr.String(req), err)
		case want != 0 && (err != nil || req.fault == nil || req.fault.status != want):
			t.Errorf("%q: %s, %v, want %d", text, repr.String(req), err, want)
		}
	}
	body := &request{length: 3}
	half := io.MultiReader(strings.NewReader("ab"), silence{})
	if fault := body.readBody(bufio.NewReader(half)); fault == nil || fault.status != 408 {
		t.Errorf("a body: %+v", fault)
	}
}

// silence is a connection on which nothing comes in time.
type silence struct{}

func (silence) Read([]byte) (int, error) { return 0, os.ErrDeadlineExceeded }
