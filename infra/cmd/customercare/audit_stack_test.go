package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"customercare/infra/auditlog"
	"customercare/infra/local/awsjson"
	"customercare/infra/testkit/cloudformationtest"
	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/metrictest"
	"customercare/shared/digest"
)

// insights stands in for CloudWatch Logs Insights: it carries out the one form of query
// that the command has, over these lines, page by page.
// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetQueryResults.html
type insights struct {
	mu       sync.Mutex
	lines    []logLine
	pageSize int
	refuses  map[string][]string // by action: the errors of the next calls, "" for none
	status   []string            // of the next looks, before Complete
	looks    chan struct{}       // not nil: gets one for each look at a query
	found    []logLine           // by the query
	queries  []startQuery
}

type logLine struct {
	at   time.Time // @timestamp
	text string
}

type startQuery struct {
	LogGroupName, QueryString string
	StartTime, EndTime        int64
	Limit                     int
}

var aQuery = regexp.MustCompile(`^fields @message \| filter msg = "audit" and (subject like /(.*)/|erasure = "(.*)")` +
	` \| sort @timestamp asc \| limit ([0-9]+)$`)

func (s *insights) answer(call awsjson.Call) (any, *awsjson.Refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if next := s.refuses[call.Action]; len(next) > 0 {
		s.refuses[call.Action] = next[1:]
		if next[0] != "" {
			return nil, &awsjson.Refusal{Type: next[0], Message: "words of the service about 1.feed"}
		}
	}
	switch call.Action {
	case "StartQuery":
		var q startQuery
		if refusal := call.Read(&q); refusal != nil {
			return nil, refusal
		}
		s.queries = append(s.queries, q)
		if q.LogGroupName != "/customercare/customercare/audit" {
			return nil, &awsjson.Refusal{Type: "ResourceNotFoundException"}
		}
		return map[string]string{"queryId": "a-query"}, s.carryOut(q)
	case "GetQueryResults":
		return s.look(call)
	}
	return nil, awsjson.UnknownOperation()
}

func (s *insights) carryOut(q startQuery) *awsjson.Refusal {
	parts := aQuery.FindStringSubmatch(q.QueryString)
	if parts == nil {
		return &awsjson.Refusal{Type: "MalformedQueryException"}
	}
	most, _ := strconv.Atoi(parts[4])
	for _, line := range s.lines {
		var fields struct{ Msg, Subject, Erasure string }
		_ = json.Unmarshal([]byte(line.text), &fields)
		matches := parts[2] != "" && regexp.MustCompile(parts[2]).MatchString(fields.Subject) ||
			parts[3] != "" && fields.Erasure == parts[3]
		if fields.Msg == "audit" && matches && line.at.Unix() >= q.StartTime && line.at.Unix() <= q.EndTime {
			s.found = append(s.found, line)
		}
	}
	slices.SortStableFunc(s.found, func(a, b logLine) int { return a.at.Compare(b.at) })
	s.found = s.found[:min(len(s.found), most, q.Limit)]
	return nil
}

func (s *insights) look(call awsjson.Call) (any, *awsjson.Refusal) {
	if s.looks != nil {
		s.looks <- struct{}{}
	}
	var in struct{ QueryId, NextToken string }
	if refusal := call.Read(&in); refusal != nil || in.QueryId != "a-query" {
		return nil, &awsjson.Refusal{Type: "ResourceNotFoundException"}
	}
	if len(s.status) > 0 {
		status := s.status[0]
		s.status = s.status[1:]
		return map[string]any{"status": status, "results": []any{}}, nil
	}
	from, _ := strconv.Atoi(in.NextToken)
	to := min(len(s.found), from+s.pageSize)
	rows := [][]map[string]string{}
	for _, line := range s.found[from:to] {
		rows = append(rows, []map[string]string{{"field": "@message", "value": line.text}, {"field": "@ptr", "value": "p"}})
	}
	out := map[string]any{"status": "Complete", "results": rows}
	if to < len(s.found) {
		out["nextToken"] = strconv.Itoa(to)
	}
	return out, nil
}

