package main

import (
	"context"
	"fmt"
	"net/http"
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

// reading is what readForm makes of a request.
type reading struct {
	form    form
	refusal *respond.Error
}

// readingKey finds the *reading in the context of a request whose form has been read.
type readingKey struct{}

// readForm reads the body as the form it is, urlencoded or multipart (PHP's curl sends an
// array that way). Without a Content-Type the body counts as urlencoded. A refusal about
// single fields comes with all the others, so that its answer can have the format they ask
// for. The body is read once: the answer's format needs the form before the operation
// does, and in between the request keeps it.
func readForm(r *http.Request) (form, *respond.Error) {
	kept, ok := r.Context().Value(readingKey{}).(*reading)
	if !ok {
		kept = new(reading)
		var all sent
		if all, kept.refusal = parse(r); kept.refusal == nil {
			kept.form, kept.refusal = all.form()
		}
		*r = *r.WithContext(context.WithValue(r.Context(), readingKey{}, kept))
	}
	return kept.form, kept.refusal
}

// form is the known fields of what was sent, but for those that it refuses.
func (s sent) form() (form, *respond.Error) {
	var refusal *respond.Error
	f := make(form)
	for _, name := range fields {
		for _, value := range s.values[name] {
			fault := ""
			switch first, again := f[name]; {
			case s.foreign[name] != "":
				fault = " is declared to be in " + s.foreign[name] + ", where it is not all ASCII it must be in UTF-8"
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

// key is the caller's key: the header's when the header api_access_key is given, whatever the form says, else the form's.
func (f form) key(header []string) (string, *respond.Error) {
	switch {
	case len(header) == 1:
		return header[0], nil
	case len(header) > 1:
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
