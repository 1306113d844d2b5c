package apigateway

import (
	"encoding/json"
	"net/url"
	"strings"
)

// proxyEvent is the event a Lambda proxy integration passes to its function.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
func (g *Gateway) proxyEvent(c *call) ([]byte, error) {
	event := g.describe(c, false)
	event["body"], event["isBase64Encoded"] = nil, len(c.body) > 0
	if len(c.body) > 0 {
		event["body"] = c.body // which JSON has in base64
	}
	return json.Marshal(event)
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
	last, all := g.headers(c, forAuthorizer)
	query, queries := parseQuery(c.query)
	return map[string]any{
		"resource":                        c.resource.path,
		"path":                            c.path,
		"httpMethod":                      c.method,
		"headers":                         last,
		"multiValueHeaders":               all,
		"queryStringParameters":           orElse(query, none),
		"multiValueQueryStringParameters": orElse(queries, none),
		"pathParameters":                  orElse(c.params, none),
		"stageVariables":                  none,
		"requestContext":                  g.requestContext(c),
	}
}

// orElse is m, or none when m is empty.
func orElse[V any](m map[string]V, none any) any {
	if len(m) == 0 {
		return none
	}
	return m
}

// requestContext has the fields that events recorded on AWS have, for methods without an
// operation name (localstack/localstack,
// tests/aws/services/apigateway/test_apigateway_lambda.snapshot.json).
func (g *Gateway) requestContext(c *call) map[string]any {
	userAgent := any(nil)
	if ua := c.get("User-Agent"); ua != "" {
		userAgent = ua
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

// headers returns the headers as the event carries them, the last value and all values of
// each. Names are as sent, and differ when their case differs: "Header names and query
// parameters are processed in a case-sensitive way" ("Important notes for REST APIs").
func (g *Gateway) headers(c *call, contentLength bool) (last map[string]string, all map[string][]string) {
	last, all = map[string]string{}, map[string][]string{}
	add := func(name, value string) {
		last[name] = value
		all[name] = append(all[name], value)
	}
	var forwarded []string
	for _, f := range c.header {
		if strings.EqualFold(f.name, "X-Forwarded-For") {
			forwarded = append(forwarded, f.value)
		}
		name := strings.ToLower(f.name)
		if !notPassed[name] || contentLength && name == "content-length" {
			add(f.name, f.value)
		}
	}
	host := c.get("Host")
	if host == "" {
		host = g.domain()
	}
	add("Host", host)
	// What the client claims stays in front; the gateway appends the address it saw.
	add("X-Forwarded-For", strings.Join(append(forwarded, c.remote), ", "))
	add("X-Forwarded-Port", "443")
	add("X-Forwarded-Proto", "https")
	add("X-Amzn-Trace-Id", c.traceID)
	return last, all
}

// parseQuery decodes the query: the last value and all values of each parameter. A
// semicolon splits like an ampersand ("Important notes for REST APIs"); what cannot be
// decoded stays as sent.
func parseQuery(query string) (last map[string]string, all map[string][]string) {
	last, all = map[string]string{}, map[string][]string{}
	for pair := range strings.FieldsFuncSeq(query, func(r rune) bool { return r == '&' || r == ';' }) {
		name, value, _ := strings.Cut(pair, "=")
		name, value = decode(name), decode(value)
		last[name] = value
		all[name] = append(all[name], value)
	}
	return last, all
}

func decode(s string) string {
	if d, err := url.QueryUnescape(s); err == nil {
		return d
	}
	return s
}
