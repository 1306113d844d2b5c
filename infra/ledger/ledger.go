// Package ledger reads the ledger of erasures for people: what is open, what fails, and the
// records of what is finished. It gives no raw identifier of an open erasure but where it is
// asked for it (Ledger.Identifiers).
package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/item"
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
	// ID is the ledger's key: of a finished erasure that of its record ("erasure-..."), of
	// an open one that of its job ("customer-<digest>" or "numbers-<digest>").
	ID              string     `json:"id"`
	State           string     `json:"state"`
	Kind            string     `json:"kind"` // customer or numbers
	Scope           string     `json:"scope,omitempty"`
	RequestedBy     string     `json:"requestedBy,omitempty"`
	RequestedAt     *time.Time `json:"requestedAt,omitempty"`
	LastRequestedAt *time.Time `json:"lastRequestedAt,omitempty"`
	Requests        int64      `json:"requests,omitempty"`
	FinishedAt      *time.Time `json:"finishedAt,omitempty"`
	DueAt           *time.Time `json:"dueAt,omitempty"`    // when cleanup takes it up, if no worker has it
	Failures        int64      `json:"failures,omitempty"` // runs in a row that failed
	Found           int64      `json:"found"`
	Deleted         int64      `json:"deleted"`
	Passes          int64      `json:"passes,omitempty"`
	AtLeast         bool       `json:"atLeast,omitempty"`    // Found and Deleted are lower bounds
	Unreadable      bool       `json:"unreadable,omitempty"` // a contact's parties could not be read
	Subjects        []string   `json:"subjects,omitempty"`   // digests of whom it was about
	Identifiers     []string   `json:"identifiers,omitempty"`
}

// Open lists erasures that are open, the oldest first, at most limit. Those that fail are
// among them. Some fields are not filled: Show reads them.
func (l Ledger) Open(ctx context.Context, limit int) ([]Erasure, error) {
	erasures := store.Erasures{DB: l.DB, Table: l.Table, Index: openIndex}
	// The limit is spread over the index's parts, so more are asked for, and the rest is cut.
	jobs, err := erasures.ListOpen(ctx, 4*limit)
	if err != nil {
		return nil, fmt.Errorf("the open erasures cannot be listed: %w", err)
	}
	all := make([]Erasure, 0, len(jobs))
	for _, job := range jobs {
		e := Erasure{ID: job.Key, Kind: kind(job.Key), RequestedAt: &job.RequestedAt, DueAt: &job.DueAt, Failures: job.Failures}
		e.State = state(e)
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b Erasure) int { return a.RequestedAt.Compare(*b.RequestedAt) })
	return all[:min(limit, len(all))], nil
}

// Finished lists records of erasures that ended since then, the last first. It reads the
// ledger until it has limit of them; more says that there may be others.
func (l Ledger) Finished(ctx context.Context, since time.Time, limit int) (all []Erasure, more bool, err error) {
	in := &dynamodb.ScanInput{
		TableName:                 &l.Table,
		FilterExpression:          &finishedSince,
		ExpressionAttributeValues: item.Item{":record": item.S(store.RecordPrefix), ":since": item.N(since.UnixMilli())},
	}
	err = item.Scan(ctx, l.DB, in, func(found item.Item) error {
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
	finishedSince = "begins_with(erasureId, :record) AND (attribute_not_exists(finishedAt) OR finishedAt >= :since)"
	errEnough     = errors.New("ledger: enough")
)

// ErrNone says that the ledger has nothing under an id.
var ErrNone = errors.New("the ledger has no such erasure")

// Show reads one erasure by its id, that of a record without its "erasure-" too. The id of a
// customer's job that is done leads to the record that it points to. ErrNone.
func (l Ledger) Show(ctx context.Context, id string) (Erasure, error) {
	for _, key := range []string{id, store.RecordPrefix + id} {
		found, err := l.get(ctx, key)
		if err != nil {
			return Erasure{}, err
		}
		if record := item.Text(found["record"]); record != "" {
			if found, err = l.get(ctx, record); err != nil {
				return Erasure{}, err
			}
		}
		if found["requestedAt"] != nil {
			return l.whole(ctx, found)
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
	if digest, listed := strings.CutPrefix(item.Text(found["subjectsIn"]), "subjects-"); listed {
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

// whole reads an erasure with its digests, which may lie in an item of their own.
func (l Ledger) whole(ctx context.Context, found item.Item) (Erasure, error) {
	e, holder := read(found), found
	if in := item.Text(found["subjectsIn"]); in != "" {
		var err error
		if holder, err = l.get(ctx, in); err != nil {
			return e, err
		}
	}
	e.Subjects, _ = store.Subjects(holder)
	return e, nil
}

func (l Ledger) get(ctx context.Context, id string) (item.Item, error) {
	return item.Get(ctx, l.DB, l.Table, item.Item{"erasureId": item.S(id)})
}

// read makes an erasure of a job or of a record.
func read(found item.Item) Erasure {
	e := Erasure{
		ID: item.Text(found["erasureId"]), Kind: item.Text(found["kind"]),
		Scope: item.Text(found["scope"]), RequestedBy: item.Text(found["requestedBy"]),
		RequestedAt: item.Millis(found["requestedAt"]), LastRequestedAt: item.Millis(found["lastRequestedAt"]),
		Requests: item.Number(found["requests"]), FinishedAt: item.Millis(found["finishedAt"]),
		Found: item.Number(found["found"]), Deleted: item.Number(found["deleted"]), Passes: item.Number(found["passes"]),
		AtLeast: item.Flag(found["atLeast"]), Unreadable: item.Flag(found["unreadable"]),
	}
	if found["openShard"] != nil {
		e.DueAt, e.Failures = item.Millis(found["dueAt"]), item.Number(found["failures"])
		e.Kind = kind(e.ID)
	}
	e.State = state(e)
	return e
}

func kind(job string) string {
	if store.IsCustomerJob(job) {
		return "customer"
	}
	return "numbers"
}

func state(e Erasure) string {
	switch {
	case strings.HasPrefix(e.ID, store.RecordPrefix):
		return Finished
	case e.Failures > 0:
		return Failing
	}
	return Open
}
