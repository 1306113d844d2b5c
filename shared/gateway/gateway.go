// Package gateway is the one way from an API Gateway event to a handler and back. It wraps the api-proxy adapter,
// whose archived version has pitfalls that this package closes, each with a test beside it:
//
//   - The adapter's GetAPIGatewayContext believes a request header, so a caller could forge the authorizer's
//     context. Here the context comes from the event alone, and X-GoLambdaProxy-* headers are dropped.
//   - The adapter rebuilds a URL from the event's path: a "%" ends in a 504, a "?" or "#" changes the route.
//     Here the path never reaches it; path parameters come from the event.
//   - A handler that writes nothing, a body that is no base64 and a panic would each be an answer without shape,
//     or end the process. Here each is an answer in the operation's own shape.
package gateway

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/awslabs/aws-lambda-go-api-proxy/core"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"

	"customercare/shared/invocation"
	"customercare/shared/metric"
	"customercare/shared/respond"
)

// Endpoint is one operation: its shape, the largest body it reads in bytes, and what it does. Handle returns the
// body of a 200, or an error: a *respond.Error, or anything else for an answer with a stock sentence.
type Endpoint struct {
	Name  string // one of metric.Operations
	Limit int
	Shape respond.Shape
	// Scoped lets in only callers among whose operations, as the authorizer names them, is this one.
	Scoped bool
	Handle func(context.Context, *Call) (any, error)
}

// Call is one request as API Gateway passed it on.
type Call struct {
	*http.Request
	Body  []byte
	event *events.APIGatewayProxyRequest
	told  metric.Call // what the call's log line will say
}

// Answer is what a Lambda proxy integration returns to API Gateway.
type Answer = events.APIGatewayProxyResponse

// callKey finds the Call in the context of the request that the adapter makes.
type callKey struct{}

// Handler makes the function to give to lambda.Start. It never returns an error: whatever happens is an answer in
// the endpoint's shape, so that API Gateway never has to invent one.
func (e Endpoint) Handler() func(context.Context, events.APIGatewayProxyRequest) (Answer, error) {
	adapter := httpadapter.New(http.HandlerFunc(e.serve))
	return func(ctx context.Context, event events.APIGatewayProxyRequest) (Answer, error) {
		// The answer has to be written before Lambda ends the invocation: API Gateway would answer in a shape of its own.
		ctx, cancel := invocation.InTime(ctx)
		defer cancel()
		call := &Call{event: &event, told: metric.Call{
			Operation: e.Name, Began: time.Now(), APIRequestID: event.RequestContext.RequestID,
		}}
		defer func() { call.told.Log(ctx) }()
		plain := event
		plain.Path = "/"
		plain.Body, plain.IsBase64Encoded = "", false
		plain.HTTPMethod = http.MethodPost // the true one may be any bytes; serve sets it
		plain.RequestContext.DomainName = "localhost"
		plain.Headers, plain.MultiValueHeaders = nil, headers(&event)
		answer, err := adapter.ProxyWithContext(context.WithValue(ctx, callKey{}, call), plain)
		if err != nil { // the request is plain and serve always writes: only a bug or a foreign setting comes here
			slog.Error("the adapter failed", "operation", e.Name, "cause", err.Error())
			w := core.NewProxyResponseWriter()
			status, body := e.Shape.Failure(respond.AsError(nil))
			respond.Write(w, status, respond.Format{}, body)
			answer, err = w.GetProxyResponse()
			call.told.Status, call.told.Outcome = status, metric.Failed
		}
		return answer, err
	}
}

// headers is the event's header fields under canonical names, values of names that differ in case together, without
// those that the adapter reserves for itself.
func headers(event *events.APIGatewayProxyRequest) map[string][]string {
	all := make(http.Header)
	for name, values := range event.MultiValueHeaders {
		for _, value := range values {
			all.Add(name, value)
		}
	}
	if len(all) == 0 { // an event written by hand may carry the single-valued form alone
		for name, value := range event.Headers {
			all.Add(name, value)
		}
	}
	for name := range all {
		if strings.HasPrefix(strings.ToLower(name), "x-golambdaproxy-") {
			delete(all, name)
		}
	}
	return all
}

