package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/metrictest"
	"customercare/shared/authorizer"
	"customercare/shared/invocation"
	"customercare/shared/operation"
	"customercare/shared/principal"
	"customercare/shared/store"
)

const (
	api       = "arn:aws:execute-api:us-east-1:123456789012:abcdef1234/v1"
	methodArn = api + "/PUT/customercare/v1/u1/provision"
)

// request and tokenEvent are API Gateway's two ways to ask about the same Authorization
// header.
func request(value string) (r authorizer.Request) {
	r.Type, r.MethodArn = "REQUEST", methodArn
	r.MultiValueHeaders = map[string][]string{"Authorization": {value}}
	r.RequestContext.RequestID = "r1"
	return r
}

func tokenEvent(value string) (r authorizer.Request) {
	r.Type, r.MethodArn, r.AuthorizationToken = "TOKEN", methodArn, value
	return r
}

// basic is the header of a pair of name and password.
func basic(pair string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair)) }

// open is the authorizer on a database with one operator, csr, who has that password.
func open(t *testing.T, password string) (handler, *dynamotest.Kit) {
	t.Helper()
	kit := dynamotest.Open(t)
	kit.Put(t, kit.Principals.Table, map[string]types.AttributeValue{
		"principal": &types.AttributeValueMemberS{Value: store.PrincipalKey(store.Operator, "csr")},
		"hashes":    &types.AttributeValueMemberSS{Value: principal.HashPasswords([]string{password}, nil)},
	})
	guard := principal.Guard{Limit: 1000, Window: time.Minute}
	return handler{principal.Directory{Principals: kit.Principals, Guard: guard, Now: time.Now}}, kit
}

func TestAuthorize(t *testing.T) {
	h, kit := open(t, "p:ä ss")
	want := `{"principalId":"csr","policyDocument":{"Version":"2012-10-17","Statement":[{"Action":["execute-api:Invoke"],"Effect":"Allow","Resource":[` +
		`"` + api + `/*/customercare/v1/*/provision","` + api + `/*/customercare/v1/*/provision/",` +
		`"` + api + `/*/risk-cc/customercare/v1/*/provision","` + api + `/*/risk-cc/customercare/v1/*/provision/",` +
		`"` + api + `/*/customercare/v1/*/provision/use","` + api + `/*/customercare/v1/*/provision/use/",` +
		`"` + api + `/*/risk-cc/customercare/v1/*/provision/use","` + api + `/*/risk-cc/customercare/v1/*/provision/use/"]}]},` +
		`"context":{"operations":"delete-customer-info set-temporary-allow read-provision use-temporary-allow read-erasures preview-erasures hold-erasures"}}`
	for value, in := range map[string]bool{
		basic("csr:p:ä ss"): true,
		strings.Replace(basic("csr:p:ä ss"), "Basic ", "basic  ", 1): true,
		basic("csr:p:\xe4 ss"):     true, // ISO-8859-1
		basic("csr:p:\xe4 ss\xff"): false,
		basic("csr\xe4:p:ä ss"):    false, // and UTF-8: then all is ISO-8859-1
		basic("csr:wrong"):         false,
		basic("csr:"):              false,
		basic("csr"):               false,
		basic(":p:ä ss"):           false,
		basic("nobody:p:ä ss"):     false,
		"Basic csr:p:ä ss":         false,
		"Basic !":                  false,
		"Basic":                    false,
		strings.Replace(basic("csr:p:ä ss"), "Basic", "Bearer", 1): false,
		basic("csr:" + strings.Repeat("x", 5000)):                  false,
	} {
		for _, event := range []authorizer.Request{request(value), tokenEvent(value)} {
			answer, err := h.authorizer().Handle(t.Context(), event)
			if in != (err == nil) || !in && err.Error() != "Unauthorized" { // the word that API Gateway answers with 401
				t.Errorf("%s %q: %v", event.Type, value, err)
			}
			if text, _ := json.Marshal(answer); in && string(text) != want {
				t.Errorf("%s %q: %s", event.Type, value, text)
			}
		}
	}
	// A failing database is no refusal: the caller's credentials may be right.
	kit.Faults.Inject(dynamotest.Before, 1, 100)
	_, err := h.authorizer().Handle(t.Context(), request(basic("csr:p:ä ss")))
	if err == nil || err.Error() != "authorizer failed" {
		t.Errorf("a failing read: %v", err)
	}
}

