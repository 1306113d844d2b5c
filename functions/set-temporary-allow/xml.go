package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"

	"customercare/shared/media"
	"customercare/shared/respond"
)

const (
	rootElement = "TempAllowRequest"
	maxDepth    = 16 // of nested elements; the documented request has two
)

// declaration is what the leading <?xml ...?> may say, with the encoding as group 1 or 2.
// encoding/xml looks at nothing but version and encoding.
var declaration = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^<\?xml\s+version\s*=\s*(?:"1\.0"|'1\.0')` +
		`(?:\s+encoding\s*=\s*(?:"([A-Za-z][A-Za-z0-9._-]*)"|'([A-Za-z][A-Za-z0-9._-]*)'))?` +
		`(?:\s+standalone\s*=\s*(?:"(?:yes|no)"|'(?:yes|no)'))?\s*\?>`)
})

const xmlSpace = " \t\r\n"

// readXML reads a TempAllowRequest strictly, because encoding/xml lets much pass.
//
// Refused are DOCTYPE; processing instructions but the leading declaration; elements with
// a prefix or in a namespace; attributes that nilled does not know on the root and the
// two fields; a field given twice or written in another case; elements and comments
// inside a field; text between elements; and whatever follows the root but white space
// and comments.
//
// CDATA is text. White space around a value is not part of it, and is no value. A field
// that is empty or nil is absent. Elements with other names are passed over, as JSON's
// unknown names are. A byte-order mark is allowed, as in XML 1.0 section 4.3.3, and any
// declared encoding while every byte is ASCII.
func readXML(body []byte) (request, error) {
	body, wide := media.Text(body)
	if wide != "" {
		return request{}, invalid("The request body is in " + wide + ", it must be XML in UTF-8")
	}
	declared := declaration().FindSubmatch(body)
	if declared != nil {
		if foreign := media.Foreign(string(declared[1])+string(declared[2]), body); foreign != "" {
			return request{}, invalid("The request body is declared to be in " + foreign +
				", XML that is not all ASCII must be in UTF-8")
		}
	}
	if !utf8.Valid(body) || bytes.IndexByte(body, 0) >= 0 {
		return request{}, invalid("The request body is not valid UTF-8 text")
	}
	r := xmlReader{
		body: body, declared: declared != nil,
		tokens: xml.NewDecoder(bytes.NewReader(body)), values: make(map[string]xmlValue),
	}
	r.tokens.CharsetReader = func(_ string, same io.Reader) (io.Reader, error) {
		return same, nil // all is UTF-8 by now
	}
	for {
		token, err := r.tokens.Token()
		if errors.Is(err, io.EOF) {
			return r.request()
		}
		if err != nil {
			return request{}, errNotXML
		}
		if err := r.take(token); err != nil {
			return request{}, err
		}
		r.from = r.tokens.InputOffset()
	}
}

// xmlReader reads a body token by token.
type xmlReader struct {
	body     []byte
	declared bool // body begins with a declaration that says nothing wrong
	tokens   *xml.Decoder
	from     int64 // where the token in hand begins
	rootSeen bool
	depth    int    // of open elements
	field    string // the known field that is open
	// text is what stands in that field so far. It is no string in values, of which each
	// CDATA section would make a copy.
	text   []byte
	isNil  bool                // the field's xsi:nil, or the root's before a field was open
	values map[string]xmlValue // of the fields that have an element
}

// xmlValue is what stands in a field. given is false when that is nothing, and the field
// counts as absent.
type xmlValue struct {
	text  string
	given bool
}

// request is what a body that was refused nowhere asks for.
func (r *xmlReader) request() (request, error) {
	kind, date := r.values[typeField], r.values[dateField]
	switch {
	case !r.rootSeen:
		return request{}, invalid("The request body has no element " + rootElement)
	case kind.given && kind.text == "":
		return request{}, invalid(typeField + " is empty")
	}
	read := request{kind: kind.text}
	if date.given {
		read.date = &date.text
	}
	return read, nil
}

// take checks one token and keeps what it says.
func (r *xmlReader) take(token xml.Token) error {
	switch token := token.(type) {
	case xml.ProcInst:
		if r.from != 0 || !r.declared {
			return invalid("The request body must not have processing instructions; " +
				"an XML declaration comes first and says version 1.0 and, if any, the name of an encoding")
		}
	case xml.Directive:
		return invalid("The request body must not have a DOCTYPE")
	case xml.Comment:
		if r.depth > 1 {
			return invalid(r.where() + " must not have comments inside")
		}
	case xml.StartElement:
		return r.open(token)
	case xml.EndElement:
		if r.depth--; r.field != "" { // a field has no elements inside: this is its end
			value := strings.Trim(string(r.text), xmlSpace)
			if r.isNil && value != "" {
				return invalid(r.field + " is nil and has a value")
			}
			r.values[r.field] = xmlValue{value, len(r.text) > 0 && !r.isNil}
			r.field, r.text, r.isNil = "", nil, false
		}
	case xml.CharData:
		switch {
		case r.field != "":
			r.text = append(r.text, token...)
		// The raw text: outside the root not even white space may be written as CDATA or
		// a reference.
		case r.depth < 2 && len(bytes.Trim(r.body[r.from:r.tokens.InputOffset()], xmlSpace)) > 0:
			return invalid("The request body has text outside its elements")
		}
	}
	return nil
}

// open checks the start of an element.
func (r *xmlReader) open(e xml.StartElement) error {
	name := e.Name.Local
	switch {
	case !wellFormed(e.Attr):
		return errNotXML
	case !ownNames(e.Attr):
		return invalid("The request body must not declare xml or xmlns as prefixes, nor their namespaces for others")
	case e.Name.Space != "" || strings.Contains(name, ":"):
		return invalid("The elements of the request body must not have prefixes or be in namespaces")
	case r.depth == 0 && r.rootSeen:
		return invalid("The request body has content behind " + rootElement)
	case r.depth == 0 && name != rootElement:
		return invalid("The root element of the request body must be " + rootElement)
	case r.field != "":
		return invalid(r.field + " must not have elements inside")
	case r.depth == 1 && r.isNil:
		return invalid(rootElement + " is nil and has elements")
	case r.depth == maxDepth:
		return invalid("The request body is nested too deeply")
	}
	if r.depth == 1 {
		for _, known := range []string{typeField, dateField} {
			_, given := r.values[known]
			switch {
			case name == known && given:
				return invalid(known + " is given twice in the request body")
			case name == known:
				r.field, r.values[known] = known, xmlValue{}
			case strings.EqualFold(name, known):
				return invalid(name + " is not known, write " + known)
			}
		}
	}
	if r.depth == 0 || r.field != "" {
		var err error
		if r.isNil, err = nilled(e); err != nil {
			return err
		}
	}
	r.rootSeen = true
	r.depth++
	return nil
}

// where names the place for a sentence.
func (r *xmlReader) where() string {
	if r.field != "" {
		return r.field
	}
	return "An element of the request body"
}

var errNotXML = invalid("The request body is not valid XML in UTF-8")

func invalid(sentence string) error { return respond.Refuse(respond.Invalid, sentence) }
