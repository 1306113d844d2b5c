package main

import (
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"customercare/shared/identifier"
	"customercare/shared/respond"
)

// form is the request's known fields. Unknown ones are passed over: clients send some of
// their own (API=1.6).
type form map[string]string

var fields = []string{
	"user_id", "user_password", "user_api_key", "type", "account_id", "code",
	"output", "callback", "condensed",
}

// readForm reads the body as the form that it is, urlencoded or multipart (PHP's curl
// sends an array that way). Without a Content-Type the body counts as urlencoded. A
// refusal of a field comes with all the others, so that its answer can have the format
// that they ask for.
func readForm(header http.Header, body []byte) (map[string]string, error) {
	all, err := parse(header, body)
	if err != nil {
		return nil, err
	}
	return all.form()
}

// form is the known fields of what was sent but for those that it refuses, and the first
// refusal.
func (s sent) form() (form, error) {
	var refusal error
	f := make(form)
	for _, name := range fields {
		for _, value := range s.values[name] {
			fault := ""
			switch first, again := f[name]; {
			case s.foreign[name] != "":
				fault = " is declared to be in " + s.foreign[name] +
					", where it is not all ASCII it must be in UTF-8"
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
func (f form) check() error {
	for _, name := range []string{"type", "user_id", "account_id", "code"} {
		if f[name] == "" {
			return respond.Refuse(respond.Invalid, name+" is required")
		}
	}
	for _, name := range []string{"account_id", "code"} {
		if len(f[name]) > identifier.MaxShort {
			return respond.Refuse(respond.Invalid,
				fmt.Sprintf("%s must have at most %d bytes", name, identifier.MaxShort))
		}
	}
	for _, name := range []string{"user_id", "account_id", "code"} {
		if !identifier.Sayable(f[name]) {
			return respond.Refuse(respond.Invalid, name+identifier.Unsayable)
		}
	}
	if f["type"] != customerDelete {
		return respond.Refuse(respond.Invalid, "type must be customer_delete")
	}
	return nil
}

// key is the caller's key: the header's when the header api_access_key is given, whatever
// the form says, else the form's.
func (f form) key(header []string) (string, error) {
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
