package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"customercare/infra/auditlog"
	"customercare/infra/client"
	"customercare/infra/fixture"
	"customercare/infra/testkit/cloudformationtest"
	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/freeport"
	"customercare/shared/audit"
	"customercare/shared/operation"
)

// localStack starts `make run` with a DynamoDB of its own, and leads the commands there.
// It writes its log where a person's runs do.
func localStack(t *testing.T) client.Client {
	t.Helper()
	cloudformationtest.Unconfigured(t)
	t.Setenv("SCHEDULE_EVERY", "1h")
	ports := freeport.Take(t, 4)
	for i, name := range []string{"PORT", "SECRETS_PORT", "KMS_PORT", "DYNAMODB_PORT"} {
		t.Setenv(name, ports[i])
	}
	run := filepath.Join(t.TempDir(), "run")
	if out, err := exec.Command("go", "build", "-o", run, "customercare/infra/cmd/run").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var errs bytes.Buffer
	cmd := exec.Command(run)
	cmd.Dir, cmd.Stderr = dynamotest.Root(), &errs
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "ready ") {
		t.Fatalf("the stack says %q: %s", line, errs.String())
	}
	return client.Client{Base: strings.Fields(line)[1]}
}

// calls are those that an answer in JSON has, each as "principal did status".
func calls(t *testing.T, r result) []string {
	t.Helper()
	all := []string{}
	for line := range strings.Lines(r.out) {
		var c auditlog.Call
		if err := json.Unmarshal([]byte(line), &c); err != nil || c.Time.IsZero() {
			t.Fatalf("%v: %s", err, r)
		}
		all = append(all, strings.TrimSpace(c.Principal+" "+c.Did)+" "+strconv.Itoa(c.Status))
	}
	return all
}

