package store

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
	"sync/atomic"
	"time"
)

// Job is an open erasure. Acquire reads it; the worker that holds it changes the fields
// below, and writes them down with Save, Release or an end.
type Job struct {
	Key             string // in the ledger: CustomerJob or NumbersJob
	ID              string // of the record that will stay; RequestOf names the call that opened it
	Scope           string // the account or tenant
	RequestedBy     string // name of the API user or app that asked first
	RequestedAt     time.Time
	Ticket          []byte    // SHA-256 of the ticket that came with the first call, nil without one
	Because         string    // the hold whose release opened the erasure, "" for a caller's own
	LastRequestedAt time.Time // by the last call that joined
	LastRequestedBy string    // of that call, as RequestedBy; "" where none joined
	LastTicket      []byte    // of that call, as Ticket
	Requests        int64     // calls that are counted: the first, and those that joined
	Identifiers     []string  // raw: the customer's code, or the numbers; see ReadIdentifiers
	Subjects        []string  // their digests, where SubjectsIn is ""
	SubjectsIn      string    // key of the ledger's item with the digests, where they are many

	Fence       int64 // counts leases; a worker whose fence is not the item's writes nothing
	Found       int64 // items seen; a page is counted before the first of it is deleted
	Deleted     int64 // items that are known to be deleted
	Entombed    int64 // customers written over the tombstone, and replaced by it again
	AtLeast     bool  // Found and Deleted are lower bounds, see Pending
	Passes      int64 // that came to their end; the last of them found nothing
	Failures    int64 // runs in a row that ended in an error, or with the worker's death
	Died        int64 // of those, the workers' deaths that this lease has found
	PassStarted time.Time
	Cursor      int // index of the first identifier that this pass has not verified yet
	Pending     Pending
	Outcomes    Outcomes // of the job's identifiers, as far as the passes have got
	Holds       []string // ids of those that this pass found to keep something
	HandedOver  bool     // there may be a handover of the job
	// Unreadable says that the parties of a contact could not be read: a copy may be left
	// under a number that nobody knows.
	Unreadable bool
	// Unanswered is when a deleting call last went unanswered, or may have; zero if none
	// did. DynamoDB may carry it out for as long as a writer may write, so only a pass
	// that began later can be the last.
	Unanswered time.Time

	listed bool // Identifiers stand in an item of their own: ReadIdentifiers finds it out

	// Accepted is the statement that the job is on record, as the record will have it
	// (shared/statement). Whoever opens the job gives it; the job does not keep it.
	Accepted string

	// These belong to the worker's run, and are not stored.

	Confirmed      atomic.Int64 // deletions that DynamoDB has confirmed
	LostAnswer     atomic.Bool  // a try of a deleting call had no answer; a later try may have had one
	OutcomeUnknown atomic.Bool  // it is not known what some deleting call has done
	// Undercounted says that a contact may have been deleted by a call without an answer,
	// and filed again before anybody looked: one deletion that is not counted.
	Undercounted atomic.Bool
	keptBefore   bool        // the item says something of Holds
	partly       atomic.Bool // some copies are gone of a contact that needs several calls
}

// Pending is what the worker is about to delete, written down before it begins. A worker
// that lives to see the answers counts the deletions itself.
//
// The successor of one that died reads the same range again, and counts as deleted what
// is missing there. Where something is left in the range, part of it may be new, and as
// much more was deleted. To tell that would take a write for every item, so the counts
// are lower bounds then (Job.AtLeast).
type Pending struct {
	Count   int64
	To      int      // index behind the last identifier in the range
	Through []string // for each identifier the last sort key read, "" where the page was the last
}

// IsCustomer tells a job of operation 3 from one of operation 4.
func (j *Job) IsCustomer() bool { return IsCustomerJob(j.Key) }

// IsCustomerJob is IsCustomer by the job's key.
func IsCustomerJob(key string) bool { return strings.HasPrefix(key, customerPrefix) }

// customer is the key in Customers of the one that a job of operation 3 is about.
func (j *Job) customer() string { return CustomerKey(j.Scope, j.Identifiers[0]) }

// Progressed says whether this run of the worker has deleted anything.
func (j *Job) Progressed() bool { return j.Confirmed.Load() > 0 || j.partly.Load() }

// requestSize is how many of an id's last characters name the call that it was made for.
const requestSize = 12

// NewID is a new id for a job's record. Ids sort by time.
func NewID(at time.Time) string {
	random := make([]byte, 8)
	_, _ = rand.Read(random) // never fails
	return at.UTC().Format("20060102T150405Z") + "-" + hex.EncodeToString(random)
}

// RequestOf names the call of a caller for which an id was made. All that the call writes
// goes under this name, so that it is counted once, however often it is sent.
func RequestOf(id string) string { return id[len(id)-requestSize:] }

// NewIDFor is another new id for the same call.
func NewIDFor(request string, at time.Time) string {
	id := NewID(at)
	return id[:len(id)-requestSize] + request
}
