package erasure

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/shared/store"
)

// ledger is what stands in the table of erasures.
type ledger struct {
	records []entry // of finished erasures
	begun   []entry // records of open erasures
	notes   []entry // statements about holds
	open    []entry // jobs
	all     []entry // these, and whatever else there is
}

// entry is an item of the ledger, with those of its attributes that tests ask for. What
// an item does not have is the zero value.
type entry struct {
	key        string // erasureId
	scope      string
	found      int
	deleted    int
	requests   int
	subjects   []string
	shard      string // of the index of open jobs
	leaseOwner string
	leaseUntil int64 // in Unix milliseconds
	unanswered bool  // a deletion had no answer
	atLeast    bool
	unreadable bool
	job        string // of an open erasure's record: the key of the job
	id         string // of a job: that of its erasure
	state      string
	accepted   string // the statement of the opening
	statement  string // the statement of the end
	unlogged   string // its place in the index of what is not sealed, "" where it has none
	unloggedAt int64  // since when it stands there
	finishedAt int64
	askedAt    int64 // requestedAt
	outcomes   store.Outcomes
	by         string
	json       string // the whole item
}

// has says whether a text is a value of the item, or the name of an attribute; of lists
// and maps their members count.
func (e entry) has(text string) bool { return strings.Contains(e.json, `"`+text+`"`) }

