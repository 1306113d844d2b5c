package main

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"customercare/shared/identifier"
	"customercare/shared/respond"
)

// form is the request's known fields. Unknown ones are passed over: clients send some of their own (API=1.6).
type form map[string]string

var fields = []string{
	"user_id", "user_password", "user_api_key", "type", "account_id", "code", "output", "callback", "condensed",
}

// maxField bounds account and code, in bytes; no stored customer has longer ones.
const maxField = 128

// readForm parses the body as the form it is, urlencoded or multipart (PHP's curl sends an array that way), once per
// request: it keeps what it parsed in PostForm. Without a Content-Type the body counts as urlencoded. A refusal about
// single fields comes with all the others, so that its answer can have the format they ask for.
func readForm(r *http.Request) (form, *respond.Error) {
	if r.PostForm == nil {
		if refusal := parse(r); refusal != nil {
			r.PostForm = nil
			return nil, refusal
		}
	}
	f := make(form)
	var refusal *respond.Error
	for _, name := range fields {
		for _, value := range r.PostForm[name] {
			fault := ""
			switch first, again := f[name]; {
			case !utf8.ValidString(value) || strings.ContainsRune(value, 0):
				fault = " is not valid text"
			case again && value != first:
				fault = " is given twice with different values"
			}
			if fault != "" {
				if refusal == nil {
					refusal = respond.Refuse(respond.Invalid, name+fault)
				}
				delete(f, name)
				break
			}
			f[name] = value
		}
	}
	return f, refusal
}

// parse fills r.PostForm, with every field of the body or not at all: what is broken in one place may mean something
// else in another, and the call cannot be undone.
func parse(r *http.Request) *respond.Error {
	const urlencoded, multipart = "application/x-www-form-urlencoded", "multipart/form-data"
	media, boundary := urlencoded, ""
	// Two of them are a list, which is no type: somebody in front might have gone by the other.
	if contentType := strings.Join(r.Header.Values("Content-Type"), ", "); contentType != "" {
		var params map[string]string
		var err error
		if media, params, err = mime.ParseMediaType(contentType); err != nil || media != urlencoded && media != multipart {
			return respond.Refuse(respond.UnsupportedMedia, "Content-Type must be "+urlencoded+" or "+multipart)
		}
		boundary = params["boundary"]
	}
	body, err := io.ReadAll(r.Body)
	switch {
	case err != nil:
	case media == urlencoded:
		// Only "&" separates (WHATWG URL Standard, section 5.1); net/url would refuse a plain ";".
		r.PostForm, err = url.ParseQuery(strings.ReplaceAll(string(body), ";", "%3B"))
	case !bytes.Contains(body, []byte("--"+boundary+"--")):
		err = io.ErrUnexpectedEOF // net/http takes a body that is cut off within a part's header for a whole one
	default:
		r.Body = io.NopCloser(bytes.NewReader(body))
		err = r.ParseMultipartForm(int64(len(body))) // all of it stays in memory
	}
	if err != nil {
		return respond.Refuse(respond.Invalid, "The form in the request body cannot be read")
	}
	return nil
}

// check refuses what is missing or can be nobody's.
func (f form) check() *respond.Error {
	for _, name := range []string{"type", "user_id", "account_id", "code"} {
		if f[name] == "" {
			return respond.Refuse(respond.Invalid, name+" is required")
		}
	}
	for _, name := range []string{"account_id", "code"} {
		if len(f[name]) > maxField {
			return respond.Refuse(respond.Invalid, fmt.Sprintf("%s must have at most %d bytes", name, maxField))
		}
	}
	for _, name := range []string{"user_id", "account_id", "code"} {
		if !identifier.Sayable(f[name]) {
			return respond.Refuse(respond.Invalid, name+identifier.Unsayable)
		}
	}
	if f["type"] != "customer_delete" {
		return respond.Refuse(respond.Invalid, "type must be customer_delete")
	}
	return nil
}

// key is the caller's key: the header's when the header is there, whatever the form says, else the form's.
func (f form) key(header http.Header) (string, *respond.Error) {
	switch values := header.Values("api_access_key"); {
	case len(values) == 1:
		return values[0], nil
	case len(values) > 1:
		return "", respond.Refuse(respond.Invalid, "api_access_key is given twice")
	}
	password, key := f["user_password"], f["user_api_key"]
	switch {
	case password == "" && key == "":
		return "", respond.Refuse(respond.Invalid, "user_password is required, or the header api_access_key")
	case password != "" && key != "" && password != key:
		return "", respond.Refuse(respond.Invalid, "user_password and user_api_key differ")
	case password == "":
		return key, nil
	}
	return password, nil
}
