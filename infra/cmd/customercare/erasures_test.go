package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/repr"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/infra/fixture"
	"customercare/infra/ledger"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/digest"
	"customercare/shared/erasure"
	"customercare/shared/statement"
	"customercare/shared/store"
)

// erased puts erasures into the kit's ledger: one that is finished, and then one of a
// customer, one of a few numbers and one of many, which are open.
func erased(t *testing.T, kit *dynamotest.Kit) (many []string) {
	t.Helper()
	load(t, kit, fixture.Customer("shop", "4711-done").String()+"\n"+fixture.Customer("shop", "4712-open").String())
	clock := &dynamotest.Clock{Time: time.UnixMilli(time.Now().UnixMilli())}
	engineClock := erasure.NewClock(clock.Now, clock.AfterFunc)
	digests := digest.Digester{Current: "1", Keys: map[string][]byte{"1": []byte(firstKey)}}
	open := func(code string, timing erasure.Timing) {
		t.Helper()
		intake := erasure.NewCustomerIntake(kit.Erasures, kit.Customers, kit.Holds, digests, timing, engineClock)
		asked := erasure.CustomerRequest{Account: "shop", Code: code, By: "john"}
		if _, err := intake.Customer(t.Context(), asked, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	open("4711-done", erasure.Timing{})
	worker := erasure.NewWorker(kit.Erasures, kit.Customers, kit.Contacts, kit.Holds, nil, erasure.Timing{}, time.Minute,
		engineClock)
	if _, err := worker.Due(t.Context(), dynamotest.OpenIndex); err != nil {
		t.Fatal(err)
	}
	clock.Advance(time.Second)
	open("4712-open", erasure.Timing{WriterLifetime: time.Hour})
	for i := range 60 {
		many = append(many, fmt.Sprintf("+49 30 47%02d", i))
	}
	for _, numbers := range [][]string{{"+49 30 1234"}, many} {
		clock.Advance(time.Second)
		asked := erasure.NumbersRequest{Tenant: "acme", Numbers: numbers, By: "app"}
		if _, err := erasure.NewNumbersIntake(kit.Erasures, digests, clock.Now).Numbers(t.Context(), asked); err != nil {
			t.Fatal(err)
		}
	}
	return many
}

// list is what `customercare erasures list --json` prints.
func list(t *testing.T, code int, args ...string) (all []ledger.Erasure, said string) {
	t.Helper()
	r := call(t, "", append([]string{"erasures", "list", "--json"}, args...)...)
	if err := json.Unmarshal([]byte(r.out), &all); err != nil || r.code != code {
		t.Fatalf("%v: %v, want exit %d", args, r, code)
	}
	return all, r.String()
}

// Erasures are listed by how they stand, and shown with their digests; identifiers of
// open ones are printed only where they are asked for.
func TestErasuresAreShown(t *testing.T) {
	kit := dynamotest.Open(t)
	local(t, kit)
	for state, none := range map[string]string{
		"open": "no erasure is open\n", "failing": "no erasure fails\n", "finished": "no such erasure is finished\n",
	} {
		if r := call(t, "", "erasures", "list", "--state", state); r.out != "" || r.errs != none || r.code != 0 {
			t.Error(r)
		}
	}
	if all, said := list(t, 0); len(all) != 0 || !strings.HasPrefix(said, "exit 0\n[]\n") {
		t.Error(said)
	}
	many := erased(t, kit)
	t.Setenv("TZ", "Asia/Tokyo")
	open, said := list(t, 0)
	if len(open) != 3 || open[0].Kind != "customer" || open[1].Kind != "numbers" || open[0].State != "open" ||
		open[0].FinishedAt != nil {
		t.Fatal(said)
	}
	if some, told := list(t, 0, "--limit", "1"); len(some) != 1 || some[0].ID != open[0].ID ||
		!strings.Contains(told, "there are more: raise --limit\n") {
		t.Errorf("the oldest is %s: %s", repr.String(some), told)
	}
	// The list says nothing of what it does not know, and no zone but UTC.
	if open[0].Found != nil || open[0].Deleted != nil || strings.Contains(said, "+09:00") {
		t.Error(said)
	}
	finished, more := list(t, 0, "--state", "finished", "--since", "2026-01-02T03:04:05Z")
	said += more
	if len(finished) != 1 || !strings.HasPrefix(finished[0].ID, "erasure-") || finished[0].Deleted == nil ||
		*finished[0].Deleted != 1 ||
		finished[0].FinishedAt == nil {
		t.Fatal(more)
	}
	if later, _ := list(t, 0, "--state", "finished", "--since", "2999-01-02T03:04:05Z"); len(later) != 0 {
		t.Errorf("%s", repr.String(later))
	}
	// The job is what the functions log, before and after the end.
	for _, e := range append(open, finished...) {
		if r := call(t, "", "erasures", "show", e.Job); len(e.Job) < 20 || r.code != 0 ||
			!strings.Contains(r.out, e.ID) || !strings.Contains(r.out, e.Job) {
			t.Errorf("%s: %v", repr.String(e), r)
		}
		if strings.Count(said+call(t, "", "erasures", "list").out, e.Job) < 1 {
			t.Errorf("no %s in %s", e.Job, said)
		}
	}
	if r := call(t, "", "erasures", "show", open[0].Job); !strings.Contains(r.out, "waits for late writers until") {
		t.Error(r)
	}
	if r := call(t, "", "erasures", "show", open[1].Job); !strings.Contains(r.out, "due at") {
		t.Error(r)
	}
	for i, id := range []string{finished[0].ID, strings.TrimPrefix(finished[0].ID, "erasure-"), open[0].ID, open[1].ID,
		open[2].ID} {
		r := call(t, "", "erasures", "show", id, "--json")
		var e ledger.Erasure
		if err := json.Unmarshal([]byte(r.out), &e); err != nil || r.code != 0 {
			t.Fatalf("%s: %v", id, r)
		}
		subjects := map[bool]int{true: len(many), false: 1}[i == 4]
		if len(e.Subjects) != subjects || !strings.HasPrefix(e.Subjects[0], "1.") || e.RequestedBy == "" ||
			e.Scope == "" ||
			(e.State == "finished") != (i < 2) || e.Requests != 1 {
			t.Errorf("%s: %v", id, r)
		}
		said += r.String() + call(t, "", "erasures", "show", id).String()
	}
	said += call(t, "", "erasures", "list").String() + call(t, "", "erasures", "list", "--state", "finished").String()
	for _, identifier := range append([]string{"4711-done", "4712-open", "+49 30 1234"}, many...) {
		if strings.Contains(said, identifier) {
			t.Errorf("%q is told:\n%s", identifier, said)
		}
	}
	for id, identifier := range map[string]string{open[0].ID: "4712-open", open[1].ID: "+49 30 1234",
		open[2].ID: many[29]} {
		if r := call(t, "", "erasures", "show", id, "--identifiers"); r.code != 0 ||
			!strings.Contains(r.out, identifier) {
			t.Errorf("no %q: %v", identifier, r)
		}
	}
	call(t, "", "erasures", "show", finished[0].ID, "--identifiers").
		is(t, 1, "the ledger holds no identifiers of it any more")
	call(t, "", "erasures", "show", "erasure-none").is(t, 1, "the ledger has no such erasure in http://")
	call(t, "", "erasures", "list", "--state", "all").is(t, 2, "--state must be open, failing or finished")
	call(t, "", "erasures", "list", "--since", "2026-01-02T03:04:05Z").is(t, 2, "--since is for --state finished")
	call(t, "", "erasures", "list", "--since", "today").is(t, 2, "--since must be a time")
}

// The numbers of an open erasure are shown wherever they stand: with their digests in the
// job, without them there, and in an item of their own.
func TestIdentifiersOfAnOpenErasure(t *testing.T) {
	kit := dynamotest.Open(t)
	local(t, kit)
	digests := digest.Digester{Current: "1", Keys: map[string][]byte{"1": []byte(firstKey)}}
	for _, n := range []int{1, 10, 60} {
		var numbers []string
		for i := range n {
			numbers = append(numbers, fmt.Sprintf("+49 %d 47%02d", n, i))
		}
		asked := erasure.NumbersRequest{Tenant: "acme", Numbers: numbers, By: "app"}
		id, err := erasure.NewNumbersIntake(kit.Erasures, digests, time.Now).Numbers(t.Context(), asked)
		if err != nil {
			t.Fatal(err)
		}
		job := ""
		open, _ := list(t, 0)
		for _, e := range open {
			if e.Job == id {
				job = e.ID
			}
		}
		r := call(t, "", "erasures", "show", job, "--identifiers")
		for _, number := range numbers {
			if !strings.Contains(r.out, number) {
				t.Errorf("%d numbers: no %q: %v", n, number, r)
			}
		}
	}
}

// A job's pointer to its record leads there.
func TestAnErasureThatIsOverIsFoundByItsJob(t *testing.T) {
	kit := dynamotest.Open(t)
	local(t, kit)
	erased(t, kit)
	job := ""
	for _, line := range kit.Dump(t, kit.Erasures.Table) {
		var item struct{ ErasureID, Record struct{ Value string } }
		if err := json.Unmarshal([]byte(strings.TrimPrefix(line, kit.Erasures.Table+" ")), &item); err != nil {
			t.Fatal(err)
		}
		if item.Record.Value != "" {
			job = item.ErasureID.Value
		}
	}
	r := call(t, "", "erasures", "show", job)
	if r.code != 0 || !strings.Contains(r.out, "erasure-") || !strings.Contains(r.out, "finished") {
		t.Errorf("%s: %v", job, r)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(r.out) {
		label, _, _ := strings.Cut(line, "  ")
		if seen[label] {
			t.Errorf("two values have the name %q: %v", label, r)
		}
		seen[label] = true
	}
}

// Those that fail are told, and the exit code is another.
func TestFailingErasuresAreFound(t *testing.T) {
	kit := dynamotest.Open(t)
	local(t, kit)
	erased(t, kit)
	if failing, said := list(t, 0, "--state", "failing"); len(failing) != 0 {
		t.Error(said)
	}
	open, _ := list(t, 0)
	_, err := kit.Plain.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: &kit.Erasures.Table, Key: attribute.Item{"erasureId": attribute.Text(open[1].ID)},
		UpdateExpression:          aws.String("SET failures = :n"),
		ExpressionAttributeValues: attribute.Item{":n": attribute.Number(3)},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"--state", "failing"}, {}} {
		all, said := list(t, exitFound, args...)
		if len(all) != map[bool]int{true: 3, false: 1}[len(args) == 0] ||
			!strings.Contains(said, "1 erasure fails, and is tried again") {
			t.Error(said)
		}
	}
}

// Finished ones are listed with what holds have kept of them, and a sweep of a rule with
// what it took.
func TestFinishedOnesSayWhatWasKept(t *testing.T) {
	kit := dynamotest.Open(t)
	local(t, kit)
	var outcomes store.Outcomes
	outcomes.Set(0, store.Erased)
	outcomes.Set(1, store.Held)
	for id, s := range map[string]statement.Statement{
		"kept":  {Type: statement.Partial, Kind: statement.Numbers, Subjects: &statement.Subjects{N: 3}},
		"sweep": {Type: statement.Retention, Swept: &statement.Swept{Found: 7, Erased: 5, Kept: 2}},
	} {
		s.ID = id
		record := attribute.Item{
			"erasureId": attribute.Text(store.RecordPrefix + id), "statement": attribute.Text(string(s.Line())),
			"requestedAt": attribute.Number(1), "finishedAt": attribute.Number(2),
			"found": attribute.Number(3), "deleted": attribute.Number(2), "outcomes": &types.AttributeValueMemberB{Value: outcomes},
		}
		if s.Swept != nil {
			record["kind"] = attribute.Text(store.SweepKind)
			delete(record, "found")
			delete(record, "deleted")
			delete(record, "outcomes")
		}
		if _, err := kit.Plain.PutItem(t.Context(),
			&dynamodb.PutItemInput{TableName: &kit.Erasures.Table, Item: record}); err != nil {
			t.Fatal(err)
		}
	}
	rows := map[string]string{}
	for line := range strings.Lines(call(t, "", "erasures", "list", "--state", "finished").out) {
		words := strings.Fields(line)
		rows[words[len(words)-1]] = strings.Join(words[len(words)-4:], " ")
	}
	if rows["JOB"] != "FOUND DELETED HELD JOB" || rows["kept"] != "3 2 1 kept" || !strings.HasSuffix(rows["sweep"], "7 5 - sweep") {
		t.Errorf("%q", rows)
	}
}
