package store

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// EndHold ends a hold: in one transaction it becomes Releasing, its subject is held by
// the others alone, and the statement note says so where there is one. The erasure that
// was refused meanwhile goes from the customer to the hold when it was the last. Cleanup
// goes on with the release from dueAt on.
//
// hold is as it was just read; ErrHoldChanged when it is not so any more. What comes back
// is the hold as it is now. ErrNewer.
func (h Holds) EndHold(ctx context.Context, hold Hold, ledger Erasures, note *Note, dueAt time.Time) (Hold, error) {
	held, err := h.get(ctx, hold.held())
	if err != nil {
		return hold, err
	}
	ended := hold
	ended.Status, ended.Cursor, ended.Failures = Releasing, "", 0
	update := "SET #status = :releasing, releasedBy = :by, releasedAt = :at, dueAt = :due"
	values := object{
		":was": text(string(hold.Status)), ":releasing": text(string(Releasing)),
		":by": text(hold.ReleasedBy), ":at": millis(hold.ReleasedAt), ":due": millis(dueAt), ":v": schema,
	}
	var others []types.TransactWriteItem
	if ids := held.texts("holds"); slices.Contains(ids, hold.ID) {
		last := len(ids) == 1
		if refused, ok := held["refused"].(*types.AttributeValueMemberM); ok && last {
			ended.Refused = readRefused(refused.Value)
			update, values[":refused"] = update+", refused = :refused", refused
		}
		others = append(others, h.letGo(hold, last, ended.Refused))
	} // else somebody else has taken it away
	if hold.Kind == HoldOfNumber {
		others = append(others, h.count(hold, -1))
	}
	if note != nil {
		others = append(others, ledger.note(*note))
	}
	end := types.TransactWriteItem{Update: &types.Update{
		TableName: &h.Table, Key: holdKey(holdItem(hold.ID)),
		ConditionExpression:       aws.String("#status = :was AND " + understood),
		UpdateExpression:          aws.String(update + " REMOVE #cursor, failures"),
		ExpressionAttributeNames:  map[string]string{"#status": "status", "#cursor": "cursor"},
		ExpressionAttributeValues: values,
	}}
	err = h.transact(ctx, "holds: release", append([]types.TransactWriteItem{end}, others...), ErrHoldChanged)
	return ended, err
}

// letGo takes the hold from those of its subject. The last one takes the item away, on
// condition that nothing was added to it since it was read.
func (h Holds) letGo(hold Hold, last bool, refused *Refused) types.TransactWriteItem {
	values := object{":id": set(hold.ID), ":v": schema}
	if !last {
		values[":one"] = text(hold.ID)
		return types.TransactWriteItem{Update: &types.Update{
			TableName: &h.Table, Key: holdKey(hold.held()), UpdateExpression: aws.String("DELETE holds :id"),
			ConditionExpression:       aws.String("contains(holds, :one) AND holds <> :id AND " + understood),
			ExpressionAttributeValues: values,
		}}
	}
	condition := "holds = :id AND attribute_not_exists(refused)"
	if refused != nil {
		condition, values[":refused"] = "holds = :id AND refused.id = :refused", text(refused.ID)
	}
	return types.TransactWriteItem{Delete: &types.Delete{
		TableName: &h.Table, Key: holdKey(hold.held()),
		ConditionExpression: aws.String(condition + " AND " + understood), ExpressionAttributeValues: values,
	}}
}

// Finish writes down that a hold is released, when nothing is left to be done. Whom it
// was about leaves the hold, but for the digest. ErrHoldChanged, ErrNewer.
func (h Holds) Finish(ctx context.Context, hold Hold) error {
	return h.transact(ctx, "holds: finish", []types.TransactWriteItem{{Update: &types.Update{
		TableName: &h.Table, Key: holdKey(holdItem(hold.ID)),
		ConditionExpression: aws.String("#status = :releasing AND " + understood),
		UpdateExpression: aws.String("SET #status = :released" +
			" REMOVE subject, refused, standing, dueAt, #cursor, failures"),
		ExpressionAttributeNames: map[string]string{"#status": "status", "#cursor": "cursor"},
		ExpressionAttributeValues: object{
			":releasing": text(string(Releasing)), ":released": text(string(Released)), ":v": schema,
		},
	}}}, ErrHoldChanged)
}

// AskedNumbers is numbers of one erasure of which something was kept because of a hold.
type AskedNumbers struct {
	Erasure  string // the erasure that kept it
	By       string // who asked for that
	Ticket   []byte
	Numbers  []string
	Subjects []string // their digests, none where they could not be read
}

