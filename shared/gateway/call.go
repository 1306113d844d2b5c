package gateway

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"

	"customercare/shared/audit"
	"customercare/shared/identifier"
	"customercare/shared/media"
	"customercare/shared/metric"
	"customercare/shared/respond"
)

// Call is one request as API Gateway passed it on.
type Call struct {
	Method string // as it stood in the request line, whatever that was
	Header http.Header
	Body   []byte
	Form   map[string]string // the body's fields, see Endpoint.Form

	// Audit is the call's audit line. The handler notes in it what it learns: who calls,
	// where no authorizer said it, and what about whom.
	Audit audit.Line
	// Success is further fields of the answer, under canonical names, where the call
	// succeeds; see Accepted.
	Success http.Header
	// Status is that of the answer where the call succeeds and it is not 200.
	Status int

	event *events.APIGatewayProxyRequest
	line  metric.CallLine
	// whole says that the answer is a respond.Whole. Its bytes go out base64-encoded,
	// because JSON could make a text of them six times as long.
	whole bool
}

// PathID is a path parameter that identifies somebody: once percent-decoded 1 to limit
// bytes of UTF-8, any character but the control characters (C0, DEL and C1) and the two
// more that XML cannot carry. It is decoded once, because a REST API passes it as it
// stood in the request line, so that "%2F" is part of the value (aws-sam-cli issues 771
// and 3524, serverless-offline issue 265).
func (c *Call) PathID(name string, limit int) (string, error) {
	value, err := url.PathUnescape(c.event.PathParameters[name])
	if err != nil {
		return "", respond.Refuse(respond.Invalid, name+" in the path is not valid percent-encoding")
	}
	if value == "" || len(value) > limit || !utf8.ValidString(value) || identifier.HasControl(value) {
		return "", respond.Refuse(respond.Invalid, fmt.Sprintf(
			"%s in the path must be 1 to %d bytes of UTF-8 without control characters", name, limit))
	}
	if !identifier.Sayable(value) {
		return "", respond.Refuse(respond.Invalid, name+" in the path"+identifier.Unsayable)
	}
	return value, nil
}

// Query is the event's query parameters, decoded by API Gateway, each with all its
// values.
func (c *Call) Query() map[string][]string {
	if c.event.MultiValueQueryStringParameters != nil {
		return c.event.MultiValueQueryStringParameters
	}
	all := make(map[string][]string, len(c.event.QueryStringParameters))
	for name, value := range c.event.QueryStringParameters {
		all[name] = []string{value}
	}
	return all
}

// Caller is a value of the authorizer's context, "" when there is none. It comes from the
// event, which only API Gateway writes, and never from a header.
func (c *Call) Caller(name string) string {
	value, _ := c.event.RequestContext.Authorizer[name].(string)
	return value
}

// Source is the address that the request came from, as API Gateway saw it: no header can
// change it.
func (c *Call) Source() string { return c.event.RequestContext.Identity.SourceIP }

// Accepted notes which erasure the call has accepted, or joined: in the audit line, and
// in the answer's field Link (RFC 8288), where the caller can ask what becomes of it.
func (c *Call) Accepted(erasure string) {
	c.Audit.Erasure = erasure
	c.Success = http.Header{"Link": {"<" + c.Path("/erasures/"+erasure) + `>; rel="status"`}}
}

// Path is one of the API's paths as the caller has to write it: behind the stage's name
// on API Gateway's own address, behind the base path on a domain of one's own that has
// one, and as it is on the local stack. The event tells the domain that API Gateway was
// called by, which the local stack does not have.
func (c *Call) Path(path string) string {
	request := &c.event.RequestContext
	if request.DomainName == "" || request.DomainName != c.Header.Get("Host") {
		return path
	}
	// What is in front of the resource's path, which has as many segments as its pattern.
	before := strings.TrimRight(request.Path, "/")
	for range strings.Count(strings.TrimRight(request.ResourcePath, "/"), "/") {
		last := strings.LastIndexByte(before, '/')
		if last < 0 {
			return path
		}
		before = before[:last]
	}
	return before + path
}

// Given is the header's values but for empty ones: a header that is there without a value
// is a setting that the client has left empty, and says nothing.
func (c *Call) Given(name string) []string {
	return slices.DeleteFunc(slices.Clone(c.Header.Values(name)), func(value string) bool {
		return strings.Trim(value, " \t") == ""
	})
}

// BodyType is the media type of the call's body, one of offered; the first of them when
// there is no body or no Content-Type. Any other type is refused, and so is a body that
// its charset makes another than UTF-8.
func (c *Call) BodyType(offered ...string) (string, error) {
	t, given, ok := media.ContentType(c.Header)
	if len(c.Body) == 0 || !given {
		return offered[0], nil
	}
	if !ok || !slices.Contains(offered, t.Name) {
		return "", respond.Refuse(respond.UnsupportedMedia,
			"Content-Type must be "+strings.Join(offered, " or ")+", in UTF-8")
	}
	text, _ := media.Text(c.Body)
	if foreign := media.Foreign(t.Charset(), text); foreign != "" {
		return "", respond.Refuse(respond.UnsupportedMedia, notUTF8(foreign))
	}
	return t.Name, nil
}

// notUTF8 is the sentence for a body of characters beyond ASCII under another charset.
func notUTF8(charset string) string {
	return "Content-Type declares " + charset + ", a request body that is not all ASCII must be in UTF-8"
}

// readBody decodes the event's body into the call. API Gateway sends every body
// base64-encoded (the template's BinaryMediaTypes); `sam local invoke` and events written
// by hand may not. encoded is the kind of the refusal of a Content-Encoding.
func (c *Call) readBody(limit int, encoded respond.Kind) error {
	if err := c.checkEncoding(encoded); err != nil {
		return err
	}
	text := c.event.Body
	if !c.event.IsBase64Encoded {
		if len(text) > limit {
			return tooLarge(limit)
		}
		c.Body = []byte(text)
		return nil
	}
	if base64.StdEncoding.DecodedLen(len(text)) > limit+2 { // +2: DecodedLen counts padding
		return tooLarge(limit)
	}
	decoded, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return respond.Refuse(respond.Invalid, "The request body is not valid base64")
	}
	if len(decoded) > limit {
		return tooLarge(limit)
	}
	c.Body = decoded
	return nil
}

func tooLarge(limit int) error {
	return respond.Refuse(respond.TooLarge, fmt.Sprintf("The request body is larger than %d bytes", limit))
}

// checkEncoding refuses, as the kind, any Content-Encoding but identity, which says
// nothing: a body that is compressed, read as if it were not, would be refused for what
// stands nowhere in it. The header counts without a body too. Its fields together are one
// list (RFC 9110, section 8.4).
func (c *Call) checkEncoding(kind respond.Kind) error {
	for coding := range strings.SplitSeq(strings.Join(c.Header.Values("Content-Encoding"), ","), ",") {
		if coding = strings.Trim(coding, " \t"); coding != "" && !strings.EqualFold(coding, "identity") {
			return &respond.Error{
				Kind:     kind,
				Sentence: "Content-Encoding must be identity, the body must not be compressed",
				Header:   http.Header{"Accept-Encoding": {"identity"}}, // section 15.5.16
			}
		}
	}
	return nil
}

// log writes the call's lines: it is over.
func (c *Call) log(ctx context.Context) {
	c.line.Log(ctx)
	c.Audit.Outcome, c.Audit.Status = c.line.Outcome, c.line.Status
	c.Audit.Log(ctx)
}
