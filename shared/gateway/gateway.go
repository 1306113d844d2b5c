// Package gateway is the one way from an API Gateway event to a handler and back. It
// wraps the api-proxy adapter, whose archived version has pitfalls that this package
// closes, each with a test beside it:
//
//   - The adapter's GetAPIGatewayContext believes a request header, so a caller could
//     forge the authorizer's context. Here the context comes from the event alone, and
//     X-GoLambdaProxy-* headers are dropped.
//   - The adapter rebuilds a URL from the event's path: a "%" ends in a 504, a "?" or "#"
//     changes the route. Here the path never reaches it; path parameters come from the
//     event.
//   - A handler that writes nothing, a body that is no base64 and a panic would each be
//     an answer without shape, or end the process. Here each is an answer in the
//     operation's own shape.
//
// It also writes what a call leaves behind: one line with its metrics, and one audit line
// where its caller is authenticated.
package gateway

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
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

	"customercare/shared/audit"
	"customercare/shared/invocation"
	"customercare/shared/metric"
	"customercare/shared/operation"
	"customercare/shared/respond"
)

// SmallBody is the largest body, in bytes, of operations whose requests have a few
// fields.
const SmallBody = 64 << 10

// Endpoint is what an operation does with a call.
type Endpoint struct {
	Operation operation.Operation
	Shape     respond.Shape
	Limit     int // the largest body in bytes
	// Offers refuses a call that the operation does not offer, whatever its body is; nil:
	// it offers all.
	Offers func(*Call) error
	// Form reads the call's body as the form that it is; nil for an operation whose body
	// is none. With an error it gives the fields that can be read all the same, so that
	// the answer can have the format that they ask for.
	Form func(*Call) (map[string]string, error)
	// About notes in the audit line whom a call is about, as far as that stands outside
	// of its body. It is called first, so that the line also says whom a call was about
	// that is refused before Handle. nil: Handle notes it.
	About func(*Call)
	// Handle gives the body of a 200, or an error: a *respond.Error for the caller, or
	// any other one, which is answered with a stock sentence.
	Handle func(context.Context, *Call) (any, error)
}

// Answer is what a Lambda proxy integration returns to API Gateway.
type Answer = events.APIGatewayProxyResponse

// callKey finds the Call in the context of the request that the adapter makes.
type callKey struct{}

// Handler makes the function to give to Lambda's runtime. It never returns an error:
// whatever happens is an answer in the endpoint's shape, so that API Gateway never has to
// invent one.
func (e Endpoint) Handler() func(context.Context, events.APIGatewayProxyRequest) (Answer, error) {
	adapter := httpadapter.New(http.HandlerFunc(e.serve))
	return func(ctx context.Context, event events.APIGatewayProxyRequest) (Answer, error) {
		// The answer has to be written before Lambda ends the invocation: API Gateway
		// would answer in a shape of its own.
		ctx, cancel := invocation.InTime(ctx)
		defer cancel()
		request := plain(event)
		call := e.call(&event, request.MultiValueHeaders)
		defer call.log(ctx)
		answer, err := adapter.ProxyWithContext(context.WithValue(ctx, callKey{}, call), request)
		if err != nil { // the request is plain and serve always writes: a bug, or a foreign setting
			slog.Error("the adapter failed", "operation", e.Operation.Name, "cause", err.Error(),
				"apiRequestId", call.line.APIRequestID)
			w := core.NewProxyResponseWriter()
			e.fail(w, call, respond.Format{})
			answer, err = w.GetProxyResponse()
		}
		if call.whole && !answer.IsBase64Encoded {
			answer.Body, answer.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte(answer.Body)), true
		}
		return answer, err
	}
}

// call is the call that the event tells of, with its header fields. Whom an authorizer
// has let in is authenticated, whatever becomes of the call.
func (e Endpoint) call(event *events.APIGatewayProxyRequest, header http.Header) *Call {
	id := event.RequestContext.RequestID
	call := &Call{
		event: event, Method: event.HTTPMethod,
		line: metric.CallLine{Operation: e.Operation.Name, Began: time.Now(), APIRequestID: id},
		Audit: audit.Line{
			Operation: e.Operation.Name, Kind: e.Operation.Caller, APIRequestID: id, Note: audit.ReadNote(header),
		},
	}
	if e.Operation.Authorizer != "" {
		call.Audit.Principal = call.Caller("principalId")
	}
	return call
}

