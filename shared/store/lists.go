package store

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// An erasure of many numbers keeps them and their digests in items of their own, because every lease and every progress is a
// write of the whole job: 1000 numbers are 12 KB and more, and their digests 33 KB or, as texts, 67. A write unit is 1 KB.
const (
	identifiersOf = "identifiers-"
	subjectsOf    = "subjects-"
	// inline is how many bytes of both stay in the job itself: then it still fits in one unit, or nearly.
	inline = 700
)

// openRaces is how often a job is tried to be opened or joined that others open and end meanwhile.
const openRaces = 5

// openOrJoin is the write of OpenNumbers.
var openOrJoin = struct {
	unless, update string
	names          map[string]string
}{
	unless: uncounted,
	update: "SET #state = :open, #id = if_not_exists(#id, :id), #scope = :scope," +
		" requestedBy = if_not_exists(requestedBy, :by), requestedAt = if_not_exists(requestedAt, :now)," +
		" lastRequestedAt = :now, identifiers = :identifiers, subjects = :subjects," +
		" openShard = :shard, dueAt = if_not_exists(dueAt, :due) ADD requests :one, joined :requests",
	names: map[string]string{"#state": "state", "#id": "id", "#scope": "scope"}, // reserved words
}

// OpenNumbers writes the job, or joins the open one for the same numbers: then the work begun is not taken for the
// whole, and one more pass follows; joined tells which. A job that no worker takes up by dueAt is cleanup's; a repeat
// does not put that off, or a caller who repeats often enough would keep the job waiting for ever.
func (e Erasures) OpenNumbers(ctx context.Context, job *Job, dueAt time.Time) (joined bool, err error) {
	size := 0
	for i := range job.Identifiers {
		size += len(job.Identifiers[i]) + len(job.Subjects[i])
	}
	if size > inline {
		return e.openListed(ctx, job, dueAt)
	}
	request := RequestOf(job.ID)
	out, err := e.DB.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &e.Table, Key: object{"erasureId": text(job.Key)},
		ConditionExpression: &openOrJoin.unless, UpdateExpression: &openOrJoin.update, ExpressionAttributeNames: openOrJoin.names,
		ExpressionAttributeValues: object{
			":open": open, ":id": text(job.ID), ":scope": text(job.Scope), ":by": text(job.RequestedBy),
			":now": millis(job.RequestedAt), ":identifiers": texts(job.Identifiers), ":subjects": texts(job.Subjects),
			":shard": text(shard(job.Key)), ":due": millis(dueAt), ":one": one,
			":request": text(request), ":requests": set(request),
		},
		ReturnValues:                        types.ReturnValueUpdatedOld,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	if item, counted := conditionFailed(err); counted { // an answer was lost
		return object(item).text("id") != job.ID, nil
	}
	if err != nil {
		return false, failed("erasures: open numbers", err)
	}
	e.forget(ctx, job.Key, out.Attributes)
	return len(out.Attributes) > 0, nil
}

// openListed is OpenNumbers for many. It looks for an open job first: a repeat must not write on the very items that a worker
// is writing on, nor pay for the lists again. The digests come before the job, and by themselves: they are nobody's personal
// data, and the same each time. The job and its numbers come together.
func (e Erasures) openListed(ctx context.Context, job *Job, dueAt time.Time) (joined bool, err error) {
	digests, err := pack(job.Subjects)
	if err != nil {
		return false, err
	}
	job.SubjectsIn = subjectsOf + strings.TrimPrefix(job.Key, numbersJob)
	digests["erasureId"] = text(job.SubjectsIn)
	actions := []types.TransactWriteItem{
		{Put: &types.Put{
			TableName: &e.Table,
			Item: object{
				"erasureId": text(job.Key), "id": text(job.ID), "state": text("open"), "scope": text(job.Scope),
				"requestedBy": text(job.RequestedBy), "requestedAt": millis(job.RequestedAt), "lastRequestedAt": millis(job.RequestedAt),
				"requests": number(1), "subjectsIn": text(job.SubjectsIn), "openShard": text(shard(job.Key)), "dueAt": millis(dueAt),
			},
			ConditionExpression: aws.String("attribute_not_exists(openShard)"),
		}},
		{Put: &types.Put{TableName: &e.Table, Item: object{"erasureId": text(job.list()), "identifiers": texts(job.Identifiers)}}},
	}
	for range openRaces {
		if known, err := e.Join(ctx, job.Key, RequestOf(job.ID), job.RequestedAt); err != nil || known == Joined {
			return true, err
		}
		if _, err := e.DB.PutItem(ctx, &dynamodb.PutItemInput{TableName: &e.Table, Item: digests}); err != nil {
			return false, failed("erasures: open numbers", err)
		}
		_, err := e.DB.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: actions})
		if err = transacted("erasures: open numbers", err); !errors.Is(err, ErrRaced) {
			return false, err
		}
	}
	return false, ErrRaced
}

