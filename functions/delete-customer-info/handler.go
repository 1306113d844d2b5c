package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"customercare/shared/digest"
	"customercare/shared/gateway"
	"customercare/shared/identifier"
	"customercare/shared/operation"
	"customercare/shared/respond"
	"customercare/shared/store"
)

// handler is the operation with what it works on.
type handler struct {
	users   store.Users
	digests digest.Digester // of users, in audit lines
	now     func() time.Time
}

func (h handler) endpoint() gateway.Endpoint {
	return gateway.Endpoint{
		Operation: operation.DeleteCustomerInfo, Shape: respond.Provision,
		Limit: gateway.SmallBody, About: h.about, Handle: h.handle,
	}
}

// deletion is one of the three things that the operation can delete, asked for by a query
// parameter of that name.
type deletion struct {
	parameter string
	did       string // in the audit line
	do        func(store.Users, context.Context, string, time.Time) error
}

// deletions in the documented order of precedence: of several only the first is done.
var deletions = []deletion{
	{"cancelAllTemporaryAllows", "allows cancelled", store.Users.CancelTempAllows},
	{"unregisterDevices", "devices unregistered", store.Users.UnregisterDevices},
	{"reset", "questions reset", store.Users.Reset},
}

// errOtherMethod is the answer to every method that the path does not offer, all of which
// the template sends here.
var errOtherMethod error = &respond.Error{
	Kind:     respond.MethodNotAllowed,
	Sentence: "The method is not offered here, only DELETE, GET and PUT are",
	Header:   http.Header{"Allow": {"DELETE, GET, PUT"}},
}

// about notes the user, where the path names one.
func (h handler) about(call *gateway.Call) {
	if id, err := call.PathID("customerId", identifier.MaxLong); err == nil {
		call.Audit.Subject(id, h.digests.Of(digest.Message("user", id)))
	}
}

// handle does one deletion with one DynamoDB call, and makes none for a request that is
// refused. The operation has no body: one that comes along is passed over, of whatever
// type.
func (h handler) handle(ctx context.Context, call *gateway.Call) (any, error) {
	if call.Method != operation.DeleteCustomerInfo.Method {
		return nil, errOtherMethod
	}
	customerID, err := call.PathID("customerId", identifier.MaxLong)
	if err != nil {
		return nil, err
	}
	chosen, err := choose(call.Query())
	if err != nil {
		return nil, err
	}
	call.Audit.Did = chosen.did
	err = chosen.do(h.users, ctx, customerID, h.now())
	if errors.Is(err, store.ErrNoUser) {
		return nil, respond.Refuse(respond.NotFound, "Customer ID not found")
	}
	if err != nil {
		return nil, err
	}
	return respond.Done, nil
}

// choose finds the deletion that the query asks for. All three parameters must be
// well-formed, also those that precedence passes over: a caller's mistake must not wait
// for another call to show.
func choose(query map[string][]string) (chosen deletion, err error) {
	for _, d := range deletions {
		wanted, err := flag(d.parameter, query[d.parameter])
		if err != nil {
			return deletion{}, err
		}
		if wanted && chosen.do == nil {
			chosen = d
		}
	}
	if chosen.do == nil {
		return deletion{}, respond.Refuse(respond.Invalid,
			"One of cancelAllTemporaryAllows, unregisterDevices or reset must be true")
	}
	return chosen, nil
}

// flag reads a boolean parameter, true or false in any case; it may be repeated, but not
// with another value.
func flag(name string, values []string) (bool, error) {
	for i, value := range values {
		if lower := asciiLower(value); lower != "true" && lower != "false" {
			return false, respond.Refuse(respond.Invalid, name+" must be true or false")
		} else if i > 0 && lower != asciiLower(values[0]) {
			return false, respond.Refuse(respond.Invalid, name+" is given twice with different values")
		}
	}
	return len(values) > 0 && asciiLower(values[0]) == "true", nil
}

// asciiLower leaves letters beyond ASCII alone: "faLſe" is not false.
func asciiLower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
