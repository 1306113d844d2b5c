package store

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Erasures is the ledger, key erasureId, in six kinds of items. None but an open job, and the list of an open job, holds a
// raw identifier. A digest begins with the id of its key, so one subject has several: one under each key.
//
//	customer-<digest>     an open job of operation 3 (Job); its end leaves a pointer to the record in its place, for 30 days
//	                      (TTL): repeats find either with one call
//	numbers-<digest>      an open job of operation 4 (Job); it leaves when the job is done
//	identifiers-<digest>  the numbers of such a job, where they are many: it leaves with the job } see lists.go
//	subjects-<digest>     their digests; stays for ever, as the record does that names it, and   }
//	                      alone where the request failed right behind it                         }
//	erasure-<id>          the record of a finished erasure: digests, times, counts, atLeast and unreadable where Job.AtLeast
//	                      or Job.Unreadable was set; stays for ever
//	handover-<job>        a mark; writing it makes the table's stream start a worker
//
// Open jobs carry openShard and dueAt, the keys of the sparse index that cleanup reads.
type Erasures struct {
	DB    *dynamodb.Client
	Table string
	Index string // of open jobs; needed by ListOpen alone
}

// Prefixes of erasureId; template.yaml's stream filter names numbers- and handover- too.
const (
	customerJob = "customer-"
	numbersJob  = "numbers-"
	record      = "erasure-"
	mark        = "handover-"
)

// CustomerJob and NumbersJob are the keys of the open jobs for a digest. A customer has one open job at a time, see
// OpenCustomer's others.
func CustomerJob(digest string) string { return customerJob + digest }
func NumbersJob(digest string) string  { return numbersJob + digest }

// remembered is how long a repeated delete of a customer is answered like the first (contracts, operation 3).
const remembered = 30 * 24 * time.Hour

var (
	// ErrHeld says that another worker holds the job's lease, or took it since.
	ErrHeld = errors.New("erasures: another worker holds the job")
	// ErrNoJob says that no such job is open: it is done.
	ErrNoJob = errors.New("erasures: no such open job")
	// ErrRaced says that the customer, its tombstone or its job changed since they were read: read again.
	ErrRaced error = raced{"erasures: the customer changed since it was read"}
)

// OpenCustomer writes the job, held by its creator until leaseEnd, and the tombstone in one transaction: either the
// erasure is on record and nobody reads the customer any more, or nothing has happened. page is what Customers.Read
// just showed; others are keys that an open job of the same customer may have, besides job's own. ErrRaced when page is
// no longer what stands there, or such a job is open.
func (e Erasures) OpenCustomer(ctx context.Context, job *Job, others []string, customers Customers, page Collection, leaseEnd time.Time) error {
	item := job.opened(leaseEnd)
	item["leaseUntil"] = millis(leaseEnd)
	return e.openCustomer(ctx, item, job, others, customers, page)
}

// FewRecords is how many records OpenAndErase takes. Each costs twice what it does in a batch, one write unit more where it is
// at most 1 KB, which the writes and trips that it saves are worth.
const FewRecords = 10

// OpenAndErase is OpenCustomer for a page of at most FewRecords with nothing behind it, which are deleted in the same
// transaction, all or none: nothing is left to be done before dueAt, and nobody holds the job. A caller who dies before it has
// looked whether somebody came in between leaves that to the pass at dueAt.
func (e Erasures) OpenAndErase(ctx context.Context, job *Job, others []string, customers Customers, page Collection, dueAt time.Time) error {
	var deletions []types.TransactWriteItem
	for _, record := range page.Records {
		deletions = append(deletions, types.TransactWriteItem{Delete: &types.Delete{
			TableName: &customers.Table, Key: recordKey(CustomerKey(job.Scope, job.Identifiers[0]), record),
		}})
	}
	item := job.opened(dueAt)
	item["counted"] = number(job.Fence) // nobody holds that lease
	return e.openCustomer(ctx, item, job, others, customers, page, deletions...)
}

