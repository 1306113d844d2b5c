package apigateway

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

var errMalformed = errors.New("malformed Lambda proxy response")

// proxyResponse turns a function's answer into the response; a malformed answer is an
// error, which becomes a 502. Nothing is required in it, and what aws-lambda-go does not
// know is not allowed (localstack/localstack pull request 11856, checked against AWS).
func (g *Gateway) proxyResponse(c *call, raw []byte) (*response, error) {
	var answer events.APIGatewayProxyResponse
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if !bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) || d.Decode(&answer) != nil {
		return nil, errMalformed
	}
	resp := &response{status: cmp.Or(answer.StatusCode, http.StatusOK), body: []byte(answer.Body)}
	if resp.status < 200 || resp.status > 599 {
		return nil, fmt.Errorf("%w: its statusCode is no HTTP status", errMalformed)
	}
	// A name in both keeps the values of multiValueHeaders, and a single value that is
	// not among them comes last.
	headers := map[string][]string{}
	maps.Copy(headers, answer.MultiValueHeaders)
	for name, value := range answer.Headers {
		if !slices.Contains(headers[name], value) {
			headers[name] = append(headers[name], value)
		}
	}
	contentType := false
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		if !isToken(name) {
			return nil, fmt.Errorf("%w: it has an impossible header name", errMalformed)
		}
		as, passes := remap(name)
		contentType = contentType || strings.EqualFold(as, "Content-Type")
		for _, value := range headers[name] {
			if passes {
				resp.header = append(resp.header, field{as, value})
			}
		}
	}
	if !contentType {
		resp.header = append(resp.header, field{"Content-Type", "application/json"})
	}
	resp.header = append(resp.header,
		field{"x-amzn-RequestId", c.requestID},
		field{"x-amz-apigw-id", c.extendedID},
		field{"X-Amzn-Trace-Id", c.traceID})
	if answer.IsBase64Encoded {
		var err error
		if resp.body, err = base64.StdEncoding.DecodeString(answer.Body); err != nil {
			return nil, fmt.Errorf("%w: its body is not base64", errMalformed)
		}
	}
	return resp, nil
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
	return cmp.Or(strings.ToLower(strings.TrimSpace(first)), "application/json")
}
