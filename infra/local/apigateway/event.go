package apigateway

import (
	"cmp"
	"encoding/json"
	"net/url"
	"strings"
)

// proxyEvent is the event a Lambda proxy integration passes to its function.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
func (g *Gateway) proxyEvent(c *call) []byte {
	event := g.describe(c, false)
	event["body"], event["isBase64Encoded"] = nil, len(c.body) > 0
	if len(c.body) > 0 {
		event["body"] = c.body // which JSON has in base64
	}
	text, _ := json.Marshal(event) // maps and lists of text always marshal
	return text
}

// describe is what the proxy event and a REQUEST authorizer's event have in common. In
// what differs both are like those recorded on AWS in
// aws-powertools/powertools-lambda-typescript issue 2624: what a request has none of is
// null to its function and an empty object to its authorizer, which is also told the
// Content-Length.
func (g *Gateway) describe(c *call, forAuthorizer bool) map[string]any {
	none := any(nil)
	if forAuthorizer {
		none = map[string]string{}
	}
	headers, query := g.headers(c, forAuthorizer), parseQuery(c.query)
	return map[string]any{
		"resource":                        c.resource.path,
		"path":                            c.path,
		"httpMethod":                      c.method,
		"headers":                         lastOfEach(headers),
		"multiValueHeaders":               headers,
		"queryStringParameters":           orElse(lastOfEach(query), none),
		"multiValueQueryStringParameters": orElse(query, none),
		"pathParameters":                  orElse(c.params, none),
		"stageVariables":                  none,
		"requestContext":                  g.requestContext(c),
	}
}

// lastOfEach is the last value of each name.
func lastOfEach(all url.Values) map[string]string {
	m := make(map[string]string, len(all))
	for name, values := range all {
		m[name] = values[len(values)-1]
	}
	return m
}

// orElse is m, or none when m is empty.
func orElse[M ~map[string]V, V any](m M, none any) any {
	if len(m) == 0 {
		return none
	}
	return m
}

// requestContext has the fields that events recorded on AWS have, for methods without an
// operation name (localstack/localstack,
// tests/aws/services/apigateway/test_apigateway_lambda.snapshot.json).
func (g *Gateway) requestContext(c *call) map[string]any {
	var userAgent any
	if given := c.get("User-Agent"); given != "" {
		userAgent = given
	}
	ctx := map[string]any{
		"resourceId":        c.resource.id,
		"resourcePath":      c.resource.path,
		"httpMethod":        c.method,
		"extendedRequestId": c.extendedID,
		"requestTime":       c.at.UTC().Format(requestTime),
		"path":              "/" + g.api.Stage + c.path, // unlike the event's path, with the stage
		"accountId":         g.api.Account,
		"protocol":          c.proto,
		"stage":             g.api.Stage,
		"domainPrefix":      g.api.ID,
		"requestTimeEpoch":  c.at.UnixMilli(),
		"requestId":         c.requestID,
		"domainName":        g.domain(),
		"deploymentId":      "local",
		"apiId":             g.api.ID,
		"identity": map[string]any{
			"cognitoIdentityPoolId": nil, "accountId": nil, "cognitoIdentityId": nil, "caller": nil,
			"sourceIp": c.remote, "principalOrgId": nil, "accessKey": nil, "cognitoAuthenticationType": nil,
			"cognitoAuthenticationProvider": nil, "userArn": nil, "userAgent": userAgent, "user": nil,
		},
	}
	if c.authorizer != nil {
		ctx["authorizer"] = c.authorizer
	}
	return ctx
}

func (g *Gateway) domain() string {
	return g.api.ID + ".execute-api." + g.api.Region + ".amazonaws.com"
}

// notPassed are request headers that Lambda integrations do not get ("Important notes for
// REST APIs", the table's lambda column). Content-Length is made anew from the body, and
// proxy events carry none.
var notPassed = map[string]bool{
	"connection": true, "content-length": true, "content-md5": true, "expect": true, "max-forwards": true,
	"proxy-authenticate": true, "server": true, "te": true, "transfer-encoding": true, "trailer": true,
	"upgrade": true, "www-authenticate": true,
	// Replaced below.
	"host": true, "x-forwarded-for": true, "x-forwarded-port": true, "x-forwarded-proto": true, "x-amzn-trace-id": true,
}

// headers returns the headers as the event carries them. Names are as sent, and differ
// when their case differs: "Header names and query parameters are processed in a
// case-sensitive way" ("Important notes for REST APIs").
func (g *Gateway) headers(c *call, contentLength bool) url.Values {
	all := url.Values{}
	for _, f := range c.header {
		name := strings.ToLower(f.name)
		if !notPassed[name] || contentLength && name == "content-length" {
			all.Add(f.name, f.value)
		}
	}
	all.Add("Host", cmp.Or(c.get("Host"), g.domain()))
	// What the client claims stays in front; the gateway appends the address it saw.
	all.Add("X-Forwarded-For", strings.Join(append(c.all("X-Forwarded-For"), c.remote), ", "))
	all.Add("X-Forwarded-Port", "443")
	all.Add("X-Forwarded-Proto", "https")
	all.Add("X-Amzn-Trace-Id", c.traceID)
	return all
}

// parseQuery decodes the query. A semicolon splits like an ampersand ("Important notes
// for REST APIs"); what cannot be decoded stays as sent.
func parseQuery(query string) url.Values {
	all := url.Values{}
	for pair := range strings.FieldsFuncSeq(query, func(r rune) bool { return r == '&' || r == ';' }) {
		name, value, _ := strings.Cut(pair, "=")
		all.Add(decode(name), decode(value))
	}
	return all
}

func decode(s string) string {
	if d, err := url.QueryUnescape(s); err == nil {
		return d
	}
	return s
}
