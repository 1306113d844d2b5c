package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"time"

	"customercare/shared/gateway"
	"customercare/shared/metric"
	"customercare/shared/operation"
	"customercare/shared/respond"
)

const (
	// upstreamTime is how long the other service may take for an answer, all of it. It is
	// less than the function's own time, and than API Gateway's 29 s.
	upstreamTime = 20 * time.Second
	// maxAnswer is the largest body that is passed back: in base64 it fits into the 6 MB
	// of Lambda's answers.
	maxAnswer = 4 << 20
	// via is this service in the header Via of calls that it passes on. One that comes
	// back would go round and round.
	via = "customercare-pass-on"
)

// passedHeaders are the fields of a call that are passed on: what clients of the other
// service send. Its Host is its own, and what belongs to a connection stays here.
var passedHeaders = []string{
	"Accept", "Accept-Charset", "Accept-Language", "Api_access_key", "Authorization", "Content-Type",
	"Origin", "Referer", "User-Agent", "X-Requested-With",
}

// The failures of the other service. The first can be tried again, because the call has
// not left. Neither says why: that is in the log.
const (
	unreachable = "The service that has this type cannot be reached, try again in a moment"
	noAnswer    = "The service that has this type gave no answer that can be passed back, it may have done the call"
)

// upstream is the service that has the other types. The zero upstream is none.
type upstream struct {
	base      *url.URL
	transport *http.Transport
}

// upstreamPath is what its address may have behind the host.
var upstreamPath = pattern(`^(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?$`)

// newUpstream is the service at an address; "" for none. Its certificate is verified, its
// redirects are not followed, and no proxy stands in between. A call is sent once: what
// its answer would have been, nobody knows, where it is lost.
func newUpstream(address string) (upstream, error) {
	if address == "" {
		return upstream{}, nil
	}
	base, err := url.Parse(address)
	if err != nil || base.Scheme != "https" || base.Hostname() == "" || base.User != nil || base.Opaque != "" ||
		strings.ContainsAny(address, "?#%") || !upstreamPath().MatchString(base.Path) {
		return upstream{}, errors.New(
			"LOYALTY_UPSTREAM_URL must be https://, a host and at most a plain path, without user, query and fragment")
	}
	base.Path = strings.TrimSuffix(base.Path, "/")
	return upstream{base, &http.Transport{
		DialContext:            (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    5 * time.Second,
		MaxIdleConns:           1,
		DisableCompression:     true, // the answer's bytes are passed back as they come
		MaxResponseHeaderBytes: 64 << 10,
		// Lambda stops a process between two calls. A connection that has been idle for
		// longer is taken for dead.
		IdleConnTimeout: 10 * time.Second,
	}}, nil
}

// passOn sends a call that may leave to the other service, and gives its answer.
func (u upstream) passOn(ctx context.Context, call *gateway.Call) (any, error) {
	if err := leaves(call); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, upstreamTime)
	defer cancel()
	answer, err := u.ask(ctx, call)
	failed := 0.0
	if err != nil {
		failed = 1
	}
	metric.Put(ctx, "passed on", metric.CallsPassedOn.Of(1), metric.PassOnFailures.Of(failed))
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// ask makes the request and reads its answer.
func (u upstream) ask(ctx context.Context, call *gateway.Call) (answer respond.Whole, err error) {
	connected := false // from then on the call may have arrived
	request, err := u.request(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected = true },
	}), call)
	if err != nil {
		return answer, err
	}
	response, err := u.transport.RoundTrip(request)
	if err != nil && !connected {
		// Nothing of the call is in such an error.
		return answer, &respond.Error{Kind: respond.Unavailable, Sentence: unreachable, Cause: fmt.Errorf("passing on: %w", err)}
	}
	if err != nil {
		return answer, lost(ctx, "no answer")
	}
	defer response.Body.Close()
	if response.StatusCode < 200 || response.StatusCode > 599 {
		return answer, lost(ctx, "no status of HTTP")
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case len(body) > maxAnswer:
		return answer, lost(ctx, "an answer that is too large")
	case err != nil, ctx.Err() != nil:
		// Where the time is up, the other side may end its answer as if it were whole:
		// TLS tells it that we go before we are gone.
		return answer, lost(ctx, "an answer that breaks off")
	}
	call.Status, call.Success = response.StatusCode, make(http.Header)
	for _, name := range []string{"Content-Encoding", "Retry-After"} {
		if values := response.Header.Values(name); len(values) > 0 {
			call.Success[name] = values
		}
	}
	mediaType := response.Header.Get("Content-Type")
	if mediaType == "" {
		mediaType = "application/octet-stream"
	}
	return respond.Whole{Type: mediaType, Body: body}, nil
}

