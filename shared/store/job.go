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
		Identifiers: item.texts("identifiers"), Subjects: item.texts("subjects"),
		Fence: item.number("fence"), Found: item.number("found"), Deleted: item.number("deleted"),
		Passes: item.number("passes"), Failures: item.number("failures"), PassStarted: item.millis("passStarted"),
		Cursor: int(item.number("cursor")),
	}
	if pending, ok := item["pending"].(*types.AttributeValueMemberM); ok {
		p := object(pending.Value)
		job.Pending = Pending{Count: p.number("count"), To: int(p.number("to")), Through: p.texts("through")}
	}
	return job
}