// opened is a customer's job as it is first written.
func (j *Job) opened(dueAt time.Time) object {
	j.Fence, j.Requests = 1, 1
	return object{
		"erasureId": text(j.Key), "id": text(j.ID), "state": open, "scope": text(j.Scope),
		"requestedBy": text(j.RequestedBy), "requestedAt": millis(j.RequestedAt), "lastRequestedAt": millis(j.RequestedAt),
		"requests": one, "identifiers": texts(j.Identifiers), "subjects": texts(j.Subjects), "fence": one,
		"openShard": text(shard(j.Key)), "dueAt": millis(dueAt),
		"found": number(j.Found), "deleted": number(j.Deleted), "pending": j.Pending.value(),
	}
}

func (e Erasures) openCustomer(ctx context.Context, item object, job *Job, others []string, customers Customers, page Collection, more ...types.TransactWriteItem) error {
	noJob := aws.String("attribute_not_exists(openShard)") // but perhaps the pointer to the last one's record
	actions := append([]types.TransactWriteItem{
		{Put: &types.Put{TableName: &e.Table, Item: item, ConditionExpression: noJob}},
		customers.tombstone(CustomerKey(job.Scope, job.Identifiers[0]), job.Key, job.RequestedAt, page),
	}, more...)
	for _, other := range others {
		actions = append(actions, types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
			TableName: &e.Table, Key: object{"erasureId": text(other)}, ConditionExpression: noJob,
		}})
	}
	_, err := e.DB.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: actions})
	return transacted("erasures: open customer", err)
}

// held is the condition of every write by a worker: the lease is still its own. A fence alone would begin anew with the
// next job under the same key, hence the id.
const held = "fence = :fence AND #id = :id"

// Acquire takes the job's lease until the given time, if nobody holds it now, and returns the job. ErrHeld, ErrNoJob.
// The leases before it that nobody gave back, because their workers died, it counts in Failures.
// The owner is the worker's own random name: a repeated call after a lost answer finds its own lease.
//
// A job that comes up before the lease is over stays where it is in the index: to move it costs two writes more, and most jobs
// are done long before their lease is renewed. One that waits for longer comes up with the end of the lease, should its
// worker die.
func (e Erasures) Acquire(ctx context.Context, key, owner string, now, until time.Time) (*Job, error) {
	condition, update := " AND dueAt <= :until", ""
	for {
		out, err := e.DB.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: &e.Table,
			Key:       object{"erasureId": text(key)},
			ConditionExpression: aws.String("attribute_exists(openShard) AND" +
				" (attribute_not_exists(leaseUntil) OR leaseUntil < :now)" + condition),
			UpdateExpression: aws.String("SET leaseOwner = :owner, leaseUntil = :until" + update + " ADD fence :one"),
			ExpressionAttributeValues: object{
				":now": millis(now), ":until": millis(until), ":owner": text(owner), ":one": one,
			},
			ReturnValues:                        types.ReturnValueAllNew,
			ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		})
		item, refused := conditionFailed(err)
		switch {
		case refused && item["openShard"] == nil:
			return nil, ErrNoJob
		case refused && object(item).text("leaseOwner") == owner: // an answer was lost
			return readJob(item), nil
		case refused && condition != "" && object(item).millis("dueAt").After(until):
			condition, update = "", ", dueAt = :until"
			continue
		case refused:
			return nil, ErrHeld
		case err != nil:
			return nil, failed("erasures: acquire", err)
		}
		return readJob(out.Attributes), nil
	}
}

// Renew makes the lease last until the given time. ErrHeld when another worker took it.
func (e Erasures) Renew(ctx context.Context, job *Job, until time.Time) error {
	_, err := e.DB.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                 &e.Table,
		Key:                       object{"erasureId": text(job.Key)},
		ConditionExpression:       aws.String(held + " AND attribute_exists(leaseOwner)"), // not after a Release
		UpdateExpression:          aws.String("SET leaseUntil = :until, dueAt = :until"),
		ExpressionAttributeNames:  map[string]string{"#id": "id"},
		ExpressionAttributeValues: object{":fence": number(job.Fence), ":id": text(job.ID), ":until": millis(until)},
	})
	if _, refused := conditionFailed(err); refused {
		return ErrHeld
	}
	return failed("erasures: renew", err)
}

