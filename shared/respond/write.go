package respond

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"net/http"
)

// Media is how an answer's body is written.
type Media int

const (
	JSON Media = iota
	XML
	JSONP
)

// Format is how one request wants its answer: the medium, JSON's white space, and JSONP's callback.
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

// Write answers with body in format f. Every answer of every function is written here.
func Write(w http.ResponseWriter, status int, f Format, body any) {
	var out bytes.Buffer
	switch f.Media {
	case XML:
		out.WriteString(xmlHead)
		if err := xml.NewEncoder(&out).Encode(body); err != nil {
			panic(err) // a shape of this package that cannot be written is a bug, not a condition
		}
	default:
		text, err := json.Marshal(body)
		if err != nil {
			panic(err)
		}
		if f.Media == JSONP {
			// The comment keeps the answer from being taken for another kind of file (Rosetta Flash).
			out.WriteString("/**/" + f.Callback + "(")
		}
		if f.Indent {
			_ = json.Indent(&out, text, "", "  ") // text is JSON by construction
		} else {
			out.Write(text)
		}
		if f.Media == JSONP {
			out.WriteString(");")
		}
	}
	h := w.Header()
	h.Set("Content-Type", contentTypes[f.Media])
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	if (status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests) && h.Get("Retry-After") == "" {
		h.Set("Retry-After", "1")
	}
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // a buffer behind the adapter: it cannot fail
}
