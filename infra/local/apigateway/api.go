// Package apigateway does on one machine what an Amazon API Gateway REST API with Lambda
// proxy integrations does: routes, authorizers with their cache, the proxy event, gateway
// responses and limits.
//
// Where AWS's documentation is silent, the comments name the report the behaviour was
// taken from.
//
// It reads HTTP/1.1 itself, because functions get header names and targets as the client
// sent them. net/http changes the case of the names and refuses targets that API Gateway
// passes on. valyala/fasthttp (tried at v1.78.0) keeps both, but what must be refused it
// takes: a request that is framed in two ways, folded header lines, trailers that are
// none. And it asks for a body with "100 Continue" before the gateway can refuse the
// request for its head.
package apigateway

import (
	"context"
	"fmt"
	"io"
	"time"
)

// API is one deployed REST API, whose binary media types are all: functions get every
// body in base64.
type API struct {
	ID, Stage       string
	Account, Region string
	Routes          []Route
	Authorizers     map[string]Authorizer
	Responses       map[string]Response // by gateway response type, e.g. "DEFAULT_4XX"
	// IntegrationPeriod is how long a function may take; 0 stands for API Gateway's 29 s.
	IntegrationPeriod time.Duration
	// AccessLog is the format of Access.Line, with $context variables; empty: no lines.
	AccessLog string
	// Now is what limits of rates and kept answers go by; nil: the real clock.
	Now func() time.Time
}

// Route is one method of one resource.
type Route struct {
	Method     string    // upper case, or "ANY"
	Path       string    // e.g. "/users/{id}", "/files/{rest+}"
	Function   string    // name of the Lambda function
	Authorizer string    // key of API.Authorizers; empty: open to everybody
	Throttle   *Throttle // nil: accountThrottle
}

// Throttle is how many requests one method of one resource takes: a token bucket.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-request-throttling.html
type Throttle struct {
	Rate  float64 // requests a second
	Burst int     // requests at once, before Rate counts
}

// accountThrottle is what an account starts with, and what a method without a limit of
// its own is left to.
var accountThrottle = Throttle{Rate: 10_000, Burst: 5_000}

// Authorizer is a Lambda authorizer of the type REQUEST.
type Authorizer struct {
	Function string
	// Headers identify the caller. They must all be there, or the caller gets
	// UNAUTHORIZED and the function no call.
	Headers []string
	Address bool          // so does the address that the request came from
	TTL     time.Duration // how long an answer is kept; 0: not at all
}

// Response is a customized gateway response.
type Response struct {
	StatusCode int               // 0: the type's own
	Headers    map[string]string // values as in templates: "'static'"
	Templates  map[string]string // content type -> body
}

// Invoke calls a Lambda function by name; a function that fails gives a *lambda.Error,
// one that is not called because all its processes are busy lambda.ErrThrottled.
type Invoke func(ctx context.Context, function string, event []byte) ([]byte, error)

// New returns a gateway for api that calls functions through invoke. Its own remarks,
// never about a request's content, go to log.
func New(api API, invoke Invoke, log io.Writer) (*Gateway, error) {
	if api.IntegrationPeriod == 0 {
		api.IntegrationPeriod = 29 * time.Second
	}
	if api.Now == nil {
		api.Now = time.Now
	}
	routes, err := newRouter(api.Routes)
	if err != nil {
		return nil, err
	}
	g := &Gateway{api: api, invoke: invoke, log: log, routes: routes, authorizers: map[string]*authorizer{}}
	for name, a := range api.Authorizers {
		if a.TTL > 0 && len(a.Headers) == 0 {
			return nil, fmt.Errorf("authorizer %s caches its answers and so needs an identity source", name)
		}
		g.authorizers[name] = &authorizer{Authorizer: a, gateway: g, name: name, cache: map[string]*verdict{}}
	}
	return g, nil
}
