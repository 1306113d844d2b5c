package apigateway

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
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
	method := req.method
	resp := s.handle(req)
	// A request refused for its head may have a body all the same. Who waits for "100
	// Continue" may send it or not: nobody can tell then what the next bytes are.
	if !asked && req.fault == nil && !req.expects() {
		req.receive()
	}
	more = req.fault == nil && (asked || !req.expects()) && !req.closes()
	return writeResponse(conn, resp, method, more) == nil && more
}

// linger lets a client that is still sending read the answer: closing at once would reset
// the connection (RFC 9112, 9.6).
func linger(conn net.Conn, br *bufio.Reader) {
	if tcp, ok := conn.(*net.TCPConn); ok && tcp.CloseWrite() == nil {
		conn.SetReadDeadline(time.Now().Add(5 * time.Second))
		_, _ = io.CopyN(io.Discard, br, 16*maxBody)
	}
}

// writeResponse writes an answer to a request with this method: without its body to HEAD;
// more says that the connection stays open. Header names stay as they are, and a value
// that a function chose cannot end its line: http.Response sees to that.
func writeResponse(w io.Writer, resp *response, method string, more bool) error {
	header := http.Header{"Date": {time.Now().UTC().Format(http.TimeFormat)}}
	if more {
		header.Set("Connection", "keep-alive")
	}
	for _, f := range resp.header {
		header[f.name] = append(header[f.name], f.value)
	}
	switch resp.status {
	case http.StatusNoContent, http.StatusResetContent, http.StatusNotModified: // RFC 9110, 15.3.6 for the second
		resp.body = nil
	}
	whole := http.Response{
		StatusCode: resp.status, ProtoMajor: 1, ProtoMinor: 1, Header: header, Close: !more,
		ContentLength: int64(len(resp.body)), Body: io.NopCloser(bytes.NewReader(resp.body)),
		Request: &http.Request{Method: method},
	}
	var b bytes.Buffer // so that the answer goes out in one piece
	if err := whole.Write(&b); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}