// serve answers one request: it reads the body, picks the format, calls the handler and writes, whatever happens.
func (e Endpoint) serve(w http.ResponseWriter, r *http.Request) {
	call := r.Context().Value(callKey{}).(*Call)
	r.Method = call.event.HTTPMethod
	call.Request = r

	var format respond.Format
	defer func() {
		if p := recover(); p != nil {
			// The panic's text may quote what the caller sent: only its type and the stack are logged. The stack
			// names functions and argument addresses, no values.
			slog.Error("panic", "operation", e.Name, "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			status, body := e.Shape.Failure(respond.AsError(nil))
			respond.Write(w, status, format, body) // Write is whole or not at all: nothing was written before
			call.told.Status, call.told.Outcome = status, metric.Failed
		}
	}()

	result, err := func() (any, error) {
		if refusal := call.readBody(e.Limit, cmp.Or(e.Shape.Encoded, respond.Invalid)); refusal != nil {
			format, _ = e.Shape.Format(r)
			return nil, refusal
		}
		var refusal *respond.Error
		format, refusal = e.Shape.Format(r)
		r.Body = io.NopCloser(bytes.NewReader(call.Body))
		if refusal != nil {
			return nil, refusal
		}
		if e.Scoped && !slices.Contains(strings.Fields(call.Caller("operations")), e.Name) {
			return nil, respond.Refuse(respond.Forbidden, "This operation is not allowed to the caller")
		}
		return e.Handle(r.Context(), call)
	}()
	status, body := http.StatusOK, result
	call.told.Outcome = metric.Served
	if err == nil && result == nil {
		err = errors.New("the handler gave no answer")
	}
	if err != nil {
		failure := respond.AsError(err)
		if failure.Cause != nil {
			slog.Error("failed", "operation", e.Name, "cause", failure.Cause.Error())
		}
		maps.Copy(w.Header(), failure.Header)
		status, body = e.Shape.Failure(failure)
		call.told.Outcome = outcome(failure)
	}
	respond.Write(w, status, format, body)
	call.told.Status = status
}

// outcome is whose a failure is, by its kind: the status of its answer does not say, it is the shape's.
func outcome(failure *respond.Error) metric.Outcome {
	switch failure.Kind {
	case respond.Internal, respond.Unavailable:
		return metric.Failed
	case respond.Unauthorized, respond.Forbidden:
		return metric.Refused
	case respond.TooManyRequests:
		return metric.LockedOut
	}
	return metric.Faulty
}

// readBody decodes the event's body into the call and the request. API Gateway sends every body base64-encoded (the
// template's BinaryMediaTypes), `sam local invoke` and hand-written events may not. On a refusal the request's
// body is empty: nobody reads a body that is not read here. encoded is the kind of the refusal for a Content-Encoding.
func (c *Call) readBody(limit int, encoded respond.Kind) *respond.Error {
	c.Request.Body = http.NoBody
	if refusal := c.checkEncoding(encoded); refusal != nil {
		return refusal
	}
	text := c.event.Body
	tooLarge := respond.Refuse(respond.TooLarge, fmt.Sprintf("The request body is larger than %d bytes", limit))
	if !c.event.IsBase64Encoded {
		if len(text) > limit {
			return tooLarge
		}
		c.Body = []byte(text)
	} else {
		if base64.StdEncoding.DecodedLen(len(text)) > limit+2 { // +2: DecodedLen counts padding
			return tooLarge
		}
		decoded, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return respond.Refuse(respond.Invalid, "The request body is not valid base64")
		}
		if len(decoded) > limit {
			return tooLarge
		}
		c.Body = decoded
	}
	c.Request.Body = io.NopCloser(bytes.NewReader(c.Body))
	c.Request.ContentLength = int64(len(c.Body))
	return nil
}
