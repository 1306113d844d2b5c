package main

import (
	"context"

	"customercare/shared/erasure"
	"customercare/shared/gateway"
	"customercare/shared/respond"
)

// request is the body: phone numbers, user names, mail addresses. "*" is a character like any other.
type request struct {
	CustomNos numbers `json:"customNos"`
}

func endpoint(intake erasure.NumbersIntake) gateway.Endpoint {
	return gateway.Endpoint{
		Name: "clean-customer-data", Limit: bodyLimit, Shape: respond.App,
		Handle: func(ctx context.Context, call *gateway.Call) (any, error) { return clean(ctx, intake, call) },
	}
}

// clean puts the erasure on record and answers; the ledger's stream starts the worker. Nothing is erased here: the
// answer promises that it will be, and that promise is one write.
func clean(ctx context.Context, intake erasure.NumbersIntake, call *gateway.Call) (any, error) {
	app, tenant := call.Caller("appKey"), call.Caller("tenantId")
	if app == "" || tenant == "" {
		return nil, respond.Refuse(respond.Unauthorized, "Authorization is missing, wrong or expired")
	}
	for _, key := range call.Given("X-App-Key") {
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
	if err := intake.Numbers(ctx, tenant, asked.CustomNos, app); err != nil {
		return nil, err
	}
	return respond.Verified, nil
}