// plain is the event with nothing in it but its header that the adapter could stumble on:
// serve takes all else from the Call.
func plain(event events.APIGatewayProxyRequest) events.APIGatewayProxyRequest {
	multi := headers(&event)
	event.Path = "/"
	event.Body, event.IsBase64Encoded = "", false
	event.HTTPMethod = http.MethodPost // the true one may be any bytes
	event.RequestContext.DomainName = "localhost"
	event.Headers, event.MultiValueHeaders = nil, multi
	return event
}

// headers is the event's header fields under canonical names, values of names that differ
// in case together, without those that the adapter reserves for itself.
func headers(event *events.APIGatewayProxyRequest) map[string][]string {
	all := make(http.Header)
	for name, values := range event.MultiValueHeaders {
		for _, value := range values {
			all.Add(name, value)
		}
	}
	if len(all) == 0 { // an event written by hand may have the single-valued form alone
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

// serve answers one request. It reads the body, picks the answer's format, calls the
// handler and writes, whatever happens.
func (e Endpoint) serve(w http.ResponseWriter, r *http.Request) {
	call := r.Context().Value(callKey{}).(*Call)
	call.Header = r.Header

	var format respond.Format
	defer func() {
		if p := recover(); p != nil {
			// The panic's text may quote what the caller sent: only its type and the
			// stack are logged. The stack names functions and argument addresses, no
			// values.
			slog.Error("panic", "operation", e.Operation.Name,
				"type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()), "apiRequestId", call.line.APIRequestID)
			e.fail(w, call, format) // respond.Write is whole or not at all: nothing was written
		}
	}()

	result, err := func() (any, error) {
		if e.About != nil {
			e.About(call)
		}
		if e.Offers != nil {
			if err := e.Offers(call); err != nil {
				return nil, err
			}
		}
		var err error
		if format, err = e.read(call); err != nil {
			return nil, err
		}
		if err := e.allowed(call); err != nil {
			return nil, err
		}
		return e.Handle(r.Context(), call)
	}()
	if err == nil && result == nil {
		err = errors.New("the handler gave no answer")
	}
	status, body := http.StatusOK, result
	call.line.Outcome = metric.Served
	if err != nil {
		failure := respond.AsError(err)
		if failure.Cause != nil {
			slog.Error("failed", "operation", e.Operation.Name, "cause", failure.Cause.Error(),
				"apiRequestId", call.line.APIRequestID)
		}
		maps.Copy(w.Header(), failure.Header)
		status, body = e.Shape.Failure(failure)
		if failure.Answer != nil {
			status, body = failure.Status(), failure.Answer
		}
		call.line.Outcome = outcome(failure)
	} else {
		_, call.whole = body.(respond.Whole)
		maps.Copy(w.Header(), call.Success)
		status = cmp.Or(call.Status, status)
	}
	respond.Write(w, status, format, body)
	call.line.Status = status
}

// read reads the call's body once, the form in it where it is one, and gives the answer's
// format, also with an error.
func (e Endpoint) read(call *Call) (respond.Format, error) {
	err := call.readBody(e.Limit, cmp.Or(e.Shape.Encoded, respond.Invalid))
	if err == nil && e.Form != nil {
		call.Form, err = e.Form(call)
	}
	format, wrong := e.Shape.Format(call.Header, call.Form)
	if err == nil {
		err = wrong
	}
	return format, err
}

// allowed refuses an operator who may not call this operation: their authorizer lets them
// in to all of operators', and names those that they may call.
func (e Endpoint) allowed(call *Call) error {
	if e.Operation.Caller == operation.Operator &&
		!slices.Contains(strings.Fields(call.Caller("operations")), e.Operation.Name) {
		return respond.Refuse(respond.Forbidden, "This operation is not allowed to the caller")
	}
	return nil
}

// fail answers with a failure of ours that the answer says nothing about.
func (e Endpoint) fail(w http.ResponseWriter, call *Call, format respond.Format) {
	for name := range call.Success { // of an answer that could not be written
		w.Header().Del(name)
	}
	call.whole = false
	status, body := e.Shape.Failure(respond.AsError(nil))
	respond.Write(w, status, format, body)
	call.line.Status, call.line.Outcome = status, metric.Failed
}

// outcome says who caused the failure. It goes by kind, because operation 3 sends its
// errors with status 200.
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