// serve leads the commands to the stand-in, on a stack that has both keys.
func (s *insights) serve(t *testing.T) *insights {
	t.Helper()
	if s.pageSize == 0 {
		s.pageSize = 10_000
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := awsjson.Serve(listener, "Logs_20140328", s.answer)
	t.Cleanup(server.Close)
	keysSecret(t, dynamotest.Open(t), bothKeys, "2")
	t.Setenv("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", server.URL)
	return s
}

// told is an audit line about the subjects with these digests. CloudWatch has it two
// seconds later.
func told(at time.Time, principal, digests string) logLine {
	return logLine{at.Add(2 * time.Second), fmt.Sprintf(`{"time":%q,"level":"INFO","msg":"audit","operation":"delete-customer-info",`+
		`"principal":%q,"kind":"operator","did":"questions reset","subjects":1,"subject":%q,"outcome":"served","status":200,`+
		`"erasure":"20261127T055744Z-0123456789abcdef"}`, at.Format(time.RFC3339Nano), principal, digests)}
}

// digestOf is the digest of the user 4711 under a key.
func digestOf(t *testing.T, key string) string {
	t.Helper()
	all := digest.Digester{Current: key, Keys: map[string][]byte{"1": []byte(firstKey), "2": []byte(secondKey)}}
	return all.Of(digest.Message("user", "4711"))
}

// A stack's calls are found under every key, page by page, by whole digests and by the
// exact time; and the query names nobody.
func TestAuditOfAStack(t *testing.T) {
	tuesday := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	first, second := digestOf(t, "1"), digestOf(t, "2")
	s := (&insights{pageSize: 2, status: []string{"Scheduled", "Running", "Unknown"}, lines: []logLine{
		told(tuesday.Add(24*time.Hour-time.Millisecond), "late", "1.aa "+second),
		told(tuesday, "early", first),
		told(tuesday.Add(-time.Millisecond), "monday", first),
		told(tuesday.Add(24*time.Hour), "wednesday", first),
		told(tuesday.Add(time.Hour), "longer", first+"0"),
		told(tuesday.Add(time.Hour), "nobody", "1.aa"),
		told(tuesday.Add(2*time.Hour), "middle", second),
		{tuesday.Add(time.Hour), `{"msg":"other","subject":"` + first + `"}`},
	}}).serve(t)
	r := call(t, "4711", "audit", "--subject", "-", "--since", "2026-11-24", "--until", "2026-11-25", "--json")
	got := []string{}
	for line := range strings.Lines(r.out) {
		var c auditlog.Call
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatal(err)
		}
		got = append(got, c.Principal)
	}
	if want := []string{"early", "middle", "late"}; r.code != 0 || r.errs != "" || !slices.Equal(got, want) {
		t.Errorf("%q, want %q: %s", got, want, r)
	}
	q := s.queries[0]
	escaped := strings.Replace(second, ".", `\.`, 1) + "|" + strings.Replace(first, ".", `\.`, 1)
	if len(s.queries) != 1 || !strings.Contains(q.QueryString, "/"+escaped+"/") || strings.Contains(q.QueryString, "4711") || q.StartTime > tuesday.Unix() ||
		q.StartTime < tuesday.Add(-time.Hour).Unix() || q.EndTime < tuesday.Add(24*time.Hour).Unix() {
		t.Errorf("%+v", s.queries)
	}
}

// By an erasure no key is read, and without times all is asked that the stack keeps.
func TestAuditOfAnErasureOfAStack(t *testing.T) {
	now := time.Now()
	s := (&insights{lines: []logLine{told(now.Add(-time.Hour), "csr", "9.bb"), told(now.Add(-time.Hour), "csr2", "9.bb")}}).serve(t)
	t.Setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:1")
	const id = "20261127T055744Z-0123456789abcdef"
	r := call(t, "", "audit", "--erasure", id, "--principal", "csr2")
	r.is(t, 0, "")
	if strings.Count(r.out, "\n") != 2 || !strings.Contains(r.out, " csr2 ") || r.errs != "" {
		t.Error(r)
	}
	if from := time.Unix(s.queries[0].StartTime, 0); now.Sub(from) < 731*24*time.Hour || now.Sub(from) > 732*24*time.Hour {
		t.Errorf("asked from %s", from)
	}
	call(t, "", "audit", "--erasure", strings.Replace(id, "f", "e", 1)).is(t, 0,
		"no call for this erasure is found in the audit of the stack customercare, AWS eu-west-1, from ")
}

// Insights gives no more than so many rows, and whoever asked is told.
func TestAuditTellsThatThereMayBeMore(t *testing.T) {
	s := &insights{pageSize: 7000}
	line := told(time.Now().Add(-time.Hour), "csr", digestOf(t, "1"))
	for range auditlog.Most + 1 {
		s.lines = append(s.lines, line)
	}
	s.serve(t)
	r := call(t, "", "audit", "--subject", "4711", "--json")
	r.is(t, 0, "there may be more calls: 10000 were read, which is the most; set --since and --until")
	if n := strings.Count(r.out, "\n"); n != auditlog.Most {
		t.Errorf("%d calls", n)
	}
}

