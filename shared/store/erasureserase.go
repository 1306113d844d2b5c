package store

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// overdue is the condition that the record of an erasure ended before the cutoff, and
// that the log has all of its statements.
const overdue = "finishedAt >= :one AND finishedAt < :cutoff AND endSealedAt >= :one" +
	" AND attribute_not_exists(#unlogged) AND (attribute_not_exists(accepted) OR attribute_exists(acceptedSealedAt))" +
	" AND " + understood

// EraseRecord deletes the record of an erasure that ended before the cutoff and whose
// statements are sealed. DynamoDB decides that in the deletion itself, by the record as
// it stands then. erased is false for any other record, and where there is none.
// ErrNewer.
//
// A customer's pointer to the record goes in the same transaction, so that a repeat of
// the call is never answered by a record that is gone. A pointer to another record stays,
// and so does an open job.
func (e Erasures) EraseRecord(ctx context.Context, id string, cutoff time.Time) (erased bool, err error) {
	const call = "erasures: erase record"
	for try := range maxOpenTries {
		if try > 0 && !Wait(ctx, e.DB, try, ErrRaced) {
			break
		}
		record, err := e.ReadRecord(ctx, id)
		switch {
		case errors.Is(err, ErrNoRecord):
			return false, nil
		case err != nil:
			return false, err
		case !record.Finished.Before(cutoff):
			return false, nil
		}
		pointer, err := e.pointer(ctx, record)
		if err != nil {
			return false, err
		}
		erased, err := e.eraseRecord(ctx, call, id, pointer, cutoff)
		if !errors.Is(err, ErrRaced) {
			return erased, err
		}
	}
	return false, ErrRaced
}

// pointer is the key of the pointer that an erasure of a customer has left, "" where none
// points to its record. A record is pointed to once: from its end on, until another
// erasure of the customer begins.
func (e Erasures) pointer(ctx context.Context, r Record) (key string, err error) {
	if r.Kind != "customer" || len(r.Subjects) != 1 {
		return "", nil
	}
	key = CustomerJob(r.Subjects[0])
	items, err := e.readAll(ctx, []string{key})
	if err != nil || len(items) == 0 || object(items[0]).text("record") != RecordPrefix+r.ID {
		return "", err
	}
	return key, nil
}

// eraseRecord makes the deletion. ErrRaced where the pointer is not as it was read.
func (e Erasures) eraseRecord(
	ctx context.Context, call, id, pointer string, cutoff time.Time,
) (erased bool, err error) {
	names := map[string]string{"#unlogged": "unlogged"}
	values := object{":one": one, ":cutoff": before(cutoff, time.Millisecond), ":v": schema}
	if pointer == "" {
		_, err = e.DB.DeleteItem(ctx, &dynamodb.DeleteItemInput{
			TableName: &e.Table, Key: ledgerKey(RecordPrefix + id),
			ConditionExpression:      aws.String(overdue),
			ExpressionAttributeNames: names, ExpressionAttributeValues: values,
		})
		if _, conflict := conditionFailed(err); conflict {
			return false, nil
		}
		return err == nil, failed(call, err)
	}
	_, err = e.DB.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Delete: &types.Delete{
			TableName: &e.Table, Key: ledgerKey(RecordPrefix + id),
			ConditionExpression:      aws.String(overdue),
			ExpressionAttributeNames: names, ExpressionAttributeValues: values,
		}},
		{Delete: &types.Delete{
			TableName: &e.Table, Key: ledgerKey(pointer),
			ConditionExpression:       aws.String("#record = :record AND " + understood),
			ExpressionAttributeNames:  map[string]string{"#record": "record"},
			ExpressionAttributeValues: object{":record": text(RecordPrefix + id), ":v": schema},
		}},
	}})
	if onlyFirst(err) == "ConditionalCheckFailed" {
		return false, nil
	}
	return err == nil, transacted(call, err)
}
