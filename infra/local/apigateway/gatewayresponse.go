package apigateway

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// refusal is an answer that API Gateway gives itself: a gateway response type with its
// default status and message, and its x-amzn-ErrorType without "Exception".
// https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
type refusal struct {
	kind      string
	status    int
	message   string
	errorType string
}

const (
	notAuthorized = "User is not authorized to access this resource"
	serverError   = "Internal server error"
)

var (
	unauthorized           = refusal{"UNAUTHORIZED", 401, "Unauthorized", "Unauthorized"}
	accessDenied           = refusal{"ACCESS_DENIED", 403, notAuthorized, "AccessDenied"}
	accessDeniedExplicitly = refusal{"ACCESS_DENIED", 403, notAuthorized + " with an explicit deny", "AccessDenied"}
	// noSuchRoute is what API Gateway answers where there is no route, under this name.
	noSuchRoute = refusal{"MISSING_AUTHENTICATION_TOKEN", 403,
		"Missing Authentication Token", "MissingAuthenticationToken"}
	authorizerFailure       = refusal{"AUTHORIZER_FAILURE", 500, serverError, "AuthorizerFailure"}
	authorizerMisconfigured = refusal{"AUTHORIZER_CONFIGURATION_ERROR", 500, serverError, "AuthorizerConfiguration"}
	badRequest              = refusal{"DEFAULT_4XX", 400, "Bad Request", "BadRequest"}
	integrationTimeout      = refusal{"INTEGRATION_TIMEOUT", 504, "Endpoint request timed out", "InternalServerError"}
	throttled               = refusal{"THROTTLED", 429, "Too Many Requests", "TooManyRequests"}
	// integrationFailure is what a caller gets when a function's concurrency is used up.
	// Lambda's own 429 does not reach the caller (repost.aws question
	// QUfI6bsdd0SOiPeyimzxSkfQ: a 500; Stack Overflow 36363280: of this type).
	integrationFailure = refusal{"INTEGRATION_FAILURE", 500, serverError, "InternalServerError"}
	// badGateway is for a function that fails or answers nonsense. API Gateway has no
	// type of its own for that.
	badGateway = refusal{"DEFAULT_5XX", 502, serverError, "InternalServerError"}
	// requestTooLarge is a type that AWS's documentation lists as customizable and, under
	// "Important notes for REST APIs", as not yet customizable. Here the template's
	// answer is given; on AWS it may be the default one.
	requestTooLarge = refusal{"REQUEST_TOO_LARGE", 413, "Request Too Long", "RequestTooLarge"}

	// The answers of API Gateway's front, which no gateway response changes: that of 431
	// as clients report it (backbencher.dev "431 status code", homedev.com.au "HTTP
	// header is larger than 10240 bytes"), the others in the same form.
	headTooLarge   = refusal{status: 431, message: "HTTP header is larger than 10240 bytes"}
	requestTimeout = refusal{status: 408, message: "The request did not come to its end in time"}
	targetTooLong  = refusal{status: 414, message: "The request line is too long"}
	unknownCoding  = refusal{status: 501, message: "Transfer-Encoding may only be chunked"}
)

// refuse gives the refusal in the form the template asks for: its own gateway response,
// else DEFAULT_4XX or DEFAULT_5XX, else AWS's default.
func (g *Gateway) refuse(c *call, why refusal) *response {
	c.access.Refusal = why.kind
	body, _ := json.Marshal(map[string]string{"message": why.message}) // text always marshals
	resp := &response{status: why.status, body: body}
	resp.header = []field{{"Content-Type", "application/json"}, {"x-amzn-RequestId", c.requestID}}
	if why.kind == "" { // API Gateway's front
		return resp
	}
	custom, ok := g.api.Responses[why.kind]
	if !ok {
		custom = g.api.Responses["DEFAULT_"+strconv.Itoa(why.status/100)+"XX"]
	}
	resp.status = cmp.Or(custom.StatusCode, why.status)
	resp.header = append(resp.header,
		field{"x-amz-apigw-id", c.extendedID}, field{"x-amzn-ErrorType", why.errorType + "Exception"})
	if contentType, text := chooseTemplate(custom.Templates, firstAccepted(c)); text != "" {
		resp.set("Content-Type", contentType)
		resp.body = []byte(text)
	}
	for _, name := range slices.Sorted(maps.Keys(custom.Headers)) {
		resp.set(name, strings.Trim(custom.Headers[name], "'"))
	}
	return resp
}

func (r *response) set(name, value string) {
	r.header = slices.DeleteFunc(r.header, func(f field) bool { return strings.EqualFold(f.name, name) })
	r.header = append(r.header, field{name, value})
}

// chooseTemplate takes the template of the accepted type, else JSON's, else the first
// there is; empty without any.
func chooseTemplate(templates map[string]string, accepted string) (contentType, template string) {
	for _, contentType := range append([]string{accepted, "application/json"}, slices.Sorted(maps.Keys(templates))...) {
		if t, ok := templates[contentType]; ok {
			return contentType, t
		}
	}
	return "", ""
}
