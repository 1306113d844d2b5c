package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"customercare/shared/caller"
	"customercare/shared/erasure"
	"customercare/shared/gateway"
	"customercare/shared/identifier"
	"customercare/shared/operation"
	"customercare/shared/principal"
	"customercare/shared/respond"
)

// handler is the call with what it works on.
type handler struct {
	door    caller.Door
	preview erasure.Preview
	now     func() time.Time
}

const (
	// maxNumbers is how many numbers a call may ask about: as many as an erasure has.
	maxNumbers = 1000
	// bodyLimit lets in as many numbers of the longest kind, as JSON usually has them.
	bodyLimit = maxNumbers * 2 * identifier.MaxShort
	// lookFor is how long a preview looks. API Gateway waits for 29 seconds.
	lookFor = 15 * time.Second
)

func (h handler) endpoint() gateway.Endpoint {
	return gateway.Endpoint{
		Operation: operation.PreviewErasures, Shape: respond.Problems,
		Limit: bodyLimit, Handle: h.handle,
	}
}

// request is the body: what an erasure would be asked for, one of the two.
type request struct {
	Customer *customer `json:"customer"`
	Numbers  *numbers  `json:"numbers"`
}

// customer is whom operation 3 would be asked to delete.
type customer struct {
	AccountID string `json:"accountId"`
	Code      string `json:"code"`
}

// numbers are what operation 4 would be asked to erase. TenantID may be left out by an
// app, which has one tenant.
type numbers struct {
	TenantID  string   `json:"tenantId"`
	CustomNos []string `json:"customNos"`
}

// handle answers POST /erasures/preview. What is wrong with the request is refused before
// anybody is let in, so that it says nothing of what is stored.
func (h handler) handle(ctx context.Context, call *gateway.Call) (any, error) {
	if call.Method != http.MethodPost {
		return nil, &respond.Error{
			Kind: respond.MethodNotAllowed, Sentence: "The method is not offered here, only POST",
			Header: http.Header{"Allow": {http.MethodPost}},
		}
	}
	if err := respond.Accept(call.Header, inJSON); err != nil {
		return nil, err
	}
	if _, err := call.BodyType(inJSON); err != nil {
		return nil, err
	}
	reader, err := h.door.LetIn(ctx, call, operation.PreviewErasures.Name)
	if err != nil {
		return nil, err
	}
	var asked request
	if err := call.DecodeJSON(&asked, "customer", "numbers"); err != nil {
		return nil, err
	}
	until := h.now().Add(lookFor)
	switch {
	case (asked.Customer == nil) == (asked.Numbers == nil):
		return nil, respond.Refuse(respond.Invalid, "Either customer or numbers is required, and not both")
	case asked.Customer != nil:
		if err := asked.Customer.check(reader); err != nil {
			return nil, err
		}
		return h.preview.Customer(ctx, asked.Customer.AccountID, asked.Customer.Code, until)
	}
	if err := asked.Numbers.check(reader); err != nil {
		return nil, err
	}
	return h.preview.Numbers(ctx, asked.Numbers.TenantID, asked.Numbers.CustomNos, until)
}

const inJSON = "application/json"

// check refuses what no erasure could be asked for, and what is not the caller's.
func (c customer) check(reader principal.Reader) error {
	for name, value := range map[string]string{"customer.accountId": c.AccountID, "customer.code": c.Code} {
		if err := checkIdentifier(name, value); err != nil {
			return err
		}
	}
	if reader.Kind == operation.App || reader.Kind == operation.APIUser && !slices.Contains(reader.Accounts, c.AccountID) {
		return caller.ErrForbidden
	}
	return nil
}

// check is as for a customer. An app need not name its tenant.
func (n *numbers) check(reader principal.Reader) error {
	if n.TenantID == "" && reader.Kind == operation.App {
		n.TenantID = reader.TenantID
	}
	if err := checkIdentifier("numbers.tenantId", n.TenantID); err != nil {
		return err
	}
	if len(n.CustomNos) == 0 || len(n.CustomNos) > maxNumbers {
		return respond.Refuse(respond.Invalid, fmt.Sprintf("numbers.customNos is required: a list of 1 to %d numbers", maxNumbers))
	}
	for i, number := range n.CustomNos {
		if err := checkIdentifier(fmt.Sprintf("numbers.customNos[%d]", i), number); err != nil {
			return err
		}
	}
	if reader.Kind == operation.APIUser || reader.Kind == operation.App && n.TenantID != reader.TenantID {
		return caller.ErrForbidden
	}
	return nil
}

// checkIdentifier refuses what names nobody.
func checkIdentifier(field, value string) error {
	if value == "" || len(value) > identifier.MaxShort {
		return respond.Refuse(respond.Invalid, fmt.Sprintf("%s must be a string of 1 to %d bytes", field, identifier.MaxShort))
	}
	if !identifier.Sayable(value) {
		return respond.Refuse(respond.Invalid, field+identifier.Unsayable)
	}
	return nil
}
