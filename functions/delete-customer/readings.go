package main

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// The media types of forms.
const (
	urlencodedType = "application/x-www-form-urlencoded"
	multipartType  = "multipart/form-data"
)

// field is one of a call that may be passed on.
type field struct {
	name, value string
	plain       bool // nothing about it can be read in another way
}

// queryFields are those of the query. API Gateway has decoded it, and it is encoded anew
// when it is passed on: so nobody can read it in another way.
func queryFields(query map[string][]string) (all []field) {
	for name, values := range query {
		for _, value := range values {
			all = append(all, field{name, value, true})
		}
	}
	return all
}

// bodyFields are those of a form, which must be written so that all readers find the same
// ones in it. It is stricter than parse: that one reads for us, and this one for others.
func bodyFields(header http.Header, body []byte) ([]field, error) {
	types := header.Values("Content-Type")
	if len(types) != 1 {
		return nil, errMedia
	}
	name, params, _ := strings.Cut(types[0], ";")
	given, ok := parameters(params)
	boundary := given["boundary"]
	delete(given, "boundary")
	charset, declared := given["charset"]
	delete(given, "charset")
	ok = ok && len(given) == 0 && (!declared || asciiCharset().MatchString(charset))
	switch name = strings.ToLower(strings.Trim(name, " \t")); {
	case name == urlencodedType && ok && boundary == "":
		return urlencodedFields(string(body))
	case name == multipartType && ok && plainBoundary().MatchString(boundary) && oneBoundary(types[0]):
		return multipartFields(string(body), boundary)
	case name == urlencodedType, name == multipartType:
		return nil, errUnclear
	}
	return nil, errMedia
}

