// Package statement makes and reads the statements of the sealed log: what was accepted,
// what was erased, which key of digests was destroyed. A statement is one line of JSON,
// and one leaf of the log. It names no data subject: only commitments that the subject
// itself can open (package digest).
//
// The line is made once, with its fields in a fixed order, and stored as it is. Nobody
// makes it again from its fields, so there is no canonical form that two programs could
// disagree about.
package statement

import (
	"encoding/json"
	"errors"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// The types of statements.
const (
	// Accepted says that an erasure is on record, and will be carried out.
	Accepted = "accepted"
	// Erased says that an erasure is done.
	Erased = "erased"
	// Partial says that an erasure is done, but for what holds keep.
	Partial = "partial"
	// Held says that a hold was placed; with Because, that an erasure was refused because
	// of one.
	Held = "held"
	// Released says that a hold holds no more.
	Released = "released"
	// KeyDestroyed says that a key of digests is gone. Nobody can tell any more whom the
	// statements with digests under that key are about.
	KeyDestroyed = "key-destroyed"
	// Restore says that records of a backup were loaded, and nobody came back who
	// was erased after its time.
	Restore = "restored"
	// Retention says that a sweep of a rule of retention has ended.
	Retention = "retention"
)

// The kinds of erasures.
const (
	Customer = "customer" // operation 3: a loyalty customer of an account
	Numbers  = "numbers"  // operation 4: customer numbers of a tenant
	Number   = "number"   // of a hold: one of them
)

// version is the form of the lines that this package makes and reads.
const version = 1

// Statement is the content of a line. Which fields a line has depends on its type; a zero
// field is left out. The order of the fields is the order in the line.
type Statement struct {
	Version  int       `json:"v"`              // Line sets it
	Type     string    `json:"type"`           // Accepted, Erased, ...
	ID       string    `json:"id"`             // of the erasure, or of the key's record
	Kind     string    `json:"kind,omitempty"` // Customer or Numbers, of a hold Number
	Scope    string    `json:"scope,omitempty"`
	By       string    `json:"by,omitempty"`      // who asked: an API user, an app, an operator
	Accepted Time      `json:"accepted,omitzero"` // when the erasure was put on record
	Ticket   []byte    `json:"ticket,omitempty"`  // SHA-256 of the caller's ticket
	Because  string    `json:"because,omitempty"` // the hold whose release it came from, or that refused it
	*End               // of Erased and Partial
	Hold     string    `json:"hold,omitempty"`      // of Held and Released: the hold's id
	Key      string    `json:"key,omitempty"`       // of KeyDestroyed: the key's id
	At       Time      `json:"at,omitzero"`         // of Held, Released and the types below them: when
	Restored *Restored `json:"restored,omitempty"`  // of Restore
	Swept    *Swept    `json:"retention,omitempty"` // of Retention
	Subjects *Subjects `json:"subjects,omitempty"`  // of all but KeyDestroyed, Restore and Retention
}

// End is what an Erased or Partial statement says of the erasure's end.
type End struct {
	Finished Time `json:"finished"`
	// Verified is when the last pass began, which found nothing.
	Verified Time  `json:"verified"`
	Found    int64 `json:"found"`  // items that were found
	Erased   int64 `json:"erased"` // items that are known to be erased
	// AtLeast says that Found and Erased are lower bounds (docs/ledger.md).
	AtLeast bool `json:"atLeast,omitempty"`
	// Unreadable says that the parties of a contact could not be read (docs/ledger.md).
	Unreadable bool  `json:"unreadable,omitempty"`
	Passes     int64 `json:"passes"`
	// BackupsUntil is when the last backup that may still hold the data has run out.
	BackupsUntil Time `json:"backupsUntil"`
}

// Restored is what a Restore statement says. It counts items.
type Restored struct {
	Table      string `json:"table"`                // that was restored from a backup
	To         Time   `json:"to"`                   // to this time
	Read       int64  `json:"read"`                 // that the restored table holds
	LeftOut    int64  `json:"leftOut"`              // of them, about somebody who was erased since
	Loaded     int64  `json:"loaded"`               // of them, those that stand in the table in use
	Left       int64  `json:"left"`                 // in the table in use, about somebody who was erased since
	Unreadable int64  `json:"unreadable,omitempty"` // in the table in use: about whom cannot be read
	Held       int64  `json:"held,omitempty"`       // there, about somebody erased since: a hold keeps them
	Returned   int64  `json:"returned,omitempty"`   // there, about somebody erased since who came back by others' word
}

// Swept is what a Retention statement says. It counts items.
type Swept struct {
	Rule   string `json:"rule"`            // its name
	What   string `json:"what"`            // the kind of data: contacts, transactions, ...
	Days   int    `json:"days"`            // how old the data must be
	Scope  string `json:"scope,omitempty"` // the tenant or the account; absent: the whole stack
	Cutoff Time   `json:"cutoff"`          // before which the data lay
	Found  int64  `json:"found"`           // that the rule takes
	Erased int64  `json:"erased"`          // of them
	Kept   int64  `json:"kept"`            // of them, because of holds
	Left   int64  `json:"left"`            // of them, neither erased nor kept: for the next sweep
	// AtLeast says that the counts are lower bounds: a run died in this sweep.
	AtLeast bool `json:"atLeast,omitempty"`
}

// Line is the statement as it is stored and hashed: one line of JSON without a line feed.
func (s Statement) Line() []byte {
	s.Version = version
	line, err := json.Marshal(s)
	if err != nil { // every field can be written
		panic("statement: " + err.Error())
	}
	return line
}

// errLine says that a line is no statement of this version.
var errLine = errors.New("statement: not a statement of version 1")

// Parse reads a line. It takes fields that it does not know, because a later program may
// have made the line. Its error quotes nothing of the line.
func Parse(line []byte) (Statement, error) {
	var s Statement
	if err := json.Unmarshal(line, &s); err != nil || s.Version != version || s.Type == "" || s.ID == "" {
		return Statement{}, errLine
	}
	return s, nil
}

// Hash is the hash of a line as a leaf of the log (RFC 6962, section 2.1).
func Hash(line []byte) tlog.Hash { return tlog.RecordHash(line) }

// layout is how statements and answers write a time: RFC 3339, in UTC, in milliseconds.
const layout = "2006-01-02T15:04:05.000Z"

// Time is a moment in milliseconds, in UTC.
type Time struct{ time.Time }

// TimeOf cuts a time to the milliseconds that a Time holds.
func TimeOf(t time.Time) Time { return Time{t.UTC().Truncate(time.Millisecond)} }

// String is the time as a statement writes it.
func (t Time) String() string { return t.UTC().Format(layout) }

// MarshalText writes the time as String does.
func (t Time) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// MarshalJSON writes the time as String does.
func (t Time) MarshalJSON() ([]byte, error) { return []byte(`"` + t.String() + `"`), nil }

// UnmarshalJSON reads a time that MarshalJSON wrote, and no other form.
func (t *Time) UnmarshalJSON(text []byte) error {
	at, err := time.Parse(`"`+layout+`"`, string(text))
	if err != nil {
		return errLine
	}
	t.Time = at
	return nil
}
