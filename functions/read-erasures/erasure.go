package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"customercare/shared/gateway"
	"customercare/shared/operation"
	"customercare/shared/principal"
	"customercare/shared/statement"
	"customercare/shared/store"
)

// The statuses of an erasure that is open. One that is over has the type of its statement
// as its status.
const (
	accepted  = "accepted"  // nobody has worked on it
	erasing   = "erasing"   // somebody has
	verifying = "verifying" // a pass found nothing; it waits for its last pass, or makes it
)

// erasureAnswer is what GET /erasures/{id} answers.
type erasureAnswer struct {
	ID           string            `json:"id"`
	Status       string            `json:"status"`
	Kind         string            `json:"kind"`
	Scope        string            `json:"scope"`
	By           string            `json:"by"`
	Accepted     statement.Time    `json:"accepted,omitzero"`
	Finished     statement.Time    `json:"finished,omitzero"`
	Verified     statement.Time    `json:"verified,omitzero"`
	Found        int64             `json:"found"`
	Erased       int64             `json:"erased"`
	AtLeast      bool              `json:"atLeast,omitempty"`
	Unreadable   bool              `json:"unreadable,omitempty"`
	Failing      int64             `json:"failing"`
	Outcomes     *outcomeCounts    `json:"outcomes,omitempty"` // at the end
	BackupsUntil statement.Time    `json:"backupsUntil,omitzero"`
	Log          map[string]sealed `json:"log"` // by the statement's type
	Links        links             `json:"links"`
}

// outcomeCounts are how many subjects have each outcome.
type outcomeCounts struct {
	Erased   int `json:"erased"`
	NotFound int `json:"not_found"`
	Held     int `json:"held"`
}

// sealed is a statement's place in the log.
type sealed struct {
	Leaf   int64          `json:"leaf"`
	Sealed statement.Time `json:"sealed"`
}

// links are where the caller can go on. A receipt is there only when something is sealed.
type links struct {
	Receipt string `json:"receipt,omitempty"`
}

// erasure answers GET /erasures/{id}.
func (h handler) erasure(ctx context.Context, call *gateway.Call, reader principal.Reader) (any, error) {
	record, err := h.record(ctx, call, reader)
	if err != nil {
		return nil, err
	}
	record, progress, err := h.ledger.ReadProgress(ctx, record)
	if err != nil {
		return nil, err
	}
	status, err := statusOf(record, progress)
	if err != nil {
		return nil, err
	}
	answer := erasureAnswer{
		ID: record.ID, Status: status, Kind: record.Kind, Scope: record.Scope, By: record.RequestedBy,
		Accepted: timeOf(record.RequestedAt), Finished: timeOf(record.Finished),
		Verified: timeOf(record.Verified), BackupsUntil: timeOf(record.BackupsUntil),
		Found: record.Found, Erased: record.Deleted,
		AtLeast: record.AtLeast, Unreadable: record.Unreadable, Log: map[string]sealed{},
	}
	if progress != nil {
		answer.Found, answer.Erased, answer.Failing = progress.Found, progress.Deleted, progress.Failures
		answer.AtLeast, answer.Unreadable = progress.AtLeast, progress.Unreadable
	}
	if record.Statement != "" && record.Accepted != "" {
		if answer.Outcomes, err = countOutcomes(record); err != nil {
			return nil, err
		}
	}
	for name, place := range map[string]*store.Place{accepted: record.AcceptedIn, status: record.EndedIn} {
		if place != nil {
			answer.Log[name] = sealed{place.Leaf, timeOf(place.Sealed)}
			answer.Links.Receipt = call.Path("/erasures/" + record.ID + "/receipt")
		}
	}
	return answer, nil
}

// record reads the record that the path names, once, and gives it to those who may see
// it. For everybody else it is errNotFound, after the same reading.
func (h handler) record(ctx context.Context, call *gateway.Call, reader principal.Reader) (store.Record, error) {
	id, err := call.PathID("id", len("20261127T101112Z-0123456789abcdef"))
	if err != nil || !store.IsID(id) {
		return store.Record{}, errNotFound
	}
	record, err := h.ledger.ReadRecord(ctx, id)
	if errors.Is(err, store.ErrNoRecord) || err == nil && !mayRead(reader, record) {
		return store.Record{}, errNotFound
	}
	return record, err
}

// mayRead says whether the record is about what is the reader's own. An operator who is
// let in here may read all.
func mayRead(reader principal.Reader, record store.Record) bool {
	switch reader.Kind {
	case operation.Operator:
		return true
	case operation.APIUser:
		return record.Kind == statement.Customer && slices.Contains(reader.Accounts, record.Scope)
	case operation.App:
		return record.Kind == statement.Numbers && reader.TenantID != "" && record.Scope == reader.TenantID
	}
	return false
}

// statusOf is the status of an erasure; progress is that of its job while it is open.
func statusOf(record store.Record, progress *store.Progress) (string, error) {
	switch {
	case record.Statement != "":
		said, err := statement.Parse([]byte(record.Statement))
		return said.Type, err
	case progress != nil && progress.Verifying:
		return verifying, nil
	case progress != nil && progress.Begun:
		return erasing, nil
	}
	return accepted, nil
}

// countOutcomes counts the outcomes of an erasure that is over.
func countOutcomes(record store.Record) (*outcomeCounts, error) {
	said, err := statement.Parse([]byte(record.Statement))
	if err != nil || said.Subjects == nil {
		return nil, err
	}
	var counts outcomeCounts
	for i := range said.Subjects.N {
		switch outcomeNames[record.Outcomes.Of(i)] {
		case erasedName:
			counts.Erased++
		case heldName:
			counts.Held++
		default:
			counts.NotFound++
		}
	}
	return &counts, nil
}

// timeOf is a stored time, the zero Time for none.
func timeOf(at time.Time) statement.Time {
	if at.IsZero() {
		return statement.Time{}
	}
	return statement.TimeOf(at)
}
