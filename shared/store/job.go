package store

import (
	"crypto/rand"
	"encoding/hex"
	"math/bits"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Job is an open erasure.
type Job struct {
	Key             string // erasureId
	ID              string // of the record that will stay; it names the request that opened the job (RequestOf)
	Scope           string // account or tenant
	RequestedBy     string // name of the API user or app that asked first
	RequestedAt     time.Time
	LastRequestedAt time.Time // by the last of the repeats that joined
	Requests        int64
	Identifiers     []string // raw: the code, or the customer numbers; nil until ReadIdentifiers where SubjectsIn is set
	Subjects        []string // their digests, where SubjectsIn is ""
	SubjectsIn      string   // the ledger's item that holds the digests of many

	Fence       int64 // counts leases; a worker whose fence is no longer the item's writes nothing
	Found       int64 // items seen, each counted before the first of its page is deleted
	Deleted     int64 // items confirmed deleted
	Entombed    int64 // customers that were written over the tombstone, and replaced by it again
	AtLeast     bool  // Found and Deleted are lower bounds: see Pending
	Passes      int64 // that came to their end; the last of them found nothing
	Failures    int64 // runs in a row that ended in an error, or with the worker's death
	Died        int64 // those of Failures that this lease has found
	PassStarted time.Time
	Cursor      int // index of the first identifier this pass has not yet verified
	Pending     Pending
	Known       Known
	HandedOver  bool // a mark may stand
	Unreadable  bool // the parties of a contact could not be read: a copy may be left under a number that nobody knows

	// Unanswered is when a deleting call went unanswered last, or may have: it may be
	// carried out for as long as a writer may write, so no pass that began sooner is the
	// last. Zero: none did.
	Unanswered time.Time

	// Of this worker alone, not stored.
	Confirmed      atomic.Int64 // deletions confirmed
	partly         atomic.Bool  // some copies of a contact went, which does not go in one
	LostAnswer     atomic.Bool  // a deleting call has had no answer, though another try of it may have had one
	OutcomeUnknown atomic.Bool  // what became of a deleting call is not known
	// Undercounted says that a contact may have been deleted without an answer, and filed anew
	// before it was looked at again: one deletion more than is counted.
	Undercounted atomic.Bool
}

// Pending is what the worker is about to delete, written down before it begins. Whoever
// lives to see its deletions answered counts them. The successor of one who does not
// reads the same range again: what is missing there was deleted. Where something is left,
// some of it may have been written into the range since, and as much more of the range
// was deleted; to tell that would take a write for every item. Then the counts are lower
// bounds (Job.AtLeast).
type Pending struct {
	Count   int64
	To      int      // one behind the last identifier in the range
	Through []string // per identifier the last sort key read, "" where the page was the last
}

// Known is which of the identifiers the first pass has found, one bit each, the first of
// them the lowest of the first byte: written down before anything of theirs is deleted.
type Known []byte

// Add notes that the identifier with this index is known.
func (k *Known) Add(index int) {
	for len(*k) <= index/8 {
		*k = append(*k, 0)
	}
	(*k)[index/8] |= 1 << (index % 8)
}

// Count is how many are known.
func (k Known) Count() (n int) {
	for _, b := range k {
		n += bits.OnesCount8(b)
	}
	return n
}

// IsCustomer tells a job of operation 3 from one of operation 4.
func (j *Job) IsCustomer() bool { return IsCustomerJob(j.Key) }

// IsCustomerJob is IsCustomer by the job's key.
func IsCustomerJob(key string) bool { return strings.HasPrefix(key, customerJob) }

// Progressed says whether this worker has got anywhere.
func (j *Job) Progressed() bool { return j.Confirmed.Load() > 0 || j.partly.Load() }

// NewID is a fresh id for a job's record: it sorts by time.
func NewID(at time.Time) string {
	random := make([]byte, 8)
	_, _ = rand.Read(random) // never fails
	return at.UTC().Format("20060102T150405Z") + "-" + hex.EncodeToString(random)
}

// requestSize is how many of an id's last characters name the request that it was made
// for.
const requestSize = 12

// RequestOf names the request for which this id was made: what one call of a caller
// writes is counted once, however often it is sent.
func RequestOf(id string) string { return id[len(id)-requestSize:] }

// NewIDFor is another fresh id for the same request.
func NewIDFor(request string, at time.Time) string {
	id := NewID(at)
	return id[:len(id)-requestSize] + request
}

// millis is a time as Unix milliseconds, 0 for the zero time.
func millis(t time.Time) types.AttributeValue {
	if t.IsZero() {
		return number(0)
	}
	return number(t.UnixMilli())
}

func (o object) millis(name string) time.Time {
	n := o.number(name)
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMilli(n)
}

func (p Pending) value() types.AttributeValue {
	return object{"count": number(p.Count), "to": number(p.To), "through": texts(p.Through)}.value()
}

// readJob is the inverse of what Erasures writes for an open job.
func readJob(item object) *Job {
	job := &Job{
		Key: item.text("erasureId"), ID: item.text("id"), Scope: item.text("scope"),
		RequestedBy: item.text("requestedBy"), RequestedAt: item.millis("requestedAt"),
		LastRequestedAt: item.millis("lastRequestedAt"), Requests: item.number("requests"),
		Identifiers: item.texts("identifiers"), Subjects: item.texts("subjects"), SubjectsIn: item.text("subjectsIn"),
		Fence: item.number("fence"), Found: item.number("found"), Deleted: item.number("deleted"), Entombed: item.number("entombed"),
		Passes: item.number("passes"), Failures: item.number("failures"), PassStarted: item.millis("passStarted"),
		Cursor: int(item.number("cursor")), HandedOver: item.flag("handedOn"), Unreadable: item.flag("unreadable"),
		Unanswered: item.millis("unanswered"), AtLeast: item.flag("atLeast"),
	}
	if job.LastRequestedAt.Before(job.RequestedAt) { // a repeat's clock was behind, or it took long to be carried out
		job.LastRequestedAt = job.RequestedAt
	}
	// Each lease makes fence one more, and counted says up to which of them Failures
	// counts.
	job.Died = max(0, job.Fence-1-item.number("counted"))
	job.Failures += job.Died
	if pending, ok := item["pending"].(*types.AttributeValueMemberM); ok {
		p := object(pending.Value)
		job.Pending = Pending{Count: p.number("count"), To: int(p.number("to")), Through: p.texts("through")}
	}
	if known, ok := item["known"].(*types.AttributeValueMemberB); ok {
		job.Known = known.Value
	}
	return job
}

// progress is what a worker writes down of the job, as an update's SET clause and its
// values. counted is the last lease whose end is in Failures.
func (j *Job) progress(counted int64) (set string, values object) {
	set = "SET #found = :found, deleted = :deleted, passes = :passes, failures = :failures, counted = :counted," +
		" passStarted = :started, #cursor = :cursor, pending = :pending, handedOn = :handed"
	values = object{
		":found": number(j.Found), ":deleted": number(j.Deleted), ":passes": number(j.Passes), ":failures": number(j.Failures),
		":counted": number(counted),
		":started": millis(j.PassStarted), ":cursor": number(j.Cursor), ":pending": j.Pending.value(), ":handed": flag(j.HandedOver),
	}
	if len(j.Known) > 0 {
		set, values[":known"] = set+", known = :known", &types.AttributeValueMemberB{Value: j.Known}
	}
	if j.Unreadable {
		set, values[":unreadable"] = set+", unreadable = :unreadable", flag(true)
	}
	if !j.Unanswered.IsZero() {
		set, values[":unanswered"] = set+", unanswered = :unanswered", millis(j.Unanswered)
	}
	if j.AtLeast {
		set, values[":atLeast"] = set+", atLeast = :atLeast", flag(true)
	}
	return set, values
}
