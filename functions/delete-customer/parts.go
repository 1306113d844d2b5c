package main

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"

	"customercare/shared/media"
)

// maxParts is the largest number of parts of a multipart form; net/http takes as many.
const maxParts = 1000

// readParts gives field each field of a multipart form, but for files, which nobody asked
// for: its name, its value, and the charset that it was declared in when it cannot be read
// therefore. A part may name its charset (RFC 7578 section 4.4), else the form's counts.
// With an error, the fields so far are not the form.
func readParts(body []byte, boundary, charset string, field func(name, value, foreign string)) error {
	if boundary == "" {
		return http.ErrMissingBoundary
	}
	if !bytes.Contains(body, []byte("--"+boundary+"--")) {
		return io.ErrUnexpectedEOF // the reader takes a body that is cut off within a part's header for a whole one
	}
	reader := multipart.NewReader(bytes.NewReader(body), boundary)
	for parts := 0; ; parts++ {
		part, err := reader.NextPart()
		switch {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		case parts == maxParts:
			return multipart.ErrMessageTooLarge
		case part.FormName() == "" || part.FileName() != "":
			continue
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return err
		}
		declared := charset
		if t, _, _ := media.ContentType(http.Header(part.Header)); t.Params["charset"] != "" {
			declared = t.Params["charset"]
			if isLatin1(declared) {
				value, declared = fromLatin1(value), "utf-8"
			}
		}
		field(part.FormName(), string(value), media.Foreign(declared, value))
	}
}

// isLatin1 says whether a charset is ISO-8859-1, under one of the names that IANA knows.
func isLatin1(charset string) bool {
	return slices.Contains([]string{
		"iso-8859-1", "iso_8859-1", "iso8859-1", "latin1", "l1", "iso_8859-1:1987", "iso-ir-100", "ibm819", "cp819", "csisolatin1",
	}, strings.ToLower(charset))
}

// fromLatin1 is text in ISO-8859-1, whose bytes are the first 256 characters of Unicode,
// in UTF-8.
func fromLatin1(text []byte) []byte {
	runes := make([]rune, len(text))
	for i, b := range text {
		runes[i] = rune(b)
	}
	return []byte(string(runes))
}
