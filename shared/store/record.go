package store

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Record is what the ledger says of an erasure from its acceptance on, for those who ask
// what became of it. A record of another kind has an end alone, and no subjects.
type Record struct {
	ID, Kind, Scope string
	RequestedBy     string
	RequestedAt     time.Time
	Job             string   // key of the job while it is open, "" at the end
	Subjects        []string // the digests, where SubjectsIn is ""
	SubjectsIn      string   // key of the item with the digests, where they are many
	Accepted        string   // the statement of the acceptance, one line
	// Statement is the one of the end, "" while the erasure is open; the fields below it
	// come with it.
	Statement                        string
	Finished, Verified, BackupsUntil time.Time
	Found, Deleted                   int64
	AtLeast, Unreadable              bool
	Outcomes                         Outcomes // of the subjects, by their places

	AcceptedIn, EndedIn *Place // nil: the statement is not sealed
}

// Place is where a statement stands in the sealed log, and since when.
type Place struct {
	Leaf   int64
	Sealed time.Time
}

// Progress is how far the open job of an erasure is.
type Progress struct {
	Begun          bool  // somebody has worked on it
	Verifying      bool  // a pass has found nothing: it waits for its last pass, or makes it
	Failures       int64 // runs in a row that failed, the deaths of workers among them
	Found, Deleted int64
	AtLeast        bool
	Unreadable     bool
}

// ErrNoRecord says that no erasure has this id.
var ErrNoRecord = errors.New("erasures: no such record")

// idForm is the form of every id of NewID: "0" stands for a digit, "x" for one of
// hexadecimal.
const idForm = "00000000T000000Z-xxxxxxxxxxxxxxxx"

// IsID says whether a text has the form of an erasure's id. Nothing else is ever looked
// for: a caller may have sent any bytes.
func IsID(text string) bool {
	if len(text) != len(idForm) {
		return false
	}
	for i, form := range []byte(idForm) {
		digit := '0' <= text[i] && text[i] <= '9'
		switch {
		case form == '0' && digit, form == 'x' && (digit || 'a' <= text[i] && text[i] <= 'f'), form == text[i] && form != '0':
		default:
			return false
		}
	}
	return true
}

// ReadRecord reads the record of an erasure, strongly consistent. ErrNoRecord, ErrNewer.
func (e Erasures) ReadRecord(ctx context.Context, id string) (Record, error) {
	out, err := e.DB.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &e.Table, Key: ledgerKey(RecordPrefix + id), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return Record{}, failed("erasures: read record", err)
	}
	if out.Item == nil {
		return Record{}, ErrNoRecord
	}
	return recordOf(out.Item), unlessNewer(out.Item)
}

// maxProgressTries is how often a job is looked for. A job ends once, so that the second
// time the record is no longer open, unless somebody has restored or changed the table.
const maxProgressTries = 3

// errRecordWithoutJob says that a record is open and its job is not there.
var errRecordWithoutJob error = raced{"erasures: the job of an open erasure is not there"}

// ReadProgress reads how far the job of an erasure is, strongly consistent; nil for an
// erasure that is over. A job may have ended since the record was read. Then the record
// is read again, so the caller goes on with the one that it is given. ErrNewer.
func (e Erasures) ReadProgress(ctx context.Context, r Record) (Record, *Progress, error) {
	for range maxProgressTries {
		if r.Job == "" {
			return r, nil, nil
		}
		out, err := e.DB.GetItem(ctx, &dynamodb.GetItemInput{
			TableName: &e.Table, Key: ledgerKey(r.Job), ConsistentRead: aws.Bool(true),
		})
		if err != nil {
			return r, nil, failed("erasures: read progress", err)
		}
		if Newer(out.Item) {
			return r, nil, ErrNewer
		}
		if progress, open := progressOf(out.Item, r); open {
			return r, progress, nil
		}
		if r, err = e.ReadRecord(ctx, r.ID); err != nil {
			return r, nil, err
		}
	}
	return r, nil, errRecordWithoutJob
}

// ReadOpen is the id of the first erasure that is open of those with these jobs' keys,
// "" where none is.
func (e Erasures) ReadOpen(ctx context.Context, jobs []string) (id string, err error) {
	items, err := e.readAll(ctx, jobs)
	if err != nil {
		return "", err
	}
	for _, key := range jobs {
		for _, item := range items {
			if object(item).text("erasureId") == key && item["openShard"] != nil {
				return object(item).text("id"), nil
			}
		}
	}
	return "", nil
}

