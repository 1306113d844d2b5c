package store

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/shared/retention"
)

// agedAtOnce is how many transactions of a customer go in one transaction of DynamoDB's,
// beside its two checks.
const agedAtOnce = transactionSize - 2

// EraseAged deletes transactions of one customer that are of a rule's age. Each goes on
// condition that its time is as it was read, that no hold stands on the customer, and
// that the customer is not being erased: that erasure deletes and counts them itself. All
// three are decided in the transaction that deletes.
//
// What is gone and what is left is read back, also after an error.
func (c Customers) EraseAged(ctx context.Context, holds Holds, ages Ages, due []Due) (swept Swept, err error) {
	for len(due) > 0 && err == nil {
		n := min(len(due), agedAtOnce)
		var some Swept
		some, err = c.eraseSome(ctx, holds, ages, due[:n])
		swept.Add(some)
		due = due[n:]
	}
	return swept, err
}

// eraseSome is EraseAged for as many as go in one transaction.
func (c Customers) eraseSome(ctx context.Context, holds Holds, ages Ages, due []Due) (swept Swept, err error) {
	tried, held, err := c.eraseUnchanged(ctx, holds, due)
	switch {
	case held:
		n := int64(len(tried))
		return Swept{Found: n, Kept: n}, nil
	case len(tried) == 0:
		return Swept{}, err
	}
	keys := make([]map[string]types.AttributeValue, len(tried))
	for i, d := range tried {
		keys[i] = recordKey(d.Key("customer"), d.Key("record"))
	}
	left, again := ages.Again(context.WithoutCancel(ctx), keys)
	if again != nil { // nobody knows what is gone
		return Swept{}, errors.Join(err, again)
	}
	swept.Found, swept.Left = int64(len(tried)), int64(len(left))
	swept.Erased = swept.Found - swept.Left
	return swept, err
}

// eraseUnchanged deletes those of due that are as they were read. tried is those that the
// last transaction named: unless held, or err says that nobody knows, they are gone. None
// is tried of a customer who is being erased.
func (c Customers) eraseUnchanged(ctx context.Context, holds Holds, due []Due) (tried []Due, held bool, err error) {
	const call = "customers: erase aged"
	tried = due
	for idle := 0; len(tried) > 0; {
		calls, err := deletion(ctx)
		if err != nil {
			return tried, false, failed(call, err)
		}
		_, err = c.DB.TransactWriteItems(calls, &dynamodb.TransactWriteItemsInput{
			TransactItems: c.agedActions(holds, tried),
		})
		if err == nil {
			return tried, false, nil
		}
		failures := map[int]bool{}
		if e, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
			for i, reason := range e.CancellationReasons {
				failures[i] = aws.ToString(reason.Code) == "ConditionalCheckFailed"
			}
		}
		if failures[0] {
			return tried, true, nil
		}
		if failures[1] {
			return nil, false, nil
		}
		var same []Due
		for i, d := range tried {
			if !failures[i+2] {
				same = append(same, d)
			}
		}
		if len(same) < len(tried) {
			tried, idle = same, 0
			continue
		}
		if err = transacted(call, err); !retryable(err) || ended(ctx) {
			return tried, false, err
		}
		if idle++; idle == maxAttempts {
			return tried, false, failed(call, err)
		}
		if !Wait(ctx, c.DB, idle, err) {
			return tried, false, failed(call, ctx.Err())
		}
	}
	return nil, false, nil
}

// agedActions are the deletions of transactions of one customer, behind two checks.
func (c Customers) agedActions(holds Holds, due []Due) []types.TransactWriteItem {
	customer := due[0].Key("customer")
	actions := []types.TransactWriteItem{
		holds.notHeld(&Job{Scope: due[0].Scope, Identifiers: due[0].Name[1:]}),
		{ConditionCheck: &types.ConditionCheck{
			TableName: &c.Table, Key: recordKey(customer, CustomerRecord),
			ConditionExpression:       aws.String("attribute_not_exists(tombstone) OR NOT begins_with(tombstone, :job)"),
			ExpressionAttributeValues: object{":job": text(customerPrefix)},
		}},
	}
	_, names := AgedAttributes(retention.Transactions)
	at := map[string]string{"#data": names["#data"], "#at": names["#at"]}
	for _, d := range due {
		data := d.item["data"].(*types.AttributeValueMemberM) // its time was read out of it
		actions = append(actions, types.TransactWriteItem{Delete: &types.Delete{
			TableName: &c.Table, Key: recordKey(customer, d.Key("record")),
			ConditionExpression: aws.String("#data.#at = :at"), ExpressionAttributeNames: at,
			ExpressionAttributeValues: object{":at": data.Value["at"]},
		}})
	}
	return actions
}
