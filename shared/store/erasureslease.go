package store

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// acquisition is one of the two writes that take a lease.
type acquisition struct{ condition, update string }

// unheld is the condition that a job is open and nobody holds it.
const unheld = "attribute_exists(openShard) AND (attribute_not_exists(leaseUntil) OR leaseUntil < :now)" +
	" AND " + understood

var (
	// acquireInPlace takes the lease of a job that is due before the lease ends, and
	// leaves it where it is in the index of open jobs: to move it costs two writes more,
	// and most jobs are done before their lease is renewed.
	acquireInPlace = acquisition{
		condition: unheld + " AND dueAt <= :until",
		update:    "SET leaseOwner = :owner, leaseUntil = :until ADD fence :one",
	}
	// acquireAndMove takes the lease of a job that is due later, and makes it due when
	// the lease ends. So it comes up in time if the worker dies.
	acquireAndMove = acquisition{
		condition: unheld,
		update:    "SET leaseOwner = :owner, leaseUntil = :until, dueAt = :until ADD fence :one",
	}
)

// Acquire takes the job's lease until the given time, if nobody holds it now, and returns
// the job. Leases before it that nobody gave back, because their workers died, count in
// the job's Failures. owner is a random name of the worker's own: by it a call that is
// sent again after a lost answer finds its own lease. ErrHeld, ErrNoJob, ErrNewer.
func (e Erasures) Acquire(ctx context.Context, key, owner string, now, until time.Time) (*Job, error) {
	job, dueAt, err := e.acquire(ctx, acquireInPlace, key, owner, now, until)
	if errors.Is(err, ErrHeld) && dueAt.After(until) {
		job, _, err = e.acquire(ctx, acquireAndMove, key, owner, now, until)
	}
	return job, err
}

// acquire tries one of the writes. With ErrHeld comes when the job is due.
func (e Erasures) acquire(ctx context.Context, how acquisition, key, owner string, now, until time.Time) (
	job *Job, dueAt time.Time, err error,
) {
	out, err := e.DB.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:           &e.Table,
		Key:                 ledgerKey(key),
		ConditionExpression: &how.condition,
		UpdateExpression:    &how.update,
		ExpressionAttributeValues: object{
			":now": millis(now), ":until": millis(until), ":owner": text(owner), ":one": one, ":v": schema,
		},
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	item, conflict := conditionFailed(err)
	switch {
	case conflict && Newer(item):
		return nil, dueAt, ErrNewer
	case conflict && item["openShard"] == nil:
		return nil, dueAt, ErrNoJob
	case conflict && object(item).text("leaseOwner") == owner: // an answer was lost
		return readJob(item), dueAt, nil
	case conflict:
		return nil, object(item).millis("dueAt"), ErrHeld
	case err != nil:
		return nil, dueAt, failed("erasures: acquire", err)
	}
	return readJob(out.Attributes), dueAt, nil
}

// held is the condition of every write by a worker: the lease is still its own. The id is
// in it because the next job under the same key begins its fence at 1 again. A newer
// version takes the job away from its worker when it writes the job, with or without a
// lease.
const held = "fence = :fence AND #id = :id AND " + understood

// Renew makes the lease last until the given time. ErrHeld when another worker took it.
func (e Erasures) Renew(ctx context.Context, job *Job, until time.Time) error {
	_, err := e.DB.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                &e.Table,
		Key:                      ledgerKey(job.Key),
		ConditionExpression:      aws.String(held + " AND attribute_exists(leaseOwner)"), // not after Release
		UpdateExpression:         aws.String("SET leaseUntil = :until, dueAt = :until"),
		ExpressionAttributeNames: map[string]string{"#id": "id"},
		ExpressionAttributeValues: object{
			":fence": number(job.Fence), ":id": text(job.ID), ":until": millis(until), ":v": schema,
		},
	})
	if _, conflict := conditionFailed(err); conflict {
		return ErrHeld
	}
	return failed("erasures: renew", err)
}

// Save writes down the job's progress. The worker goes on to hold the lease. ErrHeld when
// another worker took it.
func (e Erasures) Save(ctx context.Context, job *Job) error {
	return e.save(ctx, "erasures: save", job, job.Fence-1, "", nil) // this lease has not ended
}

// Release writes down the job's progress and gives the lease back. Nobody holds the job
// until a worker acquires it; from dueAt on ListOpen shows it as due. ErrHeld when
// another worker took the lease.
func (e Erasures) Release(ctx context.Context, job *Job, dueAt time.Time) error {
	const release = ", dueAt = :due REMOVE leaseOwner, leaseUntil"
	return e.save(ctx, "erasures: release", job, job.Fence, release, object{":due": millis(dueAt)})
}

// save writes down the job's progress, and what else the update says. counted is the last
// lease whose end is in Failures.
func (e Erasures) save(ctx context.Context, call string, job *Job, counted int64, update string, values object) error {
	progress, all := job.progress(counted)
	all[":fence"], all[":id"], all[":v"] = number(job.Fence), text(job.ID), schema
	maps.Copy(all, values)
	_, err := e.DB.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                 &e.Table,
		Key:                       ledgerKey(job.Key),
		ConditionExpression:       aws.String(held),
		UpdateExpression:          aws.String(progress + update),
		ExpressionAttributeNames:  jobNames,
		ExpressionAttributeValues: all,
	})
	if _, conflict := conditionFailed(err); conflict {
		return ErrHeld
	}
	return failed(call, err)
}

// handoverLife is when the TTL removes the handover of a job that ended before it.
const handoverLife = 24 * time.Hour

// HandOver writes the handover of a job, which makes the table's stream start a worker.
// Whoever holds the job releases it first. A newer version's handover stays as it is: it
// has started a worker, too.
func (e Erasures) HandOver(ctx context.Context, key string, at time.Time) error {
	_, err := e.DB.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &e.Table,
		Item: Stamp(object{
			"erasureId": text(handoverPrefix + key), "at": number(at.UnixNano()),
			"expires": number(at.Add(handoverLife).Unix()),
		}),
		ConditionExpression: aws.String(understood), ExpressionAttributeValues: onlySchema(),
	})
	if _, there := conditionFailed(err); there {
		return nil
	}
	return failed("erasures: hand over", err)
}
