package restore

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/repr"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/infra/ledger"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/erasure"
	"customercare/shared/store"
)

// erased puts the erasure of a customer into the ledger, done or open, and gives its
// record.
func erased(t *testing.T, inUse *dynamotest.Kit, code string, at time.Time, done bool) item {
	t.Helper()
	inUse.Put(t, inUse.Customers.Table, item{"customer": s("shop#" + code), "record": s("customer")})
	clock := &dynamotest.Clock{Time: at}
	timing := erasure.Timing{WriterLifetime: 1000 * time.Hour}
	if done {
		timing = erasure.Timing{}
	}
	engineClock := erasure.NewClock(clock.Now, clock.AfterFunc)
	intake := erasure.NewCustomerIntake(inUse.Erasures, inUse.Customers, inUse.Holds, digests, timing, engineClock)
	id, err := intake.Customer(t.Context(), erasure.CustomerRequest{Account: "shop", Code: code, By: "john"}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	worker := erasure.NewWorker(inUse.Erasures, inUse.Customers, inUse.Contacts, inUse.Holds, nil, timing, time.Minute, engineClock)
	if _, err := worker.Due(t.Context(), dynamotest.OpenIndex); err != nil {
		t.Fatal(err)
	}
	record, err := inUse.Plain.GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName: &inUse.Erasures.Table, Key: item{"erasureId": s(store.RecordPrefix + id)},
	})
	if err != nil || (record.Item["statement"] != nil) != done || record.Item["accepted"] == nil {
		t.Fatalf("%v: the record is %s", err, repr.String(record.Item))
	}
	return record.Item
}

// Whether somebody is printed is decided by the statement of the end and its time, in
// each state that a record can be in. An erasure that has been accepted is never taken
// for one that is over, whatever has become of its job; one that was over before the
// table's time hides nobody who has come back since.
func TestRecordsInEachState(t *testing.T) {
	now := time.Now()
	const before, after = -3 * time.Hour, -10 * time.Minute // the table is of an hour ago
	forget := func(name string) func(item) { return func(record item) { delete(record, name) } }
	set := func(name string, value types.AttributeValue) func(item) {
		return func(record item) { record[name] = value }
	}
	for name, c := range map[string]struct {
		at      time.Duration
		done    bool
		change  func(record item)
		jobGone bool
		left    bool // out of what is printed
	}{
		"open since before":                     {before, false, nil, false, true},
		"open since":                            {after, false, nil, false, true},
		"open, the job gone":                    {before, false, nil, true, true},
		"open, called done":                     {before, false, set("state", s("done")), true, true},
		"open, with a time of the end":          {before, false, set("finishedAt", n("1")), true, true},
		"open, with an empty statement":         {before, false, set("statement", s("")), true, true},
		"open, an empty statement and a time":   {before, false, func(r item) { r["statement"], r["finishedAt"] = s(""), n("1") }, true, true},
		"open, a statement that is no text":     {before, false, func(r item) { r["statement"], r["finishedAt"] = n("1"), n("1") }, true, true},
		"done since":                            {after, true, nil, false, true},
		"done since, called open":               {after, true, set("state", s("open")), false, true},
		"done before":                           {before, true, nil, false, false},
		"done before, called open":              {before, true, set("state", s("open")), false, false},
		"done before, sealed":                   {before, true, forget("unlogged"), false, false},
		"done before, statement gone":           {before, true, forget("statement"), false, true},
		"done before, time gone":                {before, true, forget("finishedAt"), false, true},
		"done before, time no number":           {before, true, set("finishedAt", s("1")), false, true},
		"done before, acceptance gone":          {before, true, forget("accepted"), false, false},
		"done before, moved to after":           {before, true, set("finishedAt", attribute.Number(now.UnixMilli())), false, true},
		"done since, brought back as endAnew":   {after, true, forget("accepted"), false, true},
		"open since, record as one of a key":    {after, false, set("kind", s("key")), true, true},
		"done before, the pointer of a job too": {before, true, nil, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			restored, inUse, _ := stand(t)
			record := erased(t, inUse, "4711", now.Add(c.at), c.done)
			if c.change != nil {
				changed := maps.Clone(record)
				c.change(changed)
				inUse.Put(t, inUse.Erasures.Table, changed)
			}
			if c.jobGone {
				job := store.CustomerJob(digests.Subject("customer", "shop", "4711"))
				remove(t, inUse, inUse.Erasures.Table, item{"erasureId": s(job)})
			}
			restored.Put(t, restored.Customers.Table, item{"customer": s("shop#4711"), "record": s("customer")},
				item{"customer": s("shop#living"), "record": s("customer")})
			lines, _, r, err := printOf(t, inUse, restored.Customers.Table)
			if err != nil || !strings.Contains(lines, `"living"`) || strings.Contains(lines, `"4711"`) == c.left {
				t.Errorf("%v, %d left out, printed %s", err, r.Erased, lines)
			}
		})
	}
}

// With a key that is destroyed nothing can be said of those whose digests it made; the
// record of the key itself is about nobody.
func TestRecordsOfADestroyedKey(t *testing.T) {
	restored, inUse, _ := stand(t)
	inUseLedger := ledger.Ledger{DB: inUse.Plain, Table: inUse.Erasures.Table}
	restored.Put(t, restored.Customers.Table, item{"customer": s("shop#living"), "record": s("customer")})
	if _, err := inUseLedger.DestroyKey(t.Context(), "0", time.Now()); err != nil {
		t.Fatal(err)
	}
	erased(t, inUse, "4711", time.Now().Add(-3*time.Hour), true) // under the key 1, which is there
	if lines, _, _, err := printOf(t, inUse, restored.Customers.Table); err != nil || !strings.Contains(lines, "living") {
		t.Errorf("%v, printed %s", err, lines)
	}
	record := erased(t, inUse, "4712", time.Now().Add(-10*time.Minute), true)
	digest, _ := store.Texts(record["subjects"])
	record["subjects"] = l(s("0" + strings.TrimPrefix(digest[0], "1")))
	inUse.Put(t, inUse.Erasures.Table, record)
	lines, _, _, err := printOf(t, inUse, restored.Customers.Table)
	if err == nil || !strings.Contains(err.Error(), `the key "0", which was destroyed`) || lines != "" {
		t.Errorf("%v, printed %s", err, lines)
	}
}
