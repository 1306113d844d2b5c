package passon

import (
	"bufio"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	unreachable = "The service that has this type cannot be reached, try again in a moment"
	noAnswer    = "The service that has this type gave no answer that can be passed back, it may have done the call"
)

// largest is the largest answer that is passed back.
const largest = 4 << 20

// answers are what the stand-in answers other than an echo.
var answers = map[string]func(http.ResponseWriter, *http.Request){
	"hangs": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	"hangs within": func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(private))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	},
	"redirects": func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://"+r.Host+"/base/api.php?type=elsewhere", http.StatusTemporaryRedirect)
	},
	"redirects away": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "http://127.0.0.1:1/")
		w.WriteHeader(http.StatusFound)
	},
	"is large":     func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(strings.Repeat("<", largest))) },
	"is too large": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(strings.Repeat("<", largest+1))) },
	"has 5 MB":     func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 5<<20)) },
	"never ends": func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = w.Write(make([]byte, 64<<10))
		}
	},
	"breaks off": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte(private))
	},
	"drops":         func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	"talks rubbish": raw("<html>" + private + "\r\n\r\n"),
	// Without a length, so that nobody uses this connection again before its end is seen.
	"bad status":  raw("HTTP/1.1 999 " + private + "\r\n\r\n"),
	"switches":    raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"),
	"long header": raw("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 128<<10) + "\r\n\r\n"),
	"fails":       func(w http.ResponseWriter, _ *http.Request) { http.Error(w, private, http.StatusInternalServerError) },
	"is busy": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "77")
		w.WriteHeader(http.StatusServiceUnavailable)
	},
	"is empty": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
	"zips": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Content-Type", "text/plain")
		z := gzip.NewWriter(w)
		_, _ = z.Write([]byte(private))
		_ = z.Close()
	},
	"says no type": func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil
		_, _ = w.Write([]byte("<x>"))
	},
}

// raw answers with these bytes, whatever they are.
func raw(text string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		connection, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = connection.Write([]byte(text))
		connection.Close()
	}
}

// failed checks that an answer is a failure of ours in operation 3's shape, in the
// format that was asked for, and holds nothing of what the vendor said.
func failed(t testing.TB, what, format string, r reply, sentence string) {
	t.Helper()
	want := map[string][2]string{
		"":                           {"application/xml; charset=utf-8", `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n" + `<response status="error"><error>` + sentence + `</error></response>`},
		"&output=JSON":               {"application/json", "{\n  \"status\": \"error\",\n  \"error\": \"" + sentence + "\"\n}"},
		"&output=json&condensed=yes": {"application/json", `{"status":"error","error":"` + sentence + `"}`},
		"&callback=cb&condensed=yes": {"application/javascript; charset=utf-8", `/**/cb({"status":"error","error":"` + sentence + `"});`},
		"&callback=<b>":              {"application/xml; charset=utf-8", `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n" + `<response status="error"><error>` + sentence + `</error></response>`},
	}[format]
	status, wait := http.StatusInternalServerError, ""
	if sentence == unreachable {
		status, wait = http.StatusServiceUnavailable, "1"
	}
	if r.status != status || r.header.Get("Content-Type") != want[0] || r.body != want[1] || r.header.Get("Retry-After") != wait || r.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%s%s: %d %v %q", what, format, r.status, r.header, r.body)
	}
}

// formats are what a call may ask of its answer, should that be ours.
var formats = []string{"", "&output=JSON", "&output=json&condensed=yes", "&callback=cb&condensed=yes", "&callback=<b>"}

// Whatever the vendor does with a call that has come to it: the answer is in our shape
// and in time, and the call has come once.
func TestVendorFails(t *testing.T) {
	var calls sync.WaitGroup
	for i, what := range []string{
		"hangs", "hangs within", "is too large", "has 5 MB", "never ends", "breaks off", "drops", "talks rubbish", "bad status", "switches", "long header",
	} {
		for _, method := range []string{"POST", "GET"} {
			format := formats[i%len(formats)]
			calls.Go(func() {
				target, body, headers := "/api.php", "type=points"+format, []string{urlencoded}
				if method == "GET" {
					target, body, headers = target+"?"+body, "", nil
				}
				mark := what + method
				r := send(t, running.URL, method, target, body, append(headers, "X-Requested-With: "+what, "Referer: "+mark)...)
				failed(t, method+" "+what, format, r, noAnswer)
				if n := len(vendor.took(mark)); n != 1 {
					t.Errorf("%s %s came %d times", method, what, n)
				}
			})
		}
	}
	calls.Wait()
}

