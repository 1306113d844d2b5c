// Package media reads what a request says about the bytes it sends and the answers it
// takes: media types as RFC 9110 writes them (sections 5.6, 8.3 and 12.5.1), and the
// encodings that a body may be declared in.
package media

import (
	"mime"
	"net/http"
	"strings"
)

// Type is a media type or range: its name in lower case, and its parameters by their
// names in lower case.
type Type struct {
	Name   string
	Params map[string]string
}

// Parse reads one media type. A parameter that cannot be read, or is given twice with
// different values, is left out, and the others and the name still count. False when the
// name itself cannot be read.
func Parse(value string) (Type, bool) {
	if name, params, err := mime.ParseMediaType(value); err == nil {
		return Type{name, params}, true
	}
	parts := split(value, ';')
	name, _, err := mime.ParseMediaType(parts[0])
	if err != nil {
		return Type{}, false
	}
	params, differ := make(map[string]string), make(map[string]bool)
	for _, part := range parts[1:] {
		_, read, _ := mime.ParseMediaType("x/x;" + part) // of what cannot be read it gives none
		for key, value := range read {
			first, again := params[key]
			differ[key] = differ[key] || again && first != value
			params[key] = value
		}
	}
	for key, twice := range differ {
		if twice {
			delete(params, key)
		}
	}
	return Type{name, params}, true
}

// List is the elements of a header field that is a list, such as Accept. A comma within
// a quoted string separates nothing.
func List(value string) []string { return split(value, ',') }

// split cuts text at each separator, a comma or a semicolon, that stands in no quoted
// string. Such a string is the value of a parameter and has an end: a quotation mark
// elsewhere is a character like any other.
func split(text string, separator byte) (parts []string) {
	from, parameter, last := 0, false, byte(0)
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == '"' && parameter && last == '=' {
			i += quoted(text[i:])
		}
		if c == separator {
			parts = append(parts, text[from:i])
			from = i + 1
		}
		if c == ',' || c == ';' {
			parameter = c == ';'
		}
		if c != ' ' && c != '\t' {
			last = c
		}
	}
	return append(parts, text[from:])
}

// quoted is the place of the mark that ends the quoted string at the start of text, 0
// when none does.
func quoted(text string) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++ // the next character stands for itself
		case '"':
			return i
		}
	}
	return 0
}

// ContentType is what a request says its body is. A field that is there but empty says
// nothing: given is false when no other is there. Two fields, or a type that cannot be
// read, are given and not ok: somebody in front of us might have gone by another one.
func ContentType(header http.Header) (t Type, given, ok bool) {
	for _, value := range header.Values("Content-Type") {
		if strings.TrimSpace(value) == "" {
			continue
		}
		if given {
			return Type{}, true, false
		}
		given = true
		t, ok = Parse(value)
	}
	return t, given, ok
}
