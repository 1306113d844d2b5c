package e2e

import (
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"customercare/infra/client"
	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/spec"
	"customercare/shared/operation"
)

// The routes of operations 4 and 5, the base paths of operations 1 and 2, and headers
// that most calls need.
var (
	cleanPath = operation.CleanCustomerData.Paths[0]
	tokenPath = operation.IssueToken.Paths[0]
	bases     = basePaths(operation.DeleteCustomerInfo)
)

const (
	acceptXML  = client.AcceptXML
	acceptJSON = client.AcceptJSON
	bodyXML    = client.BodyXML
	bodyJSON   = client.BodyJSON
	urlencoded = client.BodyForm
)

// basePaths are what stands before /v1/{customerId}/provision: "/customercare".
func basePaths(o operation.Operation) (all []string) {
	for _, path := range o.Paths {
		base, _, _ := strings.Cut(path, "/v1/{customerId}")
		all = append(all, base)
	}
	return all
}

// at is the path of a customer under a base path.
func at(base, id string) string {
	path, _, _ := strings.Cut(client.DeleteCustomerInfo(id, "").Path, "?")
	return base + strings.TrimPrefix(path, bases[0])
}

// reply is an answer as a client sees it.
type reply struct{ client.Answer }

// send makes a request to the stack that all tests share. The path goes out exactly as it
// is written, and so do the headers, each "Name: value".
func send(t testing.TB, method, path, body string, headers ...string) reply {
	t.Helper()
	got := sendTo(t, running.URL, method, path, body, headers...)
	if got.Status == 0 {
		t.FailNow()
	}
	secured(t, got)
	return got
}

// sendTo is send for a stack at another address. Without an answer the test has failed,
// and the reply is empty.
func sendTo(t testing.TB, url, method, path, body string, headers ...string) reply {
	t.Helper()
	c := client.Client{Base: url, HTTP: asItIs}
	answer, err := c.Send(t.Context(), client.Request{Method: method, Path: path, Headers: headers, Body: body})
	if err != nil {
		t.Error(err)
		return reply{client.Answer{Header: http.Header{}}}
	}
	logged.token([]byte(answer.Body))
	tellsNothing(t, reply{answer})
	if err := documented().Check(spec.Answer{
		Method: method, Path: path, Status: answer.Status, Header: answer.Header, Body: answer.Body,
	}); err != nil {
		t.Errorf("docs/openapi.yaml: %v", err)
	}
	return reply{answer}
}

// documented is docs/openapi.yaml: every answer that these tests get is held against it.
var documented = sync.OnceValue(func() *spec.Document {
	d, err := spec.Read(filepath.Join(dynamotest.Root(), "docs", "openapi.yaml"))
	if err != nil {
		panic(err)
	}
	return d
})

// asItIs follows no redirects.
var asItIs = &http.Client{
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// basic is the header that lets an operator in.
func basic(name, password string) string { return client.Basic(name, password) }

// credentials is the body that asks for the token of an app that app has loaded.
func credentials(app string) string { return client.IssueToken(app, secretOf(app)).Body }
