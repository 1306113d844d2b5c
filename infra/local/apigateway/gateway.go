package apigateway

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"customercare/infra/local/lambda"
)

const (
	// maxHeaderBytes is API Gateway's limit on the request line and all header values
	// together.
	maxHeaderBytes = 10240
	// maxEvent is what Lambda takes as an invocation; a body that fits API Gateway's
	// limit may not fit this one.
	maxEvent = 6 << 20
)

// requestTime is how API Gateway writes the time of a request.
const requestTime = "02/Jan/2006:15:04:05 +0000"

// Gateway is one running REST API.
type Gateway struct {
	// Access, when set before Serve, is told of every answer, from many goroutines at
	// once, before its caller has it.
	Access func(Access)

	api         API
	invoke      Invoke
	log         io.Writer
	routes      *router
	authorizers map[string]*authorizer
}

// call is one request on its way through the gateway.
type call struct {
	*request
	path  string // undecoded, without the query
	query string // undecoded
	requestID,
	extendedID,
	traceID string
	at         time.Time
	resource   *resource // nil until routed
	params     map[string]string
	authorizer map[string]any // what the authorizer said, for requestContext
	served     served
}

// serve answers one request.
func (g *Gateway) serve(r *request) (resp *response) {
	c := &call{request: r, requestID: uuid.NewString(), extendedID: randomExtendedID(), at: time.Now()}
	defer func() { g.accessed(c, resp) }()
	c.path, c.query, _ = strings.Cut(r.target, "?")
	c.traceID = r.get("X-Amzn-Trace-Id")
	if c.traceID == "" {
		c.traceID = lambda.TraceRoot(c.at)
	}
	if r.fault != nil {
		return g.refuse(c, *r.fault)
	}
	// Documented under "Important notes for REST APIs": this header replaces the method.
	if method := r.get("X-HTTP-Method-Override"); method != "" {
		r.method = method
	}
	route, res, params, ok := g.routes.find(r.method, c.path)
	if !ok {
		return g.refuse(c, noSuchRoute)
	}
	c.resource, c.params = res, params
	if !route.bucket.AllowN(g.api.Now(), 1) { // before anything is asked that costs
		return g.refuse(c, throttled)
	}
	if route.Authorizer != "" {
		if refused := g.authorizers[route.Authorizer].decide(c); refused != nil {
			return g.refuse(c, *refused)
		}
	}
	// The body comes last: a client that asks before it sends one is told what its head
	// says.
	if fault := r.receive(); fault != nil {
		return g.refuse(c, *fault)
	}
	return g.integrate(c, route.Route)
}

// integrate calls the route's function and turns its answer into a response.
func (g *Gateway) integrate(c *call, route Route) *response {
	c.served.function = ""
	event, err := g.proxyEvent(c)
	if err != nil {
		g.logf("%s %s: %v", route.Method, route.Path, err)
		return g.refuse(c, internalError)
	}
	if len(event) > maxEvent {
		return g.refuse(c, requestTooLarge)
	}
	ctx, cancel := context.WithTimeout(context.Background(), g.api.IntegrationPeriod)
	defer cancel()
	began := time.Now()
	answer, err := g.invoke(ctx, route.Function, event)
	c.served.function, c.served.integration = route.Function, leg{http.StatusInternalServerError, time.Since(began)}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return g.refuse(c, integrationTimeout)
	case errors.Is(err, lambda.ErrThrottled):
		return g.refuse(c, integrationFailure)
	case err != nil: // a failed function; its error is in its own log
		return g.refuse(c, badGateway)
	}
	resp, err := g.proxyResponse(c, answer)
	if err != nil {
		g.logf("%s %s: %v", route.Method, route.Path, err)
		return g.refuse(c, badGateway)
	}
	c.served.integration.status = resp.status
	return resp
}

// headerBytes counts what API Gateway's limit covers.
func headerBytes(r *request) int {
	n := len(r.method) + len(r.target) + len(r.proto) + 2
	for _, f := range r.header {
		n += len(f.value)
	}
	return n
}

func (g *Gateway) logf(format string, args ...any) {
	fmt.Fprintf(g.log, "api: "+format+"\n", args...)
}

// randomExtendedID makes an id of the shape of requestContext.extendedRequestId.
func randomExtendedID() string { return rand.Text()[:15] + "=" }
