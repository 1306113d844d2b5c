package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"customercare/shared/identifier"
	"customercare/shared/media"
	"customercare/shared/respond"
)

// form is the request's known fields. Unknown ones are passed over: clients send some of their own (API=1.6).
type form map[string]string

var fields = []string{
	"user_id", "user_password", "user_api_key", "type", "account_id", "code", "output", "callback", "condensed",
}

// maxField bounds account and code, in bytes; no stored customer has longer ones.
const maxField = 128

// readForm parses the body as the form it is, urlencoded or multipart (PHP's curl sends
// an array that way), once per request: it keeps the fields in PostForm, and in Form the
// charsets of those that it could not read. Without a Content-Type the body counts as
// urlencoded. A refusal about single fields comes with all the others, so that its answer
// can have the format they ask for.
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
			case r.Form.Has(name):
				fault = " is declared to be in " + r.Form.Get(name) + ", where it is not all ASCII it must be in UTF-8"
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
	t, given, ok := media.ContentType(r.Header)
	if !given {
		t = media.Type{Name: urlencoded}
	} else if !ok || t.Name != urlencoded && t.Name != multipart {
		return respond.Refuse(respond.UnsupportedMedia, "Content-Type must be "+urlencoded+" or "+multipart)
	}
	body, err := io.ReadAll(r.Body)
	text, wide := media.Text(body)
	if wide != "" {
		return respond.Refuse(respond.Invalid, "The form in the request body is in "+wide+", it must be in UTF-8")
	}
	charset := t.Params["charset"]
	switch {
	case err != nil:
	case t.Name == urlencoded:
		// Only "&" separates (WHATWG URL Standard, section 5.1); net/url would refuse a plain ";".
		r.PostForm, err = url.ParseQuery(strings.ReplaceAll(string(text), ";", "%3B"))
		for name, values := range r.PostForm {
			for _, value := range values {
				note(r, name, media.Foreign(charset, value))
			}
		}
	default:
		r.PostForm = make(url.Values)
		err = readParts(text, t.Params["boundary"], charset, func(name, value, foreign string) {
			r.PostForm.Add(name, value)
			note(r, name, foreign)
		})
	}
	if err != nil {
		return respond.Refuse(respond.Invalid, "The form in the request body cannot be read")
	}
	return nil
}

// note keeps the charset of a field that must not be read as it stands, where it has one.
func note(r *http.Request, name, foreign string) {
	if foreign == "" {
		return
	}
	if r.Form == nil {
		r.Form = make(url.Values)
	}
	r.Form.Set(name, foreign)
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
