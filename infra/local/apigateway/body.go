package apigateway

import (
	"bufio"
	"cmp"
	"io"
	"net/http/httputil"
	"strconv"
	"strings"
)

// frame reads from the head how the body comes (RFC 9112, section 6), or says how to
// refuse the request. One that is framed in both ways, or has two lengths, is refused: a
// server behind could see another end of it, and so another next request.
func (r *request) frame() *refusal {
	codings, lengths := r.all("Transfer-Encoding"), r.all("Content-Length")
	switch {
	case len(codings) > 0 && (len(lengths) > 0 || r.proto == http10):
		return &badRequest
	case len(codings) > 0:
		return r.frameChunks(strings.Join(codings, ","))
	case len(lengths) == 0:
		return nil
	}
	for _, length := range lengths {
		if length == "" || length != lengths[0] || strings.Trim(length, "0123456789") != "" {
			return &badRequest
		}
	}
	n, err := strconv.Atoi(lengths[0])
	if err != nil || n > maxBody { // an error: more than an int holds
		return &requestTooLarge
	}
	r.length = n
	return nil
}

// frameChunks reads the list of transfer codings. Where the last is not "chunked", nobody
// can tell where the body ends (section 6.3); before it there may be codings that we do
// not know.
func (r *request) frameChunks(list string) *refusal {
	var codings []string
	for coding := range strings.SplitSeq(list, ",") {
		if coding = strings.ToLower(strings.Trim(coding, " \t")); coding != "" {
			codings = append(codings, coding)
		}
	}
	if len(codings) == 0 || codings[len(codings)-1] != "chunked" {
		return &badRequest
	}
	for _, coding := range codings[:len(codings)-1] {
		// "identity" is none any more, and chunks within chunks are forbidden (section
		// 7).
		name, _, _ := strings.Cut(coding, ";")
		if name = strings.TrimRight(name, " \t"); !isToken(name) || name == "chunked" || name == "identity" {
			return &badRequest
		}
	}
	if len(codings) > 1 {
		return &unknownCoding
	}
	r.chunked = true
	return nil
}

func (r *request) hasBody() bool { return r.chunked || r.length > 0 }

// readBody reads the body as the head has framed it.
func (r *request) readBody(br *bufio.Reader) *refusal {
	if !r.chunked {
		r.body = make([]byte, r.length)
		if _, err := io.ReadFull(br, r.body); err != nil {
			return unread(err)
		}
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(httputil.NewChunkedReader(br), maxBody+1))
	switch {
	case len(body) > maxBody:
		return &requestTooLarge
	case err != nil:
		return unread(err)
	}
	r.body = body
	for room := maxHead; ; { // the trailer says nothing that anybody here wants to know
		line, err := readLine(br, &room)
		if err != nil {
			return unread(err)
		}
		if line == "" {
			return nil
		}
		if _, ok := readField(line); !ok {
			return &badRequest
		}
	}
}

// unread is what to answer to a body that cannot be read to its end, such as one whose
// chunks are none.
func unread(err error) *refusal {
	return cmp.Or(readFault(err), &badRequest)
}
