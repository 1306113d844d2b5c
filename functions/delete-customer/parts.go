package main

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"

	"customercare/shared/media"
)

// maxParts is the largest number of parts of a multipart form; net/http takes as many.
const maxParts = 1000

// readParts reads each field of a multipart form, but for files, which nobody asked for.
// A part may name its charset (RFC 7578 section 4.4); open are the fields of those that
// do not, for which the form's counts. With an error, the fields so far are not the form.
func (s *sent) readParts(body []byte, boundary string) (open url.Values, err error) {
	if boundary == "" {
		return nil, http.ErrMissingBoundary
	}
	if !bytes.Contains(body, []byte("--"+boundary+"--")) {
		return nil, io.ErrUnexpectedEOF // the reader takes a body that is cut off within a part's header for a whole one
	}
	s.values, open = make(url.Values), make(url.Values)
	reader := multipart.NewReader(bytes.NewReader(body), boundary)
	for parts := 0; ; parts++ {
		part, err := reader.NextPart()
		switch {
		case err == io.EOF:
			return open, nil
		case err != nil:
			return nil, err
		case parts == maxParts:
			return nil, multipart.ErrMessageTooLarge
		case part.FormName() == "" || part.FileName() != "":
			continue
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return nil, err
		}
		name, text := part.FormName(), string(value)
		t, given, ok := media.ContentType(http.Header(part.Header))
		charset := t.Charset()
		if given && !ok { // two types, or one that cannot be read
			charset = media.Unknown
		}
		switch {
		case charset == "":
			open.Add(name, text)
		case media.IsLatin1(charset):
			text = media.FromLatin1(value)
		default:
			s.declare(name, text, charset)
		}
		s.values.Add(name, text)
	}
}