// pattern makes a regular expression when it is first asked for, and not at a function's
// start: most calls ask for few of them, and all together would be a tenth of a start.
func pattern(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

var (
	plainParameter = pattern(`^[ \t]*([A-Za-z-]+)=(?:"([^"\\;]*)"|([A-Za-z0-9_.:+=/'()?-]+))[ \t]*$`)
	plainBoundary  = pattern(`^[A-Za-z0-9_.+=-]{1,70}$`)
	// asciiCharset is one in which ASCII characters are the bytes that they are in ASCII.
	asciiCharset = pattern(`(?i)^(?:utf-?8|us-ascii|iso-8859-1|iso-8859-15|windows-1252)$`)
)

// oneBoundary says whether the readers that search a Content-Type for its boundary find
// the parameter. PHP takes what stands behind the first "boundary", preferably in lower
// case, and the next "=", up to a semicolon, blanks too; Rack what stands behind the last
// "boundary=" in any case.
func oneBoundary(contentType string) bool {
	return strings.Count(strings.ToLower(contentType), "boundary=") == 1 && foundBoundary().MatchString(contentType)
}

var foundBoundary = pattern(`boundary=(?:"[^"]*"|[^ \t";]+)(?:;|[ \t]*$)`)

// parameters are those of a header, what stands behind its first semicolon, by their
// names in lower case; ok is false when some reader could find others.
func parameters(text string) (all map[string]string, ok bool) {
	all = map[string]string{}
	for part := range strings.SplitSeq(text, ";") {
		if strings.Trim(part, " \t") == "" {
			continue
		}
		found := plainParameter().FindStringSubmatch(part)
		if found == nil {
			return all, false
		}
		name := strings.ToLower(found[1])
		if _, again := all[name]; again {
			return all, false
		}
		all[name] = found[2] + found[3]
	}
	return all, true
}

// urlencodedFields are those of an urlencoded form. Only "&" separates; what is the type,
// or looks like it, for a reader to whom ";" separates too, is refused.
func urlencodedFields(body string) (all []field, err error) {
	for pair := range strings.SplitSeq(body, "&") {
		if pair == "" {
			continue
		}
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(rawName)
		value, wrong := url.QueryUnescape(rawValue)
		if err != nil || wrong != nil {
			return nil, errUnclear
		}
		all = append(all, field{name, value, rawName == name && rawValue == value})
		if _, more, split := strings.Cut(pair, ";"); split {
			for part := range strings.SplitSeq(more, ";") {
				name, _, _ := strings.Cut(part, "=")
				if name, err = url.QueryUnescape(name); err != nil || strings.Contains(name, "%") || typelike(name) {
					return nil, errType
				}
			}
		}
	}
	return all, nil
}

var (
	// disposition names a part as all readers read it: by a quoted string without
	// escapes, or by a plain word. A file's name may stand behind it, in one form or two.
	disposition = pattern(`^form-data; ?name=(?:"([^"\\;\r\n]*)"|([A-Za-z0-9_.\[\]-]+))` +
		`((?:; ?filename=(?:"[^"\\;\r\n]*"|[A-Za-z0-9_.-]+))?(?:; ?filename\*=[A-Za-z0-9-]+'[A-Za-z0-9-]*'[A-Za-z0-9_.~%!#$&+^-]*)?)$`)
	partHeader = pattern(`^([A-Za-z-]+):[ \t]*([^\r\n\x00]*?)[ \t]*$`)
	// plainText and asciiPart are types of parts whose ASCII characters are in ASCII.
	plainText = pattern(`(?i)^text/plain(?: *; *charset="?(?:utf-?8|us-ascii|iso-8859-1|windows-1252)"?)?$`)
	asciiPart = pattern(`(?i)^[^;"]*; *charset="?(?:utf-?8|us-ascii|iso-8859-1|windows-1252)"?$`)
)

// partHeaders are the fields that a part may have in its header: those that clients send.
var partHeaders = []string{"content-disposition", "content-type", "content-length", "content-transfer-encoding"}

// multipartFields are those of a multipart form. Wherever its boundary stands in it, a
// part must begin or the form end, so that no reader finds more parts or fewer.
func multipartFields(body, boundary string) (all []field, err error) {
	parts := strings.Split(body, "--"+boundary)
	last := parts[len(parts)-1]
	if len(parts) < 2 || parts[0] != "" || last != "--" && last != "--\r\n" {
		return nil, errUnclear
	}
	for _, part := range parts[1 : len(parts)-1] {
		inner, begins := strings.CutPrefix(part, "\r\n")
		inner, ends := strings.CutSuffix(inner, "\r\n")
		head, value, divided := strings.Cut(inner, "\r\n\r\n")
		if !begins || !ends || !divided {
			return nil, errUnclear
		}
		f, ok := partField(head, value)
		if !ok {
			return nil, errUnclear
		}
		all = append(all, f)
	}
	return all, nil
}

// partField is a part's field; ok is false when some reader could find another one.
func partField(head, value string) (f field, ok bool) {
	given := map[string]string{}
	for line := range strings.SplitSeq(head, "\r\n") {
		found := partHeader().FindStringSubmatch(line)
		if found == nil {
			return f, false
		}
		name := strings.ToLower(found[1])
		if _, again := given[name]; again || !slices.Contains(partHeaders, name) {
			return f, false
		}
		given[name] = found[2]
	}
	named := disposition().FindStringSubmatch(given["content-disposition"])
	mediaType, typed := given["content-type"]
	media := strings.ToLower(mediaType)
	if named == nil || strings.HasPrefix(media, "multipart/") || strings.HasPrefix(media, "message/") {
		return f, false // a part of parts
	}
	if strings.Contains(media, "charset") && !asciiPart().MatchString(mediaType) {
		return f, false
	}
	if length, known := given["content-length"]; known && length != strconv.Itoa(len(value)) {
		return f, false // older Pythons read so many bytes and pass over the rest
	}
	switch strings.ToLower(given["content-transfer-encoding"]) {
	case "", "7bit", "8bit", "binary":
	default:
		return f, false
	}
	isFile := named[3] != ""
	return field{named[1] + named[2], value, !isFile && (!typed || plainText().MatchString(mediaType))}, true
}
