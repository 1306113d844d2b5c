package chaos

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
)

// calls stands between the functions and DynamoDB in the process that is killed, and does
// what the test says on its standard input. So a life ends at a moment that is told in
// calls, whatever the machine does besides, and a function can be made to wait:
//
//	die N       kills the process, and all with it, at the Nth call from now: before the
//	            call is made, or before it is answered
//	hold A B    lets calls of the functions in these folders wait
//	go          lets all go on
type calls struct {
	next http.Handler

	mu    sync.Mutex
	left  int // calls until it dies; 0: it does not
	held  []string
	going chan struct{} // closed when held may go on
}

// before serves calls to the DynamoDB at endpoint, and gives its address.
func (c *calls) before(endpoint string) (address string, end func(), err error) {
	to, err := url.Parse(endpoint)
	if err != nil {
		return "", nil, err
	}
	c.next = &httputil.ReverseProxy{
		// The Host header is part of the signature and stays as it is.
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = to.Scheme, to.Host, r.In.Host
		},
		Transport:    &http.Transport{MaxIdleConnsPerHost: 64},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	server := httptest.NewServer(c)
	return server.URL, server.Close, nil
}

func (c *calls) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	dies := c.left == 1
	c.left = max(0, c.left-1)
	var wait chan struct{}
	if slices.ContainsFunc(c.held, func(key string) bool {
		return strings.Contains(r.Header.Get("Authorization"),
			key+"/")
	}) {
		wait = c.going
	}
	c.mu.Unlock()
	if wait != nil {
		select {
		case <-wait:
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
	if dies && rand.IntN(2) == 0 {
		die()
	}
	if dies {
		c.next.ServeHTTP(httptest.NewRecorder(), r)
		die()
	}
	c.next.ServeHTTP(w, r)
}

// die ends this process as a power cut would.
func die() {
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Kill()
	}
	select {}
}

// obey does what r says until it ends.
func (c *calls) obey(r io.Reader) {
	for lines := bufio.NewScanner(r); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) == 0 {
			continue
		}
		c.mu.Lock()
		switch words[0] {
		case "die":
			_, _ = fmt.Sscan(words[1], &c.left)
		case "hold":
			c.held, c.going = nil, make(chan struct{})
			for _, folder := range words[1:] {
				c.held = append(c.held, accessKey(folder))
			}
		case "go":
			c.held = nil
			close(c.going)
		}
		c.mu.Unlock()
		fmt.Println("done", words[0])
	}
}
