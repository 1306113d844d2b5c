package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"customercare/shared/media"
	"customercare/shared/respond"
)

// DecodeJSON reads the call's body, one JSON object, into into, a pointer to a struct
// whose fields have these names. It is the strict reading of RFC 8259 and I-JSON: names
// match by case; duplicate names, invalid UTF-8 and anything behind the object are
// refused. So is a NUL character in any string. Other names are passed over, unless one
// differs from a struct's only in case: that is a misspelling whose value would be lost
// silently. Passed over are also one byte-order mark, and what Content-Type says, but for
// a charset that makes the body another than UTF-8.
func (c *Call) DecodeJSON(into any, names ...string) error {
	body, wide := media.Text(c.Body)
	if len(bytes.TrimSpace(body)) == 0 {
		return respond.Refuse(respond.Invalid,
			"The request body is empty, a JSON object with "+strings.Join(names, ", ")+" is needed")
	}
	if wide != "" {
		return respond.Refuse(respond.Invalid,
			"The request body is in "+wide+", it must be JSON in UTF-8")
	}
	if !media.IsASCII(body) {
		t, _, _ := media.ContentType(c.Header)
		if foreign := media.Foreign(t.Charset(), body); foreign != "" {
			return respond.Refuse(respond.Invalid, notUTF8(foreign))
		}
	}
	if err := checkNames(body, names); err != nil {
		return err
	}
	if jsontext.Value(body).Kind() != '{' { // Unmarshal would take null for an empty object
		return errNotObject
	}
	// checkNames has looked for duplicates: to remember the names once more would double
	// what a body of many costs.
	err := json.Unmarshal(body, into, jsontext.AllowDuplicateNames(true))
	if err == nil {
		return nil
	}
	if refusal, ok := errors.AsType[*respond.Error](err); ok { // of a field that reads itself
		return refusal
	}
	if e, ok := errors.AsType[*json.SemanticError](err); ok {
		if e.JSONPointer != "" {
			return respond.Refuse(respond.Invalid, topField(e.JSONPointer)+" has a value of the wrong type")
		}
		return errNotObject
	}
	return errNotJSON
}

var (
	errNotJSON   = respond.Refuse(respond.Invalid, "The request body is not valid JSON")
	errNotObject = respond.Refuse(respond.Invalid, "The request body must be a JSON object")
)

// checkNames walks the body's tokens. It refuses wrong syntax, duplicate names, a
// top-level name that is one of names but for its case, and NUL in any string.
func checkNames(body []byte, names []string) error {
	d := jsontext.NewDecoder(bytes.NewBuffer(body)) // a Buffer is read in place
	for {
		token, err := d.ReadToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if errors.Is(err, jsontext.ErrDuplicateName) {
			e, _ := errors.AsType[*jsontext.SyntacticError](err)
			return respond.Refuse(respond.Invalid,
				printable(e.JSONPointer.LastToken())+" is given twice in the request body")
		}
		if err != nil {
			return errNotJSON
		}
		if d.StackDepth() == 0 && d.InputOffset() > 0 && trailing(body[d.InputOffset():]) {
			return respond.Refuse(respond.Invalid, "The request body has content behind the JSON object")
		}
		if token.Kind() != '"' {
			continue
		}
		text := token.String()
		if strings.ContainsRune(text, 0) {
			return respond.Refuse(respond.Invalid, topField(d.StackPointer())+" holds a NUL character")
		}
		if isTopName(d) && !slices.Contains(names, text) {
			for _, name := range names {
				if strings.EqualFold(name, text) {
					return respond.Refuse(respond.Invalid,
						fmt.Sprintf("%s is not known, write %s", printable(text), name))
				}
			}
		}
	}
}

// isTopName says whether the token that was just read is a name of the top-level object.
// Within an object names and values take turns: after an odd number of tokens a name was
// read.
func isTopName(d *jsontext.Decoder) bool {
	kind, length := d.StackIndex(d.StackDepth())
	return d.StackDepth() == 1 && kind == '{' && length%2 == 1
}

// topField is the top-level field that a place in the body belongs to: the one that a
// caller knows, even when the fault is in the third element of its list.
func topField(place jsontext.Pointer) string {
	for place.Parent() != "" {
		place = place.Parent()
	}
	return printable(place.LastToken())
}

func trailing(rest []byte) bool { return len(strings.TrimRight(string(rest), " \t\r\n")) > 0 }

// printable is a caller's own text made fit to stand in a sentence: control characters
// gone, and cut.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, text)
	if len(text) > 40 {
		text = strings.ToValidUTF8(text[:40], "") + "..."
	}
	if text == "" {
		return "A field"
	}
	return text
}
