package apigateway

import (
	"cmp"
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
	routes      router
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
	access     Access         // whose answer it is, as far as that is known
	// What the access log says of the functions.
	asked, integration leg // the authorizer's and the route's
}

// serve answers one request.
func (g *Gateway) serve(r *request) (resp *response) {
	c := &call{request: r, requestID: uuid.NewString(), at: time.Now()}
	c.extendedID = rand.Text()[:15] + "=" // the shape that API Gateway's have
	defer func() { g.accessed(c, resp) }()
	c.path, c.query, _ = strings.Cut(r.target, "?")
	c.traceID = cmp.Or(r.get("X-Amzn-Trace-Id"), lambda.TraceRoot(c.at))
	if r.fault != nil {
		return g.refuse(c, *r.fault)
	}
	// Documented under "Important notes for REST APIs": this header replaces the method.
	r.method = cmp.Or(r.get("X-HTTP-Method-Override"), r.method)
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
	c.access.Function = ""
	event := g.proxyEvent(c)
	if len(event) > maxEvent {
		return g.refuse(c, requestTooLarge)
	}
	ctx, cancel := context.WithTimeout(context.Background(), g.api.IntegrationPeriod)
	defer cancel()
	began := time.Now()
	answer, err := g.invoke(ctx, route.Function, event)
	c.access.Function, c.integration = route.Function, leg{http.StatusInternalServerError, time.Since(began)}
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
	c.integration.status = resp.status
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