// The policy opens no other operation: an operator's must never open those of apps and
// API users.
func TestRoutes(t *testing.T) {
	for route, in := range map[string]bool{
		"PUT/customercare/v1/u1/provision": true, "DELETE/risk-cc/customercare/v1/u1/provision": true,
		"POST/": false, "POST/api.php": false, "POST/apigovernance/api/oauth/tokenByAkSk": false,
		"POST/apiaccess/CC-Management/v1/clearUserInfo/cleancustpersonaldata": false,
		"GET/customercare/v1/u1/provision":                                    true, "POST/risk-cc/customercare/v1/u1/provision/use": true,
		"POST/customercare/v1/u1/provision/use/": true, "POST/customercare/v1/u1/provision/used": false,
		"GET/customercare/v1/u1": false, "PUT/customercare/v1/u1/provision/": true,
	} {
		got := false
		for _, pattern := range operation.Routes(operation.AuthorizeOperator) { // IAM's "*" stands for slashes too
			got = got || regexp.MustCompile("^"+strings.ReplaceAll(pattern, "*", ".*")+"$").MatchString(route)
		}
		if got != in {
			t.Errorf("%s: %v", route, got)
		}
	}
}

// One line a call that counts it for what it was. The template's alarm on this function
// takes the refused callers off Lambda's errors, so each refusal has to be one of both.
func TestOneLineACall(t *testing.T) {
	h, kit := open(t, "right")
	counts := func(wantError bool, want metrictest.Line, header string) {
		t.Helper()
		event := request(header)
		event.MultiValueHeaders, event.Headers = nil, map[string]string{"authorization": header}
		event.RequestContext.Identity.SourceIP = "192.0.2.1"
		line, _ := metrictest.OneCall(t, "authorize-operator", func() {
			if _, err := h.authorizer().Handle(t.Context(), event); (err != nil) != wantError {
				t.Errorf("%q: %v", header, err)
			}
		})
		line.Expect(t, want)
		line.Expect(t, metrictest.Line{"apiRequestId": "r1", "status": nil})
	}
	counts(false, metrictest.Counts(0, 0, nil), basic("csr:right"))
	for _, header := range []string{basic("csr:wrong"), basic("nobody:right"), basic("csr"), "Basic !", "Bearer x", ""} {
		counts(true, metrictest.Counts(1, 0, 1), header)
	}
	h.directory.Guard.Limit = 1
	counts(true, metrictest.Line{
		"Calls": 1., "CallerErrors": 1., "ServiceErrors": 0., "CallersRefused": nil, "CallersLockedOut": 1.,
	}, basic("csr:right"))
	kit.Faults.Inject(dynamotest.Before, 1, 100)
	counts(true, metrictest.Counts(0, 1, nil), basic("csr:right"))
}

// A panic is an error that says nothing of the caller and is no refusal, one line that
// counts it as ours, and the process goes on.
func TestPanic(t *testing.T) {
	h, kit := open(t, "other")
	kit.Faults.Interrupt(1, func() { panic("about csr:secret") })
	metrictest.OnePanic(t, "authorize-operator", "csr", func() {
		answer, err := h.authorizer().Handle(t.Context(), request(basic("csr:secret")))
		if !errors.Is(err, invocation.ErrPanicked) || answer.PolicyDocument.Statement != nil {
			t.Errorf("%+v, %v", answer, err)
		}
	})
	kit.Faults.Calls()
	if _, err := h.authorizer().Handle(t.Context(), request(basic("csr:secret"))); err != authorizer.ErrUnauthorized {
		t.Errorf("the next call: %v", err)
	}
}
