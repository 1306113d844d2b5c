package warm

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"

	"customercare/infra/bench/program"
	"customercare/infra/bench/setup"
)

// call is a request to DynamoDB.
type call struct {
	operation string
	bytes     int // of its body
}

// recorder passes requests on to DynamoDB and keeps what they were.
type recorder struct {
	*httptest.Server
	mu    sync.Mutex
	calls []call
}

func record(endpoint string) (*recorder, error) {
	to, err := url.Parse(endpoint)
	if err != nil {
		return nil, err
	}
	r := &recorder{}
	// The signature is over the host that was asked; DynamoDB Local does not look at it.
	pass := httputil.NewSingleHostReverseProxy(to)
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		_, operation, _ := strings.Cut(request.Header.Get("X-Amz-Target"), ".")
		r.mu.Lock()
		r.calls = append(r.calls, call{operation, len(body)})
		r.mu.Unlock()
		request.Body = io.NopCloser(bytes.NewReader(body))
		pass.ServeHTTP(w, request)
	}))
	return r, nil
}

// take gives the calls since the last time.
func (r *recorder) take() []call {
	r.mu.Lock()
	defer r.mu.Unlock()
	calls := r.calls
	r.calls = nil
	return calls
}

// sameCalls looks whether the floor is one: one invocation of it makes the same calls as one of the function, with requests
// of about the same length.
func (o operation) sameCalls(ctx context.Context, s setup.Setup, stage *program.Stage) error {
	recorder, err := record(s.Endpoint)
	if err != nil {
		return err
	}
	defer recorder.Close()
	sides, end, err := o.start(ctx, stage, recorder.URL)
	if err != nil {
		return err
	}
	defer end()
	var made [2][]call
	for i, side := range sides {
		recorder.take() // what its start did
		if _, err := side.call(ctx, 0); err != nil {
			return err
		}
		made[i] = recorder.take()
	}
	if !slices.EqualFunc(made[0], made[1], alike) {
		return fmt.Errorf("it makes the calls (and bytes) %v, the floor %v", made[0], made[1])
	}
	return nil
}

// alike allows for names that are longer by a word or two.
func alike(a, b call) bool {
	return a.operation == b.operation && a.bytes <= b.bytes+b.bytes/8 && b.bytes <= a.bytes+a.bytes/8
}
