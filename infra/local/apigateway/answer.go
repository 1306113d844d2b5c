package apigateway

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// proxyAnswer is what a function behind a Lambda proxy integration returns. Nothing is
// required, and no other field is allowed (localstack/localstack pull request 11856,
// checked against AWS).
type proxyAnswer struct {
	StatusCode        any            `json:"statusCode"`
	Headers           map[string]any `json:"headers"`
	MultiValueHeaders map[string]any `json:"multiValueHeaders"`
	Body              *string        `json:"body"`
	IsBase64Encoded   bool           `json:"isBase64Encoded"`
}

var errMalformed = errors.New("malformed Lambda proxy response")

// proxyResponse turns a function's answer into the response; a malformed answer is an
// error, which becomes a 502.
func (g *Gateway) proxyResponse(c *call, raw []byte) (*response, error) {
	var answer proxyAnswer
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	d.UseNumber()
	if !bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) || d.Decode(&answer) != nil {
		return nil, errMalformed
	}
	resp := &response{status: http.StatusOK}
	// A string of digits is fine too (localstack/localstack pull request 11199).
	if answer.StatusCode != nil {
		status, err := strconv.Atoi(fmt.Sprint(answer.StatusCode))
		if err != nil || status < 200 || status > 599 {
			return nil, fmt.Errorf("%w: its statusCode is no HTTP status", errMalformed)
		}
		resp.status = status
	}
	fields, err := mergeHeaders(answer)
	if err != nil {
		return nil, err
	}
	contentType := false
	for _, f := range fields {
		name, ok := remap(f.name)
		if !ok {
			continue
		}
		contentType = contentType || strings.EqualFold(name, "Content-Type")
		resp.header = append(resp.header, field{name, f.value})
	}
	if !contentType {
		resp.header = append(resp.header, field{"Content-Type", "application/json"})
	}
	resp.header = append(resp.header,
		field{"x-amzn-RequestId", c.requestID},
		field{"x-amz-apigw-id", c.extendedID},
		field{"X-Amzn-Trace-Id", c.traceID})
	if answer.Body != nil {
		resp.body = []byte(*answer.Body)
	}
	// Base64 is decoded only for a caller whose first accepted type is a binary one;
	// others get the text.
	if answer.IsBase64Encoded && g.isBinary(firstAccepted(c)) {
		if resp.body, err = base64.StdEncoding.DecodeString(string(resp.body)); err != nil {
			return nil, fmt.Errorf("%w: its body is not base64", errMalformed)
		}
	}
	return resp, nil
}

// mergeHeaders joins headers and multiValueHeaders into one list, sorted by name: a name
// in both keeps the values of multiValueHeaders, and a single value that is not among
// them comes last.
func mergeHeaders(answer proxyAnswer) ([]field, error) {
	values := map[string][]string{}
	for name, list := range answer.MultiValueHeaders {
		items, ok := list.([]any)
		if !ok {
			items = []any{list}
		}
		for _, item := range items {
			value, err := headerText(item)
			if err != nil {
				return nil, err
			}
			values[name] = append(values[name], value)
		}
	}
	for name, item := range answer.Headers {
		value, err := headerText(item)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(values[name], value) {
			values[name] = append(values[name], value)
		}
	}
	var fields []field
	for name, list := range values {
		if !isToken(name) {
			return nil, fmt.Errorf("%w: it has an impossible header name", errMalformed)
		}
		for _, value := range list {
			fields = append(fields, field{name, value})
		}
	}
	slices.SortStableFunc(fields, func(a, b field) int { return strings.Compare(a.name, b.name) })
	return fields, nil
}

func headerText(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case bool, json.Number:
		return fmt.Sprint(v), nil
	}
	return "", fmt.Errorf("%w: a header value is neither text, number nor boolean", errMalformed)
}

// remap gives the name under which a function's header reaches the caller; false when it
// does not. The table is in "Important notes for REST APIs"
// (https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-known-issues.html),
// lambda column. So a function cannot say WWW-Authenticate itself: that needs a gateway
// response.
func remap(name string) (string, bool) {
	switch strings.ToLower(name) {
	case "authorization", "connection", "content-md5", "date", "max-forwards", "server", "user-agent",
		"www-authenticate":
		return "x-amzn-Remapped-" + name, true
	case "expect", "host", "proxy-authenticate", "te", "transfer-encoding", "trailer", "upgrade", "via",
		"content-length": // which is made anew from the body
		return "", false
	}
	return name, true
}

// firstAccepted is the first media type of the Accept header, without parameters: the
// only one API Gateway looks at ("Important notes for REST APIs"). Without the header it
// is application/json.
func firstAccepted(c *call) string {
	first, _, _ := strings.Cut(c.get("Accept"), ",")
	first, _, _ = strings.Cut(first, ";")
	if first = strings.ToLower(strings.TrimSpace(first)); first == "" {
		return "application/json"
	}
	return first
}
