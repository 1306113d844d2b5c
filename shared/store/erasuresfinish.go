package store

import (
	"context"
	"errors"
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
		":requests": number(j.Requests), ":entombed": number(j.Entombed),
	}
}

// Finish ends the job in one transaction: the record comes, the job goes with its raw
// identifiers and its handover. A customer's tombstone goes as well, and the pointer to
// the record takes the job's place. ErrHeld when another worker took the job, or a call
// joined it or put its tombstone back since it was read.
func (e Erasures) Finish(ctx context.Context, job *Job, customers Customers, at time.Time) error {
	actions := e.finished(job, at)
	condition, names := aws.String(held+unjoined), map[string]string{"#id": "id"}
	if job.IsCustomer() {
		pointer := ledgerKey(job.Key)
		pointer["record"] = text(RecordPrefix + job.ID)
		pointer["expires"] = number(at.Add(remembered).Unix())
		return e.finish(ctx, append(actions,
			customers.liftTombstone(job.customer(), job.Key),
			types.TransactWriteItem{Put: &types.Put{
				TableName: &e.Table, Item: pointer, ConditionExpression: condition,
				ExpressionAttributeNames: names, ExpressionAttributeValues: job.endConditions(),
			}},
		))
	}
	actions = append(actions, types.TransactWriteItem{Delete: &types.Delete{
		TableName: &e.Table, Key: ledgerKey(job.Key), ConditionExpression: condition,
		ExpressionAttributeNames: names, ExpressionAttributeValues: job.endConditions(),
	}})
	if list := job.identifiersIn(); list != "" {
		actions = append(actions, types.TransactWriteItem{
			Delete: &types.Delete{TableName: &e.Table, Key: ledgerKey(list)},
		})
	}
	return e.finish(ctx, actions)
}

// beginAgain makes a job that ends a new one. handedOn is true because a call that joined
// may still write its handover.
const beginAgain = "SET #id = :new, requestedAt = lastRequestedAt, requests = :one," +
	" #found = :zero, deleted = :zero, passes = :zero, failures = :zero, counted = fence," +
	" passStarted = :zero, #cursor = :zero, entombed = :zero, pending = :none," +
	" dueAt = :due, handedOn = :true" +
	" REMOVE leaseOwner, leaseUntil, known, unanswered, atLeast, unreadable"

// FinishAndBegin ends the job like Finish, and makes it a new one under a new id. It is
// for repeated calls that joined so late that a writer who began before them may still
// write: the new job is due when none can any more. ErrHeld as for Finish.
func (e Erasures) FinishAndBegin(ctx context.Context, job *Job, at, dueAt time.Time) error {
	values := job.endConditions()
	values[":new"], values[":due"] = text(NewID(at)), millis(dueAt)
	values[":one"], values[":zero"] = one, number(0)
	values[":none"], values[":true"] = Pending{}.value(), flag(true)
	return e.finish(ctx, append(e.finished(job, at), types.TransactWriteItem{Update: &types.Update{
		TableName:                 &e.Table,
		Key:                       ledgerKey(job.Key),
		ConditionExpression:       aws.String(held + unjoined),
		UpdateExpression:          aws.String(beginAgain),
		ExpressionAttributeNames:  jobNames,
		ExpressionAttributeValues: values,
	}}))
}

// finished are the writes that every end of a job has in common: the record comes, and
// the handover goes where there may be one.
func (e Erasures) finished(job *Job, at time.Time) []types.TransactWriteItem {
	item := object{
		"erasureId": text(RecordPrefix + job.ID), "kind": text("numbers"), "state": text("done"),
		"scope": text(job.Scope), "requestedBy": text(job.RequestedBy),
		"requestedAt": millis(job.RequestedAt), "lastRequestedAt": millis(job.LastRequestedAt),
		"requests": number(job.Requests), "finishedAt": millis(at), "passes": number(job.Passes),
		"found": number(job.Found + job.Entombed), "deleted": number(job.Deleted + job.Entombed),
	}
	if job.IsCustomer() {
		item["kind"] = text("customer")
	}
	if job.SubjectsIn == "" {
		item["subjects"] = texts(job.Subjects)
	} else {
		item["subjectsIn"] = text(job.SubjectsIn)
	}
	if job.AtLeast {
		item["atLeast"] = flag(true)
	}
	if job.Unreadable {
		item["unreadable"] = flag(true)
	}
	actions := []types.TransactWriteItem{{Put: &types.Put{TableName: &e.Table, Item: item}}}
	// A call that joins a job of operation 4 hands it over without holding it.
	if job.HandedOver || job.Requests > 1 && !job.IsCustomer() {
		actions = append(actions, types.TransactWriteItem{
			Delete: &types.Delete{TableName: &e.Table, Key: ledgerKey(handoverPrefix + job.Key)},
		})
	}
	return actions
}

func (e Erasures) finish(ctx context.Context, actions []types.TransactWriteItem) error {
	_, err := e.DB.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: actions})
	if err := transacted("erasures: finish", err); !errors.Is(err, ErrRaced) {
		return err
	}
	return ErrHeld
}