// Save writes down the job's progress while the lease goes on. ErrHeld when another worker took it.
func (e Erasures) Save(ctx context.Context, job *Job) error {
	return e.save(ctx, "erasures: save", job, job.Fence-1, "", nil)
}

// Release writes down the job's progress and lets go of the lease: the job is nobody's until someone acquires it, and
// cleanup's from dueAt on. ErrHeld when another worker took it.
func (e Erasures) Release(ctx context.Context, job *Job, dueAt time.Time) error {
	return e.save(ctx, "erasures: release", job, job.Fence, ", dueAt = :due REMOVE leaseOwner, leaseUntil", object{":due": millis(dueAt)})
}

func (e Erasures) save(ctx context.Context, call string, job *Job, counted int64, more string, values object) error {
	progress, all := job.progress(counted)
	all[":fence"], all[":id"] = number(job.Fence), text(job.ID)
	for name, value := range values {
		all[name] = value
	}
	_, err := e.DB.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                 &e.Table,
		Key:                       object{"erasureId": text(job.Key)},
		ConditionExpression:       aws.String(held),
		UpdateExpression:          aws.String(progress + more),
		ExpressionAttributeNames:  map[string]string{"#cursor": "cursor", "#found": "found", "#id": "id"}, // reserved words
		ExpressionAttributeValues: all,
	})
	if _, refused := conditionFailed(err); refused {
		return ErrHeld
	}
	return failed(call, err)
}

// HandOver marks the job with this key, which makes the stream start a worker. Whoever holds it releases it first.
func (e Erasures) HandOver(ctx context.Context, key string, at time.Time) error {
	_, err := e.DB.PutItem(ctx, &dynamodb.PutItemInput{
		TableName: &e.Table,
		Item: object{
			"erasureId": text(mark + key), "at": number(at.UnixNano()),
			"expires": number(at.Add(24 * time.Hour).Unix()), // should the job end before its mark is written
		},
	})
	return failed("erasures: hand on", err)
}

// JobOf is the key of the job that a stream record's erasureId is about.
func JobOf(erasureID string) string {
	if len(erasureID) > len(mark) && erasureID[:len(mark)] == mark {
		return erasureID[len(mark):]
	}
	return erasureID
}

// unchanged is the condition of every end: it counts all who asked, and all customers
// that repeats have replaced by the tombstone again, those included who died before they
// joined.
const unchanged = " AND requests = :requests AND (attribute_not_exists(entombed) OR entombed = :entombed)"

// Finish ends the job in one transaction: the record comes, the job with its raw identifiers and its mark go; a
// customer's tombstone goes with them, and what is put in the job's place remembers the erasure for repeats. ErrHeld when
// another worker took the job, a repeat joined since it was read, or one put the
// tombstone back.
func (e Erasures) Finish(ctx context.Context, job *Job, customers Customers, at time.Time) error {
	actions := e.finished(job, at)
	condition, names := aws.String(held+unchanged), map[string]string{"#id": "id"}
	values := object{":fence": number(job.Fence), ":id": text(job.ID), ":requests": number(job.Requests), ":entombed": number(job.Entombed)}
	if job.IsCustomer() {
		actions = append(actions,
			customers.liftTombstone(CustomerKey(job.Scope, job.Identifiers[0]), job.Key),
			types.TransactWriteItem{Put: &types.Put{
				TableName: &e.Table,
				Item: object{
					"erasureId": text(job.Key), "record": text(record + job.ID), "expires": number(at.Add(remembered).Unix()),
				},
				ConditionExpression: condition, ExpressionAttributeNames: names, ExpressionAttributeValues: values,
			}})
		return e.finish(ctx, actions)
	}
	actions = append(actions, types.TransactWriteItem{Delete: &types.Delete{
		TableName: &e.Table, Key: object{"erasureId": text(job.Key)},
		ConditionExpression: condition, ExpressionAttributeNames: names, ExpressionAttributeValues: values,
	}})
	if list := job.list(); list != "" {
		actions = append(actions, types.TransactWriteItem{Delete: &types.Delete{TableName: &e.Table, Key: object{"erasureId": text(list)}}})
	}
	return e.finish(ctx, actions)
}

