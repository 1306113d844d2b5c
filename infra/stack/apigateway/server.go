package apigateway

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// idleTime is how long a connection may wait for its next request.
const idleTime = 60 * time.Second

// response is what goes back. Content-Length, Date and Connection are added.
type response struct {
	status int
	header []field
	body   []byte
}

// Server serves HTTP/1.1 on one listener.
type Server struct {
	handle   func(*request) *response
	listener net.Listener
	mu       sync.Mutex
	conns    map[net.Conn]bool
	closed   bool
	busy     sync.WaitGroup
}

// Serve answers requests that come through l until Close.
func (g *Gateway) Serve(l net.Listener) *Server {
	s := &Server{handle: g.serve, listener: l, conns: map[net.Conn]bool{}}
	s.busy.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if s.track(conn) {
				s.busy.Go(func() { s.serveConn(conn) })
			}
		}
	})
	return s
}

func (s *Server) track(conn net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		conn.Close()
		return false
	}
	s.conns[conn] = true
	return true
}

// Close stops listening and cuts every connection.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	s.listener.Close()
	for conn := range s.conns {
		conn.Close()
	}
	s.mu.Unlock()
	s.busy.Wait()
}

func (s *Server) serveConn(conn net.Conn) {
	defer func() {
		conn.Close()
		s.mu.Lock()
		delete(s.conns, conn)
		s.mu.Unlock()
	}()
	remote, _, _ := net.SplitHostPort(conn.RemoteAddr().String())
	for br := bufio.NewReaderSize(conn, 16<<10); ; {
		conn.SetReadDeadline(time.Now().Add(idleTime))
		req, err := readRequest(br, conn)
		if err != nil {
			return // the client went away, or never said anything we could answer
		}
		conn.SetReadDeadline(time.Time{})
		req.remote = remote
		resp := s.handle(req)
		last := req.tooLarge || req.headTooLarge || req.malformed || req.proto == "HTTP/1.0" ||
			strings.Contains(strings.ToLower(req.get("Connection")), "close")
		if err := writeResponse(conn, req, resp, last); err != nil {
			return
		}
		if last {
			// A client that is still sending must be able to read the answer: closing now would reset it.
			if tcp, ok := conn.(*net.TCPConn); ok && req.tooLarge {
				tcp.CloseWrite()
				conn.SetReadDeadline(time.Now().Add(5 * time.Second))
				_, _ = io.CopyN(io.Discard, br, 16*maxBody)
			}
			return
		}
	}
}

func writeResponse(w io.Writer, req *request, resp *response, last bool) error {
	var b bytes.Buffer
	text := http.StatusText(resp.status)
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\nDate: %s\r\n", resp.status, text, time.Now().UTC().Format(http.TimeFormat))
	for _, f := range resp.header {
		fmt.Fprintf(&b, "%s: %s\r\n", f.name, oneLine.Replace(f.value))
	}
	bodyless := resp.status == http.StatusNoContent || resp.status == http.StatusNotModified
	if !bodyless {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(resp.body))
	}
	connection := "keep-alive"
	if last {
		connection = "close"
	}
	fmt.Fprintf(&b, "Connection: %s\r\n\r\n", connection)
	if !bodyless && req.method != http.MethodHead {
		b.Write(resp.body)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// oneLine keeps a function's header value from ending the header.
var oneLine = strings.NewReplacer("\r", " ", "\n", " ")
