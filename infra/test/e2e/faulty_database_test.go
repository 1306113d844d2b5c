package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"customercare/infra/local/stack"
	"customercare/infra/testkit/dynamotest"
)

// A stack of its own behind a DynamoDB that is slow, gone, busy or talks nonsense, and
// what is asked of it meanwhile.

// databaseFault is what happens to a call on its way to DynamoDB. next does it.
type databaseFault func(w http.ResponseWriter, r *http.Request, next http.Handler)

// faultyStack is a stack with tables of its own, whose DynamoDB has a fault while a test
// wants it to.
type faultyStack struct {
	*stack.Stack
	log *transcript

	mu      sync.Mutex
	now     databaseFault   // nil: none
	writes  bool            // the fault strikes writes only
	tries   map[attempt]int // that were struck since the fault began
	proxy   *httptest.Server
	address string
	backend http.Handler
}

// attempt is a call to DynamoDB as an invocation makes it; made again, it is the same.
type attempt struct{ invocation, action, body string }

// startFaulty starts a stack, without a fault at first. A function has no more processes
// than requests of a round, so that those after a fault meet the processes that met the
// fault.
func startFaulty(t *testing.T, template string) *faultyStack {
	t.Helper()
	target, err := url.Parse(options.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	u := &faultyStack{log: &transcript{}, backend: &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = target.Scheme, target.Host, r.In.Host
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { panic(http.ErrAbortHandler) },
	}}
	u.serve(t, "127.0.0.1:0")
	own := options
	own.FunctionEndpoint = u.proxy.URL
	own.TablePrefix = fmt.Sprintf("faulty-%d-", time.Now().UnixNano())
	own.Parameters = map[string]string{"WriterLifetime": "30m", "ClockSkew": "1ms", "WorkerLease": "2s"}
	own.ScheduleEvery = time.Second
	own.Workers = 2
	own.Log = io.MultiWriter(logs, u.log)
	own.Template = template
	u.Stack, err = stack.Start(t.Context(), own)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { u.Close(); u.proxy.Close() })
	return u
}

// serve takes calls at address.
func (u *faultyStack) serve(t *testing.T, address string) {
	t.Helper()
	var listener net.Listener
	eventually(t, "the proxy listens", func() (ok bool) {
		var err error
		listener, err = net.Listen("tcp", address)
		return err == nil
	})
	u.proxy = httptest.NewUnstartedServer(u)
	u.proxy.Listener.Close()
	u.proxy.Listener = listener
	u.proxy.Start()
	u.address = listener.Addr().String()
}

// gone lets nobody listen at the address until the function it returns is called.
func (u *faultyStack) gone(t *testing.T) (back func()) {
	u.proxy.CloseClientConnections()
	u.proxy.Close()
	return func() { u.serve(t, u.address) }
}

func (u *faultyStack) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	u.mu.Lock()
	now := u.now
	if u.writes && !slices.Contains([]string{"PutItem", "UpdateItem", "TransactWriteItems", "BatchWriteItem"}, action) {
		now = nil
	}
	if now != nil {
		u.tries[attempt{r.Header.Get("X-Amzn-Trace-Id"), action, string(body)}]++
	}
	u.mu.Unlock()
	if now == nil {
		u.backend.ServeHTTP(w, r)
		return
	}
	now(w, r, u.backend)
}

// inject begins a fault, or ends it with nil, and counts tries anew.
func (u *faultyStack) inject(now databaseFault, writes bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.now, u.writes, u.tries = now, writes, map[attempt]int{}
}

// How often a call is made at most, whatever DynamoDB says or does not say.
const (
	mostTries = 4  // by the SDK's client
	ofBatches = 40 // by a batch of deletions, which asks the client so often
)

// struck checks that the fault has struck something so far, and that nobody has tried
// more often than it should.
func (u *faultyStack) struck(t *testing.T, mark string) {
	t.Helper()
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.tries) == 0 {
		t.Errorf("%s: no call was struck", mark)
	}
	for call, n := range u.tries {
		most := mostTries
		if call.action == "BatchWriteItem" {
			most *= ofBatches
		}
		if n > most {
			t.Errorf("%s: %s was tried %d times", mark, call.action, n)
		}
	}
}

// speaks answers every call with this instead.
func speaks(status int, media, body string, header ...string) databaseFault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", media)
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// does lets every call be done, and then answers with this.
func does(answer databaseFault) databaseFault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		next.ServeHTTP(httptest.NewRecorder(), r)
		answer(w, r, next)
	}
}

// hang never answers.
func hang(_ http.ResponseWriter, r *http.Request, _ http.Handler) { <-r.Context().Done() }

