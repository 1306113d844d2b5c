package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"customercare/infra/local/stack"
)

// generous is longer than anything takes, on a machine that has much else to do.
const generous = 10 * time.Minute

// short is a run as `make load` makes it, but of seconds, and for a machine on which other tests run: what has to be is told
// by counts of calls, and limits of rates go by when a call was due.
func short(t *testing.T) options {
	t.Helper()
	endpoint := os.Getenv("DYNAMODB_ENDPOINT")
	if endpoint == "" {
		t.Skip("needs a DynamoDB: run `make test`, or set DYNAMODB_ENDPOINT")
	}
	if err := stack.Build(t.Context(), root(), filepath.Join(root(), ".cache", "bin")); err != nil {
		t.Fatal(err)
	}
	return options{
		root: root(), endpoint: endpoint, tablePrefix: fmt.Sprintf("load-%d-", time.Now().UnixNano()), log: io.Discard,
		rate: 20, latency: generous, quick: generous, slack: generous, held: 0.98,
		patience: generous, answer: generous, period: generous, sockets: 64, schedule: newSchedule(),
	}
}

func TestLoad(t *testing.T) {
	o := short(t)
	o.warmUp, o.steady, o.storm, o.recovery = time.Second, 3*time.Second, 3*time.Second, 2*time.Second
	r, err := run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range r.faults() {
		t.Error(fault)
	}
	var figures strings.Builder
	r.print(&figures)
	t.Logf("\n%s", figures.String())
}

// A service that says "deleted" and does nothing now and then, takes back its word, or leaves a request without an answer
// is found out.
func TestLiesAreFound(t *testing.T) {
	o := short(t)
	o.steady = 3 * time.Second
	var deletions, cleans, refusals atomic.Int64
	o.front = func(api string) (string, func()) {
		to, err := url.Parse(api)
		if err != nil {
			t.Fatal(err)
		}
		// A transport of its own, without connections that outlive a call.
		proxy := &httputil.ReverseProxy{
			Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(to) },
			Transport: &http.Transport{DisableKeepAlives: true},
		}
		front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(strings.NewReader(string(body)))
			form, _ := url.ParseQuery(string(body))
			fresh := form.Get("user_password") == key && strings.HasPrefix(form.Get("code"), "4711") && form.Get("output") == "" && form.Get("callback") == ""
			switch {
			case fresh && deletions.Add(1) == 1:
				w.Header().Set("Content-Type", inXML)
				nothingKept(w)
				fmt.Fprint(w, xmlHead+`<response status="success"><customer status="deleted"><code>`+form.Get("code")+`</code></customer></response>`)
			case r.URL.Path == cleanPath && !strings.Contains(r.Header.Get("Authorization"), "wrong") && cleans.Add(1) == 1:
				w.Header().Set("Content-Type", inJSON)
				nothingKept(w)
				fmt.Fprint(w, `{"retCode":"0","retMsg":"VerifyParams success"}`)
			case strings.HasPrefix(r.URL.Path, "/risk-cc/") && refusals.Add(1) == 1:
				panic(http.ErrAbortHandler)
			case strings.HasPrefix(r.URL.Path, "/risk-cc/") && refusals.Load() == 2:
				refusals.Add(1)
				http.Error(w, "slow down", http.StatusTooManyRequests)
			default:
				proxy.ServeHTTP(w, r)
			}
		}))
		return front.URL, front.Close
	}
	r, err := run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	found := strings.Join(r.faults(), "\n")
	for _, want := range []string{
		"3 lost erasures: customer load-account#4711", "number 135****", "1 wrong answers", "1 calls without an answer", "got 429", "records of erasures, want",
	} {
		if !strings.Contains(found, want) {
			t.Errorf("nothing was found of %q:\n%s", want, found)
		}
	}
}

func nothingKept(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
}
