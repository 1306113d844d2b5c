package main

import (
	"context"

	"customercare/shared/digest"
	"customercare/shared/erasure"
	"customercare/shared/gateway"
	"customercare/shared/operation"
	"customercare/shared/respond"
)

// handler is the operation with what it works on.
type handler struct {
	intake  erasure.NumbersIntake
	digests digest.Digester // of numbers, in audit lines
}

func (h handler) endpoint() gateway.Endpoint {
	return gateway.Endpoint{
		Operation: operation.CleanCustomerData, Shape: respond.App,
		Limit: bodyLimit, Handle: h.handle,
	}
}

// request is the body: phone numbers, user names, mail addresses. "*" is a character like
// any other.
type request struct {
	CustomNos numbers `json:"customNos"`
}

// handle puts the erasure on record and answers; the ledger's stream starts the worker.
// Nothing is erased here: the answer promises that it will be, and that promise is one
// write.
func (h handler) handle(ctx context.Context, call *gateway.Call) (any, error) {
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
	if err := call.DecodeJSON(&asked, "customNos"); err != nil {
		return nil, err
	}
	if len(asked.CustomNos) == 0 {
		return nil, respond.Refuse(respond.Invalid,
			"customNos is required: a list of 1 to 1000 customer numbers")
	}
	call.Audit.Did = "numbers erased"
	for _, number := range asked.CustomNos {
		call.Audit.Subject(number, h.digests.Subject("number", tenant, number))
	}
	id, err := h.intake.Numbers(ctx, erasure.NumbersRequest{
		Tenant: tenant, Numbers: asked.CustomNos, Subjects: call.Audit.Digests(), By: app,
		Ticket: call.Audit.Note.Ticket(),
	})
	if err != nil {
		return nil, err
	}
	call.Accepted(id)
	return respond.Verified, nil
}