// What the vendor answers is passed back, also where it is an error. A redirect leads
// nowhere.
func TestVendorsAnswers(t *testing.T) {
	for _, row := range []struct {
		what         string
		status       int
		media, name  string
		value, holds string
	}{
		{"redirects", 307, "application/octet-stream", "Location", "", ""},
		{"redirects away", 302, "application/octet-stream", "Location", "", ""},
		{"is large", 200, "text/plain; charset=utf-8", "Location", "", strings.Repeat("<", largest)},
		{"fails", 500, "text/plain; charset=utf-8", "Retry-After", "", private + "\n"},
		{"is busy", 503, "application/octet-stream", "Retry-After", "77", ""},
		{"zips", 200, "text/plain", "Content-Encoding", "gzip", "\x1f\x8b"},
		{"says no type", 200, "application/octet-stream", "Content-Encoding", "", "<x>"},
		{"is empty", 204, "application/octet-stream", "Content-Encoding", "", ""},
	} {
		r := send(t, running.URL, "POST", "/", "type=points", urlencoded, "X-Requested-With: "+row.what)
		if r.status != row.status || r.header.Get(row.name) != row.value || r.header.Get("Content-Type") != row.media || !strings.HasPrefix(r.body, row.holds) ||
			len(row.holds) > 2 && r.body != row.holds {
			t.Errorf("%s: %d %v %.100q", row.what, r.status, r.header, r.body)
		}
	}
	for _, g := range vendor.took("") {
		if strings.Contains(g.target, "elsewhere") {
			t.Error("a redirect was followed")
		}
	}
}

// A host that is not the vendor gets nothing of a call: it has no certificate for the
// name, speaks no TLS or an old one, or says nothing.
func TestVendorIsAnother(t *testing.T) {
	t.Parallel()
	good := httptest.NewUnstartedServer(nil)
	good.Config.ErrorLog = log.New(io.Discard, "", 0)
	good.StartTLS()
	defer good.Close()
	var read atomic.Int64
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	var mode atomic.Value
	mode.Store("")
	modes := map[string]func(net.Conn){
		"speaks plain HTTP": func(c net.Conn) {
			_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"))
			_, _ = c.Read(make([]byte, 1000))
		},
		"closes":     func(net.Conn) {},
		"is silent":  func(c net.Conn) { _, _ = c.Read(make([]byte, 1000)); _, _ = c.Read(make([]byte, 1000)) },
		"is unknown": func(c net.Conn) { readAll(&read, c, &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}}) },
		"has old TLS": func(c net.Conn) {
			readAll(&read, c, &tls.Config{Certificates: good.TLS.Certificates, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10})
		},
	}
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				modes[mode.Load().(string)](c)
			}()
		}
	}()
	// The name is in the certificate of the stand-in, but of none that is shown here.
	s, err := start(t.Context(), t.TempDir(), good, "https://"+listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for what := range modes {
		mode.Store(what)
		for _, format := range formats[:2] {
			failed(t, what, format, send(t, s.URL, "POST", "/", "type=points&code="+private+format, urlencoded), unreachable)
			failed(t, what, format, send(t, s.URL, "GET", "/?type=points"+format, ""), unreachable)
		}
	}
	if n := read.Load(); n > 0 {
		t.Errorf("%d bytes have left", n)
	}
	other, err := start(t.Context(), t.TempDir(), good, "https://localhost:"+strings.Split(good.URL, ":")[2])
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	failed(t, "has the certificate of another", "", send(t, other.URL, "GET", "/?type=points", ""), unreachable)
}

// readAll counts what a client sends inside of TLS.
func readAll(n *atomic.Int64, c net.Conn, config *tls.Config) {
	inner := bufio.NewReader(tls.Server(c, config))
	for {
		if _, err := inner.ReadByte(); err != nil {
			return
		}
		n.Add(1)
	}
}

// selfSigned is a certificate for the stand-in's address that nobody vouches for.
func selfSigned(t testing.TB) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Error(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Error(err)
	}
	return tls.Certificate{Certificate: [][]byte{certificate}, PrivateKey: key}
}
