package main

import (
	"context"
	"errors"
	"time"

	"customercare/shared/erasure"
	"customercare/shared/gateway"
	"customercare/shared/principal"
	"customercare/shared/respond"
)

func endpoint(directory principal.Directory, intake erasure.CustomerIntake, budget time.Duration) gateway.Endpoint {
	return gateway.Endpoint{
		Name: "delete-customer", Limit: 256 << 10, Shape: shape,
		Handle: func(ctx context.Context, call *gateway.Call) (any, error) {
			return remove(ctx, directory, intake, budget, call)
		},
	}
}

// remove deletes one customer. It answers "deleted" once the erasure is on record and the tombstone stands: from then on
// nothing returns the customer any more. What does not fit into budget is erased in the background.
func remove(ctx context.Context, directory principal.Directory, intake erasure.CustomerIntake, budget time.Duration, call *gateway.Call) (any, error) {
	f, refusal := readForm(call.Request)
	if refusal == nil {
		refusal = f.check()
	}
	if refusal != nil {
		return nil, refusal
	}
	key, refusal := f.key(call.Given("api_access_key"))
	if refusal != nil {
		return nil, refusal
	}
	err := directory.APIUser(ctx, call.Source(), f["user_id"], key, f["account_id"])
	if locked, ok := errors.AsType[*principal.Locked](err); ok {
		return nil, respond.TryLater(locked.For)
	}
	if errors.Is(err, principal.ErrRefused) {
		// One sentence for a wrong user, a wrong key and a foreign account: none of them is confirmed to exist.
		return nil, respond.Refuse(respond.Unauthorized, "user_id, user_password or account_id is wrong")
	}
	if err != nil {
		return nil, err
	}
	err = intake.Customer(ctx, f["account_id"], f["code"], f["user_id"], budget)
	if errors.Is(err, erasure.ErrUnknownCustomer) {
		return nil, respond.Refuse(respond.NotFound, "code is not the code of a customer of this account")
	}
	if err != nil {
		return nil, err
	}
	return deleted(f["code"]), nil
}
