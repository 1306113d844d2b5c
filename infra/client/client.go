// Package client makes the five documented calls, and those about erasures, over HTTP, as
// clients of the API do: it builds the requests, and knows what the right answers look
// like in each of their formats. The smoke test, the load test, the benchmark and the
// tests of the whole send their calls with it.
//
//	c := client.Client{Base: "http://127.0.0.1:8080"}
//	by := client.APIUser{Name: "john1970", Key: key, Account: "greatwidgets"}
//	want := client.Deleted(client.XML, "4711")
//	err := c.Expect(ctx, client.DeleteCustomer(by, "4711"), want)
package client

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"customercare/shared/operation"
)

// Client sends requests to one API. Its methods may be called at the same time.
type Client struct {
	Base string              // the API's address, with the stage and without a slash at the end
	HTTP *http.Client        // nil: http.DefaultClient
	Mask func(string) string // takes secrets out of what errors show; nil: they show all
}

// Request is one call. Its methods return changed copies, so that a request can be built
// once and sent in several ways.
type Request struct {
	Operation operation.Operation // the zero value for a call that nobody documents
	Method    string
	Path      string   // as it is sent: escaped, with the query
	Headers   []string // "Name: value", sent as they are written
	Body      string
}

// With is the request with more headers, each "Name: value".
func (r Request) With(headers ...string) Request {
	r.Headers = slices.Concat(r.Headers, headers)
	return r
}

// As is the request with the name and the password of an operator (HTTP Basic).
func (r Request) As(name, password string) Request { return r.With(Basic(name, password)) }

// Bearer is the request with an app's token.
func (r Request) Bearer(token string) Request { return r.With("Authorization: Bearer " + token) }

// Under is the request by the operation's path with this index in operation.Paths. All
// paths of an operation get the same answer. The request must still have the path it was
// built with.
func (r Request) Under(index int) Request {
	from, _, _ := strings.Cut(r.Operation.Paths[0], "{")
	to, _, _ := strings.Cut(r.Operation.Paths[index], "{")
	r.Path = to + strings.TrimPrefix(r.Path, from)
	return r
}

// Header is the headers as net/http takes them. Their names keep their case.
func (r Request) Header() http.Header {
	header := http.Header{}
	for _, line := range r.Headers {
		name, value, _ := strings.Cut(line, ": ")
		header[name] = append(header[name], value)
	}
	return header
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   string
	mask   func(string) string
}

// Lengths in bytes.
const (
	maxAnswer = 1 << 20 // what is read of an answer; the longest right one is far shorter
	maxShown  = 400     // what an error shows of a body
)

// String shows the answer in an error: status, type and the body's beginning, masked.
func (a Answer) String() string {
	body := a.Body
	if a.mask != nil {
		body = a.mask(body) // before it is cut: half a secret is one too
	}
	if len(body) > maxShown {
		body = body[:maxShown] + "..."
	}
	return fmt.Sprintf("%d %s %s", a.Status, a.Header.Get("Content-Type"), strconv.QuoteToGraphic(body))
}

// Send makes a call. The path goes out byte for byte, even when it is not a valid one. An
// error means that there was no whole answer, so that the call may have had its effect or
// not.
func (c Client) Send(ctx context.Context, r Request) (Answer, error) {
	request, err := http.NewRequestWithContext(ctx, r.Method, c.Base, strings.NewReader(r.Body))
	if err != nil {
		return Answer{}, err
	}
	request.URL.Opaque = request.URL.EscapedPath() + r.Path // net/http sends it as it is
	request.Header = r.Header()
	sender := c.HTTP
	if sender == nil {
		sender = http.DefaultClient
	}
	response, err := sender.Do(request)
	if err != nil {
		return Answer{}, fmt.Errorf("%s %s: no answer: %w", r.Method, r.Path, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return Answer{}, fmt.Errorf("%s %s: the answer broke off: %w", r.Method, r.Path, err)
	}
	return Answer{Status: response.StatusCode, Header: response.Header, Body: string(body), mask: c.Mask}, nil
}

// Expect makes a call and returns an error unless the answer is the expected one.
func (c Client) Expect(ctx context.Context, r Request, want Expected) error {
	answer, err := c.Send(ctx, r)
	if err != nil {
		return err
	}
	if err := answer.Is(want); err != nil {
		return fmt.Errorf("%s %s: %w", r.Method, r.Path, err)
	}
	return nil
}

// Token asks for an app's token. Headers may say for how long: "X-Token-Expire: 3600".
func (c Client) Token(ctx context.Context, name, secret string, headers ...string) (string, error) {
	answer, err := c.Send(ctx, IssueToken(name, secret).With(headers...))
	if err != nil {
		return "", err
	}
	return answer.Token()
}

// Is returns an error that shows both when the answer is not the expected one in status,
// type and body.
func (a Answer) Is(want Expected) error {
	if a.Status != want.Status || a.Body != want.Body {
		return fmt.Errorf("got %s, want %d %s %q", a, want.Status, want.Media, want.Body)
	}
	return a.HasType(want.Media)
}

// HasType returns an error when the answer's media type is none of these. A charset may
// be there, but no other than UTF-8.
func (a Answer) HasType(media ...string) error {
	header := a.Header.Get("Content-Type")
	got, parameters, err := mime.ParseMediaType(header)
	charset := parameters["charset"]
	if err != nil || !slices.Contains(media, got) || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return fmt.Errorf("Content-Type is %q, want %s", header, strings.Join(media, " or "))
	}
	return nil
}
