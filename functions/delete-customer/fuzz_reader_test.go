package main

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The second reader of forms, which shares no code with the first. It reads what was
// taken: where it finds no one meaning, the form should have been refused.

// parameter is one of a media type, as RFC 9110 section 5.6.6 writes it: its name and its
// value, quoted or not.
var parameter = regexp.MustCompile(
	`;[\s\v\x{85}\pZ]*([!#$%&'*+.^_` + "`" + `|~0-9A-Za-z-]+)[\s\v\x{85}\pZ]*=[\s\v\x{85}\pZ]*` +
		`(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+.^_` + "`" + `|~0-9A-Za-z-]+))`,
)

// escape is a character that a quoted string escapes; before any other the backslash is a
// character itself.
var escape = regexp.MustCompile(`\\([()<>@,;:\\"/\[\]?=])`)

// leftCharset is a charset in what is left of a media type without its parameters.
var leftCharset = regexp.MustCompile(`(?i)charset[\s=:"]+[^\s=;]`)

// unreadable is a value that says something, and not what.
const unreadable = "?"

// values are those that a media type gives a parameter.
func values(mediaType, name string) (all []string) {
	for _, found := range parameter.FindAllStringSubmatch(mediaType, -1) {
		value := escape.ReplaceAllString(found[2], "$1") + found[3]
		switch given, piece, starred := strings.Cut(strings.ToLower(found[1]), "*"); {
		case given != name || value == "":
			continue
		case piece != "":
			value = unreadable
		case starred: // RFC 8187: charset'language'value
			parts := strings.SplitN(value, "'", 3)
			value = unreadable
			if len(parts) == 3 {
				if text, err := url.PathUnescape(parts[2]); err == nil {
					value = text
				}
			}
		}
		if !slices.Contains(all, value) {
			all = append(all, value)
		}
	}
	if name == "charset" && leftCharset.MatchString(parameter.ReplaceAllString(mediaType, ";")) {
		all = append(all, unreadable)
	}
	return all
}

// readAs is text of the charsets that it was declared in, in UTF-8. Text that is all
// ASCII is the same in all of them. ISO-8859-1 may be that of a part, but not of a form.
func readAs(t testing.TB, text string, charsets []string, part bool) string {
	t.Helper()
	if !strings.ContainsFunc(text, func(r rune) bool { return r >= 0x80 || r == 0 }) {
		return text
	}
	utf8, other := true, ""
	for _, charset := range charsets {
		if name := strings.ToLower(charset); name != "utf-8" && name != "utf8" {
			utf8, other = false, name
		}
	}
	switch names := []string{"iso-8859-1", "latin1", "l1", "cp819", "ibm819", "iso-ir-100", "iso8859-1", "iso_8859-1", "iso_8859-1:1987", "csisolatin1"}; {
	case utf8:
		return text
	case part && len(charsets) == 1 && slices.Contains(names, other):
		var read strings.Builder
		for _, b := range []byte(text) {
			read.WriteRune(rune(b))
		}
		return read.String()
	}
	t.Errorf("%.200q was taken in the charsets %q", text, charsets)
	return text
}

// again reads a form that was taken another way: by hand, or part by part.
func again(t testing.TB, contentType string, body []byte) url.Values {
	t.Helper()
	type field struct {
		name, text string
		charsets   []string // of its own
	}
	var all []field
	body = bytes.TrimPrefix(body, []byte("\uFEFF"))
	if name, _, _ := strings.Cut(contentType, ";"); strings.ToLower(strings.TrimSpace(name)) != "multipart/form-data" {
		for _, pair := range strings.Split(string(body), "&") {
			name, value, _ := strings.Cut(pair, "=")
			name, err := url.QueryUnescape(name)
			value, err2 := url.QueryUnescape(value)
			if err != nil || err2 != nil {
				t.Fatalf("%.200q was taken: %v %v", body, err, err2)
			}
			all = append(all, field{name, value, nil})
		}
	} else {
		boundaries := values(contentType, "boundary")
		if len(boundaries) != 1 {
			t.Fatalf("%.200q was taken between %q", body, boundaries)
		}
		if !bytes.Contains(body, []byte("--"+boundaries[0]+"--")) {
			t.Errorf("%.200q was taken without its end", body) // the reader below may take a lost end for the end
		}
		for parts := multipart.NewReader(bytes.NewReader(body), boundaries[0]); ; {
			part, err := parts.NextPart()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%.200q was taken: %v", body, err)
			}
			text, err := io.ReadAll(part)
			if err != nil {
				t.Fatalf("%.200q was taken: %v", body, err)
			}
			if part.FileName() != "" {
				continue
			}
			types := slices.DeleteFunc(part.Header["Content-Type"], func(value string) bool { return strings.TrimSpace(value) == "" })
			own := field{part.FormName(), string(text), nil}
			for _, value := range types {
				own.charsets = append(own.charsets, values(value, "charset")...)
			}
			if len(types) > 1 {
				own.charsets = append(own.charsets, unreadable)
			}
			all = append(all, own)
		}
	}
	charsets := values(contentType, "charset")
	for _, field := range all {
		if strings.EqualFold(field.name, "_charset_") && field.text != "" {
			charsets = append(charsets, field.text)
		}
	}
	read := url.Values{}
	for _, field := range all {
		switch {
		case !slices.Contains(fields, field.name): // nobody looks at it
		case len(field.charsets) > 0:
			read.Add(field.name, readAs(t, field.text, field.charsets, true))
		default:
			read.Add(field.name, readAs(t, field.text, charsets, false))
		}
	}
	return read
}
