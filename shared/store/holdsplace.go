package store

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Note is a record of one statement that is about no erasure: a hold that was placed,
// that was released, or because of which an erasure was refused. It has what the sealed
// log needs.
type Note struct {
	ID        string // of the record
	Statement string // one line
	At        time.Time
}

// NoteKind is the kind of such a record.
const NoteKind = "hold"

// note puts a note. The condition is for a write that is sent again.
func (e Erasures) note(n Note) types.TransactWriteItem {
	id := RecordPrefix + n.ID
	item := ledgerKey(id)
	item["kind"], item["statement"], item["state"] = text(NoteKind), text(n.Statement), text("done")
	item["finishedAt"], item["unlogged"], item["unloggedAt"] = millis(n.At), text(shard(id)), millis(n.At)
	return types.TransactWriteItem{Put: &types.Put{
		TableName: &e.Table, Item: Stamp(item), ConditionExpression: aws.String("attribute_not_exists(erasureId)"),
	}}
}

// begin puts the hold itself.
func (h Holds) begin(hold Hold, dueAt time.Time) types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{
		TableName: &h.Table, Item: hold.item(dueAt), ConditionExpression: aws.String("attribute_not_exists(#hold)"),
		ExpressionAttributeNames: map[string]string{"#hold": "hold"}, // DynamoDB reserves it
	}}
}

// hold adds the hold to those of its subject.
func (h Holds) hold(hold Hold) types.TransactWriteItem {
	return types.TransactWriteItem{Update: &types.Update{
		TableName: &h.Table, Key: holdKey(hold.held()), UpdateExpression: aws.String(setSchema + " ADD holds :id"),
		ConditionExpression:       aws.String(understood),
		ExpressionAttributeValues: object{":id": set(hold.ID), ":v": schema},
	}}
}

// count changes how many holds there are of the tenant's numbers.
func (h Holds) count(hold Hold, by int) types.TransactWriteItem {
	return types.TransactWriteItem{Update: &types.Update{
		TableName: &h.Table, Key: holdKey(heldTenant(hold.Scope)), UpdateExpression: aws.String(setSchema + " ADD held :by"),
		ConditionExpression:       aws.String(understood),
		ExpressionAttributeValues: object{":by": number(by), ":v": schema},
	}}
}

// PlaceOnCustomer places a hold on a customer, in one transaction with the statement that
// says so. It is active at once: no erasure of the customer is opened from then on
// (notHeld), and the condition is that none is open, under any of jobs' keys, and that no
// tombstone stands. ErrErasing, ErrHoldExists, ErrNewer.
func (h Holds) PlaceOnCustomer(
	ctx context.Context, hold Hold, customers Customers, ledger Erasures, jobs []string, note Note,
) error {
	hold.Status = Active
	actions := []types.TransactWriteItem{
		h.begin(hold, hold.dueAt()),
		h.hold(hold),
		ledger.note(note),
		{ConditionCheck: &types.ConditionCheck{
			TableName: &customers.Table, Key: recordKey(CustomerKey(hold.Scope, hold.Subject), CustomerRecord),
			ConditionExpression:       aws.String("attribute_not_exists(tombstone) OR NOT begins_with(tombstone, :job)"),
			ExpressionAttributeValues: object{":job": text(customerPrefix)},
		}},
	}
	for _, job := range jobs {
		actions = append(actions, ledger.noneOpen(job))
	}
	return h.transact(ctx, "holds: place", actions, ErrHoldExists, nil, ErrHoldExists, ErrErasing)
}

// PlaceOnNumber begins to place a hold on a number. From then on no worker erases a
// contact that it reads later. Those that were read before are held when all contacts are
// marked; until then the hold is Placing. From dueAt on cleanup goes on with it.
// ErrHoldExists, ErrNewer.
func (h Holds) PlaceOnNumber(ctx context.Context, hold Hold, dueAt time.Time) error {
	hold.Status = Placing
	return h.transact(ctx, "holds: place", []types.TransactWriteItem{
		h.begin(hold, dueAt), h.hold(hold), h.count(hold, 1),
	}, ErrHoldExists)
}

// Activate makes a hold of a number active, when every contact is marked, in one
// transaction with the statement that says so. ErrHoldChanged, ErrNewer.
func (h Holds) Activate(ctx context.Context, hold Hold, ledger Erasures, note Note) error {
	return h.transact(ctx, "holds: activate", []types.TransactWriteItem{
		{Update: &types.Update{
			TableName: &h.Table, Key: holdKey(holdItem(hold.ID)),
			ConditionExpression:      aws.String("#status = :placing AND " + understood),
			UpdateExpression:         aws.String("SET #status = :active, dueAt = :due REMOVE #cursor, failures"),
			ExpressionAttributeNames: map[string]string{"#status": "status", "#cursor": "cursor"},
			ExpressionAttributeValues: object{
				":placing": text(string(Placing)), ":active": text(string(Active)), ":due": millis(hold.dueAt()),
				":v": schema,
			},
		}},
		ledger.note(note),
	}, ErrHoldChanged, ErrHoldChanged)
}

// Save writes down how far placing or releasing a hold has got, and when cleanup goes on
// with it if nobody does before. ErrHoldChanged when it is in another status.
func (h Holds) Save(ctx context.Context, hold Hold, dueAt time.Time) error {
	_, err := h.DB.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &h.Table, Key: holdKey(holdItem(hold.ID)),
		ConditionExpression:      aws.String("#status = :status AND " + understood),
		UpdateExpression:         aws.String("SET #cursor = :cursor, failures = :failures, dueAt = :due"),
		ExpressionAttributeNames: map[string]string{"#status": "status", "#cursor": "cursor"},
		ExpressionAttributeValues: object{
			":status": text(string(hold.Status)), ":cursor": text(hold.Cursor),
			":failures": number(hold.Failures), ":due": millis(dueAt), ":v": schema,
		},
	})
	if _, conflict := conditionFailed(err); conflict {
		return ErrHoldChanged
	}
	return failed("holds: save", err)
}

// transact makes a transaction. Where the condition of the nth action does not hold its
// error is the nth of conflicts, the last one for those behind; where another transaction
// is at the same items it tries again. ErrNewer where a newer version has written one of
// them.
func (h Holds) transact(
	ctx context.Context, call string, actions []types.TransactWriteItem, conflicts ...error,
) error {
	for _, action := range actions {
		switch {
		case action.Put != nil:
			action.Put.ReturnValuesOnConditionCheckFailure = allOld
		case action.Update != nil:
			action.Update.ReturnValuesOnConditionCheckFailure = allOld
		case action.Delete != nil:
			action.Delete.ReturnValuesOnConditionCheckFailure = allOld
		default:
			action.ConditionCheck.ReturnValuesOnConditionCheckFailure = allOld
		}
	}
	for try := 1; ; try++ {
		_, err := h.DB.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: actions})
		if cancelled, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
			if err := unlessNewerIn(cancelled); err != nil {
				return err
			}
			for i, reason := range cancelled.CancellationReasons {
				conflict := conflicts[min(i, len(conflicts)-1)]
				if aws.ToString(reason.Code) == "ConditionalCheckFailed" && conflict != nil {
					return conflict
				}
			}
		}
		if err = transacted(call, err); !errors.Is(err, ErrRaced) || try == maxOpenTries || !Wait(ctx, h.DB, try, err) {
			return err
		}
	}
}