// recordOf reads the item of a record.
func recordOf(item object) Record {
	r := Record{
		ID:   strings.TrimPrefix(item.text("erasureId"), RecordPrefix),
		Kind: item.text("kind"), Scope: item.text("scope"),
		RequestedBy: item.text("requestedBy"), RequestedAt: item.millis("requestedAt"),
		Subjects: item.texts("subjects"), SubjectsIn: item.text("subjectsIn"),
		Accepted: item.text("accepted"), Statement: item.text("statement"),
		Finished: item.millis("finishedAt"), Verified: item.millis("verifiedAt"),
		BackupsUntil: item.millis("backupsUntil"),
		Found:        item.number("found"), Deleted: item.number("deleted"),
		AtLeast: item.flag("atLeast"), Unreadable: item.flag("unreadable"),
		AcceptedIn: item.place("acceptedLeaf", "acceptedSealedAt"), EndedIn: item.place("endLeaf", "endSealedAt"),
	}
	if outcomes, ok := item["outcomes"].(*types.AttributeValueMemberB); ok {
		r.Outcomes = outcomes.Value
	}
	if r.Statement == "" {
		r.Job = item.text("job")
	}
	return r
}

// place reads a mark of seal-ledger, nil where there is none.
func (o object) place(leaf, sealed string) *Place {
	if _, marked := o[leaf].(*types.AttributeValueMemberN); !marked {
		return nil
	}
	return &Place{Leaf: o.number(leaf), Sealed: o.millis(sealed)}
}

// progressOf reads the item of a job; open is false when it is not the record's, which
// is over then.
func progressOf(item object, r Record) (progress *Progress, open bool) {
	if item["openShard"] == nil || item.text("id") != r.ID {
		return nil, false
	}
	job := readJob(item)
	// Operation 3 deletes few records with the opening itself. Nobody holds that job, no
	// worker has written into it, and it waits for its last pass.
	_, worked := item["passes"]
	emptied := job.IsCustomer() && !worked && item["leaseUntil"] == nil && item["counted"] != nil
	return &Progress{
		Begun: job.Fence > 0, Verifying: job.Passes > 0 || emptied, Failures: job.Failures,
		Found: job.Found + job.Entombed, Deleted: job.Deleted + job.Entombed,
		AtLeast: job.AtLeast, Unreadable: job.Unreadable,
	}, true
}

// ReadDigests gives the digests of all subjects of an erasure, in the order of their
// identifiers' bytes.
func (e Erasures) ReadDigests(ctx context.Context, r Record) ([]string, error) {
	if r.SubjectsIn == "" {
		return r.Subjects, nil
	}
	out, err := e.DB.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &e.Table, Key: ledgerKey(r.SubjectsIn), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return nil, failed("erasures: read digests", err)
	}
	if Newer(out.Item) {
		return nil, ErrNewer
	}
	all, whole := Subjects(out.Item)
	if !whole || len(all) == 0 {
		return nil, errDigests
	}
	return all, nil
}

// ReadRecords reads records by their ids, at most maxReadKeys, and the jobs of those that
// are open, strongly consistent. An id without a record is left out; so is the progress
// of a record whose job has ended since.
func (e Erasures) ReadRecords(ctx context.Context, ids []string) (map[string]Record, map[string]*Progress, error) {
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = RecordPrefix + id
	}
	items, err := e.readAll(ctx, keys)
	if err != nil {
		return nil, nil, err
	}
	records, jobs := make(map[string]Record, len(items)), []string(nil)
	for _, item := range items {
		record := recordOf(item)
		records[record.ID] = record
		if record.Job != "" {
			jobs = append(jobs, record.Job)
		}
	}
	slices.Sort(jobs) // DynamoDB takes no key twice
	items, err = e.readAll(ctx, slices.Compact(jobs))
	progresses := make(map[string]*Progress, len(items))
	for _, item := range items {
		if record, listed := records[object(item).text("id")]; listed {
			if progress, open := progressOf(item, record); open {
				progresses[record.ID] = progress
			}
		}
	}
	return records, progresses, err
}

// readAll reads items of the ledger by their keys. ErrNewer.
func (e Erasures) readAll(ctx context.Context, erasureIDs []string) ([]map[string]types.AttributeValue, error) {
	keys := make([]map[string]types.AttributeValue, len(erasureIDs))
	for i, key := range erasureIDs {
		keys[i] = ledgerKey(key)
	}
	items, err := readItems(ctx, e.DB, "erasures: read records", e.Table,
		types.KeysAndAttributes{Keys: keys, ConsistentRead: aws.Bool(true)}, readAttempts)
	return items, cmp.Or(err, unlessNewer(items...))
}
