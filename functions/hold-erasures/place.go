package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"customercare/shared/erasure"
	"customercare/shared/gateway"
	"customercare/shared/identifier"
	"customercare/shared/principal"
	"customercare/shared/respond"
	"customercare/shared/statement"
	"customercare/shared/store"
)

// request is the body of PUT /holds/{id}: one of the two subjects, why it is held, and
// until when.
type request struct {
	Customer *customer `json:"customer"`
	Number   *number   `json:"number"`
	Reason   string    `json:"reason"`
	Until    string    `json:"until"`
}

type customer struct {
	AccountID string `json:"accountId"`
	Code      string `json:"code"`
}

type number struct {
	TenantID string `json:"tenantId"`
	CustomNo string `json:"customNo"`
}

// holdAnswer is a hold as the calls show it. Whom it is about is there until the release.
type holdAnswer struct {
	ID         string         `json:"id"`
	Status     string         `json:"status"`
	Customer   *customer      `json:"customer,omitempty"`
	Number     *number        `json:"number,omitempty"`
	Reason     string         `json:"reason"`
	By         string         `json:"by"`
	Placed     statement.Time `json:"placed"`
	Until      statement.Time `json:"until,omitzero"`
	Failing    int64          `json:"failing,omitempty"`
	ReleasedBy string         `json:"releasedBy,omitempty"`
	Released   statement.Time `json:"released,omitzero"`
}

// listAnswer is what GET /holds answers.
type listAnswer struct {
	Holds []holdAnswer `json:"holds"`
	More  bool         `json:"more"`
}

func answerOf(hold store.Hold) holdAnswer {
	timeOf := func(at time.Time) statement.Time {
		if at.IsZero() {
			return statement.Time{}
		}
		return statement.TimeOf(at)
	}
	a := holdAnswer{
		ID: hold.ID, Status: string(hold.Status), Reason: hold.Reason, By: hold.By,
		Placed: timeOf(hold.PlacedAt), Until: timeOf(hold.Until), Failing: hold.Failures,
		ReleasedBy: hold.ReleasedBy, Released: timeOf(hold.ReleasedAt),
	}
	switch {
	case hold.Subject == "":
	case hold.Kind == store.HoldOfCustomer:
		a.Customer = &customer{hold.Scope, hold.Subject}
	default:
		a.Number = &number{hold.Scope, hold.Subject}
	}
	return a
}

var errID = respond.Refuse(respond.Invalid, fmt.Sprintf(
	"id in the path must be 1 to %d small letters, digits and hyphens, with a letter or digit at both ends", erasure.MaxHoldID))

// readID reads the hold's id in the path.
func readID(call *gateway.Call) (string, error) {
	id, err := call.PathID("id", erasure.MaxHoldID)
	if err != nil || !erasure.IsHoldID(id) {
		return "", errID
	}
	return id, nil
}

// place answers PUT /holds/{id}: 201 when the hold is active, 200 when it was before, and
// 202 when there is so much to mark that cleanup goes on with it.
func (h handler) place(ctx context.Context, call *gateway.Call, reader principal.Reader) (any, error) {
	id, err := readID(call)
	if err != nil {
		return nil, err
	}
	var asked request
	if err := call.DecodeJSON(&asked, "customer", "number", "reason", "until"); err != nil {
		return nil, err
	}
	hold, err := asked.hold(h.now())
	if err != nil {
		return nil, err
	}
	h.digests.Look(ctx)
	digests := h.digests.EverySubject(hold.Kind, hold.Scope, hold.Subject)
	hold.ID, hold.By, hold.Digest = id, reader.Name, digests[0]
	call.Audit.Principal, call.Audit.Kind = reader.Name, reader.Kind
	call.Audit.Did = "hold " + id + " placed"
	call.Audit.Subject(hold.Subject, hold.Digest)
	placed, created, err := h.holder.Place(ctx, hold, digests, h.now().Add(workFor))
	switch {
	case errors.Is(err, store.ErrErasing):
		return nil, respond.Refuse(respond.Conflict, "The customer is being erased, so nothing can be held any more")
	case errors.Is(err, erasure.ErrHoldDiffers):
		return nil, respond.Refuse(respond.Conflict, "There is or was another hold with this id, use another id")
	case err != nil:
		return nil, err
	case placed.Status == store.Placing:
		call.Status = http.StatusAccepted
	case created:
		call.Status = http.StatusCreated
	}
	return answerOf(placed), nil
}

// hold is the hold that is asked for, at this time.
func (r request) hold(now time.Time) (hold store.Hold, err error) {
	switch {
	case (r.Customer == nil) == (r.Number == nil):
		return hold, respond.Refuse(respond.Invalid, "Either customer or number is required, and not both")
	case r.Customer != nil:
		hold.Kind, hold.Scope, hold.Subject = store.HoldOfCustomer, r.Customer.AccountID, r.Customer.Code
		err = checkIdentifiers("customer.accountId", hold.Scope, "customer.code", hold.Subject)
	default:
		hold.Kind, hold.Scope, hold.Subject = store.HoldOfNumber, r.Number.TenantID, r.Number.CustomNo
		err = checkIdentifiers("number.tenantId", hold.Scope, "number.customNo", hold.Subject)
	}
	if err != nil {
		return hold, err
	}
	hold.Reason = r.Reason
	if !erasure.IsHoldReason(r.Reason) {
		return hold, respond.Refuse(respond.Invalid, fmt.Sprintf(
			"reason is required, 1 to %d characters without control characters", erasure.MaxHoldReason))
	}
	if r.Until != "" {
		until, ok := erasure.HoldUntil(r.Until)
		if !ok {
			return hold, respond.Refuse(respond.Invalid, "until must be a date and time of RFC 3339")
		}
		if !until.After(now) {
			return hold, respond.Refuse(respond.Invalid, "until must be in the future")
		}
		hold.Until = until
	}
	return hold, nil
}

// checkIdentifiers refuses what names nobody: pairs of a field and its value.
func checkIdentifiers(pairs ...string) error {
	for i := 0; i < len(pairs); i += 2 {
		field, value := pairs[i], pairs[i+1]
		if value == "" || len(value) > identifier.MaxShort {
			return respond.Refuse(respond.Invalid, fmt.Sprintf("%s must be a string of 1 to %d bytes", field, identifier.MaxShort))
		}
		if !identifier.Sayable(value) {
			return respond.Refuse(respond.Invalid, field+identifier.Unsayable)
		}
	}
	return nil
}
