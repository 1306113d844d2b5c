// Package e2e tests the product through its front door: HTTP in, the local API Gateway,
// the real binaries, DynamoDB Local behind a counting proxy; then the answers, all tables
// and all logs are looked at.
package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/local/apigateway"
	"customercare/infra/local/stack"
	"customercare/infra/local/template"
	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/metrictest"
	"customercare/shared/store"
)

// The stack that all tests of this package share. Each test works on principals, users,
// accounts and tenants of its own, so that they may run at the same time.
var (
	running  *stack.Stack
	options  stack.Options // that running was started with
	database *dynamodb.Client
	logs     = &transcript{}
	calls    = &dynamotest.Faults{Next: &http.Transport{MaxIdleConnsPerHost: 64}}
)

// digestKey is the deployment's key of digests, nextDigestKey the one it is rotated to;
// no log and no table may show them.
const (
	digestKey     = "digest-key-of-the-end-to-end-tests-0123456789"
	nextDigestKey = "the-key-that-comes-next-in-these-tests-0123456789"
)

func TestMain(m *testing.M) {
	endpoint := os.Getenv("DYNAMODB_ENDPOINT")
	if endpoint == "" {
		fmt.Println("skipped: the end-to-end tests need a DynamoDB: run `make test`, or set DYNAMODB_ENDPOINT")
		return
	}
	code, err := run(m, endpoint)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// run starts the stack, runs all tests on it, and then looks at logs, tables and rights.
func run(m *testing.M, endpoint string) (int, error) {
	target, err := url.Parse(endpoint)
	if err != nil {
		return 1, err
	}
	// The Host header is part of the signature and stays as it is.
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = target.Scheme, target.Host, r.In.Host
		},
		Transport: recorded,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			panic(http.ErrAbortHandler) // a lost answer is a broken connection
		},
	})
	defer proxy.Close()
	binaries := filepath.Join(dynamotest.Root(), ".cache", "bin")
	if err := stack.Build(context.Background(), dynamotest.Root(), binaries); err != nil {
		return 1, err
	}
	template, err := template.Load(filepath.Join(dynamotest.Root(), "template.yaml"), nil)
	if err != nil {
		return 1, err
	}
	database = dynamotest.Client(endpoint)
	options = stack.Options{
		Root: dynamotest.Root(), Endpoint: endpoint, FunctionEndpoint: proxy.URL, BinDir: binaries, Log: logs,
		TablePrefix:   fmt.Sprintf("e2e-%d-", time.Now().UnixNano()),
		ScheduleEvery: time.Second,
		Secrets:       map[string]string{"DigestKeys": `{"1":"` + digestKey + `"}`},
		// All wrong attempts of all tests come from one address, and they are storms to
		// the API.
		Parameters: map[string]string{
			"WriterLifetime": "30m", "ClockSkew": "100ms", "GuessLimit": "1000000",
			"ProvisionRate": "10000", "DeleteRate": "10000", "CleanRate": "10000", "TokenRate": "10000", "ReadRate": "10000",
			"ThrottleBurst": "5000",
		},
		Access:            accessed(template),
		IntegrationPeriod: generous, // other packages' tests may take the whole machine
	}
	running, err = stack.Start(context.Background(), options)
	if err != nil {
		return 1, err
	}
	defer running.Close()
	code := m.Run()
	running.Close() // also the last lines of the functions are looked at
	if lines := audited(logs.String()); len(lines) > 0 {
		return 1, fmt.Errorf("%d calls have not the audit line that they should, the first: %s", len(lines), lines[0])
	}
	if lines := logged.in(withoutCallers(logs.String())); len(lines) > 0 {
		return 1, fmt.Errorf("%d log lines hold personal data or secrets, the first: %s", len(lines), lines[0])
	}
	items, err := kept(database)
	if err != nil {
		return 1, err
	}
	if lines := logged.in(items); len(lines) > 0 {
		return 1, fmt.Errorf("%d items that are kept hold personal data or secrets, the first: %s", len(lines),
			lines[0])
	}
	if differences := used.compare(); wholeSuite() && code == 0 && len(differences) > 0 {
		return 1, fmt.Errorf("rights in template.yaml and calls differ:\n%s", strings.Join(differences, "\n"))
	}
	return code, nil
}

// accessed puts what the gateway says of its answers into logs, where personal data is
// looked for. The routes themselves are left out: some users here are called as parts of
// them.
func accessed(template *template.Template) func(apigateway.Access) {
	routes := map[string]bool{}
	for _, r := range template.API.Routes {
		routes[r.Path] = r.Path != "/"
	}
	return func(a apigateway.Access) {
		text := fmt.Sprintf("access: %+v\n", a)
		if routes[a.Route] {
			text = strings.ReplaceAll(text, a.Route, "")
		}
		_, _ = logs.Write([]byte(text))
	}
}

// transcript keeps every line that a function or the stack logs.
type transcript = metrictest.Log

// tables are the names of all five, the ledger last.
func tables() []string {
	var names []string
	for _, id := range []string{"Users", "Customers", "Contacts", "Principals", "Erasures"} {
		names = append(names, running.Table(id))
	}
	return names
}

// dump is every item of all tables that mentions marker, but for the counts of failed
// attempts, which any test may change, and for what seal-ledger writes meanwhile: its
// marks in records, and its memory of the log.
func dump(t testing.TB, marker string) []string {
	t.Helper()
	var kept []string
	for _, line := range dynamotest.Dump(t, database, tables()...) {
		if strings.Contains(line, marker) && !strings.Contains(line, `"principal":{"Value":"`+store.FailuresPrefix) &&
			!strings.Contains(line, `"erasureId":{"Value":"checkpoint"}`) {
			kept = append(kept, sealersMark.ReplaceAllString(line, ""))
		}
	}
	slices.Sort(kept)
	return kept
}

// sealersMark is an attribute of a record that seal-ledger alone changes after the
// record's end. It is never the first one.
var sealersMark = regexp.MustCompile(
	`,"(?:(?:accepted|end)(?:Leaf|SealedAt)|unlogged|unloggedAt)":\{"Value":"[^"]*"\}`)

// generous is longer than anything takes that happens at all.
const generous = 5 * time.Minute

// eventually waits for what the background does.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(generous); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if done() {
			return
		}
	}
	t.Fatalf("did not happen within %s: %s", generous, what)
}