// FinishAndBegin ends the job like Finish and makes it a new one, under a new id, for the repeats that joined so late that
// their own late writers may still write: it is due when those cannot any more.
func (e Erasures) FinishAndBegin(ctx context.Context, job *Job, at, dueAt time.Time) error {
	return e.finish(ctx, append(e.finished(job, at), types.TransactWriteItem{Update: &types.Update{
		TableName:           &e.Table,
		Key:                 object{"erasureId": text(job.Key)},
		ConditionExpression: aws.String(held + unchanged),
		UpdateExpression: aws.String("SET #id = :new, requestedAt = lastRequestedAt, requests = :one, #found = :zero, deleted = :zero," +
			" passes = :zero, failures = :zero, counted = fence, passStarted = :zero, #cursor = :zero, entombed = :zero, pending = :none, dueAt = :due, handedOn = :true" + // a repeat's mark may still come
			" REMOVE leaseOwner, leaseUntil, known, unanswered, atLeast, unreadable"),
		ExpressionAttributeNames: map[string]string{"#cursor": "cursor", "#found": "found", "#id": "id"},
		ExpressionAttributeValues: object{
			":fence": number(job.Fence), ":id": text(job.ID), ":requests": number(job.Requests), ":entombed": number(job.Entombed), ":new": text(NewID(at)),
			":one": one, ":zero": number(0), ":none": Pending{}.value(), ":due": millis(dueAt), ":true": flag(true),
		},
	}}))
}

// finished are the writes that every end of a job has in common.
func (e Erasures) finished(job *Job, at time.Time) []types.TransactWriteItem {
	kind, whose, whom := "numbers", "subjects", texts(job.Subjects)
	if job.IsCustomer() {
		kind = "customer"
	}
	if job.SubjectsIn != "" {
		whose, whom = "subjectsIn", text(job.SubjectsIn)
	}
	item := object{
		"erasureId": text(record + job.ID), "kind": text(kind), "state": text("done"), "scope": text(job.Scope),
		"requestedBy": text(job.RequestedBy), "requestedAt": millis(job.RequestedAt),
		"lastRequestedAt": millis(job.LastRequestedAt), "requests": number(job.Requests),
		"finishedAt": millis(at), whose: whom,
		"found": number(job.Found + job.Entombed), "deleted": number(job.Deleted + job.Entombed), "passes": number(job.Passes),
	}
	if job.AtLeast {
		item["atLeast"] = flag(true)
	}
	if job.Unreadable {
		item["unreadable"] = flag(true)
	}
	actions := []types.TransactWriteItem{{Put: &types.Put{TableName: &e.Table, Item: item}}}
	// A repeat of operation 4 hands the job on without holding it.
	if job.HandedOver || job.Requests > 1 && !job.IsCustomer() {
		actions = append(actions, types.TransactWriteItem{Delete: &types.Delete{TableName: &e.Table, Key: object{"erasureId": text(mark + job.Key)}}})
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

// transacted turns a transaction's refusal by a condition, or by another transaction on the same items, into ErrRaced.
func transacted(call string, err error) error {
	if e, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		for _, reason := range e.CancellationReasons {
			switch aws.ToString(reason.Code) {
			case "ConditionalCheckFailed", "TransactionConflict":
				return ErrRaced
			case "None", "":
			default:
				return &Error{Call: call, Code: aws.ToString(reason.Code), cause: err}
			}
		}
	}
	return failed(call, err)
}
