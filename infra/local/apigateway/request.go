package apigateway

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strings"
)

// How requests are read is RFC 9112's, whose sections the comments name. Where it leaves
// a choice, what two servers could read differently is refused.

const (
	maxHead = 64 << 10 // bytes of request line and headers that are read at all
	maxBody = 10 << 20 // API Gateway's payload limit
)

// field is one header line.
type field struct{ name, value string }

// request is one HTTP request as it came over the wire.
type request struct {
	method  string
	target  string // undecoded and in origin form: "/a%2Fb?c=d"
	proto   string // "HTTP/1.1"
	header  []field
	body    []byte          // once it has been received
	receive func() *refusal // reads the body, or says why not
	fault   *refusal        // why the head cannot be handled
	chunked bool            // how the body comes: in chunks,
	length  int             // or as so many bytes
	remote  string          // the client's address without its port
}

// get returns the first value of the header called name in any case.
func (r *request) get(name string) string {
	if values := r.all(name); values != nil {
		return values[0]
	}
	return ""
}

// all gives the values of every header line called name in any case.
func (r *request) all(name string) (values []string) {
	for _, f := range r.header {
		if strings.EqualFold(f.name, name) {
			values = append(values, f.value)
		}
	}
	return values
}

// lists tells whether the header called name, a list, has the member in any case.
func (r *request) lists(name, member string) bool {
	for element := range strings.SplitSeq(strings.Join(r.all(name), ","), ",") {
		if strings.EqualFold(strings.Trim(element, " \t"), member) {
			return true
		}
	}
	return false
}

// expects tells whether the client waits for "100 Continue" before it sends its body.
func (r *request) expects() bool {
	return r.proto != http10 && r.hasBody() && r.lists("Expect", "100-continue")
}

// closes tells whether the connection ends with the answer to this request (RFC 9112,
// 9.3).
func (r *request) closes() bool {
	return r.lists("Connection", "close") || r.proto == http10 && !r.lists("Connection", "keep-alive")
}

const http10 = "HTTP/1.0"

// readHead reads a request up to its body. A head that cannot be handled comes back with
// its fault; an error means that there is nothing to answer.
func readHead(br *bufio.Reader) (*request, error) {
	req := &request{}
	room := maxHead
	line, err := readLine(br, &room)
	for err == nil && line == "" { // section 2.2: empty lines before a request are skipped
		line, err = readLine(br, &room)
	}
	switch {
	case err == errTooLong:
		req.fault = &targetTooLong
		return req, nil
	case err != nil && line == "":
		return nil, err
	case err != nil:
		return req.cutOff(err)
	case !req.readStart(line):
		req.fault = &badRequest
		return req, nil
	}
	for {
		line, err := readLine(br, &room)
		if err != nil {
			return req.cutOff(err)
		}
		if line == "" {
			break
		}
		f, ok := readField(line)
		if !ok {
			req.fault = &badRequest
			return req, nil
		}
		req.header = append(req.header, f)
	}
	switch {
	case !req.readHost():
		req.fault = &badRequest
	case headerBytes(req) > maxHeaderBytes:
		req.fault = &headTooLarge
	default:
		req.fault = req.frame()
	}
	return req, nil
}

// cutOff notes why the head did not come to its end. When the connection is broken it
// gives err: nobody is left to answer.
func (r *request) cutOff(err error) (*request, error) {
	if r.fault = readFault(err); r.fault == nil {
		return nil, err
	}
	return r, nil
}

// readFault is what to answer to a request of which no more can be read; nil: nothing.
func readFault(err error) *refusal {
	switch {
	case err == errTooLong:
		return &headTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &requestTimeout
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF): // it may still read
		return &badRequest
	}
	return nil
}

// readField reads a header line or a trailer's; false when it is none. A folded line is
// none either: section 5.2 lets a server refuse it.
func readField(line string) (f field, ok bool) {
	name, value, ok := strings.Cut(line, ":")
	control := func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }
	if !ok || !isToken(name) || strings.ContainsFunc(value, control) {
		return field{}, false
	}
	return field{name, strings.Trim(value, " \t")}, true
}

var errTooLong = errors.New("request head too large")

// readLine reads a line without its end, and takes its length from room, the bytes that
// the head may still have. A CR within it is read as a space, as section 2.2 asks. With
// an error comes what there was of the line.
func readLine(br *bufio.Reader, room *int) (string, error) {
	var line []byte
	for {
		part, err := br.ReadSlice('\n')
		if *room -= len(part); *room < 0 {
			return "", errTooLong
		}
		line = append(line, part...)
		if err == bufio.ErrBufferFull {
			continue
		}
		text := strings.TrimSuffix(strings.TrimSuffix(string(line), "\n"), "\r")
		return strings.ReplaceAll(text, "\r", " "), err
	}
}

// isToken tells whether s can be a header's or a method's name (RFC 9110 section 5.6.2).
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