// ledger reads the table of erasures, past the faults.
func (sys *system) ledger(t testing.TB) (l ledger) {
	t.Helper()
	pages := dynamodb.NewScanPaginator(sys.Plain, &dynamodb.ScanInput{
		TableName: &sys.Kit.Erasures.Table, ConsistentRead: aws.Bool(true),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range page.Items {
			e := readEntry(t, it)
			l.all = append(l.all, e)
			switch {
			case strings.HasPrefix(e.key, "erasure-") && attribute.ReadText(it, "kind") == "hold":
				l.notes = append(l.notes, e)
			case strings.HasPrefix(e.key, "erasure-") && e.statement == "":
				l.begun = append(l.begun, e)
			case strings.HasPrefix(e.key, "erasure-"):
				l.records = append(l.records, e)
			case e.shard != "":
				l.open = append(l.open, e)
			}
		}
	}
	sys.wantEvidence(t, l)
	return l
}

func readEntry(t testing.TB, it item) entry {
	t.Helper()
	number := func(name string) int { return int(attribute.ReadNumber(it, name)) }
	flag := func(name string) bool {
		value, ok := it[name].(*types.AttributeValueMemberBOOL)
		return ok && value.Value
	}
	e := entry{
		key: attribute.ReadText(it, "erasureId"), scope: attribute.ReadText(it, "scope"),
		found: number("found"), deleted: number("deleted"), requests: number("requests"),
		shard: attribute.ReadText(it, "openShard"), leaseOwner: attribute.ReadText(it, "leaseOwner"),
		leaseUntil: attribute.ReadNumber(it, "leaseUntil"), unanswered: it["unanswered"] != nil,
		atLeast: flag("atLeast"), unreadable: flag("unreadable"),
		job: attribute.ReadText(it, "job"), id: attribute.ReadText(it, "id"), state: attribute.ReadText(it, "state"),
		accepted: attribute.ReadText(it, "accepted"), statement: attribute.ReadText(it, "statement"),
		unlogged: attribute.ReadText(it, "unlogged"), unloggedAt: attribute.ReadNumber(it, "unloggedAt"),
		finishedAt: attribute.ReadNumber(it, "finishedAt"), askedAt: attribute.ReadNumber(it, "requestedAt"),
		by: attribute.ReadText(it, "requestedBy"),
	}
	if outcomes, ok := it["outcomes"].(*types.AttributeValueMemberB); ok {
		e.outcomes = outcomes.Value
	}
	if list, ok := it["subjects"].(*types.AttributeValueMemberL); ok {
		for _, member := range list.Value {
			e.subjects = append(e.subjects, member.(*types.AttributeValueMemberS).Value)
		}
	}
	text, err := json.Marshal(it)
	if err != nil {
		t.Fatal(err)
	}
	e.json = string(text)
	return e
}

// handedOver says whether a handover stands for any job: a worker is to be started.
func (l ledger) handedOver() bool {
	return slices.ContainsFunc(l.all, func(e entry) bool { return strings.HasPrefix(e.key, "handover-") })
}

// keys are the keys of all records, each with a blank behind it.
func (l ledger) keys() string {
	var all strings.Builder
	for _, record := range l.records {
		all.WriteString(record.key + " ")
	}
	return all.String()
}

// held says whether anybody holds a lease.
func (l ledger) held() bool {
	return slices.ContainsFunc(l.all, func(e entry) bool { return e.leaseOwner != "" })
}

// total adds up records, and says whether one of them has lower bounds.
func total(records []entry) (sum entry) {
	for _, r := range records {
		sum.found += r.found
		sum.deleted += r.deleted
		sum.requests += r.requests
		sum.atLeast = sum.atLeast || r.atLeast
	}
	return sum
}

// wantRecord checks that one erasure is on record, which found and deleted so many
// items. It returns the record.
func (sys *system) wantRecord(t testing.TB, deleted int) entry {
	t.Helper()
	records := sys.ledger(t).records
	if len(records) != 1 {
		t.Fatalf("%d records: %+v", len(records), records)
	}
	if r := records[0]; r.deleted != deleted || r.found != deleted {
		t.Errorf("the record counts %d found and %d deleted, want %d: %s", r.found, r.deleted, deleted, r.json)
	}
	return records[0]
}

// wantCounts checks the sum of all records: so many items were erased, or, where a
// record says that it has lower bounds, no more than that.
func (sys *system) wantCounts(t testing.TB, erased int) (atLeast bool) {
	t.Helper()
	records := sys.ledger(t).records
	sum := total(records)
	if sum.deleted != sum.found || sum.deleted > erased || sum.deleted < erased && !sum.atLeast {
		t.Errorf("%d were erased, at least %v: %+v", erased, sum.atLeast, records)
	}
	return sum.atLeast
}

// wantNowhere checks that no item of the ledger has any of these texts.
func (sys *system) wantNowhere(t testing.TB, texts ...string) {
	t.Helper()
	for _, e := range sys.ledger(t).all {
		for _, text := range texts {
			if strings.Contains(e.json, text) {
				t.Errorf("%q is left in the ledger: %s", text, e.json)
			}
		}
	}
}

// wantEmpty checks that nothing is left in these tables.
func (sys *system) wantEmpty(t testing.TB, tables ...string) {
	t.Helper()
	if left := sys.Dump(t, tables...); len(left) != 0 {
		t.Errorf("left %s", left)
	}
}

// clear empties the ledger, between the rounds of a test.
func (sys *system) clear(t testing.TB) {
	t.Helper()
	for _, e := range sys.ledger(t).all {
		sys.deleteItem(t, sys.Kit.Erasures.Table, item{"erasureId": attribute.Text(e.key)})
	}
	clear(sys.evidence)
}

// wantDeleted checks that there is a record for each of these counts of deleted items,
// and no other record.
func (sys *system) wantDeleted(t testing.TB, counts ...int) {
	t.Helper()
	records := sys.ledger(t).records
	var deleted []int
	for _, r := range records {
		deleted = append(deleted, r.deleted)
	}
	slices.Sort(deleted)
	if !slices.Equal(deleted, slices.Sorted(slices.Values(counts))) {
		t.Errorf("deleted are %v, want %v: %+v", deleted, counts, records)
	}
}

// wantRightOrLowerBound checks that each record has this count of deleted items, or says
// that its counts are lower bounds.
func (sys *system) wantRightOrLowerBound(t testing.TB, deleted int) {
	t.Helper()
	for _, r := range sys.ledger(t).records {
		if r.deleted != deleted && !r.atLeast {
			t.Errorf("%d erased: %s", deleted, r.json)
		}
	}
}