// list is the item with raw identifiers that leaves the ledger with the job, "" where the job holds them itself.
func (j *Job) list() string {
	digest, listed := strings.CutPrefix(j.SubjectsIn, subjectsOf)
	if !listed {
		return ""
	}
	return identifiersOf + digest
}

// errNoList says that the numbers of an open job are not there: somebody else took them out of the table.
var errNoList = errors.New("erasures: the job's identifiers are missing")

// ReadIdentifiers puts the numbers of a job that is held into it, if they are not in it already.
func (e Erasures) ReadIdentifiers(ctx context.Context, job *Job) error {
	if job.list() == "" || job.Identifiers != nil {
		return nil
	}
	out, err := e.DB.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &e.Table, Key: object{"erasureId": text(job.list())}, ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return failed("erasures: read identifiers", err)
	}
	if job.Identifiers = object(out.Item).texts("identifiers"); len(job.Identifiers) == 0 {
		return errNoList
	}
	return nil
}

// digestSize is SHA-256's.
const digestSize = 32

var errDigests = errors.New("erasures: digests of different keys, or none")

// pack stores digests, all made with one key, one behind the other: half of what they take as texts.
func pack(digests []string) (object, error) {
	var all []byte
	var id string
	for i, digest := range digests {
		key, sum, _ := strings.Cut(digest, ".")
		raw, err := hex.DecodeString(sum)
		if err != nil || len(raw) != digestSize || i > 0 && key != id {
			return nil, errDigests
		}
		all, id = append(all, raw...), key
	}
	return object{"key": text(id), "digests": &types.AttributeValueMemberB{Value: all}}, nil
}

// RecordPrefix begins the ledger's key of every record.
const RecordPrefix = record

// Subjects are the digests, each "<key id>.<hex>", that a record, a job or an item named by subjectsIn holds itself. whole
// is false when it holds anything else in their place: then all is not everything, and the caller must not go on with it.
func Subjects(item map[string]types.AttributeValue) (all []string, whole bool) {
	whole = true
	if subjects, there := item["subjects"]; there {
		all, whole = Texts(subjects)
	}
	if digests, there := item["digests"]; there {
		packed, ok := digests.(*types.AttributeValueMemberB)
		_, named := item["key"].(*types.AttributeValueMemberS)
		if !ok || !named || len(packed.Value)%digestSize != 0 {
			return all, false
		}
		key := object(item).text("key")
		for raw := packed.Value; len(raw) > 0; raw = raw[digestSize:] {
			all = append(all, key+"."+hex.EncodeToString(raw[:digestSize]))
		}
	}
	return all, whole && !slices.ContainsFunc(all, func(digest string) bool { return !isDigest(digest) })
}

// isDigest says whether a text has the form of a digest.
func isDigest(text string) bool {
	_, sum, cut := strings.Cut(text, ".")
	raw, err := hex.DecodeString(sum)
	return cut && err == nil && len(raw) == digestSize && sum == strings.ToLower(sum)
}
