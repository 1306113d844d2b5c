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

// A write that is sent again after a lost answer would count its request twice. So an
// open job knows the requests that it has counted: its id names the one that opened it,
// and the sets joined and joinedBefore name the last that joined it. The sets are bounded
// because every progress is a write of the whole job.
const (
	// joinedAtMost is how many names each set has, or a few more.
	joinedAtMost = 16
	// uncounted is the condition that the job has not counted the request.
	uncounted = "NOT contains(#id, :request) AND NOT contains(joined, :request)" +
		" AND NOT contains(joinedBefore, :request)"
)

// hasCounted is the opposite of uncounted.
func hasCounted(job object, request string) bool {
	return strings.Contains(job.text("id"), request) ||
		slices.Contains(job.texts("joined"), request) || slices.Contains(job.texts("joinedBefore"), request)
}

// forget makes room in the set of a job that was just joined, where it is full. before is
// the job as it was before. A failure is only logged: the next call that joins does it.
func (e Erasures) forget(ctx context.Context, key string, before object) {
	if len(before.texts("joined")) < joinedAtMost {
		return
	}
	_, err := e.DB.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                 &e.Table,
		Key:                       ledgerKey(key),
		ConditionExpression:       aws.String("size(joined) >= :most AND " + understood),
		UpdateExpression:          aws.String("SET joinedBefore = joined REMOVE joined"),
		ExpressionAttributeValues: object{":most": number(joinedAtMost), ":v": schema},
	})
	if _, done := conditionFailed(err); err != nil && !done {
		slog.Warn("a job keeps more names of requests than it should", "cause", failed("erasures: forget", err).Error())
	}
}

// Status is what the ledger knows of an erasure under one key.
type Status int

const (
	// Unknown is nothing, or an erasure that ended more than 30 days ago.
	Unknown Status = iota
	// Joined is an open erasure, which has counted the request.
	Joined
	// ErasedLately is an erasure of a customer that ended within the last 30 days.
	ErasedLately
)

// Request is one call for an erasure, as a job counts it.
type Request struct {
	Name   string // RequestOf the id that was made for the call
	By     string // name of the API user or app
	Ticket []byte // as in Job
	At     time.Time
}

// Join makes a repeated call part of the job that is open under key, if there is one: the
// job's last pass and its end come after the call. It is counted once, however often it
// is sent, and not at all in a job that it has opened itself. Where no job is open, the
// same write tells whether an erasure ended lately. id is that of the erasure, open or
// ended lately. ErrNewer.
func (e Erasures) Join(ctx context.Context, key string, request Request) (
	status Status, id string, err error,
) {
	const join = "SET lastRequestedAt = :now, lastRequestedBy = :by"
	const counted = " ADD requests :one, joined :requests"
	update, values := join+counted+" REMOVE lastTicket", object{
		":now": millis(request.At), ":by": text(request.By), ":one": one,
		":request": text(request.Name), ":requests": set(request.Name), ":v": schema,
	}
	if request.Ticket != nil {
		update, values[":ticket"] = join+", lastTicket = :ticket"+counted, binary(request.Ticket)
	}
	out, err := e.DB.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                           &e.Table,
		Key:                                 ledgerKey(key),
		ConditionExpression:                 aws.String("attribute_exists(openShard) AND " + understood + " AND " + uncounted),
		UpdateExpression:                    &update,
		ExpressionAttributeNames:            map[string]string{"#id": "id"},
		ExpressionAttributeValues:           values,
		ReturnValues:                        types.ReturnValueAllOld,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	item, conflict := conditionFailed(err)
	switch {
	case conflict && Newer(item):
		return Unknown, "", ErrNewer
	case conflict && item["openShard"] != nil && hasCounted(item, request.Name): // an answer was lost
		return Joined, object(item).text("id"), nil
	case conflict && object(item).number("expires") > request.At.Unix():
		return ErasedLately, strings.TrimPrefix(object(item).text("record"), RecordPrefix), nil
	case conflict:
		return Unknown, "", nil
	case err != nil:
		return Unknown, "", failed("erasures: join", err)
	}
	e.forget(ctx, key, out.Attributes)
	return Joined, object(out.Attributes).text("id"), nil
}
