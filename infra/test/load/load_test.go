package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"customercare/infra/client"
	"customercare/infra/local/engine"
	"customercare/infra/local/stack"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/operation"
)

// generous is longer than anything takes, on a machine that has much else to do.
const generous = 10 * time.Minute

// short is a run as `make load` makes it, but of seconds, and for a machine on which
// other tests run: what has to be is told by counts of calls, and limits of rates go by
// when a call was due.
func short(t *testing.T) options {
	t.Helper()
	endpoint := os.Getenv("DYNAMODB_ENDPOINT")
	if endpoint == "" {
		t.Skip("needs a DynamoDB: run `make test`, or set DYNAMODB_ENDPOINT")
	}
	root := dynamotest.Root()
	if err := stack.Build(t.Context(), root, filepath.Join(root, ".cache", "bin")); err != nil {
		t.Fatal(err)
	}
	return options{
		root: dynamotest.Root(), endpoint: endpoint, tablePrefix: fmt.Sprintf("load-%d-", time.Now().UnixNano()),
		log:  io.Discard,
		rate: 20, latency: generous, quick: generous, slack: generous, held: 0.98,
		queueTimeout: generous, answer: generous, period: generous, sockets: 64, schedule: newSchedule(),
	}
}

// A few seconds of load, as `make test` makes it.
func TestShortLoad(t *testing.T) {
	o := short(t)
	o.warmUp, o.steady, o.storm, o.recovery = time.Second, 3*time.Second, 3*time.Second, 2*time.Second
	o.holds(t)
}

// around is what a run may take besides its phases: the start, records, the last
// erasures.
const around = 2*time.Minute + drainWait

// TestLoad is `make load`: LOAD_SECONDS of all operations mixed at LOAD_RATE calls a
// second, in an open loop, so that calls go out on time, however late answers are; half
// as long at three times that rate, which the API's limits are set for: each call is done
// or refused, soon; at the rate again: within 10 s all is as before. Then the tables are
// held against every answer. It has an engine of its own. The functions' log is
// .cache/load.log.
func TestLoad(t *testing.T) {
	if os.Getenv("LOAD_RATE") == "" {
		t.Skip("runs with `make load`")
	}
	seconds := setting(t, "LOAD_SECONDS", 600)
	root := dynamotest.Root()
	o := options{
		root: root, rate: setting(t, "LOAD_RATE", 1000), latency: time.Second, quick: 2 * time.Second,
		slack: 50 * time.Millisecond, held: 0.98, warmUp: 5 * time.Second, steady: time.Duration(seconds) * time.Second,
		storm: time.Duration(seconds) * time.Second / 2, recovery: recoverWait + 5*time.Second,
		// What the processes of one machine do not hold is refused, as on AWS once an
		// account's concurrency is used up.
		queueTimeout: 500 * time.Millisecond,
	}
	if err := stack.Build(t.Context(), root, filepath.Join(root, ".cache", "bin")); err != nil {
		t.Fatal(err)
	}
	database, err := engine.Start(t.Context(), engine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(database.Close)
	o.endpoint = database.Endpoint
	log, err := os.Create(filepath.Join(root, ".cache", "load.log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	o.log = log
	o.holds(t)
}

// holds makes the run, prints its figures, and fails for each of its faults.
func (o options) holds(t *testing.T) {
	t.Helper()
	atMost := o.warmUp + o.steady + o.storm + o.recovery + around
	ctx, cancel := context.WithTimeoutCause(t.Context(), atMost, errors.New("took too long"))
	defer cancel()
	r, err := run(ctx, o)
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

// setting is a whole number of the environment, from 1 to most.
func setting(t *testing.T, name string, most int) int {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv(name))
	if err != nil || n < 1 || n > most {
		t.Fatalf("%s must be a whole number from 1 to %d, not %q", name, most, os.Getenv(name))
	}
	return n
}

// A service that says "deleted" and does nothing now and then, takes back its word, or
// leaves a request without an answer is found out.
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
			fresh := form.Get("user_password") == key && strings.HasPrefix(form.Get("code"), "4711") &&
				form.Get("output") == "" &&
				form.Get("callback") == ""
			switch {
			case fresh && deletions.Add(1) == 1:
				w.Header().Set("Content-Type", client.XML)
				nothingKept(w)
				fmt.Fprint(w, client.Deleted(client.XML, form.Get("code")).Body)
			case r.URL.Path == operation.CleanCustomerData.Paths[0] &&
				!strings.Contains(r.Header.Get("Authorization"), "wrong") && cleans.Add(1) == 1:
				w.Header().Set("Content-Type", client.JSON)
				nothingKept(w)
				fmt.Fprint(w, client.Cleaned.Body)
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
		"3 lost erasures: customer load-account#4711", "number 135****", "1 wrong answers", "1 calls without an answer",
		"got 429", "records of erasures, want",
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
