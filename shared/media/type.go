// Package media reads what a request says about the bytes it sends and the answers it
// takes: media types as RFC 9110 writes them (sections 5.6, 8.3 and 12.5.1), and the
// encodings that a body may be declared in.
package media

import (
	"maps"
	"mime"
	"net/http"
	"strings"
	"unicode"
)

// Type is a media type or range: its name in lower case, and its parameters by their
// names in lower case. A parameter that says something unclear is not among them.
type Type struct {
	Name    string
	Params  map[string]string
	unclear map[string]bool
}

// Unclear says whether a parameter has a value that cannot be read, or several different
// ones. A caller that needs the parameter must not go on as if it were not there.
func (t Type) Unclear(name string) bool { return t.unclear[name] }

// Charset is the charset that the type declares, "" when it declares none, and Unknown
// when it is unclear which. Callers give it to Foreign.
func (t Type) Charset() string {
	if t.Unclear("charset") {
		return Unknown
	}
	return t.Params["charset"]
}

// Parse reads one media type. A parameter that cannot be read is left out, and the others
// and the name still count; where it has a value, or is given twice with different ones,
// it is Unclear. ok is false when the name itself cannot be read. Then the type is empty,
// but for an unclear charset where its text names another than UTF-8.
func Parse(value string) (parsed Type, ok bool) {
	_, after, _ := strings.Cut(value, ";")
	if name, params, err := mime.ParseMediaType(value); err == nil && !strings.Contains(after, "*") {
		return Type{Name: name, Params: params}, true
	}
	parts := split(value, ';')
	name, _, err := mime.ParseMediaType(parts[0])
	if err != nil {
		return Type{unclear: map[string]bool{"charset": speaksOfCharset(value)}}, false
	}
	t := Type{name, make(map[string]string), make(map[string]bool)}
	for _, part := range parts[1:] {
		t.add(part)
	}
	maps.DeleteFunc(t.Params, func(name, _ string) bool { return t.unclear[name] })
	return t, true
}

// add reads one parameter into t. The form "name*=" of RFC 8187 is the parameter too, its
// numbered pieces ("name*0=") are none of HTTP's.
func (t Type) add(part string) {
	text := strings.TrimSpace(part)
	key := text
	if i := strings.IndexAny(key, "= \t:\""); i >= 0 {
		key = key[:i]
	}
	name, piece, _ := strings.Cut(strings.ToLower(key), "*")
	value, ok := "", false
	_, read, _ := mime.ParseMediaType("x/x;" + part) // one parameter, or none
	for name, value = range read {
		ok = true
	}
	first, again := t.Params[name]
	switch {
	case ok && piece == "" && !again:
		t.Params[name] = value
	case ok && piece == "" && (first == value || name == "charset" && isUTF8(first) && isUTF8(value)):
	case strings.TrimRight(text, " \t=") == key: // a name without a value says nothing
	case !ok && strings.Contains(strings.ToLower(part), "charset"):
		t.unclear["charset"] = true // "a=b charset=c" may be two parameters
		fallthrough
	default:
		t.unclear[name] = true
	}
}

// speaksOfCharset says whether the text of a type that cannot be read names a charset
// other than UTF-8.
func speaksOfCharset(text string) bool {
	const word = "charset"
	between := func(r rune) bool { return r == ',' || r == ';' || unicode.IsSpace(r) }
	for field := range strings.FieldsFuncSeq(text, between) {
		field = strings.Trim(field, `"`)
		if len(field) < len(word) || !strings.EqualFold(field[:len(word)], word) {
			continue
		}
		if !isUTF8(strings.Trim(field[len(word):], `="`)) {
			return true
		}
	}
	return false
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

// ContentType is what a request, or a part of a form, says its body is. A field that is
// there but empty says nothing: given is false when no other is there. ok is false for
// two fields, and for a type that cannot be read: a proxy in front of us might have gone
// by another one of them. Where one of them declares another charset than UTF-8, the
// type's charset is unclear then.
func ContentType(header http.Header) (t Type, given, ok bool) {
	var foreign bool // a charset that is not UTF-8, in any of the fields
	for _, value := range header.Values("Content-Type") {
		if strings.TrimSpace(value) == "" {
			continue
		}
		next, read := Parse(value)
		charset := next.Charset()
		foreign = foreign || charset != "" && !isUTF8(charset)
		t, given, ok = next, true, read && !given
	}
	if given && !ok {
		t = Type{unclear: map[string]bool{"charset": foreign}}
	}
	return t, given, ok
}
