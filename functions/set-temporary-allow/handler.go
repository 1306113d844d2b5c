package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"customercare/shared/digest"
	"customercare/shared/gateway"
	"customercare/shared/identifier"
	"customercare/shared/media"
	"customercare/shared/operation"
	"customercare/shared/respond"
	"customercare/shared/store"
)

// The names of a request's two fields, the same in JSON and XML.
const (
	typeField = "tempAllowType"
	dateField = "expirationDate"
)

// handler is the operation with what it works on.
type handler struct {
	users   store.Users
	digests digest.Digester // of users, in audit lines
	rules   rules
	now     func() time.Time
}

func (h handler) endpoint() gateway.Endpoint {
	return gateway.Endpoint{
		Operation: operation.SetTemporaryAllow, Shape: respond.Provision,
		Limit: gateway.SmallBody, About: h.about, Handle: h.handle,
	}
}

// request is a body read from either format.
type request struct {
	kind string  // tempAllowType as it was written, "" when absent
	date *string // expirationDate, nil when absent
}

// errFull is the answer for a user whose item has no room left. It is a failure of ours,
// because the caller can do nothing about it, and its sentence does not ask for another
// try, which would fail too.
var errFull error = &respond.Error{
	Kind:     respond.Internal,
	Sentence: "The record of this customerId is full, the temporary allow cannot be stored until it is made smaller",
	Cause:    store.ErrUserFull,
}

// didTime is how an allow's end is written in the audit line.
const didTime = "2006-01-02T15:04:05.000Z"

// about notes the user, where the path names one.
func (h handler) about(call *gateway.Call) {
	if id, err := call.PathID("customerId", identifier.MaxLong); err == nil {
		call.Audit.Subject(id, h.digests.Of(digest.Message("user", id)))
	}
}

// handle sets the allow with one DynamoDB call, and makes none for a request that is
// refused.
func (h handler) handle(ctx context.Context, call *gateway.Call) (any, error) {
	customerID, err := call.PathID("customerId", identifier.MaxLong)
	if err != nil {
		return nil, err
	}
	asked, err := read(call)
	if err != nil {
		return nil, err
	}
	kind, err := h.rules.kind(asked.kind)
	if err != nil {
		return nil, err
	}
	now := h.now()
	expires, err := h.rules.expires(kind, asked.date, now)
	if err != nil {
		return nil, err
	}
	call.Audit.Did = fmt.Sprintf("allow %d until %s", kind, expires.UTC().Format(didTime))
	err = h.users.SetTempAllow(ctx, customerID, store.TempAllow{
		Type: kind, Expires: expires, GrantedAt: now, GrantedBy: call.Caller("principalId"),
	})
	switch {
	case errors.Is(err, store.ErrNoUser):
		return nil, respond.Refuse(respond.NotFound, "Customer ID not found")
	case errors.Is(err, store.ErrUserFull):
		return nil, errFull
	case err != nil:
		return nil, err
	}
	return respond.Done, nil
}

// read reads the body in the format that its Content-Type names, JSON without one.
func read(call *gateway.Call) (request, error) {
	kind, err := call.BodyType("application/json", "application/xml")
	if err != nil {
		return request{}, err
	}
	if text, _ := media.Text(call.Body); len(bytes.TrimSpace(text)) == 0 {
		return request{}, respond.Refuse(respond.Invalid,
			"The request body is empty, it must have "+typeField+" and may have "+dateField)
	}
	if kind == "application/xml" {
		return readXML(call.Body)
	}
	var body struct {
		Kind jsontext.Value `json:"tempAllowType"` // raw, so that JSON and XML share the check and its sentence
		Date *string        `json:"expirationDate"`
	}
	if err := call.DecodeJSON(&body, typeField, dateField); err != nil {
		return request{}, err
	}
	if body.Kind.Kind() == 'n' { // null is absent
		body.Kind = nil
	}
	return request{kind: string(body.Kind), date: body.Date}, nil
}
