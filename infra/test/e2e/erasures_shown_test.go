package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"customercare/infra/attribute"
	"customercare/infra/client"
	"customercare/infra/fixture"
	"customercare/infra/ledger"
	"customercare/infra/local/stack"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/operation"
)

// status is what GET /erasures/{id} answers.
type status struct {
	ID, Status, Kind, Scope, By                string
	Accepted, Finished, Verified, BackupsUntil *time.Time
	Found, Erased, Failing                     int64
	AtLeast, Unreadable                        bool
	Outcomes                                   *ledger.Outcomes
	Log                                        map[string]sealedLeaf
}

type sealedLeaf struct {
	Leaf   *int64
	Sealed *time.Time
}

// shown is the same as `customercare erasures show` says it. The command has no word for
// how far an open erasure is, and the API none for its failing.
func shown(e ledger.Erasure, word string) status {
	a := status{
		ID: e.Job, Status: word, Kind: e.Kind, Scope: e.Scope, By: e.RequestedBy,
		Accepted: e.RequestedAt, Finished: e.FinishedAt, Verified: e.VerifiedAt, BackupsUntil: e.BackupsUntil,
		Found: *e.Found, Erased: *e.Deleted, Failing: e.Failures, AtLeast: e.AtLeast, Unreadable: e.Unreadable,
		Outcomes: e.Outcomes, Log: map[string]sealedLeaf{},
	}
	if e.AcceptedLeaf != nil {
		a.Log["accepted"] = sealedLeaf{e.AcceptedLeaf, e.AcceptedSealedAt}
	}
	if e.EndLeaf != nil {
		a.Log[word] = sealedLeaf{e.EndLeaf, e.EndSealedAt}
	}
	return a
}

// text is an answer in a form that two can be compared in.
func (a status) text(t *testing.T) string {
	t.Helper()
	line, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	return string(line)
}

