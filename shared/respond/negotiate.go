package respond

import (
	"net/http"
	"strconv"
	"strings"

	"customercare/shared/media"
)

// negotiate picks JSON or XML for operations 1 and 2: by Accept (RFC 9110 section
// 12.5.1), without one by the request's Content-Type, without either JSON. Only an Accept
// that names neither is refused.
func negotiate(header http.Header, _ map[string]string) (Format, error) {
	fallback := JSON
	if t, _, _ := media.ContentType(header); t.Name == "application/xml" {
		fallback = XML
	}
	accept := strings.Join(header.Values("Accept"), ",")
	if strings.Trim(accept, " \t,") == "" {
		return Format{Media: fallback}, nil
	}
	ranges := acceptRanges(accept)
	json, xml := ranges.match("application/json"), ranges.match("application/xml")
	switch {
	case json.q == 0 && xml.q == 0:
		return Format{Media: fallback}, Refuse(NotAcceptable, "Accept must allow application/json or application/xml")
	case json.q > xml.q, json.q == xml.q && json.position < xml.position:
		return Format{Media: JSON}, nil
	case xml.q > json.q, xml.position < json.position:
		return Format{Media: XML}, nil
	}
	return Format{Media: fallback}, nil // one wildcard allows both alike
}

// acceptRange is one element of Accept. Parameters but q do not narrow it: our types have
// none that matter.
type acceptRange struct {
	pattern  string
	q        float64
	position int
}

type accepted []acceptRange

// acceptRanges parses Accept. It passes over elements that are no media range, and those
// whose q is no weight or unclear, as most servers do. A lone "*", which Java's
// HttpURLConnection sends, is "*/*".
func acceptRanges(accept string) accepted {
	var all accepted
	for i, element := range media.List(accept) {
		t, ok := media.Parse(element)
		if !ok || t.Unclear("q") {
			continue
		}
		if t.Name == "*" {
			t.Name = "*/*"
		}
		q := 1.0
		if text, ok := t.Params["q"]; ok {
			var err error
			if q, err = strconv.ParseFloat(text, 64); err != nil || !(q >= 0 && q <= 1) {
				continue
			}
		}
		all = append(all, acceptRange{t.Name, q, i})
	}
	return all
}

// match finds the most specific range that covers mediaType; its q is 0 when none does.
func (a accepted) match(mediaType string) acceptRange {
	family, _, _ := strings.Cut(mediaType, "/")
	for _, pattern := range []string{mediaType, family + "/*", "*/*"} {
		for _, r := range a {
			if r.pattern == pattern {
				return r
			}
		}
	}
	return acceptRange{}
}
