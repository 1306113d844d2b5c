package store

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// The record of an erasure is evidence: it comes with the job, and nobody deletes it
// before a rule of retention does (EraseRecord). It carries two statements of the sealed
// log (shared/statement), each as the very bytes that are hashed: accepted from the
// opening on, statement from the end on. While one of them is not sealed, unlogged and
// unloggedAt put the record into the index that seal-ledger reads.

// End is what the end of an erasure writes into its record, besides the job's counts.
type End struct {
	Finished     time.Time
	Verified     time.Time // when the last pass began, which found nothing
	BackupsUntil time.Time // when no backup holds the data any more
	Statement    string    // the statement of the end, one line
	Outcomes     Outcomes  // of every subject
}

// kind is the word for the job's kind in its record.
func (j *Job) kind() string {
	if j.IsCustomer() {
		return "customer"
	}
	return "numbers"
}

// addTicket adds the job's ticket to its item, or to its record, and the hold whose
// release opened it.
func (j *Job) addTicket(item object) {
	if j.Because != "" {
		item["because"] = text(j.Because)
	}
	if j.Ticket != nil {
		item["ticket"] = binary(j.Ticket)
	}
}

// record is what the job's record says of it from the opening on, but for the statement.
func (j *Job) record() object {
	id := RecordPrefix + j.ID
	item := object{
		"erasureId": text(id), "kind": text(j.kind()), "scope": text(j.Scope),
		"requestedBy": text(j.RequestedBy), "requestedAt": millis(j.RequestedAt),
		"state": open, "unlogged": text(shard(id)), "unloggedAt": millis(j.RequestedAt),
	}
	if j.SubjectsIn == "" {
		item["subjects"] = texts(j.Subjects)
	} else {
		item["subjectsIn"] = text(j.SubjectsIn)
	}
	j.addTicket(item)
	return Stamp(item)
}

// begin puts the record of a job that is being opened. The condition is for a request
// that is sent again when its erasure is already over: it must not begin once more.
func (e Erasures) begin(job *Job) types.TransactWriteItem {
	item := job.record()
	item["accepted"], item["job"] = text(job.Accepted), text(job.Key)
	return types.TransactWriteItem{Put: &types.Put{
		TableName: &e.Table, Item: item, ConditionExpression: aws.String("attribute_not_exists(erasureId)"),
	}}
}

// ended is what the end adds to the record.
func (j *Job) ended(end End) object {
	item := object{
		"state": text("done"), "statement": text(end.Statement),
		"finishedAt": millis(end.Finished), "verifiedAt": millis(end.Verified),
		"backupsUntil": millis(end.BackupsUntil), "outcomes": binary(end.Outcomes),
		"lastRequestedAt": millis(j.LastRequestedAt), "requests": number(j.Requests), "passes": number(j.Passes),
		"found": number(j.Found + j.Entombed), "deleted": number(j.Deleted + j.Entombed),
		"unlogged": text(shard(RecordPrefix + j.ID)), "unloggedAt": millis(end.Finished),
	}
	if j.AtLeast {
		item["atLeast"] = flag(true)
	}
	if j.Unreadable {
		item["unreadable"] = flag(true)
	}
	return item
}

// end updates the record of a job that ends, on condition that the record is there and
// open: a statement is written once.
func (e Erasures) end(job *Job, end End) types.TransactWriteItem {
	update, names, values := "SET ", map[string]string{"#job": "job"}, object{}
	for name, value := range job.ended(end) {
		if len(values) > 0 {
			update += ", "
		}
		update += "#" + name + " = :" + name
		names["#"+name], values[":"+name] = name, value
	}
	names["#accepted"], values[":v"] = "accepted", schema
	return types.TransactWriteItem{Update: &types.Update{
		TableName: &e.Table, Key: ledgerKey(RecordPrefix + job.ID),
		ConditionExpression:      aws.String("attribute_exists(#accepted) AND attribute_not_exists(#statement) AND " + understood),
		UpdateExpression:         aws.String(update + " REMOVE #job"),
		ExpressionAttributeNames: names, ExpressionAttributeValues: values,
		ReturnValuesOnConditionCheckFailure: allOld,
	}}
}

// endAnew puts the record of a job that ends where there is no record of it any more.
func (e Erasures) endAnew(job *Job, end End) types.TransactWriteItem {
	item := job.record()
	for name, value := range job.ended(end) {
		item[name] = value
	}
	return types.TransactWriteItem{Put: &types.Put{
		TableName: &e.Table, Item: item, ConditionExpression: aws.String("attribute_not_exists(erasureId)"),
	}}
}
