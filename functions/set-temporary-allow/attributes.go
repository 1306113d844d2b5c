package main

import (
	"encoding/xml"
	"strings"
)

// Namespaces of attributes that serializers write beside the values.
const (
	xmlNamespace = "http://www.w3.org/XML/1998/namespace"
	xsiNamespace = "http://www.w3.org/2001/XMLSchema-instance"

	xmlnsNamespace = "http://www.w3.org/2000/xmlns/" // of the declarations themselves
)

// ownNames says whether no declaration touches the names that are XML's own (Namespaces
// in XML 1.0, section 3). encoding/xml takes all of them. A namespace "xmlns" is nobody's
// and would be legal, but encoding/xml cannot tell the attributes in it from
// declarations.
func ownNames(attributes []xml.Attr) bool {
	for _, a := range attributes {
		isXML := a.Value == xmlNamespace
		switch {
		case a.Name.Space == "xmlns" && a.Name.Local == "xml":
			if !isXML {
				return false
			}
		case a.Name.Space == "xmlns" && a.Name.Local == "xmlns":
			return false
		case a.Name.Space == "xmlns", a.Name == xml.Name{Local: "xmlns"}:
			if isXML || a.Value == xmlnsNamespace || a.Value == "xmlns" {
				return false
			}
		}
	}
	return true
}

// wellFormed says whether no attribute is given twice and no prefix is declared as none
// (Namespaces in XML 1.0, sections 5 and 6.3). encoding/xml takes both, and takes an
// element with such a prefix for one without.
func wellFormed(attributes []xml.Attr) bool {
	seen := make(map[xml.Name]bool, len(attributes))
	for _, a := range attributes {
		if seen[a.Name] || a.Name.Space == "xmlns" && a.Value == "" {
			return false
		}
		seen[a.Name] = true
	}
	return true
}

// nilled checks the attributes of the root or of a field. Declarations of namespaces,
// those of XML itself and those of XMLSchema-instance say nothing about a value, and any
// other is refused. Only xsi:nil says something, and that is the result: that there is no
// value.
func nilled(e xml.StartElement) (bool, error) {
	isNil := false
	for _, a := range e.Attr {
		switch {
		case a.Name.Space == "xmlns", a.Name == xml.Name{Local: "xmlns"}, a.Name.Space == xmlNamespace:
		case a.Name == xml.Name{Space: xsiNamespace, Local: "nil"}:
			switch strings.Trim(a.Value, xmlSpace) {
			case "true", "1":
				isNil = true
			case "false", "0":
			default:
				return false, invalid("xsi:nil of " + e.Name.Local + " must be true or false")
			}
		case a.Name.Space == xsiNamespace:
		default:
			return false, invalid(e.Name.Local +
				" must not have attributes but xmlns, xml: and those of XMLSchema-instance")
		}
	}
	return isNil, nil
}
