package main

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"customercare/shared/gateway"
	"customercare/shared/respond"
	"customercare/shared/store"
)

const (
	bodyLimit       = 64 << 10
	customerIDLimit = 256
)

// deletion is one of the three things the operation can delete, asked for by a query parameter of that name.
type deletion struct {
	parameter string
	do        func(store.Users, context.Context, string) error
}

// deletions in the documented order of precedence: of several only the first is done.
var deletions = []deletion{
	{"cancelAllTemporaryAllows", store.Users.CancelTempAllows},
	{"unregisterDevices", store.Users.UnregisterDevices},
	{"reset", store.Users.Reset},
}

func endpoint(users store.Users) gateway.Endpoint {
	return gateway.Endpoint{Name: "delete-customer-info", Limit: bodyLimit, Shape: respond.Provision, Scoped: true,
		Handle: func(ctx context.Context, call *gateway.Call) (any, error) { return handle(ctx, call, users) }}
}

// handle does one deletion with one DynamoDB call, and none for a request that is refused.
func handle(ctx context.Context, call *gateway.Call, users store.Users) (any, error) {
	if call.Method != http.MethodDelete { // the template sends every method here that the path does not offer
		refusal := respond.Refuse(respond.MethodNotAllowed, "The method is not offered here, only DELETE and PUT are")
		refusal.Header = http.Header{"Allow": {"DELETE, PUT"}}
		return nil, refusal
	}
	customerID, refusal := call.PathID("customerId", customerIDLimit)
	if refusal != nil {
		return nil, refusal
	}
	// The operation has no body: one that comes along is passed over, of whatever type.
	chosen, refusal := choose(call.Query())
	if refusal != nil {
		return nil, refusal
	}
	switch err := chosen.do(users, ctx, customerID); {
	case errors.Is(err, store.ErrNoUser):
		return nil, respond.Refuse(respond.NotFound, "Customer ID not found")
	case err != nil:
		return nil, err
	}
	return respond.Done, nil
}

// choose finds the deletion that the query asks for. All three parameters must be well-formed, those that precedence
// passes over too: a caller's mistake must not wait for another call to show.
func choose(query map[string][]string) (chosen deletion, refusal *respond.Error) {
	for _, d := range deletions {
		wanted, refusal := flag(d.parameter, query[d.parameter])
		if refusal != nil {
			return deletion{}, refusal
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

// flag reads a boolean parameter, true or false in any case; it may be repeated, but not with another value.
func flag(name string, values []string) (bool, *respond.Error) {
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