// request is the call as the other service gets it.
func (u upstream) request(ctx context.Context, call *gateway.Call) (*http.Request, error) {
	path := call.Resource()
	if !slices.Contains(operation.DeleteCustomer.Paths, path) {
		return nil, fmt.Errorf("%q is none of the operation's paths", path)
	}
	target := *u.base
	target.Path += path
	target.RawQuery = url.Values(call.Query()).Encode()
	request, err := http.NewRequestWithContext(ctx, call.Method, target.String(), bytes.NewReader(call.Body))
	if err != nil {
		return nil, errors.New("the call cannot be written down")
	}
	if call.Method == http.MethodGet {
		request.Body, request.GetBody = once{}, nil
	}
	for _, name := range passedHeaders {
		if values := call.Header.Values(name); len(values) > 0 {
			request.Header[name] = values
		}
	}
	if key := request.Header["Api_access_key"]; key != nil { // under the name that is documented
		delete(request.Header, "Api_access_key")
		request.Header["api_access_key"] = key
	}
	if request.Header["User-Agent"] == nil {
		request.Header["User-Agent"] = []string{""} // else net/http writes one of its own
	}
	request.Header.Set("Accept-Encoding", "identity")
	request.Header.Set("Via", "1.1 "+via)
	return request, nil
}

// once is the empty body of a GET. net/http sends a GET again whose connection broke,
// unless it has a body that can be read once. For this service a GET may record
// something.
type once struct{}

func (once) Read([]byte) (int, error) { return 0, io.EOF }
func (once) Close() error             { return nil }

// lost is the failure of a call that may have arrived. Errors of net/http may quote the
// answer, so none of them is its cause.
func lost(ctx context.Context, what string) error {
	if ctx.Err() != nil {
		what += " in time"
	}
	return &respond.Error{Kind: respond.Internal, Sentence: noAnswer, Cause: errors.New("passing on: " + what)}
}

// errNotOffered is what API Gateway answers where there is no route, byte for byte: a GET
// is none of the operation's, and nobody else has it. The answer is the one that
// template.yaml has for it (MISSING_AUTHENTICATION_TOKEN).
func errNotOffered(accept string) error {
	const sentence = "The requested path and method are not known"
	answer := respond.Whole{Type: "application/json", Body: []byte(
		`{"responseCode":"404","responseMessage":"` + sentence + `","status":false,"retCode":"404","retMsg":"` + sentence + `"}`)}
	first, _, _ := strings.Cut(accept, ",")
	first, _, _ = strings.Cut(first, ";")
	if strings.EqualFold(strings.TrimSpace(first), "application/xml") {
		answer = respond.Whole{Type: "application/xml", Body: []byte(
			`<?xml version="1.0" encoding="UTF-8" standalone="yes"?><StatusResponse><responseCode>404</responseCode>` +
				`<responseMessage>` + sentence + `</responseMessage><status>false</status></StatusResponse>`)}
	}
	return &respond.Error{
		Kind: respond.NotFound, Sentence: sentence, Answer: answer,
		Header: http.Header{"X-Amzn-Errortype": {"MissingAuthenticationTokenException"}},
	}
}
