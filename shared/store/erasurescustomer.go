package store

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// FewRecords is how many records OpenAndErase takes at most. A record costs two write
// units there (up to 1 KB) and one in a batch, but the job needs no lease, no progress
// and no further round trip.
const FewRecords = 10

// noOpenJob is the condition that no job is open under a key. The pointer to the record
// of the last one may stand there.
const noOpenJob = "attribute_not_exists(openShard) AND " + understood

// noneOpen is the check that no job is open under a key.
func (e Erasures) noneOpen(key string) types.TransactWriteItem {
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &e.Table, Key: ledgerKey(key), ConditionExpression: aws.String(noOpenJob),
		ExpressionAttributeValues:           onlySchema(),
		ReturnValuesOnConditionCheckFailure: allOld,
	}}
}

// putJob is the write of a job that is opened, where none is.
func (e Erasures) putJob(item object) types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{
		TableName: &e.Table, Item: Stamp(item), ConditionExpression: aws.String(noOpenJob),
		ExpressionAttributeValues:           onlySchema(),
		ReturnValuesOnConditionCheckFailure: allOld,
	}}
}

// OpenCustomer writes the job, its record and the tombstone in one transaction: either
// the erasure is on record and no reader that looks at the customer's item finds the
// customer, or nothing has happened. The caller holds the job until leaseEnd, and deletes
// the records.
//
// page is the first page of Customers.Read, others are further keys under which a job for
// the same customer may be open. ErrRaced when page is no longer what stands there, or
// when such a job is open. ErrCustomerHeld when a hold stands on the customer. ErrNewer.
func (e Erasures) OpenCustomer(
	ctx context.Context, job *Job, others []string, customers Customers, holds Holds, page Collection,
	leaseEnd time.Time,
) error {
	item := job.opened(leaseEnd)
	item["leaseUntil"] = millis(leaseEnd)
	return e.openCustomer(ctx, item, job, others, customers, holds, page, nil)
}

// OpenAndErase is OpenCustomer for a page of at most FewRecords with no other behind it:
// the same transaction deletes the records, all of which must still be there: ErrRaced
// where one is gone, because the job counts them. Nobody holds the job. What a writer has
// put there in between is left to the worker that resumes it at dueAt.
func (e Erasures) OpenAndErase(
	ctx context.Context, job *Job, others []string, customers Customers, holds Holds, page Collection,
	dueAt time.Time,
) error {
	item := job.opened(dueAt)
	item["counted"] = number(job.Fence) // a lease that nobody holds is no worker's death
	customer := job.customer()
	deletions := make([]types.TransactWriteItem, len(page.Records))
	for i, record := range page.Records {
		deletions[i].Delete = &types.Delete{
			TableName: &customers.Table, Key: recordKey(customer, record),
			ConditionExpression: aws.String("attribute_exists(customer)"), // else it is not ours to count
		}
	}
	return e.openCustomer(ctx, item, job, others, customers, holds, page, deletions)
}

// opened is a customer's job as it is first written.
func (j *Job) opened(dueAt time.Time) object {
	j.Fence, j.Requests = 1, 1
	item := object{
		"erasureId": text(j.Key), "id": text(j.ID), "state": open, "scope": text(j.Scope),
		"requestedBy": text(j.RequestedBy), "requestedAt": millis(j.RequestedAt),
		"lastRequestedAt": millis(j.RequestedAt), "requests": one,
		"identifiers": texts(j.Identifiers), "subjects": texts(j.Subjects), "fence": one,
		"openShard": text(shard(j.Key)), "dueAt": millis(dueAt),
		"found": number(j.Found), "deleted": number(j.Deleted), "pending": j.Pending.value(),
	}
	j.addTicket(item)
	return item
}

func (e Erasures) openCustomer(
	ctx context.Context, item object, job *Job, others []string, customers Customers, holds Holds, page Collection,
	deletions []types.TransactWriteItem,
) error {
	actions := append([]types.TransactWriteItem{
		e.putJob(item),
		customers.tombstone(job.customer(), job.Key, job.RequestedAt, page),
		e.begin(job),
	}, deletions...)
	for _, other := range others {
		actions = append(actions, e.noneOpen(other))
	}
	actions = append(actions, holds.notHeld(job))
	_, err := e.DB.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: actions})
	if cancelled, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		if !page.cutoff.IsZero() && notInactive(cancelled) {
			return ErrCustomerActive
		}
		last := len(cancelled.CancellationReasons) - 1 // the condition on holds
		if last == len(actions)-1 && aws.ToString(cancelled.CancellationReasons[last].Code) == "ConditionalCheckFailed" {
			return ErrCustomerHeld
		}
	}
	return transacted("erasures: open customer", err)
}

// ErrCustomerActive says that the customer has been active since the cutoff of
// Collection.Inactive, or that nobody can tell. Nothing was written.
var ErrCustomerActive = errors.New("erasures: the customer is not inactive")

// notInactive says whether an opening was cancelled because the customer is not inactive:
// a customer stands in its place, and no tombstone.
func notInactive(cancelled *types.TransactionCanceledException) bool {
	const tombstone = 1 // its place among the actions
	if len(cancelled.CancellationReasons) <= tombstone {
		return false
	}
	reason := cancelled.CancellationReasons[tombstone]
	return aws.ToString(reason.Code) == "ConditionalCheckFailed" && reason.Item != nil &&
		Tombstone(reason.Item["tombstone"]) == ""
}

// Entomb puts the tombstone of the open job called key back, where a writer without
// conditions has written a customer over it. The same transaction counts that customer.
// It also replaces another job's tombstone, which counts nothing: a customer has one open
// job at a time.
//
// page is the first page of Customers.Read. ErrRaced when it is no longer what stands
// there, or when the job is not open. ErrNewer.
func (e Erasures) Entomb(
	ctx context.Context, customers Customers, customer string, page Collection, key string, at time.Time,
) error {
	_, err := e.DB.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		customers.tombstone(customer, key, at, page),
		{Update: &types.Update{
			TableName:                 &e.Table,
			Key:                       ledgerKey(key),
			ConditionExpression:       aws.String("attribute_exists(openShard) AND " + understood),
			UpdateExpression:          aws.String("ADD entombed :count"),
			ExpressionAttributeValues: object{":count": number(page.customers()), ":v": schema},

			ReturnValuesOnConditionCheckFailure: allOld,
		}},
	}})
	return transacted("erasures: entomb", err)
}
