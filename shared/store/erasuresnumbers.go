package store

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// inlineBytes is how many bytes of numbers and digests stay in the job itself: then it
// still fits into one write unit of 1 KB, or nearly. More than that stands in items of
// its own, because every lease and every progress is a write of the whole job. 1,000
// numbers are 12 KB and more, their digests another 33 KB.
const inlineBytes = 700

// maxOpenTries is how often OpenNumbers tries. A try fails when another call opens or
// ends the job at that moment.
const maxOpenTries = 5

// openOrJoin opens a job for numbers, or joins the open one: "if_not_exists" leaves what
// the call that opened it wrote.
const openOrJoin = "SET #state = :open, #id = if_not_exists(#id, :id), #scope = :scope," +
	" requestedBy = if_not_exists(requestedBy, :by), requestedAt = if_not_exists(requestedAt, :now)," +
	" lastRequestedAt = :now, identifiers = :identifiers, subjects = :subjects," +
	" openShard = :shard, dueAt = if_not_exists(dueAt, :due) ADD requests :one, joined :requests"

// openOrJoinNames are the words in openOrJoin and uncounted that DynamoDB reserves.
var openOrJoinNames = map[string]string{"#state": "state", "#id": "id", "#scope": "scope"}

// OpenNumbers writes the job, or joins the open one for the same numbers, which joined
// tells. id is that of the job that was written or joined. A job that is joined does one
// pass more after the call. The job is due at dueAt, and from then on ListOpen shows it
// so. A call that joins does not put that off: else somebody who calls often enough would
// keep the job waiting for ever.
func (e Erasures) OpenNumbers(ctx context.Context, job *Job, dueAt time.Time) (
	id string, joined bool, err error,
) {
	size := 0
	for i := range job.Identifiers {
		size += len(job.Identifiers[i]) + len(job.Subjects[i])
	}
	if size > inlineBytes {
		return e.openListed(ctx, job, dueAt)
	}
	request := RequestOf(job.ID)
	out, err := e.DB.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                &e.Table,
		Key:                      ledgerKey(job.Key),
		ConditionExpression:      aws.String(uncounted),
		UpdateExpression:         aws.String(openOrJoin),
		ExpressionAttributeNames: openOrJoinNames,
		ExpressionAttributeValues: object{
			":open": open, ":id": text(job.ID), ":scope": text(job.Scope), ":by": text(job.RequestedBy),
			":now": millis(job.RequestedAt), ":due": millis(dueAt), ":shard": text(shard(job.Key)),
			":identifiers": texts(job.Identifiers), ":subjects": texts(job.Subjects),
			":one": one, ":request": text(request), ":requests": set(request),
		},
		ReturnValues:                        types.ReturnValueUpdatedOld,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if item, counted := conditionFailed(err); counted { // an answer was lost
		id = object(item).text("id")
		return id, id != job.ID, nil
	}
	if err != nil {
		return "", false, failed("erasures: open numbers", err)
	}
	e.forget(ctx, job.Key, out.Attributes)
	if len(out.Attributes) > 0 {
		return object(out.Attributes).text("id"), true, nil
	}
	return job.ID, false, nil
}

// openListed is OpenNumbers for a job that keeps its numbers and digests in other items.
//
// It tries to join first: a repeated call must not write on the items that a worker is
// writing on, nor pay for the lists again. The digests come before the job and by
// themselves: they are no personal data, and the same each time. The job and its numbers
// come in one transaction.
func (e Erasures) openListed(ctx context.Context, job *Job, dueAt time.Time) (
	id string, joined bool, err error,
) {
	const call = "erasures: open numbers"
	digests, err := pack(job.Subjects)
	if err != nil {
		return "", false, err
	}
	job.SubjectsIn = subjectsPrefix + strings.TrimPrefix(job.Key, numbersPrefix)
	digests["erasureId"] = text(job.SubjectsIn)
	identifiers := ledgerKey(job.identifiersIn())
	identifiers["identifiers"] = texts(job.Identifiers)
	actions := []types.TransactWriteItem{
		{Put: &types.Put{
			TableName: &e.Table,
			Item: object{
				"erasureId": text(job.Key), "id": text(job.ID), "state": open, "scope": text(job.Scope),
				"requestedBy": text(job.RequestedBy), "requestedAt": millis(job.RequestedAt),
				"lastRequestedAt": millis(job.RequestedAt), "requests": one,
				"subjectsIn": text(job.SubjectsIn), "openShard": text(shard(job.Key)), "dueAt": millis(dueAt),
			},
			ConditionExpression: aws.String(noOpenJob),
		}},
		{Put: &types.Put{TableName: &e.Table, Item: identifiers}},
	}
	for range maxOpenTries {
		status, id, err := e.Join(ctx, job.Key, RequestOf(job.ID), job.RequestedAt)
		if err != nil || status == Joined {
			return id, true, err
		}
		_, err = e.DB.PutItem(ctx, &dynamodb.PutItemInput{TableName: &e.Table, Item: digests})
		if err != nil {
			return "", false, failed(call, err)
		}
		_, err = e.DB.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: actions})
		if err = transacted(call, err); !errors.Is(err, ErrRaced) {
			return job.ID, false, err
		}
	}
	return "", false, ErrRaced
}

// identifiersIn is the key of the item that holds the job's raw identifiers, "" where the
// job holds them itself.
func (j *Job) identifiersIn() string {
	digest, listed := strings.CutPrefix(j.SubjectsIn, subjectsPrefix)
	if !listed {
		return ""
	}
	return identifiersPrefix + digest
}

// errNoIdentifiers says that the numbers of an open job are missing: somebody else took
// them out of the table.
var errNoIdentifiers = errors.New("erasures: the job's identifiers are missing")

// ReadIdentifiers puts the numbers into a job that Acquire gave, where they are not in
// it.
func (e Erasures) ReadIdentifiers(ctx context.Context, job *Job) error {
	if job.identifiersIn() == "" || job.Identifiers != nil {
		return nil
	}
	out, err := e.DB.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &e.Table, Key: ledgerKey(job.identifiersIn()), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return failed("erasures: read identifiers", err)
	}
	if job.Identifiers = object(out.Item).texts("identifiers"); len(job.Identifiers) == 0 {
		return errNoIdentifiers
	}
	return nil
}
