// Package units counts what each operation asks of DynamoDB, with the real binaries on
// the whole local stack: round trips, read units and write units. The counts are the same
// on every machine. infra/bench/units.json has them, and the tests fail while it says
// something else: UPDATE=1 go test ./infra/test/units writes it anew.
package units

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"

	"customercare/infra/local/awsjson"
	"customercare/infra/local/template"
)

// Trip is one round trip to DynamoDB.
type Trip struct {
	Function   string // its folder in functions/
	Invocation string // its X-Ray trace id, which the SDK sends along in Lambda; "" at a process's start
	Action     string // "Query"
	Index      bool   // it reads an index
	On         []Use  // one for each table, in the order in which the call names them
}

// Use is what a call takes of one table.
type Use struct {
	Table   string // its name in the template
	Items   int    // that the call names; 0 for a Query or a Scan
	Reads   float64
	Writes  float64 // of the table itself
	InIndex float64 // write units of its indexes
}

// Meter is a proxy in front of an engine that counts. It asks for ReturnConsumedCapacity
// in every call and takes that for the count, but where an engine differs from DynamoDB
// (docs/engines.md), whose rules count then:
//
//   - A Query or Scan that finds nothing: DynamoDB Local reports 0 units; the rule is 1,
//     or 0.5 when eventually consistent.
//   - An absent item in BatchGetItem: DynamoDB Local reports 0; the rule is as for a
//     small one.
//   - An absent item that BatchWriteItem deletes: DynamoDB Local reports 2; the rule is
//     1.
//   - TransactWriteItems: DynamoDB Local reports four times what the same writes cost
//     alone, indexes included. The rule is twice for the table, a ConditionCheck being a
//     write, and once for an index (the documentation says nothing of indexes; real
//     DynamoDB was seen to charge so: github.com/nubo-db/dynoxide, pull request 188).
//   - A write that a condition refuses reports nothing; the rule is the item that stands
//     there, 1 at least. Of a cancelled transaction, every action counts as if it had
//     been done to the items that stand there.
//
// For batches and transactions the meter looks at the items before and after, past the
// count; nobody else may write them meanwhile.
type Meter struct {
	URL string // where functions find their DynamoDB

	next      *http.Transport
	server    *http.Server
	mu        sync.Mutex
	functions map[string]string // by access key id
	tables    map[string]table  // by name in DynamoDB
	calls     []Trip
	underWay  int
	failed    error
}

// NewMeter starts a meter in front of the engine at endpoint.
func NewMeter(endpoint string) (*Meter, error) {
	target, err := url.Parse(endpoint)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	m := &Meter{
		URL:  "http://" + listener.Addr().String(),
		next: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true},
	}
	m.server = &http.Server{Handler: &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = target.Scheme, target.Host, r.In.Host
		},
		Transport: m,
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) {
			panic(http.ErrAbortHandler) // a lost answer is a broken connection
		},
	}}
	go func() { _ = m.server.Serve(listener) }()
	return m, nil
}

// Know tells the meter who calls and what tables there are. What is called before is not
// counted.
func (m *Meter) Know(t *template.Template) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.functions, m.tables = map[string]string{}, map[string]table{}
	for _, f := range t.Functions {
		m.functions[f.AccessKeyID()] = f.Folder
	}
	for _, t := range t.Tables {
		m.tables[t.Name] = newTable(t)
	}
}

// Close ends the meter.
func (m *Meter) Close() {
	m.server.Close()
	m.next.CloseIdleConnections()
}

// Take is all calls since the last Take, in the order of their answers, once none is
// under way any more. Calls at a process's start are left out. An error is a call that
// could not be counted.
func (m *Meter) Take(ctx context.Context) ([]Trip, error) {
	for {
		m.mu.Lock()
		if m.underWay == 0 {
			calls, err := m.calls, m.failed
			m.calls, m.failed = nil, nil
			m.mu.Unlock()
			return calls, err
		}
		m.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// RoundTrip passes a call on and counts it.
func (m *Meter) RoundTrip(r *http.Request) (*http.Response, error) {
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	m.mu.Lock()
	call := Trip{
		Function:   m.functions[awsjson.AccessKeyID(r)],
		Invocation: r.Header.Get("X-Amzn-Trace-Id"),
		Action:     action,
	}
	counts := m.tables != nil && call.Function != "" && call.Invocation != ""
	if counts {
		m.underWay++
		defer func() {
			m.mu.Lock()
			m.underWay--
			m.mu.Unlock()
		}()
	}
	m.mu.Unlock()
	if !counts {
		return m.next.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	answer, said, err := m.counted(r, body, &call)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		m.failed = errors.Join(m.failed, fmt.Errorf("%s of %s is not counted: %w", call.Action, call.Function, err))
	}
	if answer == nil {
		return nil, err
	}
	m.calls = append(m.calls, call)
	answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(said)), int64(len(said))
	return answer, nil
}

// counted makes the call, whose body was read, and fills in what it takes.
func (m *Meter) counted(r *http.Request, body []byte, call *Trip) (answer *http.Response, said []byte, err error) {
	var asked asked
	if err := json.Unmarshal(body, &asked); err != nil {
		return nil, nil, err
	}
	call.Index = asked.IndexName != ""
	places, err := m.places(&asked)
	if err != nil {
		return nil, nil, err
	}
	byRule := call.Action == "BatchWriteItem" || call.Action == "TransactWriteItems"
	var before map[string]item
	if byRule {
		if before, err = m.look(r, places); err != nil {
			return nil, nil, err
		}
	}
	answer, said, err = m.send(r, call.Action, body)
	if err != nil {
		return nil, nil, err
	}
	refused, byCondition := answer.StatusCode != http.StatusOK, false
	for _, kind := range []string{"ConditionalCheckFailedException", "TransactionCanceledException"} {
		byCondition = byCondition || bytes.Contains(said, []byte(kind))
	}
	switch {
	case refused && !byCondition:
		err = fmt.Errorf("status %d: %s", answer.StatusCode, said) // none of the scenario's calls ends so
	case byRule:
		after := before
		if !refused {
			if after, err = m.look(r, remaining(places)); err != nil {
				return answer, said, err
			}
		}
		err = m.ruled(call, places, before, after)
	case !refused && call.Action == "BatchGetItem":
		var stands map[string]item
		if stands, err = m.look(r, places); err == nil {
			err = m.batchGot(call, &asked, places, stands)
		}
	case refused:
		var stands map[string]item
		if stands, err = m.look(r, places); err == nil {
			err = m.ruled(call, places, stands, stands)
		}
	default:
		err = m.reported(call, &asked, places, said)
	}
	return answer, said, err
}

// send makes a call with the headers of r and body, which it makes return what it
// consumes.
func (m *Meter) send(r *http.Request, action string, body []byte) (*http.Response, []byte, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil {
		return nil, nil, err
	}
	fields["ReturnConsumedCapacity"] = json.RawMessage(`"INDEXES"`)
	body, err := json.Marshal(fields)
	if err != nil {
		return nil, nil, err
	}
	again := r.Clone(r.Context()) // its signature no longer fits; no engine looks at it
	again.Header.Set("X-Amz-Target", "DynamoDB_20120810."+action)
	again.Body, again.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	answer, err := m.next.RoundTrip(again)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	return answer, said, err
}
