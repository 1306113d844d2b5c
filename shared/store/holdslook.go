package store

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// notHeld is the check of every opening of a customer's erasure: no hold stands, as far
// as this version can tell.
func (h Holds) notHeld(customer *Job) types.TransactWriteItem {
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &h.Table, Key: holdKey(heldCustomer(customer.Scope, customer.Identifiers[0])),
		ConditionExpression:       aws.String("attribute_not_exists(holds) AND " + understood),
		ExpressionAttributeValues: onlySchema(),
	}}
}

// Refuse writes down, in one transaction with the statement note, that an erasure of a
// customer was refused, so that the release of the last hold opens it. known is the id
// that is written down: an earlier refusal stays, and is all that is ever said.
// ErrHoldChanged when nothing holds the customer any more. ErrNewer.
func (h Holds) Refuse(
	ctx context.Context, account, code string, refused Refused, ledger Erasures, note func(hold string) Note,
) (known string, err error) {
	key := heldCustomer(account, code)
	for range maxOpenTries {
		held, err := h.get(ctx, key)
		if err != nil {
			return "", err
		}
		ids := held.texts("holds")
		if len(ids) == 0 {
			return "", ErrHoldChanged
		}
		if before, ok := held["refused"].(*types.AttributeValueMemberM); ok {
			return readRefused(before.Value).ID, nil
		}
		err = h.transact(ctx, "holds: refuse", []types.TransactWriteItem{
			{Update: &types.Update{
				TableName: &h.Table, Key: holdKey(key), UpdateExpression: aws.String("SET refused = :refused"),
				ConditionExpression:       aws.String("attribute_exists(holds) AND attribute_not_exists(refused) AND " + understood),
				ExpressionAttributeValues: object{":refused": refused.value(), ":v": schema},
			}},
			ledger.note(note(slices.Min(ids))),
		}, ErrHoldChanged, nil)
		if !errors.Is(err, ErrHoldChanged) {
			return refused.ID, err
		}
	}
	return "", ErrRaced
}

// ReadRefused is the erasure of a held customer that waits for the release; nil for none.
// ErrNewer.
func (h Holds) ReadRefused(ctx context.Context, hold Hold) (*Refused, error) {
	if hold.Kind != HoldOfCustomer || hold.Status != Active {
		return hold.Refused, nil
	}
	held, err := h.get(ctx, hold.held())
	if refused, ok := held["refused"].(*types.AttributeValueMemberM); ok {
		return readRefused(refused.Value), err
	}
	return nil, err
}

// OfCustomer says whether a customer is held. ErrNewer.
func (h Holds) OfCustomer(ctx context.Context, account, code string) (bool, error) {
	held, err := h.get(ctx, heldCustomer(account, code))
	return len(held.texts("holds")) > 0, err
}

// AnyOf says whether any number of the tenant is held. ErrNewer.
func (h Holds) AnyOf(ctx context.Context, tenant string) (bool, error) {
	item, err := h.get(ctx, heldTenant(tenant))
	return item.number("held") > 0, err
}

// OfNumbers is the ids of the holds on each of numbers of the tenant, by number. A number
// without one is left out. ErrNewer.
func (h Holds) OfNumbers(ctx context.Context, tenant string, numbers []string) (map[string][]string, error) {
	keys := make([]string, 0, len(numbers))
	byKey := make(map[string]string, len(numbers))
	for _, number := range numbers {
		if key := heldNumber(tenant, number); byKey[key] == "" && len(key) <= maxKey {
			keys, byKey[key] = append(keys, key), number
		}
	}
	items, err := h.getAll(ctx, keys)
	held := make(map[string][]string, len(items))
	for _, item := range items {
		if ids := item.texts("holds"); len(ids) > 0 {
			held[byKey[item.text("hold")]] = ids
		}
	}
	return held, err
}

// Ended is which of the holds with these ids hold no more. One that nobody knows of
// holds: the table may have been restored to a time before it. ErrNewer.
func (h Holds) Ended(ctx context.Context, ids []string) (map[string]bool, error) {
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = holdItem(id)
	}
	items, err := h.getAll(ctx, keys)
	ended := make(map[string]bool, len(items))
	for _, item := range items {
		status := HoldStatus(item.text("status"))
		ended[item.text("id")] = status == Releasing || status == Released
	}
	return ended, err
}
