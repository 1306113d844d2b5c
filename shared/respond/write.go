package respond

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Media is how an answer's body is written.
type Media int

const (
	JSON Media = iota
	XML
	JSONP
)

// Format is how one request wants its answer: the medium, JSON's white space, and JSONP's
// callback.
type Format struct {
	Media    Media
	Indent   bool
	Callback string
}

// xmlHead is the declaration the documented examples show.
const xmlHead = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"

var contentTypes = map[Media]string{
	JSON:  "application/json",
	XML:   "application/xml; charset=utf-8",
	JSONP: "application/javascript; charset=utf-8",
}

// Whole is an answer that is written as it is.
type Whole struct {
	Type string // the header Content-Type
	Body []byte
}

// Write answers with body in format f; a Text, a Problem and a Whole have a format of
// their own. Every answer of every function is written here.
func Write(w http.ResponseWriter, status int, f Format, body any) {
	var out bytes.Buffer
	var text []byte
	contentType := contentTypes[f.Media]
	plain, isText := body.(Text)
	if _, isProblem := body.(Problem); isProblem {
		f, contentType = Format{}, "application/problem+json"
	}
	whole, isWhole := body.(Whole)
	switch {
	case isWhole:
		text, contentType = whole.Body, whole.Type
	case isText:
		text, contentType = []byte(plain), "text/plain; charset=utf-8"
	case f.Media == XML:
		out.WriteString(xmlHead)
		if err := xml.NewEncoder(&out).Encode(body); err != nil {
			panic(err) // a shape of this package that cannot be written is a bug, not a condition
		}
		text = bare(out.Bytes())
	default:
		written, err := json.Marshal(body)
		if err != nil {
			panic(err)
		}
		written = ascii(written)
		if f.Media == JSONP {
			// The comment keeps the answer from being taken for another kind of file
			// (Rosetta Flash).
			out.WriteString("/**/" + f.Callback + "(")
		}
		if f.Indent {
			_ = json.Indent(&out, written, "", "  ") // written is JSON by construction
		} else {
			out.Write(written)
		}
		if f.Media == JSONP {
			out.WriteString(");")
		}
		text = out.Bytes()
	}
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	wait := status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests
	if wait && !isWhole && h.Get("Retry-After") == "" {
		h.Set("Retry-After", "1")
	}
	w.WriteHeader(status)
	_, _ = w.Write(text) // a buffer behind the adapter: it cannot fail
}

// ascii is the JSON text with each character beyond ASCII as an escape, for clients that
// read JSON as ISO-8859-1. In JSON such characters stand in strings only.
func ascii(text []byte) []byte {
	first := bytes.IndexFunc(text, func(r rune) bool { return r >= utf8.RuneSelf })
	if first < 0 {
		return text
	}
	out := append([]byte{}, text[:first]...)
	for _, r := range string(text[first:]) {
		if r < utf8.RuneSelf {
			out = append(out, byte(r))
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			out = fmt.Appendf(out, `\u%04x`, unit)
		}
	}
	return out
}

// needless are references that encoding/xml writes and that XML does not need in text.
// The carriage return's is not among them: readers turn a bare one into a line feed (XML
// 1.0 section 2.11).
var needless = strings.NewReplacer("&#34;", `"`, "&#39;", "'", "&#x9;", "\t", "&#xA;", "\n")

// bare is XML as encoding/xml writes it, without needless references in text, because
// some parsers leave them as they stand. Values of attributes, within the tags, keep
// theirs.
func bare(written []byte) []byte {
	if !bytes.Contains(written, []byte("&#")) {
		return written
	}
	var out bytes.Buffer
	for len(written) > 0 {
		tag := bytes.IndexByte(written, '<')
		if tag < 0 {
			tag = len(written)
		}
		_, _ = needless.WriteString(&out, string(written[:tag])) // a buffer: it cannot fail
		end := tag + bytes.IndexByte(written[tag:], '>') + 1
		out.Write(written[tag:end])
		written = written[end:]
	}
	return out.Bytes()
}
