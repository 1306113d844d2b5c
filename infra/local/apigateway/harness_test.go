package apigateway

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// harness is a gateway whose functions are Go functions.
type harness struct {
	addr string
	mu   sync.Mutex
	seen []map[string]any // events of all functions
	// answer is given by every function; nil: 200 without a body.
	answer func(function string, event map[string]any) (string, error)
	// clock is the gateway's: it stands still but for what a test adds.
	clock atomic.Int64
}

func (h *harness) now() time.Time { return time.Unix(0, h.clock.Load()) }

func (h *harness) advance(d time.Duration) { h.clock.Add(int64(d)) }

func (h *harness) invoke(ctx context.Context, function string, raw []byte) ([]byte, error) {
	var event map[string]any
	if err := json.Unmarshal(raw, &event); err != nil {
		return nil, err
	}
	h.mu.Lock()
	h.seen = append(h.seen, event)
	h.mu.Unlock()
	if h.answer == nil {
		return []byte(`{"statusCode":200}`), nil
	}
	type outcome struct {
		answer string
		err    error
	}
	done := make(chan outcome, 1)
	go func() {
		answer, err := h.answer(function, event)
		done <- outcome{answer, err}
	}()
	select {
	case o := <-done:
		return []byte(o.answer), o.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (h *harness) last() map[string]any {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.seen) == 0 {
		return nil
	}
	return h.seen[len(h.seen)-1]
}

func serve(t *testing.T, api API) *harness {
	t.Helper()
	h := &harness{}
	api.ID, api.Stage, api.Region, api.Account = "local", "v1", "us-east-1", "123456789012"
	if api.Routes == nil {
		api.Routes = []Route{{Method: "ANY", Path: "/", Function: "F"},
			{Method: "ANY", Path: "/{rest+}", Function: "F"}}
	}
	h.clock.Store(time.Now().UnixNano())
	api.Now = h.now
	g, err := New(api, h.invoke, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.addr = l.Addr().String()
	server := g.Serve(l)
	t.Cleanup(server.Close)
	return h
}

type reply struct {
	status int
	header http.Header
	body   string
}

// dial makes a connection that the test's end closes. Its deadline is only for a gateway
// that never answers.
func (h *harness) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", h.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(5 * time.Minute))
	return conn
}

// send writes raw bytes on a new connection and reads one response for each method named.
func (h *harness) send(t *testing.T, raw string, methods ...string) []reply {
	t.Helper()
	conn := h.dial(t)
	go io.WriteString(conn, raw)
	if methods == nil {
		methods = []string{"GET"}
	}
	var replies []reply
	br := bufio.NewReader(conn)
	for _, m := range methods {
		resp, err := http.ReadResponse(br, &http.Request{Method: m})
		if err != nil {
			t.Fatalf("response %d: %v", len(replies)+1, err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		replies = append(replies, reply{resp.StatusCode, resp.Header, string(body)})
	}
	return replies
}

func (h *harness) get(t *testing.T, target string, headers ...string) reply {
	t.Helper()
	return h.send(t, "GET "+target+" HTTP/1.1\r\nHost: x\r\n"+strings.Join(append(headers, "Connection: close"),
		"\r\n")+"\r\n\r\n")[0]
}

// equal compares JSON values by their Go form.
func equal(t *testing.T, what string, got any, want string) {
	t.Helper()
	b, _ := json.Marshal(got)
	if string(b) != want {
		t.Errorf("%s is %s, want %s", what, b, want)
	}
}
