package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// What a client may see of HTTP itself, on the routes of the product;
// infra/local/apigateway has the whole list.
func TestWireOfTheRoutes(t *testing.T) {
	csr := operator(t, "csr-wire")
	loadUsers(t, "u-wire")
	path := at(bases[0], "u-wire")
	const allow = `{"tempAllowType":1}`
	start := func(target, host string) string {
		return "PUT " + target + " HTTP/1.1\r\n" + host + csr + "\r\n" + bodyJSON + "\r\n"
	}
	const host = "Host: api.example.com\r\n"
	ended := fmt.Sprintf("Connection: close\r\nContent-Length: %d\r\n\r\n%s", len(allow), allow)
	chunked := "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
	for _, row := range []struct {
		what, request string
		status        int
		body          string
	}{
		{"an origin target", start(path, host) + ended, 200, doneJSON},
		{"an absolute target", start("http://api.example.com"+path, host) + ended, 200, doneJSON},
		{"an absolute target, encrypted", start("HTTPS://API.example.com:443"+path, host) + ended, 200, doneJSON},
		{"an absolute target for another host than Host's", start("http://other.example.com"+path, host) + ended,
			200, doneJSON},
		{"chunks", start(path, host) + chunked + fmt.Sprintf("%x;x=y\r\n%s\r\n0\r\nX: y\r\n\r\n", len(allow),
			allow), 200, doneJSON},
		{"two Hosts", start(path, host+host) + ended, 400, "could not be read"},
		{"no Host", start(path, "") + ended, 400, "could not be read"},
		{"no Host with an absolute target", start("http://api.example.com"+path, "") + ended, 400, "could not be read"},
		{"a Host that is none", start(path, "Host: a b\r\n") + ended, 400, "could not be read"},
		{"a chunk size that is none", start(path, host) + chunked + "size\r\n" + allow + "\r\n0\r\n\r\n", 400,
			"could not be read"},
		{"a body cut off by its length", start(path, host) + chunked + "1\r\n" + allow + "\r\n0\r\n\r\n", 400,
			"could not be read"},
		{"100 Continue", start(path, host) + "Expect: 100-continue\r\n" + ended, 100, doneJSON},
		{"an expectation beyond the limit", start(path, host) +
			"Expect: 100-continue\r\nContent-Length: 10485761\r\n\r\n", 413, "too large"},
		{"an expectation of nobody we know", strings.Replace(start(path, host), csr, basic("csr-wire", "wrong"),
			1) + "Expect: 100-continue\r\nContent-Length: 20\r\n\r\n", 401, "Authorization"},
		{"a coding we do not know", start(path, host) + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501,
			"Transfer-Encoding"},
	} {
		t.Run(row.what, func(t *testing.T) {
			got := wire(t, row.request)
			if !strings.HasPrefix(got, fmt.Sprintf("HTTP/1.1 %d ", row.status)) || !strings.Contains(got, row.body) {
				t.Errorf("%s\nwant %d with %s", got, row.status, row.body)
			}
			answers := 1
			if row.status == 100 {
				answers = 2
			}
			if n := strings.Count(got, "HTTP/1.1 "); n != answers {
				t.Errorf("%d answers, want %d:\n%s", n, answers, got)
			}
		})
	}
}
