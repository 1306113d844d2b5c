package main

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"customercare/shared/respond"
)

// form is the request's known fields. Unknown ones are passed over: clients send some of their own (API=1.6).
type form map[string]string

var fields = []string{
	"user_id", "user_password", "user_api_key", "type", "account_id", "code", "output", "callback", "condensed",
}

// maxField bounds the fields that become keys, in bytes; no stored customer has longer ones.
const maxField = 128

// readForm parses the body as the form it is, urlencoded or multipart (PHP's curl sends an array that way), once per
// request: net/http keeps what it parsed. Without a Content-Type it counts as urlencoded.
func readForm(r *http.Request) (form, *respond.Error) {
	if r.PostForm == nil {
		contentType := r.Header.Get("Content-Type")
		if contentType == "" {
			contentType = "application/x-www-form-urlencoded"
			r.Header.Set("Content-Type", contentType)
		}
		media, _, err := mime.ParseMediaType(contentType)
		if err != nil || media != "application/x-www-form-urlencoded" && media != "multipart/form-data" {
			return nil, respond.Refuse(respond.UnsupportedMedia,
				"Content-Type must be application/x-www-form-urlencoded or multipart/form-data")
		}
		// The body is within the endpoint's limit, so all of it stays in memory.
		if err := r.ParseMultipartForm(1 << 20); err != nil && !errors.Is(err, http.ErrNotMultipart) {
			r.PostForm = nil
			return nil, respond.Refuse(respond.Invalid, "The form in the request body cannot be read")
		}
	}
	f := make(form)
	for _, name := range fields {
		for i, value := range r.PostForm[name] {
			if !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
				return nil, respond.Refuse(respond.Invalid, name+" is not valid text")
			}
			if i > 0 && value != f[name] {
				return nil, respond.Refuse(respond.Invalid, name+" is given twice with different values")
			}
			f[name] = value
		}
	}
	return f, nil
}

// check refuses what is missing or can be nobody's.
func (f form) check() *respond.Error {
	for _, name := range []string{"type", "user_id", "account_id", "code"} {
		if f[name] == "" {
			return respond.Refuse(respond.Invalid, name+" is required")
		}
		if len(f[name]) > maxField {
			return respond.Refuse(respond.Invalid, fmt.Sprintf("%s must have at most %d bytes", name, maxField))
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
