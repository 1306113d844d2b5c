package bench_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
)

// recorder passes requests on to DynamoDB and keeps what they are.
type recorder struct {
	*httptest.Server
	mu    sync.Mutex
	calls []recordedCall
}

// recordedCall is a request to DynamoDB that was answered; infra/bench/floor/warm reads
// it.
type recordedCall struct {
	Operation string
	Body      json.RawMessage
	Refused   bool // the answer is an error, such as a condition that does not hold
}

// record starts a recorder in front of the engine at endpoint. Its caller closes it.
func record(endpoint string) (*recorder, error) {
	to, err := url.Parse(endpoint)
	if err != nil {
		return nil, err
	}
	r := &recorder{}
	pass := httputil.NewSingleHostReverseProxy(to) // no engine looks at the signature
	pass.Transport = r
	r.Server = httptest.NewServer(pass)
	return r, nil
}

// RoundTrip passes a request on. One without an answer is no call: who made it is told.
func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return nil, err
	}
	request.Body = io.NopCloser(bytes.NewReader(body))
	answer, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	_, operation, _ := strings.Cut(request.Header.Get("X-Amz-Target"), ".")
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, recordedCall{operation, body, answer.StatusCode != http.StatusOK})
	return answer, nil
}

// take gives the calls since the last time.
func (r *recorder) take() []recordedCall {
	r.mu.Lock()
	defer r.mu.Unlock()
	calls := r.calls
	r.calls = nil
	return calls
}
