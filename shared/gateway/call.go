package gateway

import (
	"fmt"
	"mime"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/awslabs/aws-lambda-go-api-proxy/core"

	"customercare/shared/identifier"
	"customercare/shared/respond"
)

// PathParam is a path parameter, percent-decoded once. A REST API passes it as it stood in the request line, still
// encoded, so that "%2F" is part of the value (aws-sam-cli issues 771 and 3524, serverless-offline issue 265).
// What does not decode is refused.
func (c *Call) PathParam(name string) (string, *respond.Error) {
	value, err := url.PathUnescape(c.event.PathParameters[name])
	if err != nil {
		return "", respond.Refuse(respond.Invalid, name+" in the path is not valid percent-encoding")
	}
	return value, nil
}

// PathID is a path parameter that identifies somebody: once decoded 1 to limit bytes of UTF-8, any character but the
// control characters (C0, DEL and C1) and the two more that XML cannot carry.
func (c *Call) PathID(name string, limit int) (string, *respond.Error) {
	value, refusal := c.PathParam(name)
	if refusal != nil {
		return "", refusal
	}
	if value == "" || len(value) > limit || !utf8.ValidString(value) || identifier.HasControl(value) {
		return "", respond.Refuse(respond.Invalid,
			fmt.Sprintf("%s in the path must be 1 to %d bytes of UTF-8 without control characters", name, limit))
	}
	if !identifier.Sayable(value) {
		return "", respond.Refuse(respond.Invalid, name+" in the path"+identifier.Unsayable)
	}
	return value, nil
}

// Query is the event's query parameters, decoded by API Gateway, each with all its values.
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

// Caller is a value of the authorizer's context, "" when there is none. It comes from the event, which only API
// Gateway writes, and never from a header.
func (c *Call) Caller(name string) string {
	rc, _ := core.GetAPIGatewayContextFromContext(c.Context())
	value, _ := rc.Authorizer[name].(string)
	return value
}

// Source is the address that the request came from, as API Gateway saw it: no header can change it.
func (c *Call) Source() string { return c.event.RequestContext.Identity.SourceIP }

// BodyType is the media type of the call's body, one of offered; the first of them when there is no body or no
// Content-Type. Any other type, and any charset but UTF-8, is refused.
func (c *Call) BodyType(offered ...string) (string, *respond.Error) {
	given := c.Header.Values("Content-Type")
	if len(c.Body) == 0 || strings.TrimSpace(strings.Join(given, "")) == "" {
		return offered[0], nil
	}
	media, params, err := mime.ParseMediaType(given[0])
	charset, named := params["charset"]
	if err != nil || len(given) > 1 || !slices.Contains(offered, media) || named && !strings.EqualFold(charset, "utf-8") {
		return "", respond.Refuse(respond.UnsupportedMedia, "Content-Type must be "+strings.Join(offered, " or ")+", in UTF-8")
	}
	return media, nil
}
