package ledger

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/shared/statement"
	"customercare/shared/store"
)

// ErrNone says that the ledger has nothing under an id.
var ErrNone = errors.New("the ledger has no such erasure")

// Show reads one erasure by its job or its id, which may also stand as in the header
// Link, /erasures/<id>. The id of a customer's job that is done leads to the record that
// it points to. ErrNone.
func (l Ledger) Show(ctx context.Context, id string) (Erasure, error) {
	id = id[strings.LastIndexByte(id, '/')+1:]
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
		if found["requestedAt"] != nil || attribute.ReadText(found, "kind") == keyKind {
			e := read(found)
			e.AcceptedLeaf, e.EndLeaf = leaf(record, "acceptedLeaf"), leaf(record, "endLeaf")
			e.AcceptedSealedAt, e.EndSealedAt = millis(record, "acceptedSealedAt"), millis(record, "endSealedAt")
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
	digest, listed := strings.CutPrefix(attribute.ReadText(found, "subjectsIn"), "subjects-")
	if listed && found["identifiers"] == nil {
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

// read makes an erasure of a job or of a record.
func read(found attribute.Item) Erasure {
	text := func(name string) string { return attribute.ReadText(found, name) }
	number := func(name string) int64 { return attribute.ReadNumber(found, name) }
	// A job counts customers that were written over its tombstone apart. Both count, as
	// for those who ask over the API (store.Erasures.ReadProgress).
	items, deleted := number("found")+number("entombed"), number("deleted")+number("entombed")
	e := Erasure{
		ID: text("erasureId"), Kind: text("kind"), Scope: text("scope"), RequestedBy: text("requestedBy"),
		RequestedAt: millis(found, "requestedAt"), LastRequestedAt: millis(found, "lastRequestedAt"),
		Requests: number("requests"), Failures: number("failures"), FinishedAt: millis(found, "finishedAt"),
		Found: &items, Deleted: &deleted, Passes: number("passes"),
		AtLeast: flag(found, "atLeast"), Unreadable: flag(found, "unreadable"),
		VerifiedAt: millis(found, "verifiedAt"), BackupsUntil: millis(found, "backupsUntil"),
	}
	switch {
	case found["openShard"] == nil:
		e.State, e.Job = Finished, strings.TrimPrefix(e.ID, store.RecordPrefix)
		switch said, err := statement.Parse([]byte(text("statement"))); {
		case text("statement") == "":
			e.State, e.JobGone = Open, true
			e.Found, e.Deleted = nil, nil // which the job knew
		case e.Kind == keyKind, e.Kind == restoredKind:
			e.Found, e.Deleted = nil, nil
			if err == nil {
				e.FinishedAt = &said.At.Time
			}
		case err == nil && said.Swept != nil:
			e.Found, e.Deleted, e.AtLeast = &said.Swept.Found, &said.Swept.Erased, said.Swept.AtLeast
		case err == nil && said.Subjects != nil:
			e.Outcomes = count(found["outcomes"], said.Subjects.N)
		}
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

// count counts the outcomes of n data subjects in a record.
func count(value types.AttributeValue, n int) *Outcomes {
	packed, _ := value.(*types.AttributeValueMemberB)
	if packed == nil {
		return nil
	}
	var counts Outcomes
	for i := range n {
		switch store.Outcomes(packed.Value).Of(i) {
		case store.Erased:
			counts.Erased++
		case store.Held:
			counts.Held++
		default:
			counts.NotFound++
		}
	}
	return &counts
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
