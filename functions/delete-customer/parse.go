package main

import (
	"net/http"
	"net/url"
	"strings"

	"customercare/shared/media"
	"customercare/shared/respond"
)

// sent is a form as it was sent.
type sent struct {
	values  url.Values        // of every field
	foreign map[string]string // of a field that must not be read as UTF-8: its declared charset
}

// declare notes that a value of the field is declared to be in charset.
func (s *sent) declare(name, value, charset string) {
	if foreign := media.Foreign(charset, value); foreign != "" {
		if s.foreign == nil {
			s.foreign = make(map[string]string)
		}
		s.foreign[name] = foreign
	}
}

// parse reads every field of the body, or none: a form that is broken in one place may
// mean something else in another, and the call cannot be undone.
func parse(header http.Header, body []byte) (all sent, err error) {
	t, given, ok := media.ContentType(header)
	if !given {
		t = media.Type{Name: urlencodedType}
	} else if !ok || t.Name != urlencodedType && t.Name != multipartType {
		return sent{}, errMedia
	}
	text, wide := media.Text(body)
	if wide != "" {
		return sent{}, respond.Refuse(respond.Invalid,
			"The form in the request body is in "+wide+", it must be in UTF-8")
	}
	switch t.Name {
	case urlencodedType:
		// Only "&" separates (WHATWG URL Standard, section 5.1); net/url would refuse a
		// plain ";".
		if all.values, err = url.ParseQuery(strings.ReplaceAll(string(text), ";", "%3B")); err == nil {
			all.declareAll(all.values, t.Charset())
		}
	default:
		var open url.Values
		if open, err = all.readParts(text, t.Params["boundary"]); err == nil {
			all.declareAll(open, t.Charset())
		}
	}
	if err != nil {
		return sent{}, respond.Refuse(respond.Invalid, "The form in the request body cannot be read")
	}
	return all, nil
}

// declareAll notes that the fields are in the charset of the whole form.
func (s *sent) declareAll(fields url.Values, contentType string) {
	charset := s.charset(contentType)
	for name, values := range fields {
		for _, value := range values {
			s.declare(name, value, charset)
		}
	}
}

// charset is the charset of the whole form: the one that its Content-Type declares, or
// the one that it names in a field of its own, as browsers do (RFC 7578, section 4.6).
// Beside UTF-8 the other one counts, so that nothing is read as what it may not be.
func (s *sent) charset(contentType string) (charset string) {
	consider := func(declared string) {
		switch {
		case media.Foreign(declared, "é") == "":
		case charset == "", strings.EqualFold(charset, declared):
			charset = declared
		default:
			charset = media.Unknown
		}
	}
	consider(contentType)
	for name, values := range s.values {
		if strings.EqualFold(name, "_charset_") {
			for _, value := range values {
				consider(value)
			}
		}
	}
	return charset
}
