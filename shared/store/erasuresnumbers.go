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

// maxInlineBytes is how many bytes of numbers and digests, or of numbers alone, stand in
// the job itself: then it fits into one write unit of 1 KB while a worker holds it,
// unless there are very many short ones. More would cost at every write of the job,
// because each is one of the whole job. 1,000 numbers are 12 KB and more, their digests
// another 33 KB.
const maxInlineBytes = 400

// maxOpenTries is how often OpenNumbers tries. A try fails when another call opens or
// ends the job at that moment.
const maxOpenTries = 5

// OpenNumbers writes the job with its record, or joins the open one for the same numbers,
// which joined tells. id is that of the job that was written or joined. A job that is
// joined does one pass more after the call. The job is due at dueAt, and from then on
// ListOpen shows it so. A call that joins does not put that off: else somebody who calls
// often enough would keep the job waiting for ever.
//
// Digests that do not fit into the job come before it and by themselves: they are no
// personal data, and the same each time. Numbers that do not fit come with the job, and
// it tries to join first: a repeated call must not pay for the lists again. ErrNewer.
func (e Erasures) OpenNumbers(ctx context.Context, job *Job, dueAt time.Time) (
	id string, joined bool, err error,
) {
	const call = "erasures: open numbers"
	item := object{
		"erasureId": text(job.Key), "id": text(job.ID), "state": open, "scope": text(job.Scope),
		"requestedBy": text(job.RequestedBy), "requestedAt": millis(job.RequestedAt),
		"lastRequestedAt": millis(job.RequestedAt), "requests": one,
		"openShard": text(shard(job.Key)), "dueAt": millis(dueAt),
	}
	job.addTicket(item)
	var digests object
	actions := []types.TransactWriteItem{e.putJob(item)}
	numbers := bytesOf(job.Identifiers)
	if job.listed = numbers > maxInlineBytes; !job.listed {
		item["identifiers"] = texts(job.Identifiers)
	}
	if numbers+bytesOf(job.Subjects) <= maxInlineBytes {
		item["subjects"] = texts(job.Subjects)
	} else {
		if digests, err = pack(job.Subjects); err != nil {
			return "", false, err
		}
		job.SubjectsIn = subjectsPrefix + strings.TrimPrefix(job.Key, numbersPrefix)
		digests["erasureId"], item["subjectsIn"] = text(job.SubjectsIn), text(job.SubjectsIn)
	}
	if job.listed {
		identifiers := ledgerKey(job.identifiersIn())
		identifiers["identifiers"] = texts(job.Identifiers)
		actions = append(actions, types.TransactWriteItem{Put: &types.Put{
			TableName: &e.Table, Item: Stamp(identifiers), ConditionExpression: aws.String(understood),
			ExpressionAttributeValues:           onlySchema(),
			ReturnValuesOnConditionCheckFailure: allOld,
		}})
	}
	actions = append(actions, e.begin(job))
	for try := range maxOpenTries {
		if job.listed || try > 0 {
			status, id, err := e.Join(ctx, job.Key, Request{
				Name: RequestOf(job.ID), By: job.RequestedBy, Ticket: job.Ticket, At: job.RequestedAt,
			})
			if err != nil || status == Joined {
				return id, id != job.ID, err
			}
		}
		if try > 1 && !Wait(ctx, e.DB, try, ErrRaced) {
			break
		}
		if digests != nil {
			_, err = e.DB.PutItem(ctx, &dynamodb.PutItemInput{
				TableName: &e.Table, Item: Stamp(digests), ConditionExpression: aws.String(understood),
				ExpressionAttributeValues: onlySchema(),
			})
			if _, newer := conditionFailed(err); newer {
				return "", false, ErrNewer
			}
			if err != nil {
				return "", false, failed(call, err)
			}
		}
		_, err = e.DB.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: actions})
		if err = transacted(call, err); !errors.Is(err, ErrRaced) {
			return job.ID, false, err
		}
	}
	return "", false, ErrRaced
}

// bytesOf is how many bytes these texts have.
func bytesOf(all []string) (n int) {
	for _, one := range all {
		n += len(one)
	}
	return n
}

// identifiersIn is the key of the item that holds the job's raw identifiers, "" where the
// job holds them itself.
func (j *Job) identifiersIn() string {
	if !j.listed {
		return ""
	}
	return identifiersPrefix + strings.TrimPrefix(j.SubjectsIn, subjectsPrefix)
}

// errNoIdentifiers says that the numbers of an open job are missing: somebody else took
// them out of the table.
var errNoIdentifiers = errors.New("erasures: the job's identifiers are missing")

// ReadIdentifiers puts the numbers into a job that Acquire gave, where they are not in
// it. A job without any is an error: it must not end as if it had looked for them.
// ErrNewer.
func (e Erasures) ReadIdentifiers(ctx context.Context, job *Job) error {
	if job.Identifiers == nil && job.SubjectsIn != "" {
		job.listed = true
		out, err := e.DB.GetItem(ctx, &dynamodb.GetItemInput{
			TableName: &e.Table, Key: ledgerKey(job.identifiersIn()), ConsistentRead: aws.Bool(true),
		})
		if err != nil {
			return failed("erasures: read identifiers", err)
		}
		if Newer(out.Item) {
			return ErrNewer
		}
		job.Identifiers = object(out.Item).texts("identifiers")
	}
	if len(job.Identifiers) == 0 {
		return errNoIdentifiers
	}
	return nil
}
