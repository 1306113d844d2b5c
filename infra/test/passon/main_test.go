// Package passon tests how operation 3 passes other types on (docs/contracts.md, "Other
// types") through the front door: HTTP in, the local API Gateway, the real binary, and
// behind it a stand-in of the vendor by TLS, which notes what reaches it.
package passon

import (
	"context"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"customercare/infra/fixture"
	"customercare/infra/importer"
	"customercare/infra/local/stack"
	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/metrictest"
)

// Personal data and secrets that calls and answers of these tests hold: no log may.
const (
	apiKey  = "key-of-the-api-user-0123456789abcdef"
	private = "private-4711"
)

// generous is longer than anything takes that happens at all.
const generous = 5 * time.Minute

var (
	endpoint string
	vendor   = &standIn{}
	running  *stack.Stack
	logs     = &metrictest.Log{}
)

func TestMain(m *testing.M) {
	if endpoint = os.Getenv("DYNAMODB_ENDPOINT"); endpoint == "" {
		fmt.Println("skipped: these tests need a DynamoDB: run `make test`, or set DYNAMODB_ENDPOINT")
		return
	}
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// run starts the stack with the stand-in behind it, runs the tests, and looks at the log.
func run(m *testing.M) (int, error) {
	server := httptest.NewUnstartedServer(vendor)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // what clients did not like
	server.StartTLS()
	defer server.Close()
	folder, err := os.MkdirTemp("", "passon")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(folder)
	running, err = start(context.Background(), folder, server, server.URL+"/base/")
	if err != nil {
		return 1, err
	}
	defer running.Close()
	_, err = importer.Load(context.Background(), importer.Options{
		Client: dynamotest.Client(endpoint), Tables: fixture.Tables(running.Table),
		Report: func(line int, sentence string) { fmt.Fprintf(os.Stderr, "line %d: %s\n", line, sentence) },
	}, strings.NewReader(records()))
	if err != nil {
		return 1, err
	}
	code := m.Run()
	running.Close()
	passed, failed := strings.Count(logs.String(), `"CallsPassedOn":1,"PassOnFailures":0`), strings.Count(logs.String(), `"CallsPassedOn":1,"PassOnFailures":1`)
	if code == 0 && (passed < 43 || failed < 2) && flag.Lookup("test.run").Value.String() == "" {
		return 1, fmt.Errorf("the metrics count %d calls that were passed on, and %d that failed", passed, failed)
	}
	for _, line := range strings.Split(logs.String(), "\n") {
		if strings.Contains(line, apiKey) || strings.Contains(line, private) || strings.Contains(line, `"msg":"audit"`) &&
			!strings.Contains(line, `"did":"customer deleted"`) {
			return 1, fmt.Errorf("the log says of a call that was passed on: %s", line)
		}
	}
	return code, nil
}

// records are an API user and the customers that the tests delete.
func records() string {
	lines := []string{fixture.APIUser("john", apiKey, "account").String()}
	for i := range 200 {
		lines = append(lines, fixture.Customer("account", code(i)).String())
	}
	return strings.Join(lines, "\n")
}

func code(i int) string { return fmt.Sprint("code-", i) }

// start starts a stack whose functions trust the server's certificate: by a variable of
// their process that Go itself reads. Nothing of the product knows of it.
func start(ctx context.Context, folder string, server *httptest.Server, upstream string) (*stack.Stack, error) {
	root := dynamotest.Root()
	binaries := filepath.Join(root, ".cache", "bin")
	if err := stack.Build(ctx, root, binaries); err != nil {
		return nil, err
	}
	authority := filepath.Join(folder, "authority.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(authority, certificate, 0o600); err != nil {
		return nil, err
	}
	return stack.Start(ctx, stack.Options{
		Root: root, Authorities: authority, Endpoint: endpoint, BinDir: binaries, Log: logs,
		TablePrefix: fmt.Sprintf("passon-%d-", time.Now().UnixNano()), ScheduleEvery: -1,
		Parameters: map[string]string{
			"LoyaltyUpstreamUrl": upstream, "DeleteRate": "10000", "ThrottleBurst": "5000", "GuessLimit": "1000000",
		},
		IntegrationPeriod: generous,
	})
}

// got is a request as the stand-in got it.
type got struct {
	method, target, host string
	header               http.Header
	body                 string
}

// standIn is the vendor. It answers as the type says, which it finds in the header
// X-Requested-With, because the tests also send what nobody should have to read.
type standIn struct {
	mu  sync.Mutex
	all []got
}

func (s *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	s.mu.Lock()
	s.all = append(s.all, got{r.Method, r.RequestURI, r.Host, r.Header, string(body)})
	s.mu.Unlock()
	if answer := answers[r.Header.Get("X-Requested-With")]; answer != nil {
		answer(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/x-echo; v=1")
	w.Header().Set("Set-Cookie", "session="+private)
	w.WriteHeader(http.StatusAccepted)
	_, _ = w.Write(echo(r.Method, string(body)))
}

// echo is the stand-in's usual answer: bytes that are no text, and the request's body.
func echo(method, body string) []byte {
	return []byte("\x00\xff\x89PNG\r\n" + private + method + body)
}

// took is what has reached the stand-in with this mark in its header Referer.
func (s *standIn) took(mark string) (all []got) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.all), func(g got) bool { return g.header.Get("Referer") != mark })
}

// reply is an answer as a client sees it.
type reply struct {
	status int
	header http.Header
	body   string
}

// send sends a request to the stack, each header as "Name: value", and one several times
// where it is there several times.
func send(t testing.TB, url, method, target, body string, headers ...string) reply {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url+target, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return reply{header: http.Header{}}
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		request.Header[name] = append(request.Header[name], value)
	}
	answer, err := direct.RoundTrip(request)
	if err != nil {
		t.Error(err)
		return reply{header: http.Header{}}
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Error(err)
	}
	return reply{answer.StatusCode, answer.Header, string(text)}
}

// direct decompresses nothing and follows nothing.
var direct = &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 100}
