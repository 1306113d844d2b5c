// Package ledger reads the ledger of erasures for people: what is open, what fails, and
// the records of what is finished. It gives no raw identifier of an open erasure but
// where it is asked for it (Ledger.Identifiers).
package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/attribute"
	"customercare/infra/deployment"
	"customercare/shared/store"
)

// Ledger is the table of erasures.
type Ledger struct {
	DB    *dynamodb.Client
	Table string
}

// openIndex is the index of open erasures, as template.yaml names it.
const openIndex = "open"

// The states of an erasure. A failing one is open, too: it is tried again and again.
const (
	Open     = "open"
	Failing  = "failing"
	Finished = "finished"
)

// Erasure is one erasure. What is not known, or does not apply to its state, is empty.
type Erasure struct {
	// ID is the ledger's key: of a finished erasure that of its record ("erasure-..."),
	// of an open one that of its job ("customer-<digest>" or "numbers-<digest>").
	ID string `json:"id"`
	// Job is what the logs of the functions call the erasure ("job"), before it ends and
	// after.
	Job             string     `json:"job"`
	State           string     `json:"state"`
	Kind            string     `json:"kind"` // customer, numbers, or key: the record of a destroyed key
	Scope           string     `json:"scope,omitempty"`
	RequestedBy     string     `json:"requestedBy,omitempty"`
	RequestedAt     *time.Time `json:"requestedAt,omitempty"`
	LastRequestedAt *time.Time `json:"lastRequestedAt,omitempty"`
	Requests        int64      `json:"requests,omitempty"`
	FinishedAt      *time.Time `json:"finishedAt,omitempty"`
	DueAt           *time.Time `json:"dueAt,omitempty"`    // when cleanup takes it up, if no worker has it
	Waiting         bool       `json:"waiting,omitempty"`  // nothing is left; late writers are waited for until DueAt
	Failures        int64      `json:"failures,omitempty"` // runs in a row that failed
	Found           *int64     `json:"found,omitempty"`    // nil: Open does not know it
	Deleted         *int64     `json:"deleted,omitempty"`
	Passes          int64      `json:"passes,omitempty"`
	AtLeast         bool       `json:"atLeast,omitempty"`    // Found and Deleted are lower bounds
	Unreadable      bool       `json:"unreadable,omitempty"` // a contact's parties could not be read
	Subjects        []string   `json:"subjects,omitempty"`   // digests of whom it was about
	// VerifiedAt is when the last pass began, which found nothing; BackupsUntil when the
	// last backup runs out.
	VerifiedAt   *time.Time `json:"verifiedAt,omitempty"`
	BackupsUntil *time.Time `json:"backupsUntil,omitempty"`
	Outcomes     *Outcomes  `json:"outcomes,omitempty"` // at the end
	// AcceptedLeaf and EndLeaf are the numbers of its leaves in the sealed log, and
	// AcceptedSealedAt and EndSealedAt when these were signed; nil until then.
	AcceptedLeaf     *int64     `json:"acceptedLeaf,omitempty"`
	AcceptedSealedAt *time.Time `json:"acceptedSealedAt,omitempty"`
	EndLeaf          *int64     `json:"endLeaf,omitempty"`
	EndSealedAt      *time.Time `json:"endSealedAt,omitempty"`
	Identifiers      []string   `json:"identifiers,omitempty"`
	// JobGone says that the record is open and its job is not there: nobody works on it.
	// Only somebody who has changed or restored the table can have brought that about.
	JobGone bool `json:"jobGone,omitempty"`
}

// Outcomes are how many of the data subjects have each outcome.
type Outcomes struct {
	Erased   int `json:"erased"`
	NotFound int `json:"not_found"`
	Held     int `json:"held"`
}

// mostOpen is how many open erasures are looked at to find the oldest, or the failing
// ones.
const mostOpen = 10_000

// Open lists erasures that are open, the oldest first, at most limit; only those that
// fail when failing is set. more says that there are others. Some of their fields are not
// filled: Show reads all.
func (l Ledger) Open(ctx context.Context, failing bool, limit int) (all []Erasure, more bool, err error) {
	jobs, err := store.Erasures{DB: l.DB, Table: l.Table}.ListOpen(ctx, openIndex, mostOpen)
	if err != nil {
		return nil, false, deployment.Explain(ctx, "the table "+l.Table, err)
	}
	all = []Erasure{}
	for _, job := range jobs {
		e := Erasure{
			ID: job.Key, State: Open, Kind: kind(job.Key),
			RequestedAt: utc(job.RequestedAt), DueAt: utc(job.DueAt), Failures: job.Failures,
		}
		if e.Failures > 0 {
			e.State = Failing
		}
		if !failing || e.State == Failing {
			all = append(all, e)
		}
	}
	slices.SortFunc(all, func(a, b Erasure) int { return a.RequestedAt.Compare(*b.RequestedAt) })
	more = len(all) > limit || len(jobs) >= mostOpen
	all = all[:min(limit, len(all))]
	places, keys := map[string]*Erasure{}, make([]attribute.Item, len(all))
	for i := range all {
		places[all[i].ID], keys[i] = &all[i], key(all[i].ID)
	}
	var unknown error
	err = deployment.GetAll(ctx, l.DB, l.Table, keys, func(found attribute.Item) {
		id := attribute.ReadText(found, "erasureId")
		places[id].Job = attribute.ReadText(found, "id") // the index has none
		if store.Newer(found) {
			unknown = newer(id)
		}
	})
	return all, more, cmp.Or(err, unknown)
}

