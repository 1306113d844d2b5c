package store

import (
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Erasures is the ledger: the open erasures and the records of those that are done. Its
// key erasureId tells six kinds of items apart:
//
//	customer-<digest>     an open job of operation 3 (Job). At its end a pointer takes
//	                      its place for 30 days (TTL), {record, expires}: a repeated
//	                      call finds the job or the pointer with one write.
//	numbers-<digest>      an open job of operation 4 (Job). At its end it goes.
//	identifiers-<digest>  the numbers of such a job, where they are many. They go with
//	                      it.
//	subjects-<digest>     the digests of a job's numbers, where they are more than a
//	                      few. They stay for ever, as the record does that names
//	                      them; without one, if the call that wrote them failed
//	                      before it could open the job.
//	erasure-<id>          the record of an erasure, there as long as the erasure is on
//	                      record, and until EraseRecord takes it: digests, times, the
//	                      statement accepted.
//	                      At the end come counts, outcomes, and the statement of the end,
//	                      in the attribute statement: only with it the erasure is over.
//	handover-<job>        a handover: writing it makes the table's stream start a
//	                      worker.
//
// Only an open job and its identifiers hold what somebody could be recognized by. A
// digest begins with the id of its key, so one subject has several digests: one under
// each key. Open jobs have openShard and dueAt, the keys of the sparse index that
// ListOpen reads. Records of which a statement is not sealed yet have unlogged and
// unloggedAt, the keys of another one.
type Erasures struct {
	DB    *dynamodb.Client
	Table string
}

// RecordPrefix begins the key of every record.
const RecordPrefix = "erasure-"

// Prefixes of the other keys. The filter of the stream in template.yaml names numbers-
// and handover-, too.
const (
	customerPrefix    = "customer-"
	numbersPrefix     = "numbers-"
	identifiersPrefix = "identifiers-"
	subjectsPrefix    = "subjects-"
	handoverPrefix    = "handover-"
)

// CustomerJob is the key of the open job for a customer, by the customer's digest. A
// customer has one digest under each key of the digests, but one open job at a time:
// OpenCustomer sees to it.
func CustomerJob(digest string) string { return customerPrefix + digest }

// NumbersJob is the key of the open job for a set of numbers, by the set's digest.
func NumbersJob(digest string) string { return numbersPrefix + digest }

// JobOf is the key of the job that a change in the table's stream is about: of a job, or
// of a handover.
func JobOf(erasureID string) string {
	if job, ok := strings.CutPrefix(erasureID, handoverPrefix); ok && job != "" {
		return job
	}
	return erasureID
}

// ledgerKey is the key of an item of the ledger.
func ledgerKey(erasureID string) object { return object{"erasureId": text(erasureID)} }

var (
	// ErrHeld says that another worker holds the job's lease, or took it since.
	ErrHeld = errors.New("erasures: another worker holds the job")
	// ErrNoJob says that no such job is open: it is done.
	ErrNoJob = errors.New("erasures: no such open job")
	// ErrRaced says that the customer, its tombstone or its job changed since the caller
	// read them, and that nothing was written. The caller reads again.
	ErrRaced error = raced{"erasures: the customer changed since it was read"}
)

// transacted is the error of a transaction: ErrRaced where a condition did not hold, or
// another transaction was at the same items; ErrNewer where a newer version has written
// one of those that the transaction asks for with allOld.
func transacted(call string, err error) error {
	if e, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		for _, reason := range e.CancellationReasons {
			switch aws.ToString(reason.Code) {
			case "ConditionalCheckFailed", "TransactionConflict":
				if err := unlessNewerIn(e); err != nil {
					return err
				}
				return ErrRaced
			case "None", "":
			default:
				return &Error{Call: call, Code: aws.ToString(reason.Code), cause: err}
			}
		}
	}
	return failed(call, err)
}

// unlessNewerIn is ErrNewer where a transaction was cancelled at an item that a newer
// version has written.
func unlessNewerIn(cancelled *types.TransactionCanceledException) error {
	for _, reason := range cancelled.CancellationReasons {
		if Newer(reason.Item) {
			return ErrNewer
		}
	}
	return nil
}
