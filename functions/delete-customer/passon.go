package main

import (
	"net/http"
	"slices"
	"strings"

	"customercare/shared/gateway"
	"customercare/shared/respond"
)

// customerDelete is the type of this operation. No other one is done here.
const customerDelete = "customer_delete"

// The refusals of calls that are not passed on. Each is an answer of the operation's own:
// nothing of such a call has left.
var (
	errNoType = respond.Refuse(respond.Invalid, "type is required")
	errType   = respond.Refuse(respond.Invalid,
		"type must be given once and plainly, so that nobody can read another one")
	errOurs = respond.Refuse(respond.Invalid,
		"customer_delete is not passed on, it must be the type of a form that is sent by POST")
	errName = respond.Refuse(respond.Invalid,
		"The name of a field must be printable ASCII without a percent sign")
	errUnclear  = respond.Refuse(respond.Invalid, "The form in the request body can be read in more than one way")
	errMedia    = respond.Refuse(respond.UnsupportedMedia, "Content-Type must be "+urlencodedType+" or "+multipartType)
	errBody     = respond.Refuse(respond.Invalid, "A GET must not have a body")
	errOverride = respond.Refuse(respond.Invalid, "The method must not be overridden")
	errAgain    = respond.Refuse(respond.Invalid, "The call has been passed on to this service already")
)

// plainType is a type that every service reads alike.
var plainType = pattern(`^[A-Za-z0-9_-]{1,64}$`)

// leaves refuses a call that must not be passed on. One that it does not refuse has
// exactly one type, in the query or in the body, which is no spelling of customer_delete:
// for every reader of forms that we could think of.
//
//   - PHP makes "type" of " type", "type[]" and "type[a]", and "_" of dots and blanks. It
//     takes the last of several.
//   - Java servlets take the first of several, the query's before the body's. .NET joins
//     them by commas, and both it and ColdFusion pass over the case of names.
//   - Some split at ";", too, some decode twice, some end a name at a NUL, and some let a
//     field or a header say that the method is another one.
//
// What they read differently is refused.
func leaves(call *gateway.Call) error {
	if call.Method != http.MethodGet && call.Method != http.MethodPost {
		return errOverride
	}
	for _, name := range []string{"X-Http-Method-Override", "X-Http-Method", "X-Method-Override"} {
		if call.Header.Values(name) != nil {
			return errOverride
		}
	}
	if strings.Contains(strings.Join(call.Header.Values("Via"), ","), via) {
		return errAgain
	}
	fields, texts := queryFields(call.Query()), []string{}
	for _, f := range fields {
		texts = append(texts, f.name+"="+f.value)
	}
	switch {
	case len(call.Body) > 0 && call.Method != http.MethodPost:
		return errBody
	case len(call.Body) > 0:
		inBody, err := bodyFields(call.Header, call.Body)
		if err != nil {
			return err
		}
		fields, texts = append(fields, inBody...), append(texts, string(call.Body))
	}
	for _, text := range texts {
		if err := sweep(text); err != nil {
			return err
		}
	}
	return oneType(fields)
}

// oneType refuses fields among which there is not exactly one that anybody can take for
// the type, or whose type is not plain, or is a spelling of customer_delete.
func oneType(fields []field) error {
	var types []field
	for _, f := range fields {
		switch {
		case strings.ContainsFunc(f.name, unprintable):
			return errName
		case strings.Contains(f.name, "=?"):
			return errUnclear // an encoded word, which commons-fileupload decodes
		case spelled(f.value):
			return errOurs // whatever the name
		case strings.EqualFold(f.name, "_charset_") && !asciiCharset().MatchString(f.value):
			return errUnclear // of the whole form, for some
		case typelike(f.name):
			types = append(types, f)
		case words(f.name, "_method"):
			return errOverride
		}
	}
	switch {
	case len(types) == 0:
		return errNoType
	case len(types) > 1, types[0].name != "type", !types[0].plain, !plainType().MatchString(types[0].value):
		return errType
	}
	return nil
}

func unprintable(r rune) bool { return r < ' ' || r > '~' || r == '%' }

// typelike says whether some reader of forms could take a field of this name for the
// type: "Type", "type[]", "_type", "a[type]", "form.type"; but not "card_type".
func typelike(name string) bool { return words(name, "type") }

// words says whether one of the words of a name is word, in any case and whatever
// underscores and hyphens stand around it.
func words(name, word string) bool {
	const around = "_-"
	separates := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(around, r))
	}
	return slices.ContainsFunc(strings.FieldsFunc(name, separates), func(part string) bool {
		return strings.EqualFold(strings.Trim(part, around), strings.Trim(word, around))
	})
}

// spelled says whether a value is customer_delete in any spelling: "Customer-Delete",
// " customer delete ", "customer%5Fdelete".
func spelled(value string) bool {
	for range maxDecodings {
		if letters(value) == letters(customerDelete) {
			return true
		}
		next := decode(value)
		if next == value {
			return false
		}
		value = next
	}
	return false
}

// maxDecodings is how often a text is decoded in search of what may be hidden in it. What
// is encoded more often is refused.
const maxDecodings = 6

// typedOurs is the word type before customer_delete: in a JSON text within a field, or
// for a reader that splits where nobody else does.
var typedOurs = pattern(`(?i)type[^a-z]*customer[^a-z&;=]*delete`)

// sweep refuses a text that has typedOurs in it, however often it is encoded, and one
// that is still encoded after maxDecodings.
func sweep(text string) error {
	for range maxDecodings {
		if typedOurs().MatchString(strings.ReplaceAll(text, "\x00", "")) {
			return errOurs
		}
		next := decode(text)
		if next == text {
			return nil
		}
		text = next
	}
	return errUnclear
}

// letters are the ASCII letters of a text, in lower case.
func letters(text string) string {
	all := make([]byte, 0, len(text))
	for i := range len(text) {
		if c := text[i] | 0x20; c >= 'a' && c <= 'z' {
			all = append(all, c)
		}
	}
	return string(all)
}

// encoded is a character as forms, scripts and JSON may write it.
var encoded = pattern(`%[0-9A-Fa-f]{2}|[%\\]u00[0-9A-Fa-f]{2}|\\x[0-9A-Fa-f]{2}`)

// decode undoes one encoding. What is none stays as it is.
func decode(text string) string {
	if !strings.ContainsAny(text, `%\`) {
		return text
	}
	return encoded().ReplaceAllStringFunc(text, func(found string) string {
		return string([]byte{unhex(found[len(found)-2])<<4 | unhex(found[len(found)-1])})
	})
}

// unhex is the value of a hexadecimal digit.
func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&0xf + 9
}