// Ask adds numbers to those whose erasure waits for the release of the hold. Each erasure
// has one list, to which another try of its end adds what it keeps besides.
// ErrHoldChanged when the hold holds no more: then nothing keeps the numbers. ErrNoHold,
// ErrNewer.
func (h Holds) Ask(ctx context.Context, id string, asked AskedNumbers) error {
	for range maxOpenTries {
		hold, err := h.Read(ctx, id)
		if err != nil {
			return err
		}
		if hold.Status != Placing && hold.Status != Active {
			return ErrHoldChanged
		}
		known, err := h.get(ctx, askedOf(id, asked.Erasure))
		if err != nil {
			return err
		}
		n, put := hold.Asked, h.putAsked(nil)
		if known != nil {
			n = known.number("n")
			before, err := h.ReadAsked(ctx, id, n)
			if err != nil {
				return err
			}
			if asked = asked.with(before); slices.Equal(before.Numbers, asked.Numbers) {
				return nil
			}
			if len(before.Numbers) > 0 { // else somebody else has taken the list away
				put.ConditionExpression = aws.String("numbers = :before AND " + understood)
				put.ExpressionAttributeValues[":before"] = texts(before.Numbers)
			}
		}
		if put.Item, err = asked.item(id, n); err != nil {
			return err
		}
		of := holdKey(askedOf(id, asked.Erasure))
		of["n"] = number(n)
		err = h.transact(ctx, "holds: ask", []types.TransactWriteItem{
			{Update: &types.Update{
				TableName: &h.Table, Key: holdKey(holdItem(id)),
				ConditionExpression: aws.String("#status = :status" +
					" AND (asked = :asked OR :asked = :none AND attribute_not_exists(asked)) AND " + understood),
				UpdateExpression:         aws.String("SET asked = :next"),
				ExpressionAttributeNames: map[string]string{"#status": "status"},
				ExpressionAttributeValues: object{
					":status": text(string(hold.Status)), ":asked": number(hold.Asked),
					":none": number(0), ":next": number(max(hold.Asked, n+1)), ":v": schema,
				},
			}},
			{Put: put},
			{Put: h.putAsked(Stamp(of))},
		}, ErrHoldChanged)
		if !errors.Is(err, ErrHoldChanged) {
			return err
		}
	}
	return ErrRaced
}

// putAsked is the write of an item of those that wait for a hold.
func (h Holds) putAsked(item object) *types.Put {
	return &types.Put{
		TableName: &h.Table, Item: item, ConditionExpression: aws.String(understood),
		ExpressionAttributeValues: onlySchema(),
	}
}

// dropAsked is its deletion.
func (h Holds) dropAsked(key string) types.TransactWriteItem {
	return types.TransactWriteItem{Delete: &types.Delete{
		TableName: &h.Table, Key: holdKey(key), ConditionExpression: aws.String(understood),
		ExpressionAttributeValues: onlySchema(),
	}}
}

// with is the numbers, and those of before that are not among them, sorted.
func (a AskedNumbers) with(before AskedNumbers) AskedNumbers {
	known := len(a.Subjects) == len(a.Numbers) && len(before.Subjects) == len(before.Numbers)
	subjects := map[string]string{} // by number
	for _, list := range []AskedNumbers{before, a} {
		for i, number := range list.Numbers {
			if subjects[number] = ""; known {
				subjects[number] = list.Subjects[i]
			}
		}
	}
	a.Numbers, a.Subjects = slices.Sorted(maps.Keys(subjects)), nil
	for _, number := range a.Numbers {
		if known {
			a.Subjects = append(a.Subjects, subjects[number])
		}
	}
	return a
}

// item is the numbers as the nth list that waits for a hold.
func (a AskedNumbers) item(id string, n int64) (object, error) {
	item := holdKey(askedItem(id, n))
	if len(a.Subjects) > 0 {
		packed, err := pack(a.Subjects)
		if err != nil {
			return nil, err
		}
		item["key"], item["digests"] = packed["key"], packed["digests"]
	}
	item["erasure"], item["askedBy"], item["numbers"] = text(a.Erasure), text(a.By), texts(a.Numbers)
	if a.Ticket != nil {
		item["ticket"] = binary(a.Ticket)
	}
	return Stamp(item), nil
}

// ReadAsked reads the nth list of numbers that wait for a hold, from 0. It is empty where
// there is none, because it was opened or somebody else took it away. ErrNewer.
func (h Holds) ReadAsked(ctx context.Context, id string, n int64) (AskedNumbers, error) {
	item, err := h.get(ctx, askedItem(id, n))
	asked := AskedNumbers{
		Erasure: item.text("erasure"), By: item.text("askedBy"), Ticket: item.bytes("ticket"),
		Numbers: item.texts("numbers"),
	}
	if all, whole := Subjects(item); whole && len(all) == len(asked.Numbers) {
		asked.Subjects = all
	}
	return asked, err
}

// OpenedAsked writes down that the erasure of the hold's list of numbers is open that was
// the next one, and takes the list away. asked is that list. ErrHoldChanged when somebody
// else has done it. ErrNewer.
func (h Holds) OpenedAsked(ctx context.Context, hold Hold, asked AskedNumbers, dueAt time.Time) error {
	actions := []types.TransactWriteItem{
		{Update: &types.Update{
			TableName: &h.Table, Key: holdKey(holdItem(hold.ID)),
			ConditionExpression: aws.String("#status = :releasing" +
				" AND (opened = :opened OR :opened = :none AND attribute_not_exists(opened)) AND " + understood),
			UpdateExpression:         aws.String("SET opened = :next, dueAt = :due"),
			ExpressionAttributeNames: map[string]string{"#status": "status"},
			ExpressionAttributeValues: object{
				":releasing": text(string(Releasing)), ":opened": number(hold.Opened),
				":none": number(0), ":next": number(hold.Opened + 1), ":due": millis(dueAt),
				":v": schema,
			},
		}},
		h.dropAsked(askedItem(hold.ID, hold.Opened)),
	}
	if asked.Erasure != "" {
		actions = append(actions, h.dropAsked(askedOf(hold.ID, asked.Erasure)))
	}
	return h.transact(ctx, "holds: opened", actions, ErrHoldChanged)
}