// stall begins an answer and never ends it.
func stall(w http.ResponseWriter, r *http.Request, _ http.Handler) {
	w.Header().Set("Content-Type", amz)
	_, _ = io.WriteString(w, `{"Responses":{`)
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

// reset breaks the connection off.
func reset(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = conn.(*net.TCPConn).SetLinger(0)
		conn.Close()
	}
}

// slow lets a call be done after a second.
func slow(w http.ResponseWriter, r *http.Request, next http.Handler) {
	select {
	case <-time.After(time.Second):
		next.ServeHTTP(w, r)
	case <-r.Context().Done():
	}
}

const amz = "application/x-amz-json-1.0"

// trial is one request with the answers that it may have.
type trial struct {
	what, method, path, body string
	headers                  []string
	shape                    *regexp.Regexp     // of its function's failure
	letIn                    bool               // an authorizer lets it in first, from DynamoDB each time
	well                     func(r reply) bool // when all is well
}

// Shapes of failures: the functions' own, and that of API Gateway, which answers for an
// authorizer and for any route.
var (
	oursJSON = regexp.MustCompile(`^\{"responseCode":"50[03]","responseMessage":"[^"]+","status":false\}$`)
	oursXML  = regexp.MustCompile(`^<\?xml version="1.0" encoding="UTF-8" standalone="yes"\?>\n<StatusResponse><responseCode>50[03]</responseCode><responseMessage>[^<]+</responseMessage><status>false</status></StatusResponse>$`)
	formXML  = regexp.MustCompile(`^<\?xml version="1.0" encoding="UTF-8" standalone="yes"\?>\n<response status="error"><error>[^<]+</error></response>$`)
	formJSON = regexp.MustCompile(`^\{"status":"error","error":"[^"]+"\}$`)
	appJSON  = regexp.MustCompile(`^\{"retCode":"500","retMsg":"[^"]+"\}$`)
	ofEvery  = regexp.MustCompile(`^\{"responseCode":"503","responseMessage":"The service did not answer, try again","status":false,"retCode":"503","retMsg":"The service did not answer, try again"\}$`)
)

// trials loads what one round needs, under names of mark's own, and gives its requests.
func (u *faultyStack) trials(t *testing.T, mark string) []trial {
	t.Helper()
	account, tenant, user := "account-"+mark, "tenant-"+mark, "faulty-user-"+mark
	load := []string{
		`{"kind":"operator","name":"faulty-known-` + mark + `","password":"faulty password"}`,
		`{"kind":"operator","name":"faulty-fresh-` + mark + `","password":"faulty password"}`,
		`{"kind":"app","name":"faulty-app-` + mark + `","secret":"faulty secret 0123456789","tenantId":"` + tenant +
			`"}`,
		`{"kind":"apiUser","name":"` + userOf(account) + `","key":"` + keyOf(account) + `","accounts":["` +
			account + `"]}`,
		`{"kind":"user","customerId":"` + user + `","registration":{"level":"2"},"devices":{"d1":{"name":"phone"}}}`,
		`{"kind":"contact","tenantId":"` + tenant +
			`","contactId":"c","at":"2026-01-02T03:04:05Z","callingNumber":"faulty-a","calledNumber":"faulty-b","content":"x"}`,
	}
	for _, code := range []string{"faulty-code-1", "faulty-code-2"} {
		load = append(load, customerRecords(account, 30, code)...)
	}
	loadInto(t, u.Stack, load...)
	known, fresh := basic("faulty-known-"+mark, "faulty password"), basic("faulty-fresh-"+mark, "faulty password")
	path := "/customercare/v1/" + user + "/provision"
	credentials := `{"app_key":"faulty-app-` + mark + `","app_secret":"faulty secret 0123456789"}`
	token := ofToken.FindStringSubmatch(u.send(t, "POST", tokenPath, credentials).Body)
	// its authorization is kept from here on
	if token == nil || u.send(t, "DELETE", path+"?cancelAllTemporaryAllows=true", "", known).Status != 200 {
		t.Fatal("the good times were not good")
	}
	is := func(body string) func(reply) bool {
		return func(r reply) bool { return r.Status == 200 && r.Body == body }
	}
	return []trial{
		{"operation 1", "DELETE", path + "?unregisterDevices=true", "", []string{known}, oursJSON, false, is(doneJSON)},
		{"operation 2", "PUT", "/risk-cc" + path, xmlRequest("1", ""), []string{known, bodyXML}, oursXML, false,
			is(doneXML)},
		{"operation 3", "POST", "/", formOf(account, "faulty-code-1"), []string{urlencoded}, formXML, false,
			is(goneXML("faulty-code-1"))},
		{"operation 3, JSON", "POST", "/api.php", formOf(account, "faulty-code-2", "output", "JSON", "condensed",
			"yes"), []string{urlencoded}, formJSON, false,
			is(`{"status":"success","customer":{"status":"deleted","code":"faulty-code-2"}}`)},
		{"operation 4", "POST", cleanPath, `{"customNos":["faulty-a"]}`,
			[]string{"Authorization: Bearer " + token[1]}, appJSON, true,
			is(cleaned)},
		{"operation 5", "POST", tokenPath, credentials, nil, appJSON, false,
			func(r reply) bool { return r.Status == 200 && ofToken.MatchString(r.Body) }},
		{"operation 2, not let in yet", "PUT", path, `{"tempAllowType":2}`, []string{fresh}, oursJSON, true,
			is(doneJSON)},
	}
}