// Who has called about whom is told from the log of the local stack: each call is found
// by its data subject, by no other one, and by its erasure.
func TestAuditOfTheLocalStack(t *testing.T) {
	api := localStack(t)
	id := strconv.FormatUint(rand.Uint64(), 36) // of all that is made here
	const secret = "a secret that nobody would try"
	csr, narrow, by, app := "csr-"+id, "narrow-"+id, "by-"+id, "app-"+id
	account, tenant := "account-"+id, "tenant-"+id
	one, other, code := "one-"+id, "other-"+id, "code-"+id
	numbers := []string{"1" + id, "2" + id, "3" + id}
	var records strings.Builder
	for _, r := range append(fixture.CustomerWith(account, code, 1),
		fixture.User(one), fixture.User(other), fixture.Operator(csr, secret),
		fixture.Operator(narrow, secret).With("operations", []string{operation.SetTemporaryAllow.Name}),
		fixture.APIUser(by, secret, account), fixture.App(app, secret, tenant),
		fixture.Contact(tenant, "c", numbers[0], numbers[1])) {
		records.WriteString(r.String() + "\n")
	}
	call(t, records.String(), "import", "-").is(t, 0, "")
	token, err := api.Token(t.Context(), app, secret)
	if err != nil {
		t.Fatal(err)
	}
	erasures := map[string]string{} // by the operation
	for _, request := range []client.Request{
		client.DeleteCustomerInfo(one, "reset=true").As(csr, secret).
			With(audit.ReasonHeader+": asked by phone", audit.TicketHeader+": CASE-1"),
		client.SetTemporaryAllow(other, client.Allow{Type: "1"}, client.JSON).As(csr, secret),
		client.SetTemporaryAllow(one, client.Allow{Type: "99"}, client.JSON).As(narrow, secret),
		client.DeleteCustomerInfo(one, "reset=true").As(narrow, secret),
		client.DeleteCustomer(client.APIUser{Name: by, Key: secret, Account: account}, code),
		client.CleanCustomerData(numbers[:2]...).Bearer(token).With("X-APP-Key: " + app),
	} {
		answer, err := api.Send(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		link := strings.TrimPrefix(answer.Header.Get("Link"), "</erasures/")
		erasures[request.Operation.Name], _, _ = strings.Cut(link, ">")
	}
	ask := func(subject, args string) result {
		t.Helper()
		r := call(t, subject+"\n", append([]string{"audit", "--subject", "-"}, strings.Fields(args)...)...)
		if strings.Contains(r.String(), subject) {
			t.Errorf("the identifier %s is told: %s", subject, r)
		}
		return r
	}
	reset, deleted, cleaned := csr+" questions reset 200", by+" customer deleted 200", app+" numbers erased 200"
	for _, test := range []struct {
		subject, args string
		want          []string
	}{
		{one, "", []string{reset, narrow + " 400", narrow + " 403"}},
		{one, "--principal " + csr, []string{reset}},
		{one, "--until 2026-01-01", nil},
		{one, "--since 2020-01-01 --until 2999-01-01T00:00:00+01:00 --principal " + narrow,
			[]string{narrow + " 400", narrow + " 403"}},
		{"nobody-" + id, "", nil},
		{code, "", nil},
		{code, "--kind customer --scope " + account, []string{deleted}},
		{code, "--kind customer --scope " + account + "2", nil},
		{code, "--kind number --scope " + account, nil},
		{numbers[0], "--kind number --scope " + tenant, []string{cleaned}},
		{numbers[1], "--kind number --scope " + tenant, []string{cleaned}},
		{numbers[2], "--kind number --scope " + tenant, nil},
	} {
		r := ask(test.subject, test.args+" --json")
		for range 200 { // a line may come into the log after the answer to its call
			if strings.Count(r.out, "\n") >= len(test.want) {
				break
			}
			r = ask(test.subject, test.args+" --json")
		}
		r.is(t, 0, map[bool]string{true: "is found in the local logs"}[test.want == nil])
		if got := calls(t, r); !slices.Equal(got, append([]string{}, test.want...)) {
			t.Errorf("%s %s: %q, want %q", test.subject, test.args, got, test.want)
		}
	}
	if got := calls(t, ask(other, "--json")); len(got) != 1 || !strings.HasPrefix(got[0], csr+" allow 1 until ") {
		t.Errorf("of the other user: %q", got)
	}
	for name, want := range map[string]string{
		operation.DeleteCustomer.Name: deleted, operation.CleanCustomerData.Name: cleaned,
	} {
		r := call(t, "", "audit", "--erasure", erasures[name], "--json")
		if got := calls(t, r); !slices.Equal(got, []string{want}) || !strings.Contains(r.out, erasures[name]) {
			t.Errorf("of the erasure %q: %s", erasures[name], r)
		}
	}
	table := ask(one, "").out
	lines := strings.Split(table, "\n")
	if strings.Join(strings.Fields(lines[0]), " ") != "TIME PRINCIPAL DID OUTCOME STATUS REASON TICKET ERASURE" ||
		!strings.HasSuffix(strings.Join(strings.Fields(lines[1]), " "), reset[:len(reset)-3]+"served 200 asked by phone CASE-1 -") ||
		!strings.Contains(lines[3], " (delete-customer-info) ") {
		t.Errorf("as a table:\n%s", table)
	}
}

// What a call must not ask for is refused before anything is looked up.
func TestAuditRefusesCalls(t *testing.T) {
	cloudformationtest.Unconfigured(t)
	for args, says := range map[string]string{
		"":                                   "name a data subject with --subject, or an erasure with --erasure",
		"--subject a --erasure b":            "name a data subject with --subject, or an erasure with --erasure",
		"--erasure b":                        "--erasure is no id of an erasure",
		"--subject a --kind x":               "--kind must be user, customer or number",
		"--subject a --scope x":              "--scope is for --kind customer or number",
		"--subject a --kind customer":        "--scope must name the account of the customer",
		"--subject a --kind number":          "--scope must name the tenant of the number",
		"--subject a --since 2999-01-01":     "--since is in the future",
		"--subject a --since 2026-1-1":       "--since must be a time like 2026-01-02T03:04:05Z, or a date like",
		"--subject a --until Tuesday":        "--until must be a time like 2026-01-02T03:04:05Z, or a date like",
		"--subject a --until 2026-02-30":     "--until must be a time like",
		"--subject a --endpoint aws":         "name their stack with --stack",
		"--subject a a":                      "takes no argument",
		"--subject a --kind number --scope ": "flag needs an argument",
		"--erasure 20261127T055744Z-0123456789abcdef --kind number --scope t":     "--kind is for --subject",
		"--subject a --since 2026-01-02 --until 2026-01-02":                       "--since must be before --until",
		"--subject a --since 2026-01-02T00:00:00Z --until 2026-01-02T00:59+01:00": "--until must be a time like",
	} {
		t.Setenv("AWS_REGION", "eu-west-1")
		t.Setenv("AWS_ACCESS_KEY_ID", "a")
		t.Setenv("AWS_SECRET_ACCESS_KEY", "b")
		r := call(t, "", append([]string{"audit"}, strings.Fields(args)...)...)
		r.is(t, 2, says)
		if r.out != "" {
			t.Errorf("%s: %s", args, r)
		}
	}
}
