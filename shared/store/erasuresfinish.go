package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// remembered is how long a repeated delete of a customer is answered like the first.
const remembered = 30 * 24 * time.Hour

// unjoined is the condition of every end: no call has joined since the job was read, and
// none has put the tombstone back over a customer, not even one that died before it
// joined. So the record counts them all.
const unjoined = " AND requests = :requests AND (attribute_not_exists(entombed) OR entombed = :entombed)"

// endConditions are the values of held and unjoined.
func (j *Job) endConditions() object {
	return object{
		":fence": number(j.Fence), ":id": text(j.ID),
		":requests": number(j.Requests), ":entombed": number(j.Entombed), ":v": schema,
	}
}

// Finish ends the job in one transaction: the record says how, the job goes with its raw
// identifiers and its handover. A customer's tombstone goes as well, and the pointer to
// the record takes the job's place. ErrHeld when another worker took the job, or a call
// joined it or put its tombstone back since it was read. ErrNewer.
func (e Erasures) Finish(ctx context.Context, job *Job, customers Customers, end End) error {
	condition, names := aws.String(held+unjoined), map[string]string{"#id": "id"}
	if job.IsCustomer() {
		pointer := ledgerKey(job.Key)
		pointer["record"] = text(RecordPrefix + job.ID)
		pointer["expires"] = number(end.Finished.Add(remembered).Unix())
		return e.finish(ctx, job, end,
			customers.liftTombstone(job.customer(), job.Key),
			types.TransactWriteItem{Put: &types.Put{
				TableName: &e.Table, Item: Stamp(pointer), ConditionExpression: condition,
				ExpressionAttributeNames: names, ExpressionAttributeValues: job.endConditions(),
			}},
		)
	}
	actions := []types.TransactWriteItem{{Delete: &types.Delete{
		TableName: &e.Table, Key: ledgerKey(job.Key), ConditionExpression: condition,
		ExpressionAttributeNames: names, ExpressionAttributeValues: job.endConditions(),
	}}}
	if list := job.identifiersIn(); list != "" {
		actions = append(actions, e.drop(list))
	}
	return e.finish(ctx, job, end, actions...)
}

// drop is the deletion of an item that goes with a job.
func (e Erasures) drop(key string) types.TransactWriteItem {
	return types.TransactWriteItem{Delete: &types.Delete{
		TableName: &e.Table, Key: ledgerKey(key), ConditionExpression: aws.String(understood),
		ExpressionAttributeValues:           onlySchema(),
		ReturnValuesOnConditionCheckFailure: allOld,
	}}
}

// beginAgain makes a job that ends a new one. handedOn is true because a call that joined
// may still write its handover.
const beginAgain = "SET #id = :new, requestedAt = :at, lastRequestedAt = :at, requestedBy = :by, requests = :one," +
	" #found = :zero, deleted = :zero, passes = :zero, failures = :zero, counted = fence," +
	" passStarted = :zero, #cursor = :zero, entombed = :zero, pending = :none," +
	" dueAt = :due, handedOn = :true%s" +
	" REMOVE leaseOwner, leaseUntil, outcomes, keptBy, because, unanswered, atLeast, unreadable, lastRequestedBy, lastTicket%s"

// FinishAndBegin ends the job like Finish, and makes it next, with a record of its own.
// It is for repeated calls that joined so late that a writer who began before them may
// still write: the new job is due when none can any more. next has the key, scope and
// subjects of job. ErrHeld as for Finish.
func (e Erasures) FinishAndBegin(ctx context.Context, job *Job, end End, next *Job, dueAt time.Time) error {
	values := job.endConditions()
	values[":new"], values[":due"] = text(next.ID), millis(dueAt)
	values[":at"], values[":by"] = millis(next.RequestedAt), text(next.RequestedBy)
	values[":one"], values[":zero"] = one, number(0)
	values[":none"], values[":true"] = Pending{}.value(), flag(true)
	update := fmt.Sprintf(beginAgain, "", ", ticket")
	if next.Ticket != nil {
		update, values[":ticket"] = fmt.Sprintf(beginAgain, ", ticket = :ticket", ""), binary(next.Ticket)
	}
	return e.finish(ctx, job, end, e.begin(next), types.TransactWriteItem{Update: &types.Update{
		TableName:                 &e.Table,
		Key:                       ledgerKey(job.Key),
		ConditionExpression:       aws.String(held + unjoined),
		UpdateExpression:          &update,
		ExpressionAttributeNames:  jobNames,
		ExpressionAttributeValues: values,
	}})
}

// finish ends the job's record, in one transaction with the other writes of the end, and
// with the deletion of the handover where there may be one.
//
// The record is evidence, and evidence never keeps an erasure from its end. Where the
// record is not there and open, somebody else has been at it. One that is gone comes back
// with all but the statement accepted, of which nobody knows whether it is sealed. One
// that has a statement already, or none to begin with, stays as it is. But one of a newer
// version, which may say anything, keeps the job open for that version.
func (e Erasures) finish(ctx context.Context, job *Job, end End, others ...types.TransactWriteItem) error {
	// A call that joins a job of operation 4 hands it over without holding it.
	if job.HandedOver || job.Requests > 1 && !job.IsCustomer() {
		others = append(others, e.drop(handoverPrefix+job.Key))
	}
	records := [][]types.TransactWriteItem{{e.end(job, end)}, {e.endAnew(job, end)}, nil}
	for try := 0; ; {
		actions := append(slices.Clone(records[0]), others...)
		_, err := e.DB.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: actions})
		if errors.Is(transacted("", err), ErrNewer) {
			return ErrNewer
		}
		switch onlyFirst(err) {
		case "ConditionalCheckFailed":
			if records = records[1:]; len(records) > 0 {
				slog.Warn("the record of an erasure is not as its opening left it", "job", job.ID)
				continue
			}
		case "TransactionConflict": // whoever seals the log marks the record at this moment
			if try++; len(records[0]) > 0 && try < maxAttempts && Wait(ctx, e.DB, try, ErrRaced) {
				continue
			}
		}
		if err := transacted("erasures: finish", err); !errors.Is(err, ErrRaced) {
			return err
		}
		return ErrHeld
	}
}

// onlyFirst is the reason why the first write of a transaction was not made, where no
// other write had a reason; else "".
func onlyFirst(err error) string {
	cancelled, ok := errors.AsType[*types.TransactionCanceledException](err)
	if !ok || len(cancelled.CancellationReasons) == 0 {
		return ""
	}
	for _, other := range cancelled.CancellationReasons[1:] {
		if code := aws.ToString(other.Code); code != "None" && code != "" {
			return ""
		}
	}
	return aws.ToString(cancelled.CancellationReasons[0].Code)
}