// Finished lists records of erasures that ended since then, the last first. It reads the
// ledger until it has limit of them; more says that there may be others.
func (l Ledger) Finished(ctx context.Context, since time.Time, limit int) (all []Erasure, more bool, err error) {
	all = []Erasure{}
	in := &dynamodb.ScanInput{
		TableName:        &l.Table,
		FilterExpression: &finishedSince, ExpressionAttributeNames: map[string]string{"#statement": "statement"},
		ExpressionAttributeValues: attribute.Item{
			":record": attribute.Text(store.RecordPrefix), ":since": attribute.Number(since.UnixMilli()),
			":text": attribute.Text("S"), ":none": attribute.Text(""),
		},
	}
	err = deployment.Scan(ctx, l.DB, in, func(found attribute.Item) error {
		if len(all) == limit {
			return errEnough
		}
		if store.Newer(found) {
			return newer(attribute.ReadText(found, "erasureId"))
		}
		all = append(all, read(found))
		return nil
	})
	if more = errors.Is(err, errEnough); more {
		err = nil
	}
	slices.SortFunc(all, func(a, b Erasure) int { return cmp.Compare(b.ID, a.ID) })
	return all, more, err
}

// ended is the condition that a record has the statement of its end. Without it an
// erasure is not over, whatever else its record says.
const ended = "(attribute_type(#statement, :text) AND #statement <> :none)"

// ofNobody is the condition that a record is one of a restore, a hold or a sweep of a
// rule of retention, without digests. A kind alone is not believed: whoever is on record
// as erased stays so.
const ofNobody = "((kind = :restored OR kind = :hold OR kind = :sweep) AND " + ended + " AND attribute_not_exists(accepted)" +
	" AND attribute_not_exists(subjects) AND attribute_not_exists(subjectsIn))"

var (
	finishedSince = "begins_with(erasureId, :record) AND attribute_exists(requestedAt) AND " + ended +
		" AND (attribute_not_exists(finishedAt) OR finishedAt >= :since)"
	errEnough = errors.New("ledger: enough")
)

// Digests calls each with every digest of the erasures that are open or ended since then.
// A record without the statement of the end is one of an erasure that is open, whether or
// not its job is there; one that does not say when it ended is taken for one that ended
// since. Records of keys, holds and restores have no digests. The error is one of each,
// or a sentence; so is an erasure whose digests cannot be read, which must not look like
// one of nobody.
func (l Ledger) Digests(ctx context.Context, since time.Time, each func(digest string) error) error {
	return deployment.Scan(ctx, l.DB, &dynamodb.ScanInput{
		TableName: &l.Table, ConsistentRead: aws.Bool(true),
		ProjectionExpression: aws.String("erasureId, subjects, subjectsIn, v"),
		FilterExpression: aws.String("attribute_exists(openShard) OR begins_with(erasureId, :record)" +
			" AND NOT begins_with(erasureId, :key) AND NOT " + ofNobody + " AND (finishedAt >= :since" +
			" OR NOT " + ended + " OR NOT attribute_type(finishedAt, :number))"),
		ExpressionAttributeNames: map[string]string{"#statement": "statement"},
		ExpressionAttributeValues: attribute.Item{
			":hold":     attribute.Text(store.NoteKind),
			":sweep":    attribute.Text(store.SweepKind),
			":restored": attribute.Text(restoredKind),
			":since":    attribute.Number(since.UnixMilli()),
			":record":   attribute.Text(store.RecordPrefix), ":number": attribute.Text("N"),
			":key": attribute.Text(store.RecordPrefix + keyPrefix), ":text": attribute.Text("S"), ":none": attribute.Text(""),
		},
	}, func(found attribute.Item) error {
		if store.Newer(found) {
			return newer(attribute.ReadText(found, "erasureId"))
		}
		digests, whole, err := l.subjects(ctx, found)
		if err == nil && (!whole || len(digests) == 0) {
			err = fmt.Errorf("the digests of the erasure %s in the ledger cannot be read:"+
				" nothing can be said of whom it is about", attribute.ReadText(found, "erasureId"))
		}
		for _, digest := range digests {
			if err == nil {
				err = each(digest)
			}
		}
		return err
	})
}

// subjects are the digests of an erasure, as store.Subjects gives them. Those of many
// numbers lie in an item of their own.
func (l Ledger) subjects(ctx context.Context, found attribute.Item) (all []string, whole bool, err error) {
	if found["subjectsIn"] != nil {
		if found, err = l.get(ctx, attribute.ReadText(found, "subjectsIn")); err != nil {
			return nil, false, err
		}
	}
	all, whole = store.Subjects(found)
	return all, whole, nil
}

// newer is store.ErrNewer of an item of the ledger.
func newer(id string) error { return fmt.Errorf("%s in the ledger: %w", id, store.ErrNewer) }

// get reads an item of the ledger, nil where there is none. store.ErrNewer.
func (l Ledger) get(ctx context.Context, id string) (attribute.Item, error) {
	if id == "" { // DynamoDB takes no empty key
		return nil, nil
	}
	found, err := deployment.Get(ctx, l.DB, l.Table, key(id))
	if err == nil && store.Newer(found) {
		return nil, newer(id)
	}
	return found, err
}

func key(id string) attribute.Item { return attribute.Item{"erasureId": attribute.Text(id)} }
