package restore

import (
	"context"
	"errors"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/infra/deployment"
	"customercare/shared/store"
)

// mend puts back the copies of contacts that are missing. A table may be restored to a
// moment in the middle of a write of all copies, or of their deletion. The erasure of a
// number finds a contact by the copy under that number: without it the other copies,
// which name the number, would stay for ever.
//
// A copy is put in one transaction with a check that the one it is made of still stands
// with the same parties, so none comes back of a contact that is erased meanwhile.
func (r *Replay) mend(ctx context.Context, contacts []record) error {
	var places []attribute.Item
	missing := map[string]record{} // by the place of the copy: of which it is made
	for _, found := range contacts {
		if found.fault != "" && !r.isGone(found.whole(), r.gone) {
			continue // another program's, and about nobody who was erased
		}
		for _, at := range found.places {
			if _, known := missing[place(at)]; !known {
				places = append(places, at)
				missing[place(at)] = found
			}
		}
	}
	err := deployment.GetAll(ctx, r.DB, r.Name, places, func(found attribute.Item) { delete(missing, place(found)) })
	if err != nil {
		return err
	}
	for _, at := range places {
		of, lacks := missing[place(at)]
		if !lacks {
			continue
		}
		if r.Copies++; r.Dry {
			continue
		}
		if err := r.putCopy(ctx, at, of); err != nil {
			return err
		}
	}
	return nil
}

// mostTries is how often a copy is put that another transaction is at.
const mostTries = 10

// putCopy puts a missing copy of a contact. It is no error that the contact changed since
// it was read.
func (r *Replay) putCopy(ctx context.Context, at attribute.Item, of record) error {
	made := maps.Clone(of.stored)
	maps.Copy(made, at)
	for try := 1; ; try++ {
		_, err := r.DB.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
			{ConditionCheck: &types.ConditionCheck{
				TableName: &r.Name, Key: of.item, ConditionExpression: aws.String("parties = :seen"),
				ExpressionAttributeValues: attribute.Item{":seen": of.stored["parties"]},
			}},
			{Put: &types.Put{
				TableName: &r.Name, Item: made, ConditionExpression: aws.String("attribute_not_exists(party)"),
			}},
		}})
		cancelled, ok := errors.AsType[*types.TransactionCanceledException](err)
		again := false
		if ok {
			for _, reason := range cancelled.CancellationReasons {
				switch aws.ToString(reason.Code) {
				case "ConditionalCheckFailed":
					return nil
				case "TransactionConflict":
					again = true
				}
			}
		}
		if !again || try == mostTries || !store.Wait(ctx, r.DB, try, store.ErrRaced) {
			return deployment.Explain(ctx, "the table "+r.Name, err)
		}
	}
}
