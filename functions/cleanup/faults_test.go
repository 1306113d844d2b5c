package main

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
)

// panicking is a transport that panics at one UpdateItem.
type panicking struct {
	next http.RoundTripper
	mu   sync.Mutex
	at   int
}

func (p *panicking) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".UpdateItem") {
		p.mu.Lock()
		p.at--
		now := p.at == 0
		p.mu.Unlock()
		if now {
			panic("user-0001")
		}
	}
	return p.next.RoundTrip(r)
}

// unreadable is a transport that refuses calls whose body holds a text.
type unreadable struct {
	next http.RoundTripper
	text string
}

func (u unreadable) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if !strings.Contains(string(body), u.text) {
		return u.next.RoundTrip(r)
	}
	return &http.Response{
		StatusCode: http.StatusBadRequest, ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body:   io.NopCloser(strings.NewReader(`{"__type":"com.amazonaws.dynamodb.v20120810#AccessDeniedException"}`)),
	}, nil
}

// meeting is a transport that answers no UpdateItem before as many have come as may be
// under way.
type meeting struct {
	next       http.RoundTripper
	all        chan struct{}
	mu         sync.Mutex
	busy, most int
}

func (m *meeting) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".UpdateItem") {
		return m.next.RoundTrip(r)
	}
	m.mu.Lock()
	m.busy++
	if m.most = max(m.most, m.busy); m.busy == sweepParts*removalsAtOnce && m.most == m.busy {
		select {
		case <-m.all:
		default:
			close(m.all)
		}
	}
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		m.busy--
		m.mu.Unlock()
	}()
	select {
	case <-m.all:
		return m.next.RoundTrip(r)
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// counter is a transport that counts the pages that are asked for, and does something at
// the nth call of an action.
type counter struct {
	next   http.RoundTripper
	action string
	nth    int
	do     func()

	mu           sync.Mutex
	pages, calls int
}

func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	c.mu.Lock()
	if action == "Scan" {
		c.pages++
	}
	if action == c.action {
		if c.calls++; c.calls == c.nth {
			c.do()
		}
	}
	c.mu.Unlock()
	return c.next.RoundTrip(r)
}

// hanging is a transport to a DynamoDB that never answers for some segments; once all of
// those are asked for, there is no time left.
type hanging struct {
	next     http.RoundTripper
	segments []string

	mu     sync.Mutex
	asked  int
	timeUp func()
}

// begin begins a run whose time is up when timeUp is called.
func (h *hanging) begin(timeUp func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked, h.timeUp = 0, timeUp
}

func (h *hanging) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	for _, segment := range h.segments {
		if strings.Contains(string(body), segment) {
			h.mu.Lock()
			if h.asked++; h.asked == len(h.segments) {
				h.timeUp()
			}
			h.mu.Unlock()
			<-r.Context().Done()
			return nil, r.Context().Err()
		}
	}
	return h.next.RoundTrip(r)
}
