package apigateway

import (
	"encoding/json"
	"maps"
	"regexp"
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
	// API Gateway's name for what has no route.
	noSuchRoute = refusal{"MISSING_AUTHENTICATION_TOKEN", 403,
		"Missing Authentication Token", "MissingAuthenticationToken"}
	authorizerFailure       = refusal{"AUTHORIZER_FAILURE", 500, serverError, "AuthorizerFailure"}
	authorizerMisconfigured = refusal{"AUTHORIZER_CONFIGURATION_ERROR", 500, serverError, "AuthorizerConfiguration"}
	badRequest              = refusal{"DEFAULT_4XX", 400, "Bad Request", "BadRequest"}
	internalError           = refusal{"DEFAULT_5XX", 500, serverError, "InternalServerError"}
	integrationTimeout      = refusal{"INTEGRATION_TIMEOUT", 504, "Endpoint request timed out", "InternalServerError"}
	throttled               = refusal{"THROTTLED", 429, "Too Many Requests", "TooManyRequests"}
	// Lambda's own 429, for a function whose concurrency is used up, does not reach the
	// caller (repost.aws question QUfI6bsdd0SOiPeyimzxSkfQ: a 500; Stack Overflow
	// 36363280: of this type).
	integrationFailure = refusal{"INTEGRATION_FAILURE", 500, serverError, "InternalServerError"}
	// For a function that fails or answers nonsense API Gateway has no type of its own.
	badGateway = refusal{"DEFAULT_5XX", 502, serverError, "InternalServerError"}
	// AWS's documentation lists this type as customizable and, under "Important notes for
	// REST APIs", as not yet customizable. Here the template's answer is given; on AWS it
	// may be the default one.
	requestTooLarge = refusal{"REQUEST_TOO_LARGE", 413, "Request Too Long", "RequestTooLarge"}

	// The answers of API Gateway's front, which no gateway response changes: that of 431
	// as clients report it (backbencher.dev "431 status code", homedev.com.au "HTTP
	// header is larger than 10240 bytes"), the others in the same form.
	headTooLarge   = refusal{status: 431, message: "HTTP header is larger than 10240 bytes"}
	requestTimeout = refusal{status: 408, message: "The request did not come to its end in time"}
	targetTooLong  = refusal{status: 414, message: "The request line is too long"}
	unknownCoding  = refusal{status: 501, message: "Transfer-Encoding may only be chunked"}
)

// front gives a refusal of API Gateway's front.
func (c *call) front(why refusal) *response {
	body, _ := json.Marshal(map[string]string{"message": why.message}) // text always marshals
	header := []field{{"Content-Type", "application/json"}, {"x-amzn-RequestId", c.requestID}}
	return &response{status: why.status, header: header, body: body}
}

// refuse gives the refusal in the form the template asks for: its own gateway response,
// else DEFAULT_4XX or DEFAULT_5XX, else AWS's default.
func (g *Gateway) refuse(c *call, why refusal) *response {
	c.served.refusal = why.kind
	if why.kind == "" {
		return c.front(why)
	}
	custom, ok := g.api.Responses[why.kind]
	if !ok {
		custom = g.api.Responses["DEFAULT_"+strconv.Itoa(why.status/100)+"XX"]
	}
	status := why.status
	if custom.StatusCode != 0 {
		status = custom.StatusCode
	}
	contentType, template := chooseTemplate(custom.Templates, firstAccepted(c))
	values := g.contextValues(c, why)
	resp := &response{status: status, body: []byte(substitute(template, values))}
	resp.header = []field{{"Content-Type", contentType}, {"x-amzn-RequestId", c.requestID},
		{"x-amz-apigw-id", c.extendedID}, {"x-amzn-ErrorType", why.errorType + "Exception"}}
	for _, name := range slices.Sorted(maps.Keys(custom.Headers)) {
		resp.set(name, headerValue(custom.Headers[name], values))
	}
	return resp
}

func (r *response) set(name, value string) {
	r.header = slices.DeleteFunc(r.header, func(f field) bool { return strings.EqualFold(f.name, name) })
	r.header = append(r.header, field{name, value})
}

// chooseTemplate takes the template of the accepted type, else JSON's, else the only kind
// there is.
func chooseTemplate(templates map[string]string, accepted string) (contentType, template string) {
	if t, ok := templates[accepted]; ok {
		return accepted, t
	}
	if t, ok := templates["application/json"]; ok || len(templates) == 0 {
		if !ok {
			t = `{"message":$context.error.messageString}`
		}
		return "application/json", t
	}
	first := slices.Min(slices.Collect(maps.Keys(templates)))
	return first, templates[first]
}

// headerValue evaluates a response parameter: 'static text' or context.x.
func headerValue(expression string, values map[string]string) string {
	if text, ok := strings.CutPrefix(expression, "'"); ok {
		return strings.TrimSuffix(text, "'")
	}
	return values[strings.TrimPrefix(expression, "context.")]
}

// variable is a reference in a template. Gateway responses know simple substitution only,
// no template language.
var variable = regexp.MustCompile(`\$context\.([A-Za-z0-9_.]*[A-Za-z0-9_])`)

func substitute(template string, values map[string]string) string {
	return variable.ReplaceAllStringFunc(template, func(ref string) string {
		return values[strings.TrimPrefix(ref, "$context.")]
	})
}

// contextValues are the variables of templates.
func (g *Gateway) contextValues(c *call, why refusal) map[string]string {
	quoted, _ := json.Marshal(why.message)
	values := map[string]string{
		"apiId": g.api.ID, "accountId": g.api.Account, "stage": g.api.Stage, "domainName": g.domain(),
		"httpMethod": c.method, "path": "/" + g.api.Stage + c.path, "protocol": c.proto,
		"requestId": c.requestID, "extendedRequestId": c.extendedID, "identity.sourceIp": c.remote,
		"error.message": why.message, "error.messageString": string(quoted), "error.responseType": why.kind,
		"requestTime":      c.at.UTC().Format(requestTime),
		"requestTimeEpoch": strconv.FormatInt(c.at.UnixMilli(), 10),
		"status":           strconv.Itoa(why.status),
	}
	if c.resource != nil {
		values["resourceId"], values["resourcePath"] = c.resource.id, c.resource.path
	}
	return values
}
