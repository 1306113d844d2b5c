package store

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// A write that is sent again because its answer was lost would count its request again.
// So an open job knows which it has counted: its id names the one that opened it, joined
// and joinedBefore hold the names of the last that joined, up to mostCounted in each or
// a few more. They are bounded, because every progress is a write of the whole job.
const (
	mostCounted = 16
	uncounted   = "NOT contains(#id, :request) AND NOT contains(joined, :request) AND NOT contains(joinedBefore, :request)"
)

// hasCounted is the opposite of uncounted.
func hasCounted(job object, request string) bool {
	return strings.Contains(job.text("id"), request) ||
		slices.Contains(job.texts("joined"), request) || slices.Contains(job.texts("joinedBefore"), request)
}

// forget makes room in a job that had counted as many as it keeps by name when it was
// just joined. It is no error when that fails: the next repeat does it.
func (e Erasures) forget(ctx context.Context, key string, old object) {
	if len(old.texts("joined")) < mostCounted {
		return
	}
	_, err := e.DB.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                 &e.Table,
		Key:                       object{"erasureId": text(key)},
		ConditionExpression:       aws.String("size(joined) >= :most"),
		UpdateExpression:          aws.String("SET joinedBefore = joined REMOVE joined"),
		ExpressionAttributeValues: object{":most": number(mostCounted)},
	})
	if _, done := conditionFailed(err); err != nil && !done {
		slog.Warn("a job keeps more names of requests than it should", "cause", failed("erasures: forget", err).Error())
	}
}

// What the ledger knows of a customer under one of its digests.
type Status int

const (
	Unknown      Status = iota // nothing, or what is older than 30 days
	Joined                     // the erasure is open, and has counted the request
	ErasedLately               // it ended within the last 30 days
)

// Join counts a repeat of an open job: its last pass and its end come after it. request
// is the repeat's name, the same for all that one call does: it is counted once, and not
// again in the job that it has opened itself. When none is open, Join tells, in the same
// call, whether one of operation 3 ended lately.
func (e Erasures) Join(ctx context.Context, key, request string, now time.Time) (Status, error) {
	out, err := e.DB.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                &e.Table,
		Key:                      object{"erasureId": text(key)},
		ConditionExpression:      aws.String("attribute_exists(openShard) AND " + uncounted),
		UpdateExpression:         aws.String("SET lastRequestedAt = :now ADD requests :one, joined :requests"),
		ExpressionAttributeNames: map[string]string{"#id": "id"},
		ExpressionAttributeValues: object{
			":now": millis(now), ":one": one, ":request": text(request), ":requests": set(request),
		},
		ReturnValues:                        types.ReturnValueUpdatedOld,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	item, refused := conditionFailed(err)
	switch {
	case refused && item["openShard"] != nil && hasCounted(item, request): // an answer was lost
		return Joined, nil
	case refused && object(item).number("expires") > now.Unix():
		return ErasedLately, nil
	case refused:
		return Unknown, nil
	case err != nil:
		return Unknown, failed("erasures: join", err)
	}
	e.forget(ctx, key, out.Attributes)
	return Joined, nil
}

// Entomb puts the tombstone of an open job back in place of a customer that a writer
// without conditions has written over it, and counts that customer, in one transaction; or
// in place of another job's tombstone, which counts nothing: a customer has one open job at
// a time. page is what Customers.Read just showed. ErrRaced when that is no longer what
// stands there, or there is no such job.
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