// What goes wrong at CloudWatch Logs is a sentence of ours, with nothing of the service's
// own words, and what may pass is waited for.
func TestAuditOfAStackThatCannotBeAsked(t *testing.T) {
	always := slices.Repeat([]string{"LimitExceededException"}, 20)
	for name, test := range map[string]struct {
		code    int
		says    string
		action  string
		refuses []string
		status  string
	}{
		"throttled for a moment": {0, "no call about this user is found", "GetQueryResults", slices.Repeat([]string{"ThrottlingException"}, 4), ""},
		"start throttled once":   {0, "no call about this user is found", "StartQuery", []string{"ThrottlingException"}, ""},
		"too many queries":       {1, "takes no more queries at this moment: try again in a minute", "StartQuery", always, ""},
		"malformed":              {1, "CloudWatch Logs refuses the query: most often because --until", "StartQuery", []string{"MalformedQueryException"}, ""},
		"no such group":          {1, "the log group /customercare/customercare/audit is not there", "StartQuery", []string{"ResourceNotFoundException"}, ""},
		"denied":                 {1, "the log group /customercare/customercare/audit is closed to these credentials (AccessDeniedException)", "StartQuery", []string{"AccessDeniedException"}, ""},
		"results denied":         {1, "is closed to these credentials (AccessDeniedException)", "GetQueryResults", []string{"AccessDeniedException"}, ""},
		"failed":                 {1, "CloudWatch Logs could not carry the query out: call this again", "", nil, "Failed"},
		"cancelled":              {1, "somebody has cancelled the query in CloudWatch Logs: call this again", "", nil, "Cancelled"},
		"timeout":                {1, "the query took longer than CloudWatch Logs lets one take", "", nil, "Timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &insights{refuses: map[string][]string{test.action: test.refuses}}
			if test.status != "" {
				s.status = []string{"Running", test.status}
			}
			s.serve(t)
			r := call(t, "", "audit", "--subject", "4711")
			r.is(t, test.code, test.says)
			if r.out != "" || strings.Contains(r.errs, "words of the service") || metrictest.Names(r.errs, "4711") {
				t.Error(r)
			}
		})
	}
}

// Ctrl-C ends the wait for a query.
func TestCtrlCEndsTheWaitForAQuery(t *testing.T) {
	s := &insights{looks: make(chan struct{}), status: slices.Repeat([]string{"Running"}, 1000)}
	s.serve(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "audit", "--subject", "4711")
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-s.looks
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	go func() { // a look may be on its way
		for range s.looks {
		}
	}()
	_ = cmd.Wait()
	r := result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
	r.is(t, 130, "customercare: interrupted\n")
}

// A stack from before the audit is told, and not asked.
func TestAuditOfAStackWithoutOne(t *testing.T) {
	(&insights{}).serve(t)
	tables := map[string]string{}
	for _, name := range []string{"Users", "Customers", "Contacts", "Principals", "Erasures", "Log", "Holds", "Rules"} {
		tables[name] = name
	}
	cloudformationtest.Serve(t, cloudformationtest.Stack{
		Name: "customercare", Status: "CREATE_COMPLETE", Resources: append(cloudformationtest.Tables(tables),
			cloudformationtest.Resource{LogicalID: "AuditLogs", PhysicalID: "g", Type: "AWS::Logs::LogGroup", Status: "DELETE_SKIPPED"}),
	})
	call(t, "", "audit", "--subject", "4711", "--stack", "customercare").is(t, 1, "has no log group AuditLogs")
}

// Whoever is at a terminal is asked for the identifier, which is not shown; standard
// input gives it as one line.
func TestTheSubjectIsRead(t *testing.T) {
	(&insights{lines: []logLine{told(time.Now().Add(-time.Hour), "csr", digestOf(t, "2"))}}).serve(t)
	said, code := onTerminal(t, []string{"4711\r"}, "audit", "--subject", "-")
	if code != 0 || !strings.Contains(said, "Identifier: ") || !strings.Contains(said, " csr ") || metrictest.Names(said, "4711") {
		t.Errorf("exit %d: %s", code, said)
	}
	if r := call(t, "4711\r\n", "audit", "--subject", "-"); r.code != 0 || !strings.Contains(r.out, " csr ") {
		t.Error(r)
	}
	for _, input := range []string{"", "\n", "4711\n4712\n"} {
		call(t, input, "audit", "--subject", "-").is(t, 2, "which must have the identifier as its one line")
	}
}
