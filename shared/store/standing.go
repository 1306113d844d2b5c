package store

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// What the ledger knows of a customer under one of its digests.
type Standing int

const (
	Unknown      Standing = iota // nothing, or what is older than 30 days
	Joined                       // the erasure is open, and has counted the repeat
	ErasedLately                 // it ended within the last 30 days
)

// Join counts a repeat of an open job: its last pass and its end come after it. When none is open, it tells, in the same
// call, whether one of operation 3 ended lately.
func (e Erasures) Join(ctx context.Context, key string, now time.Time) (Standing, error) {
	_, err := e.DB.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                           &e.Table,
		Key:                                 object{"erasureId": text(key)},
		ConditionExpression:                 aws.String("attribute_exists(openShard)"),
		UpdateExpression:                    aws.String("SET lastRequestedAt = :now ADD requests :one"),
		ExpressionAttributeValues:           object{":now": millis(now), ":one": number(1)},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if item, refused := conditionFailed(err); refused {
		if object(item).number("expires") > now.Unix() {
			return ErasedLately, nil
		}
		return Unknown, nil
	}
	if err != nil {
		return Unknown, failed("erasures: join", err)
	}
	return Joined, nil
}

// Entomb puts the tombstone of an open job back in place of a customer that a writer without conditions has written over it,
// and counts that customer, in one transaction; or in place of another job's tombstone, which counts nothing: a customer has
// one open job at a time. page is what Customers.Read just showed. ErrRaced when that is no longer
// what stands there, or there is no such job.
func (e Erasures) Entomb(ctx context.Context, customers Customers, customer string, page Collection, key string, at time.Time) error {
	_, err := e.DB.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		customers.tombstone(customer, key, at, page),
		{Update: &types.Update{
			TableName:                 &e.Table,
			Key:                       object{"erasureId": text(key)},
			ConditionExpression:       aws.String("attribute_exists(openShard)"),
			UpdateExpression:          aws.String("ADD entombed :count"),
			ExpressionAttributeValues: object{":count": number(page.customers())},
		}},
	}})
	return transacted("erasures: entomb", err)
}
