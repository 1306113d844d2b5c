package apigateway

import (
	"cmp"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// Access tells of one request that has been answered. As in the access log of a
// deployment, nothing in it was chosen by the caller: no path, no header, no body, no
// address. It may be shown and kept.
type Access struct {
	Time     time.Time // when the request had come
	Method   string    // one of HTTP's; "-" for any other word
	Route    string    // its path as it was defined, "/users/{id}"; "-" when none fits
	Function string    // whose answer it is; empty when the gateway answered by itself
	Refusal  string    // the gateway response type, for an answer that no function wrote
	Status   int
	Took     time.Duration
	Line     string // all this as API.AccessLog words it; empty without such a log
}

// methods are those of RFC 9110 and RFC 5789. Any other word is a caller's own.
var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
	http.MethodConnect, http.MethodOptions, http.MethodTrace,
}

// leg is a function's part in an answer; the zero leg says that the function was not
// asked.
type leg struct {
	status int
	took   time.Duration
}

// accessed tells whoever wants to know of the answer, before the caller has it.
func (g *Gateway) accessed(c *call, resp *response) {
	if g.Access == nil {
		return
	}
	a := c.access
	a.Time, a.Method, a.Route, a.Status, a.Took = c.at, "-", "-", resp.status, time.Since(c.at)
	if slices.Contains(methods, c.method) {
		a.Method = c.method
	}
	if c.resource != nil {
		a.Route = c.resource.path
	}
	if g.api.AccessLog != "" {
		a.Line = g.accessLine(c, a, len(resp.body))
	}
	g.Access(a)
}

// variable is a reference in the access log's format.
var variable = regexp.MustCompile(`\$context\.([A-Za-z0-9_.]*[A-Za-z0-9_])`)

// accessLine fills in the variables that template.yaml asks for. One without a value is
// "-", as in API Gateway's logs.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-variables-for-access-logging.html
func (g *Gateway) accessLine(c *call, a Access, length int) string {
	values := map[string]string{
		"requestId": c.requestID, "extendedRequestId": c.extendedID,
		"requestTime":        c.at.UTC().Format(requestTime),
		"httpMethod":         a.Method,
		"resourcePath":       a.Route,
		"status":             strconv.Itoa(a.Status),
		"error.responseType": a.Refusal,
		"responseLength":     strconv.Itoa(length),
		"responseLatency":    strconv.FormatInt(a.Took.Milliseconds(), 10),
	}
	for name, l := range map[string]leg{"integration": c.integration, "authorizer": c.asked} {
		if l.status != 0 {
			values[name+".status"] = strconv.Itoa(l.status)
			values[name+".latency"] = strconv.FormatInt(l.took.Milliseconds(), 10)
		}
	}
	if c.proto == "HTTP/1.1" || c.proto == "HTTP/1.0" {
		values["protocol"] = c.proto
	}
	return variable.ReplaceAllStringFunc(g.api.AccessLog, func(ref string) string {
		return cmp.Or(values[ref[len("$context."):]], "-")
	})
}
