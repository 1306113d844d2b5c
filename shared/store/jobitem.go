package store

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// millis is a time as Unix milliseconds, 0 for the zero time.
func millis(t time.Time) types.AttributeValue {
	if t.IsZero() {
		return number(0)
	}
	return number(t.UnixMilli())
}

// millis is the inverse of the function millis.
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

// readJob reads the item of an open job.
func readJob(item object) *Job {
	job := &Job{
		Key: item.text("erasureId"), ID: item.text("id"), Scope: item.text("scope"),
		RequestedBy: item.text("requestedBy"), RequestedAt: item.millis("requestedAt"), Ticket: item.bytes("ticket"),
		LastRequestedAt: item.millis("lastRequestedAt"), LastRequestedBy: item.text("lastRequestedBy"),
		LastTicket: item.bytes("lastTicket"), Requests: item.number("requests"),
		Identifiers: item.texts("identifiers"), Subjects: item.texts("subjects"), SubjectsIn: item.text("subjectsIn"),
		Fence: item.number("fence"), Found: item.number("found"), Deleted: item.number("deleted"),
		Entombed: item.number("entombed"), AtLeast: item.flag("atLeast"),
		Passes: item.number("passes"), Failures: item.number("failures"), PassStarted: item.millis("passStarted"),
		Cursor: int(item.number("cursor")), HandedOver: item.flag("handedOn"),
		Unreadable: item.flag("unreadable"), Unanswered: item.millis("unanswered"), Outcomes: item.bytes("outcomes"),
		Because: item.text("because"), Holds: item.texts("keptBy"),
	}
	if job.LastRequestedAt.Before(job.RequestedAt) { // the clock of a call that joined was behind
		job.LastRequestedAt = job.RequestedAt
	}
	job.keptBefore = len(job.Holds) > 0
	// Each lease makes fence one more; counted is the last lease whose end is in
	// failures. The present lease is fence itself, and those between are of workers that
	// died.
	job.Died = max(0, job.Fence-1-item.number("counted"))
	job.Failures += job.Died
	if pending, ok := item["pending"].(*types.AttributeValueMemberM); ok {
		p := object(pending.Value)
		job.Pending = Pending{Count: p.number("count"), To: int(p.number("to")), Through: p.texts("through")}
	}
	return job
}

// jobNames are the names in progress, held and beginAgain that DynamoDB reserves, and the
// id with them.
var jobNames = map[string]string{"#cursor": "cursor", "#found": "found", "#id": "id"}

// progress is what a worker writes down of the job: a SET clause, and its values. counted
// is the last lease whose end is in Failures.
func (j *Job) progress(counted int64) (set string, values object) {
	set = "SET #found = :found, deleted = :deleted, passes = :passes, failures = :failures, counted = :counted," +
		" passStarted = :started, #cursor = :cursor, pending = :pending, handedOn = :handed"
	values = object{
		":found": number(j.Found), ":deleted": number(j.Deleted), ":passes": number(j.Passes),
		":failures": number(j.Failures), ":counted": number(counted), ":started": millis(j.PassStarted),
		":cursor": number(j.Cursor), ":pending": j.Pending.value(), ":handed": flag(j.HandedOver),
	}
	if len(j.Outcomes) > 0 {
		set, values[":outcomes"] = set+", outcomes = :outcomes", binary(j.Outcomes)
	}
	if j.keptBefore = j.keptBefore || len(j.Holds) > 0; j.keptBefore {
		set, values[":kept"] = set+", keptBy = :kept", texts(j.Holds)
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
