package main

import (
	"context"
	"fmt"
	"slices"

	"customercare/shared/erasure"
	"customercare/shared/gateway"
	"customercare/shared/identifier"
	"customercare/shared/respond"
)

const (
	maxNumbers     = 1000 // distinct ones in a call (contracts, operation 4)
	maxNumberBytes = 128
)

// request is the body: phone numbers, user names, mail addresses. "*" is a character like any other.
type request struct {
	CustomNos []string `json:"customNos"`
}

func endpoint(engine erasure.Engine) gateway.Endpoint {
	return gateway.Endpoint{
		Name: "clean-customer-data", Limit: 512 << 10, Shape: respond.App,
		Handle: func(ctx context.Context, call *gateway.Call) (any, error) { return clean(ctx, engine, call) },
	}
}

// clean puts the erasure on record and answers; the ledger's stream starts the worker. Nothing is erased here: the
// answer promises that it will be, and that promise is one write.
func clean(ctx context.Context, engine erasure.Engine, call *gateway.Call) (any, error) {
	app, tenant := call.Caller("appKey"), call.Caller("tenantId")
	if app == "" || tenant == "" {
		return nil, respond.Refuse(respond.Unauthorized, "Authorization is missing, wrong or expired")
	}
	for _, key := range call.Header.Values("X-App-Key") {
		if key != app {
			return nil, respond.Refuse(respond.Unauthorized, "X-APP-Key is not the app key of the access token")
		}
	}
	var asked request
	if refusal := call.DecodeJSON(&asked, "customNos"); refusal != nil {
		return nil, refusal
	}
	if len(asked.CustomNos) == 0 {
		return nil, respond.Refuse(respond.Invalid, "customNos is required: a list of 1 to 1000 customer numbers")
	}
	for i, number := range asked.CustomNos {
		if len(number) == 0 || len(number) > maxNumberBytes {
			return nil, respond.Refuse(respond.Invalid, fmt.Sprintf("customNos[%d] must have 1 to %d bytes", i, maxNumberBytes))
		}
		if !identifier.Sayable(number) {
			return nil, respond.Refuse(respond.Invalid, fmt.Sprintf("customNos[%d]%s", i, identifier.Unsayable))
		}
	}
	slices.Sort(asked.CustomNos)
	numbers := slices.Compact(asked.CustomNos)
	if len(numbers) > maxNumbers {
		return nil, respond.Refuse(respond.Invalid, fmt.Sprintf("customNos holds %d customer numbers, at most %d are allowed", len(numbers), maxNumbers))
	}
	if err := engine.Numbers(ctx, tenant, numbers, app); err != nil {
		return nil, err
	}
	return respond.Verified, nil
}
