package respond

import (
	"net/http"
	"strings"
)

// Problem is a failure's answer in the calls about erasures (RFC 9457). It is written as
// application/problem+json, whatever format the request asks for.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

// Text is an answer that is written as it is, as text/plain.
type Text string

// Problems is the shape of the calls about erasures: JSON or a Text, and problems.
var Problems = Shape{
	Format:  func(http.Header, map[string]string) (Format, error) { return Format{}, nil },
	Encoded: UnsupportedMedia,
	Failure: func(e *Error) (int, any) {
		status := e.Status()
		return status, Problem{
			Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: e.Sentence,
		}
	},
}

// Accept refuses a request whose Accept header excludes the media type of its answer (RFC
// 9110, section 12.5.1). Without the header every type is accepted.
func Accept(header http.Header, mediaType string) error {
	accept := strings.Join(header.Values("Accept"), ",")
	if strings.Trim(accept, " \t,") == "" || acceptRanges(accept).match(mediaType).q > 0 {
		return nil
	}
	return Refuse(NotAcceptable, "Accept must allow "+mediaType)
}