var ofToken = regexp.MustCompile(`^\{"AccessToken":"([^"]+)"`)

// send is sendTo for this stack.
func (u *faultyStack) send(t testing.TB, method, path, body string, headers ...string) reply {
	return sendTo(t, u.URL, method, path, body, headers...)
}

// all sends the trials at the same time.
func (u *faultyStack) all(t *testing.T, trials []trial) []reply {
	answers := make([]reply, len(trials))
	var group sync.WaitGroup
	for i, a := range trials {
		group.Go(func() { answers[i] = u.send(t, a.method, a.path, a.body, a.headers...) })
	}
	group.Wait()
	return answers
}

// fails checks that a is answered as a failure of ours: a 503 when trying again may help,
// in the operations that know one.
func (a trial) fails(t *testing.T, r reply, authorizer, passes bool) {
	t.Helper()
	want, shape := 500, a.shape
	switch {
	case a.letIn && authorizer:
		want, shape = 503, ofEvery // API Gateway answers
	case passes && shape != appJSON:
		want = 503
	}
	if r.Status != want || !shape.MatchString(r.Body) || !strings.Contains(r.Body, fmt.Sprint(want)) &&
		shape != formXML && shape != formJSON {
		t.Errorf("%s: %d %s, want a %d like %s", a.what, r.Status, r.Body, want, shape)
	}
	if want == 503 && r.Header.Get("Retry-After") != "1" {
		t.Errorf("%s: a 503 without Retry-After: %v", a.what, r.Header)
	}
}

// finish lets the erasures of mark end, and checks that every customer and contact of
// mark is gone for good and counted.
func (u *faultyStack) finish(t *testing.T, mark string) {
	t.Helper()
	// A worker whose lease was written but not told of is waited for, as is one that the
	// stream did not start.
	passWriterLifetimeOn(t, u.Stack, "account-"+mark)
	passWriterLifetimeOn(t, u.Stack, "tenant-"+mark)
	ledger := dynamotest.Dump(t, database, u.Table("Erasures"))
	left := slices.DeleteFunc(dynamotest.Dump(t, database, u.Table("Customers"), u.Table("Contacts")),
		func(line string) bool { return !strings.Contains(line, "-"+mark+"#") })
	if len(left) != 0 {
		t.Errorf("%d items are left, the first: %s", len(left), left[0])
	}
	records := slices.DeleteFunc(ledger, func(line string) bool {
		return !strings.Contains(line, "-"+mark+`"`) || !strings.Contains(line, `"statement":{"Value":"`)
	})
	counts := []string{}
	for _, record := range records {
		counts = append(counts, strings.Join(ofCounts.FindAllString(record, -1), " "))
	}
	slices.Sort(counts)
	if want := []string{`"deleted":{"Value":"1"`, `"deleted":{"Value":"31"`,
		`"deleted":{"Value":"31"`}; !slices.Equal(counts, want) {
		t.Errorf("%s: the records count %q, want %q: %s", mark, counts, want, strings.Join(records, "\n"))
	}
}

var ofCounts = regexp.MustCompile(`"deleted":\{"Value":"\d+"`)

// lived checks that no process of a function ended, and what they logged.
func (u *faultyStack) lived(t *testing.T) {
	t.Helper()
	for line := range strings.Lines(u.log.String()) {
		if strings.Contains(line, "Runtime exited") || strings.Contains(line, "timed out after") ||
			strings.Contains(line, `"msg":"panic"`) {
			t.Errorf("a process ended: %s", line)
		}
		if strings.Contains(line, "which on AWS would be reported to arn:") {
			continue // the local stream's own words, about a record that it gives up
		}
		if strings.Contains(line, "135****1111") || strings.Contains(line, "arn:aws:") {
			t.Errorf("DynamoDB's own words, which may quote a key, are in the log: %s", line)
		}
	}
}