// The command and the API say the same of an erasure in each of its states, under the id
// that the Link gave: open, failing, finished, sealed, with its key of digests destroyed,
// and without its job. Lists have each in its state alone.
func TestTheCommandShowsWhatTheAPISays(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "customercare")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./infra/cmd/customercare")
	build.Dir = dynamotest.Root()
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s := startUnscheduled(t, "shown", func(o *stack.Options) {})
	run := func(args ...string) (out, errs string, code int) {
		cmd := exec.CommandContext(t.Context(), binary, append([]string{"erasures"}, args...)...)
		for name, table := range map[string]string{"USERS": "Users", "CUSTOMERS": "Customers", "CONTACTS": "Contacts",
			"PRINCIPALS": "Principals", "ERASURES": "Erasures", "LOG": "Log"} {
			cmd.Env = append(cmd.Env, name+"_TABLE="+s.Table(table))
		}
		cmd.Env = append(cmd.Env, "DYNAMODB_ENDPOINT="+os.Getenv("DYNAMODB_ENDPOINT"), "HOME="+t.TempDir())
		var told strings.Builder
		cmd.Stderr = &told
		printed, _ := cmd.Output()
		return string(printed), told.String(), cmd.ProcessState.ExitCode()
	}
	invoke := func(folder string) {
		t.Helper()
		event, err := os.ReadFile(filepath.Join(dynamotest.Root(), "infra", "events", folder+".json"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Invoke(t.Context(), folder, event); err != nil {
			t.Fatal(err)
		}
	}
	loadInto(t, s, fixture.Operator("csr", "password of csr").String())
	read := func(id string) reply {
		r := client.Read(operation.ReadErasure, id)
		return sendTo(t, s.URL, r.Method, r.Path, r.Body, basic("csr", "password of csr"))
	}
	// same compares the two, and the lists.
	same := func(id, state, word string) (told string) {
		t.Helper()
		var want status
		answer := read(id)
		if err := json.Unmarshal([]byte(answer.Body), &want); err != nil || answer.Status != 200 || want.Status != word {
			t.Fatalf("the API says %d %s, %v; want %s", answer.Status, answer.Body, err, word)
		}
		for _, name := range []string{id, "/prod/erasures/" + id, "erasure-" + id} {
			out, errs, code := run("show", name, "--json")
			var e ledger.Erasure
			if err := json.Unmarshal([]byte(out), &e); err != nil || code != 0 || e.State != state || e.JobGone || e.Job != id {
				t.Fatalf("show %s: exit %d %s%s, want %s", name, code, out, errs, state)
			}
			if got := shown(e, word).text(t); got != want.text(t) {
				t.Errorf("the command says\n%s\nthe API\n%s", got, want.text(t))
			}
			told = errs
		}
		for _, list := range []string{"open", "failing", "finished"} {
			out, _, _ := run("list", "--state", list)
			if in := list == state || list == "open" && state == "failing"; strings.Contains(out, id) != in {
				t.Errorf("%s, listed as %s: %s", state, list, out)
			}
		}
		return told
	}

	waitInLastPass(t, s)
	by := client.APIUser{Name: userOf("alone-account"), Key: keyOf("alone-account"), Account: "alone-account"}
	erase := func(code string) {
		t.Helper()
		r := client.DeleteCustomer(by, code)
		if answer := sendTo(t, s.URL, r.Method, r.Path, r.Body, r.Headers...); answer.Body != goneXML(code) {
			t.Fatal(answer.Body)
		}
	}
	erase("alone-code") // which puts the tombstone back over what was written there
	ids := map[string]string{}
	for _, job := range openJobs(t, s) {
		kind, _, _ := strings.Cut(attribute.ReadText(job, "erasureId"), "-")
		ids[kind] = attribute.ReadText(job, "id")
	}
	for _, id := range ids {
		same(id, "open", "verifying")
	}
	invoke("seal-ledger")
	for _, id := range ids {
		same(id, "open", "verifying")
	}
	for _, job := range openJobs(t, s) {
		if attribute.ReadText(job, "id") == ids["numbers"] {
			job["failures"] = attribute.Number(3)
			replaceItem(t, s.Table("Erasures"), job)
		}
	}
	same(ids["numbers"], "failing", "verifying")
	for _, job := range openJobs(t, s) {
		job["failures"] = attribute.Number(0)
		replaceItem(t, s.Table("Erasures"), job)
		elapse(t, s.Table("Erasures"), job)
	}
	invoke("cleanup")
	for _, id := range ids {
		same(id, "finished", "erased")
	}
	invoke("seal-ledger")
	for _, id := range ids {
		if told := same(id, "finished", "erased"); told != "" {
			t.Error(told)
		}
	}
	inUse := ledger.Ledger{DB: database, Table: s.Table("Erasures")}
	if _, err := inUse.DestroyKey(t.Context(), "1", time.Now()); err != nil {
		t.Fatal(err)
	}
	invoke("seal-ledger")
	for _, id := range ids {
		if told := same(id, "finished", "erased"); !strings.Contains(told, "the key 1 of its digests is destroyed since") {
			t.Errorf("of a destroyed key: %q", told)
		}
	}
	out, errs, code := run("show", "key-1", "--json")
	var e ledger.Erasure
	if err := json.Unmarshal([]byte(out), &e); err != nil || code != 0 || e.Kind != "key" || e.State != "finished" ||
		e.FinishedAt == nil || e.EndLeaf == nil || *e.EndLeaf != 4 || e.Found != nil || e.RequestedAt != nil {
		t.Errorf("the record of the key: exit %d %s%s", code, out, errs)
	}

	loadInto(t, s, customerRecords("alone-account", 0, "lost")...)
	// A record whose job somebody has removed is open, and said to be in nobody's hands.
	erase("lost")
	open := openJobs(t, s)
	if len(open) != 1 {
		t.Fatalf("%d erasures are open", len(open))
	}
	lost := attribute.ReadText(open[0], "id")
	same(lost, "open", "verifying")
	remove(t, s.Table("Erasures"), item{"erasureId": open[0]["erasureId"]})
	if answer := read(lost); answer.Status != 503 {
		t.Errorf("without a job: %d %s", answer.Status, answer.Body)
	}
	out, errs, code = run("show", lost, "--json")
	e = ledger.Erasure{}
	if err := json.Unmarshal([]byte(out), &e); err != nil || code != 0 || e.State != "open" || !e.JobGone || e.Found != nil ||
		e.FinishedAt != nil || !strings.Contains(errs, "its job is not in the ledger") {
		t.Errorf("without a job: exit %d %s%s", code, out, errs)
	}
	if out, _, _ := run("list", "--state", "finished"); strings.Contains(out, lost) || !slices.ContainsFunc(
		strings.Split(out, "\n"), func(line string) bool { return strings.HasSuffix(line, ids["customer"]) }) {
		t.Errorf("finished: %s", out)
	}
}
