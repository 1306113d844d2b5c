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
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

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
	Kind            string     `json:"kind"` // customer or numbers
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
	// AcceptedLeaf and EndLeaf are the numbers of its leaves in the sealed log, nil until
	// they are sealed.
	AcceptedLeaf *int64   `json:"acceptedLeaf,omitempty"`
	EndLeaf      *int64   `json:"endLeaf,omitempty"`
	Identifiers  []string `json:"identifiers,omitempty"`
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
	return all, more, deployment.GetAll(ctx, l.DB, l.Table, keys, func(found attribute.Item) {
		places[attribute.ReadText(found, "erasureId")].Job = attribute.ReadText(found, "id") // the index has none
	})
}

// Finished lists records of erasures that ended since then, the last first. It reads the
// ledger until it has limit of them; more says that there may be others.
func (l Ledger) Finished(ctx context.Context, since time.Time, limit int) (all []Erasure, more bool, err error) {
	all = []Erasure{}
	in := &dynamodb.ScanInput{
		TableName:        &l.Table,
		FilterExpression: &finishedSince, ExpressionAttributeNames: map[string]string{"#state": "state"},
		ExpressionAttributeValues: attribute.Item{
			":record": attribute.Text(store.RecordPrefix), ":since": attribute.Number(since.UnixMilli()),
			":open": attribute.Text(Open),
		},
	}
	err = deployment.Scan(ctx, l.DB, in, func(found attribute.Item) error {
		if len(all) == limit {
			return errEnough
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

var (
	finishedSince = "begins_with(erasureId, :record) AND attribute_exists(requestedAt) AND #state <> :open" +
		" AND (attribute_not_exists(finishedAt) OR finishedAt >= :since)"
	errEnough = errors.New("ledger: enough")
)

// ErrNone says that the ledger has nothing under an id.
var ErrNone = errors.New("the ledger has no such erasure")

// Show reads one erasure by its job or its id. The id of a customer's job that is done
// leads to the record that it points to. ErrNone.
func (l Ledger) Show(ctx context.Context, id string) (Erasure, error) {
	e, err := l.show(ctx, id, store.RecordPrefix+id)
	if !errors.Is(err, ErrNone) {
		return e, err
	}
	open, _, err := l.Open(ctx, false, mostOpen)
	for _, other := range open {
		if err == nil && other.Job == strings.TrimPrefix(id, store.RecordPrefix) {
			return l.show(ctx, other.ID, store.RecordPrefix+other.Job) // it may have ended just now
		}
	}
	return e, cmp.Or(err, ErrNone)
}

// show reads the erasure that stands under the first of the keys that has one. ErrNone.
func (l Ledger) show(ctx context.Context, keys ...string) (Erasure, error) {
	for _, key := range keys {
		found, err := l.get(ctx, key)
		if err != nil {
			return Erasure{}, err
		}
		if record := attribute.ReadText(found, "record"); record != "" {
			if found, err = l.get(ctx, record); err != nil {
				return Erasure{}, err
			}
		}
		id, record := attribute.ReadText(found, "id"), found
		if job := attribute.ReadText(found, "job"); job != "" { // the record of an open erasure
			id = strings.TrimPrefix(attribute.ReadText(found, "erasureId"), store.RecordPrefix)
			if found, err = l.get(ctx, job); err == nil && attribute.ReadText(found, "id") != id {
				found, err = l.get(ctx, store.RecordPrefix+id) // it has ended just now
			}
		} else if id != "" { // a job, whose record knows its leaves
			record, err = l.get(ctx, store.RecordPrefix+id)
		}
		if err != nil {
			return Erasure{}, err
		}
		if found["requestedAt"] != nil {
			e := read(found)
			e.AcceptedLeaf, e.EndLeaf = leaf(record, "acceptedLeaf"), leaf(record, "endLeaf")
			e.Subjects, _, err = l.subjects(ctx, found)
			return e, err
		}
	}
	return Erasure{}, ErrNone
}

// Identifiers are the raw identifiers of an open erasure: personal data, which leave the
// ledger when the erasure ends. ErrNone when it has none any more.
func (l Ledger) Identifiers(ctx context.Context, id string) ([]string, error) {
	found, err := l.get(ctx, id)
	if err != nil {
		return nil, err
	}
	if digest, listed := strings.CutPrefix(attribute.ReadText(found, "subjectsIn"), "subjects-"); listed {
		if found, err = l.get(ctx, "identifiers-"+digest); err != nil {
			return nil, err
		}
	}
	identifiers, _ := store.Texts(found["identifiers"])
	if len(identifiers) == 0 {
		return nil, ErrNone
	}
	return identifiers, nil
}

// Digests calls each with every digest of the erasures that are open or ended since then.
// A record without the statement of the end is one of an erasure that is open, whether or
// not its job is there; one that does not say when it ended is taken for one that ended
// since. Records of keys have no digests. The error is one of each, or a sentence; so is
// an erasure whose digests cannot be read, which must not look like one of nobody.
func (l Ledger) Digests(ctx context.Context, since time.Time, each func(digest string) error) error {
	return deployment.Scan(ctx, l.DB, &dynamodb.ScanInput{
		TableName: &l.Table, ConsistentRead: aws.Bool(true),
		ProjectionExpression: aws.String("erasureId, subjects, subjectsIn"),
		FilterExpression: aws.String("attribute_exists(openShard) OR begins_with(erasureId, :record)" +
			" AND NOT begins_with(erasureId, :key) AND (finishedAt >= :since" +
			" OR attribute_not_exists(#statement) OR NOT attribute_type(finishedAt, :number))"),
		ExpressionAttributeNames: map[string]string{"#statement": "statement"},
		ExpressionAttributeValues: attribute.Item{
			":since":  attribute.Number(since.UnixMilli()),
			":record": attribute.Text(store.RecordPrefix), ":number": attribute.Text("N"),
			":key": attribute.Text(store.RecordPrefix + keyPrefix),
		},
	}, func(found attribute.Item) error {
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

// get reads an item of the ledger, nil where there is none.
func (l Ledger) get(ctx context.Context, id string) (attribute.Item, error) {
	if id == "" { // DynamoDB takes no empty key
		return nil, nil
	}
	return deployment.Get(ctx, l.DB, l.Table, key(id))
}

func key(id string) attribute.Item { return attribute.Item{"erasureId": attribute.Text(id)} }

// read makes an erasure of a job or of a record.
func read(found attribute.Item) Erasure {
	text := func(name string) string { return attribute.ReadText(found, name) }
	number := func(name string) int64 { return attribute.ReadNumber(found, name) }
	items, deleted := number("found"), number("deleted")
	e := Erasure{
		ID: text("erasureId"), Kind: text("kind"), Scope: text("scope"), RequestedBy: text("requestedBy"),
		RequestedAt: millis(found, "requestedAt"), LastRequestedAt: millis(found, "lastRequestedAt"),
		Requests: number("requests"), Failures: number("failures"), FinishedAt: millis(found, "finishedAt"),
		Found: &items, Deleted: &deleted, Passes: number("passes"),
		AtLeast: flag(found, "atLeast"), Unreadable: flag(found, "unreadable"),
	}
	switch {
	case found["openShard"] == nil:
		e.State, e.Job = Finished, strings.TrimPrefix(e.ID, store.RecordPrefix)
		return e
	case e.Failures > 0:
		e.State = Failing
	default:
		e.State = Open
	}
	idle := found["leaseOwner"] == nil && !flag(found, "handedOn") && e.State == Open
	e.Waiting = idle && (e.Passes > 0 || store.IsCustomerJob(e.ID)) // numbers begin idle, and not empty
	e.Job, e.Kind, e.DueAt = text("id"), kind(e.ID), millis(found, "dueAt")
	return e
}

// leaf is the number of a leaf, nil where it is not sealed.
func leaf(record attribute.Item, name string) *int64 {
	if record[name] == nil {
		return nil
	}
	n := attribute.ReadNumber(record, name)
	return &n
}

func kind(job string) string {
	if store.IsCustomerJob(job) {
		return "customer"
	}
	return "numbers"
}

// millis is a time that is stored in Unix milliseconds, nil where there is none.
func millis(found attribute.Item, name string) *time.Time {
	ms := attribute.ReadNumber(found, name)
	if ms == 0 {
		return nil
	}
	return utc(time.UnixMilli(ms))
}

func utc(at time.Time) *time.Time {
	at = at.UTC()
	return &at
}

func flag(found attribute.Item, name string) bool {
	value, ok := found[name].(*types.AttributeValueMemberBOOL)
	return ok && value.Value
}
