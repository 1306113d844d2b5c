package main

import (
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"customercare/infra/testkit/frontdoor"
	"customercare/infra/testkit/metrictest"
	"customercare/shared/gateway"
	"customercare/shared/respond"
)

// An address that is not one host by HTTPS ends the start.
func TestUpstreamAddresses(t *testing.T) {
	for _, address := range []string{
		"", "https://loyalty.example.com", "https://loyalty.example.com/", "https://127.0.0.1:8443/a/b", "https://a.b/v1.0/",
	} {
		if u, err := newUpstream(address); err != nil || (u.base == nil) != (address == "") {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, address := range []string{
		"http://a.b", "a.b", "//a.b", "https:", "https://", "https:///a", "https://user@a.b", "https://a:b@c.d", "https://a.b?", "https://a.b?x=y",
		"https://a.b#", "https://a.b#x", "https://a.b/%2e%2e", "https://a.b/..", "https://a.b/./c", "https://a.b//c", "https:a.b", "ftp://a.b",
		" https://a.b", "https://a.b/ ", "https://a.b:x", "https://:443", "https://a b", "https://a.b/c;d",
	} {
		if _, err := newUpstream(address); err == nil || !strings.HasPrefix(err.Error(), "LOYALTY_UPSTREAM_URL must be ") {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// behind is the function with a stand-in of the other service behind it, which it trusts.
func behind(t *testing.T, server *httptest.Server) handler {
	t.Helper()
	u, err := newUpstream(server.URL + "/base")
	if err != nil {
		t.Fatal(err)
	}
	u.transport.TLSClientConfig.RootCAs = x509.NewCertPool()
	u.transport.TLSClientConfig.RootCAs.AddCert(server.Certificate())
	t.Cleanup(u.transport.CloseIdleConnections)
	return handler{upstream: u}
}

// asked sends a call of the type points, and gives the answer.
func asked(t *testing.T, h handler, method string) gateway.Answer {
	t.Helper()
	event := frontdoor.Request{Method: method, Path: "/api.php", Query: map[string][]string{"type": {"points"}}}.Event()
	event.Resource = "/api.php"
	answer, err := h.endpoint().Handler()(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// A call is sent once, also one by GET on a connection that was good before: the other
// service may have recorded it.
func TestCallsAreSentOnce(t *testing.T) {
	metrictest.Capture(t)
	for _, method := range []string{"GET", "POST"} {
		var calls atomic.Int32
		server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if calls.Add(1) > 1 {
				panic(http.ErrAbortHandler)
			}
		}))
		h := behind(t, server)
		if a := asked(t, h, method); a.StatusCode != 200 {
			t.Errorf("%s: %d %s", method, a.StatusCode, a.Body)
		}
		if a := asked(t, h, method); a.StatusCode != 500 || !strings.Contains(a.Body, noAnswer) {
			t.Errorf("%s on a connection that breaks: %d %s", method, a.StatusCode, a.Body)
		}
		if n := calls.Load(); n != 2 {
			t.Errorf("%s: two calls are sent %d times", method, n)
		}
		server.Close()
	}
}

// A host that takes no connection has been sent nothing: the call can be tried again.
func TestRefusedConnection(t *testing.T) {
	log := metrictest.Capture(t)
	server := httptest.NewTLSServer(http.NotFoundHandler())
	h := behind(t, server)
	server.Close()
	a := asked(t, h, "GET")
	if a.StatusCode != 503 || !strings.Contains(a.Body, unreachable) || a.MultiValueHeaders["Retry-After"] == nil {
		t.Errorf("%d %s", a.StatusCode, a.Body)
	}
	if !strings.Contains(log.String(), `"CallsPassedOn":1,"PassOnFailures":1`) || strings.Contains(log.String(), "points") {
		t.Error(log)
	}
}

// An answer goes through the gateway in base64, whatever its bytes are: as JSON's text it
// could be too large for Lambda.
func TestAnswersAreInBase64(t *testing.T) {
	metrictest.Capture(t)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(strings.Repeat("<", maxAnswer)))
	}))
	defer server.Close()
	a := asked(t, behind(t, server), "GET")
	if !a.IsBase64Encoded || len(a.Body) > 6_000_000 || len(a.Body) < maxAnswer {
		t.Errorf("%d bytes, in base64: %t", len(a.Body), a.IsBase64Encoded)
	}
}

// A GET where nobody has other types is the 404 of a route that is not there, whatever
// else is wrong with it.
func TestGetWithoutUpstream(t *testing.T) {
	metrictest.Capture(t)
	for accept, media := range map[string]string{"": "json", "*/*": "json", "Application/XML; q=1, text/html": "xml", "text/html, application/xml": "json"} {
		event := frontdoor.Request{Method: "GET", Path: "/", Header: [][2]string{{"Accept", accept}, {"Content-Encoding", "gzip"}}, Body: make([]byte, bodyLimit+1)}.Event()
		a, err := handler{}.endpoint().Handler()(t.Context(), event)
		if err != nil || a.StatusCode != respond.AsError(errNotOffered("")).Status() || a.MultiValueHeaders["Content-Type"][0] != "application/"+media ||
			!strings.Contains(a.Body, "The requested path and method are not known") {
			t.Errorf("%q: %d %v %s", accept, a.StatusCode, a.MultiValueHeaders, a.Body)
		}
	}
}
