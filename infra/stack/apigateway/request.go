package apigateway

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http/httputil"
	"strconv"
	"strings"
)

// The gateway reads HTTP/1.1 itself: net/http changes the case of header names and refuses targets that API Gateway
// passes on, and both reach functions as the client sent them.

const (
	maxHead = 64 << 10 // bytes of request line and headers that are read at all
	maxBody = 10 << 20 // API Gateway's payload limit
)

// field is one header line.
type field struct{ name, value string }

// request is one HTTP request as it came over the wire.
type request struct {
	method string
	target string // the request target, undecoded: "/a%2Fb?c=d"
	proto  string // "HTTP/1.1"
	header []field
	body   []byte
	// Set when the request cannot be handled; the connection is closed after the answer.
	tooLarge, headTooLarge, malformed bool
	remote                            string // the client's address without its port
}

// get returns the first value of the header called name in any case.
func (r *request) get(name string) string {
	for _, f := range r.header {
		if strings.EqualFold(f.name, name) {
			return f.value
		}
	}
	return ""
}

// readRequest reads one request. A request that is broken or too large comes back marked so; an error means that
// there is nothing to answer.
func readRequest(br *bufio.Reader, w io.Writer) (*request, error) {
	req := &request{}
	head := maxHead
	line, err := readLine(br, &head)
	for err == nil && line == "" { // RFC 9112 section 2.2: skip empty lines before a request
		line, err = readLine(br, &head)
	}
	if err != nil {
		return headError(req, err)
	}
	parts := strings.Split(line, " ")
	if len(parts) != 3 || parts[0] == "" || parts[1] == "" || !strings.HasPrefix(parts[2], "HTTP/1.") {
		req.malformed = true
		return req, nil
	}
	req.method, req.target, req.proto = parts[0], parts[1], parts[2]
	for {
		line, err := readLine(br, &head)
		if err != nil {
			return headError(req, err)
		}
		if line == "" {
			break
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || !isToken(name) || strings.ContainsRune(value, 0) {
			req.malformed = true // folded lines included: RFC 9112 section 5.2 lets a server refuse them
			return req, nil
		}
		req.header = append(req.header, field{name, strings.Trim(value, " \t")})
	}
	if strings.EqualFold(req.get("Expect"), "100-continue") && req.proto == "HTTP/1.1" {
		if _, err := io.WriteString(w, "HTTP/1.1 100 Continue\r\n\r\n"); err != nil {
			return nil, err
		}
	}
	return req, req.readBody(br)
}

var errHeadTooLarge = errors.New("request head too large")

func headError(req *request, err error) (*request, error) {
	if errors.Is(err, errHeadTooLarge) {
		req.headTooLarge = true
		return req, nil
	}
	return nil, err
}

// readLine reads a line without its end, taking its length from left.
func readLine(br *bufio.Reader, left *int) (string, error) {
	var line []byte
	for {
		part, err := br.ReadSlice('\n')
		if *left -= len(part); *left < 0 {
			return "", errHeadTooLarge
		}
		line = append(line, part...)
		if err == nil {
			return string(bytes.TrimSuffix(line[:len(line)-1], []byte("\r"))), nil
		}
		if err != bufio.ErrBufferFull {
			return "", err
		}
	}
}

// readBody reads the body by its framing. A request with both framings, or with two lengths, is a smuggling attempt.
func (r *request) readBody(br *bufio.Reader) error {
	var length, coding string
	for _, f := range r.header {
		switch {
		case strings.EqualFold(f.name, "Content-Length"):
			if length != "" && length != f.value {
				r.malformed = true
			}
			length = f.value
		case strings.EqualFold(f.name, "Transfer-Encoding"):
			if coding != "" {
				r.malformed = true
			}
			coding = f.value
		}
	}
	switch {
	case r.malformed, coding != "" && (length != "" || !strings.EqualFold(coding, "chunked")):
		r.malformed = true
		return nil
	case coding != "":
		body, err := io.ReadAll(io.LimitReader(httputil.NewChunkedReader(br), maxBody+1))
		switch {
		case len(body) > maxBody:
			r.tooLarge = true
			return nil
		case err != nil:
			return err
		}
		r.body = body
		trailer := maxHead
		for {
			line, err := readLine(br, &trailer)
			if err != nil || line == "" {
				return err
			}
		}
	case length != "":
		n, err := strconv.ParseUint(length, 10, 62)
		switch {
		case err != nil:
			r.malformed = true
			return nil
		case n > maxBody:
			r.tooLarge = true
			return nil
		}
		r.body = make([]byte, n)
		_, err = io.ReadFull(br, r.body)
		return err
	}
	return nil
}

// isToken tells whether s can be a header's name (RFC 9110 section 5.6.2).
func isToken(s string) bool {
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0:
			return false
		}
	}
	return s != ""
}
