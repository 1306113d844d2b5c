package apigateway

import (
	"bufio"
	"bytes"
	"context"
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
	open     context.Context // ends with Close
	stop     context.CancelFunc
	busy     sync.WaitGroup // the loop that accepts, and every connection
}

// Serve answers requests that come through l until Close.
func (g *Gateway) Serve(l net.Listener) *Server {
	s := &Server{handle: g.serve, listener: l}
	s.open, s.stop = context.WithCancel(context.Background())
	s.busy.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.busy.Go(func() { s.serveConn(conn) })
		}
	})
	return s
}

// Close stops listening and cuts every connection.
func (s *Server) Close() {
	s.stop()
	s.listener.Close()
	s.busy.Wait()
}

func (s *Server) serveConn(conn net.Conn) {
	defer conn.Close()
	defer context.AfterFunc(s.open, func() { conn.Close() })()
	remote, _, _ := net.SplitHostPort(conn.RemoteAddr().String())
	for br := bufio.NewReaderSize(conn, 16<<10); ; {
		conn.SetReadDeadline(time.Now().Add(idleTime))
		req, err := readHead(br)
		if err != nil {
			return // the client went away, or never said anything we could answer
		}
		req.remote = remote
		if !s.answer(conn, br, req) {
			linger(conn, br)
			return
		}
	}
}

// answer has the request handled and writes the answer; false when nothing can follow it
// on this connection.
func (s *Server) answer(conn net.Conn, br *bufio.Reader, req *request) (more bool) {
	asked := false
	req.receive = func() *refusal {
		asked = true
		conn.SetReadDeadline(time.Now().Add(idleTime))
		if req.expects() {
			if _, err := io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\n"); err != nil {
				return &badRequest
			}
		}
		if req.fault = req.readBody(br); req.fault == nil {
			conn.SetReadDeadline(time.Time{})
		}
		return req.fault
	}
	// What came over the wire counts: X-HTTP-Method-Override changes no framing.
	isHead := req.method == http.MethodHead
	resp := s.handle(req)
	// A request refused for its head may have a body all the same. Who waits for "100
	// Continue" may send it or not: nobody can tell then what the next bytes are.
	if !asked && req.fault == nil && !req.expects() {
		req.receive()
	}
	more = req.fault == nil && (asked || !req.expects()) && !req.closes()
	return writeResponse(conn, resp, isHead, more) == nil && more
}

// linger lets a client that is still sending read the answer: closing at once would reset
// the connection (RFC 9112, 9.6).
func linger(conn net.Conn, br *bufio.Reader) {
	if tcp, ok := conn.(*net.TCPConn); ok && tcp.CloseWrite() == nil {
		conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		_, _ = io.CopyN(io.Discard, br, 16*maxBody)
	}
}

// writeResponse writes an answer: without its body to HEAD; more says that the connection
// stays open.
func writeResponse(w io.Writer, resp *response, isHead, more bool) error {
	var b bytes.Buffer
	text := http.StatusText(resp.status)
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\nDate: %s\r\n", resp.status, text, time.Now().UTC().Format(http.TimeFormat))
	for _, f := range resp.header {
		fmt.Fprintf(&b, "%s: %s\r\n", f.name, oneLine(f.value))
	}
	if resp.status == http.StatusResetContent {
		resp.body = nil // and a length of 0 (RFC 9110, 15.3.6)
	}
	bodyless := resp.status == http.StatusNoContent || resp.status == http.StatusNotModified
	if !bodyless {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(resp.body))
	}
	connection := "close"
	if more {
		connection = "keep-alive"
	}
	fmt.Fprintf(&b, "Connection: %s\r\n\r\n", connection)
	if !bodyless && !isHead {
		b.Write(resp.body)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// oneLine keeps a function's header value from ending the header, and control characters
// out of it.
func oneLine(value string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' && c != '\t' || c == 0x7f {
			return ' '
		}
		return c
	}, value)
}
