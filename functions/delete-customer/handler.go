package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"customercare/shared/digest"
	"customercare/shared/erasure"
	"customercare/shared/gateway"
	"customercare/shared/operation"
	"customercare/shared/principal"
	"customercare/shared/respond"
	"customercare/shared/store"
)

// bodyLimit is the largest form in bytes.
const bodyLimit = 256 << 10

// handler is the operation with what it works on.
type handler struct {
	directory principal.Directory
	intake    erasure.CustomerIntake
	digests   digest.Digester // of customers, in audit lines
	budget    time.Duration   // how long a call may erase before it is answered
	upstream  upstream        // who has the other types
}

func (h handler) endpoint() gateway.Endpoint {
	return gateway.Endpoint{
		Operation: operation.DeleteCustomer, Shape: shape,
		Limit: bodyLimit, Offers: h.offers, Form: h.form, Handle: h.handle,
	}
}

// offers refuses a GET where nobody has other types: it is none of the operation's.
func (h handler) offers(call *gateway.Call) error {
	if h.upstream.base == nil && call.Method == http.MethodGet {
		return errNotOffered(call.Header.Get("Accept"))
	}
	return nil
}

// form reads the call's form. Of a call that is none of the operation's, and of one whose
// type is another while somebody has the other types, it is only what its answer's format
// goes by, if the answer is ours: the rest is the other service's to judge.
func (h handler) form(call *gateway.Call) (map[string]string, error) {
	read := func(name string) string { return strings.Join(call.Query()[name], ",") }
	if call.Method != http.MethodGet {
		f, err := readForm(call.Header, call.Body)
		if h.upstream.base == nil || f["type"] == customerDelete {
			return f, err
		}
		read = func(name string) string { return f[name] }
	}
	f := form{"output": read("output"), "callback": read("callback"), "condensed": read("condensed")}
	if _, err := format(call.Header, f); err != nil {
		return nil, nil
	}
	return f, nil
}

// errHeld refuses a customer on whom a hold stands. The release of the hold deletes the
// customer, without another call.
var errHeld = respond.Refuse(respond.Conflict,
	"the customer is held and cannot be deleted now, the deletion follows when the hold is released")

// handle deletes one customer. It answers "deleted" once the erasure is on record and the
// tombstone stands: from then on nothing returns the customer any more. What does not fit
// into the budget is erased in the background. A call of another type is passed on where
// somebody has it.
func (h handler) handle(ctx context.Context, call *gateway.Call) (any, error) {
	f := form(call.Form)
	if h.upstream.base != nil && f["type"] != customerDelete {
		return h.upstream.passOn(ctx, call)
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	key, err := f.key(call.Given("api_access_key"))
	if err != nil {
		return nil, err
	}
	// The customer is read while the key is looked at. A stranger is answered without it.
	var ahead *erasure.Ahead
	if len(f["user_id"]) <= store.MaxName { // else nobody has that name, and no key is looked at
		ahead = h.intake.ReadAhead(ctx, f["account_id"], f["code"])
		defer ahead.Drop()
	}
	err = h.directory.APIUser(ctx, call.Source(), f["user_id"], key, f["account_id"])
	if locked, ok := errors.AsType[*principal.Locked](err); ok {
		return nil, respond.TryLater(locked.For)
	}
	if err == nil || errors.Is(err, principal.ErrNotAllowed) {
		call.Audit.Principal, call.Audit.Did = f["user_id"], "customer deleted"
		call.Audit.Subject(f["code"], h.digests.Subject("customer", f["account_id"], f["code"]))
	}
	if errors.Is(err, principal.ErrNotLetIn) {
		// One sentence for a wrong user, a wrong key and a foreign account: none of them
		// is confirmed to exist.
		return nil, respond.Refuse(respond.Unauthorized, "user_id, user_password or account_id is wrong")
	}
	if err != nil {
		return nil, err
	}
	id, err := h.intake.Customer(ctx, erasure.CustomerRequest{
		Account: f["account_id"], Code: f["code"], By: f["user_id"], Ticket: call.Audit.Note.Ticket(),
		Ahead: ahead,
	}, h.budget)
	if errors.Is(err, erasure.ErrUnknownCustomer) {
		return nil, respond.Refuse(respond.NotFound, "code is not the code of a customer of this account")
	}
	if errors.Is(err, erasure.ErrCustomerHeld) {
		return nil, errHeld
	}
	if err != nil {
		return nil, err
	}
	call.Accepted(id)
	return deleted(f["code"]), nil
}
