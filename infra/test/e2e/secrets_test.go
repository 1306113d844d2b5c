package e2e

import (
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"customercare/infra/local/lambda"
	"customercare/infra/local/secrets"
	"customercare/infra/local/stack"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/operation"
)

// The keys of digests are read once at a process's start, and not again while nothing is
// missing, by the functions that make digests and by nobody else: those of all operations
// and calls of our own, but the one for tokens, which is about no data subject.
func TestDigestKeysAreReadOncePerStart(t *testing.T) {
	const account = "s-once"
	openAccount(t, account, 0, "s-once-1", "s-once-2", "s-once-3")
	remove := func(code string) {
		t.Helper()
		if r := send(t, "POST", "/", formOf(account, code), urlencoded); r.Body != goneXML(code) {
			t.Errorf("%s: %s", code, r.Body)
		}
	}
	remove("s-once-1")
	if err := running.Kill(operation.DeleteCustomer.Name); err != nil {
		t.Fatal(err)
	}
	before := running.Secrets().Calls()
	remove("s-once-2") // in a new process
	remove("s-once-3")
	secret, _ := running.Secrets().Secret("DigestKeys")
	want := secrets.Request{AccessKeyID: lambda.Function{Folder: operation.DeleteCustomer.Name}.AccessKeyID(),
		Action: "GetSecretValue", SecretARN: secret.ARN}
	all := running.Secrets().Calls()
	if made := all[len(before):]; !slices.Equal(made, []secrets.Request{want}) {
		t.Errorf("a start and two deletions made %+v", made)
	}
	var may []secrets.Request
	for _, o := range operation.Every() {
		if o.Name != operation.IssueToken.Name {
			call := want
			call.AccessKeyID = lambda.Function{Folder: o.Name}.AccessKeyID()
			may = append(may, call)
		}
	}
	rules := want // it erases inactive customers
	rules.AccessKeyID = lambda.Function{Folder: "apply-retention"}.AccessKeyID()
	may = append(may, rules)
	for _, call := range all {
		if !slices.Contains(may, call) {
			t.Errorf("unexpected: %+v", call)
		}
	}
}

// The whole stack is deployed with another key of digests: what was asked for under the
// old one is joined and remembered, what comes now is recorded under the new one.
func TestRotationOfTheDigestKeys(t *testing.T) {
	const account = "s-rotation"
	openAccount(t, account, 2, "rotated-done", "rotated-open", "rotated-new")
	remove := func(s *stack.Stack, code string) string {
		t.Helper()
		answer, err := http.Post(s.URL+"/", "application/x-www-form-urlencoded",
			strings.NewReader(formOf(account, code)))
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	if body := remove(running, "rotated-done"); body != goneXML("rotated-done") {
		t.Fatal(body)
	}
	passWriterLifetime(t, account)
	if records := recordsOf(t, account); len(records) != 1 {
		t.Fatalf("the first is not done: %s", records)
	}
	if body := remove(running, "rotated-open"); body != goneXML("rotated-open") {
		t.Fatal(body)
	}

	deployed := options
	deployed.Secrets = map[string]string{"DigestKeys": `{"1":"` + digestKey + `","2":"` + nextDigestKey + `"}`}
	deployed.Parameters = map[string]string{"DigestKeyId": "2", "WriterLifetime": "30m", "ClockSkew": "100ms"}
	deployed.ScheduleEvery = -1 // the other stack's cleanup works on the same tables
	next, err := stack.Start(t.Context(), deployed)
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	for _, code := range []string{"rotated-open", "rotated-done", "rotated-new"} {
		if body := remove(next, code); body != goneXML(code) {
			t.Errorf("%s: %s", code, body)
		}
	}
	if body := remove(next, "rotated-nobody"); body != sorryXML(unknownCode) {
		t.Errorf("a code that never existed: %s", body)
	}
	passAllWriterLifetimes(t)
	records := recordsOf(t, account)
	if all := strings.Join(records, "\n"); len(records) != 3 ||
		strings.Count(all, `"subjects":{"Value":[{"Value":"1.`) != 2 ||
		strings.Count(all, `"subjects":{"Value":[{"Value":"2.`) != 1 {
		t.Errorf("records %s", all)
	}
}

// A function that cannot have its key of digests ends at its start, with exit code 1 and
// one line that says why and shows nothing of the secret.
func TestDigestKeysThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	const key = "a-key-that-no-log-may-show-0123456789"
	logged.add(key[:31])
	start := func(folder, url, id string) (line string) {
		t.Helper()
		f, _ := running.Template.Function(folder)
		cmd := exec.CommandContext(t.Context(), filepath.Join(dynamotest.Root(), ".cache", "bin", folder, "bootstrap"))
		for name, value := range f.Environment {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
		cmd.Env = append(cmd.Env, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=AKIAX", "AWS_SECRET_ACCESS_KEY=x",
			// The start connects to DynamoDB meanwhile. The last one of a name counts.
			"AWS_ENDPOINT_URL_DYNAMODB="+os.Getenv("DYNAMODB_ENDPOINT"), "AWS_ENDPOINT_URL_SECRETS_MANAGER="+url, "DIGEST_KEY_ID="+id)
		said, err := cmd.CombinedOutput()
		exit, ended := errors.AsType[*exec.ExitError](err)
		if !ended || exit.ExitCode() != 1 || strings.Count(string(said), "\n") != 1 ||
			len(logged.in(string(said))) != 0 {
			t.Errorf("%s: %v, %s", folder, err, said)
		}
		return string(said)
	}
	for _, folder := range []string{operation.DeleteCustomer.Name, operation.CleanCustomerData.Name} {
		for _, c := range []struct{ logicalID, text, id, want string }{
			{"DigestKeys", `{"1":"` + key + `"}`, "2", `holds no key with the id \"2\"`},
			{"DigestKeys", `{"1":"` + key[:31] + `"}`, "1",
				`the key with the id \"1\" in the secret DIGEST_KEYS has less than 32 characters`},
			{"DigestKeys", key, "1", "is no flat JSON object of strings"},
			{"DigestKeys", `{"1":"` + key + `","2":{"key":"` + key + `"}}`, "1", "is no flat JSON object of strings"},
			{"Another", `{"1":"` + key + `"}`, "1",
				"could not be read: ResourceNotFoundException: Secrets Manager can't find the specified secret."},
		} {
			listener := listen(t)
			arn := secrets.ARN("us-east-1", "123456789012", c.logicalID)
			server := secrets.Serve(listener,
				[]secrets.Secret{{LogicalID: c.logicalID, Name: c.logicalID, ARN: arn, Text: c.text}})
			if line := start(folder, server.URL, c.id); !strings.Contains(line, c.want) {
				t.Errorf("%s: %s, want %s", folder, line, c.want)
			}
			server.Close()
		}
	}
	// Nobody there, and somebody who never answers, as long as the process runs: a start
	// does not wait for ever, and does not ask for ever.
	silent, asked := listen(t), atomic.Int64{}
	go func() {
		for {
			conn, err := silent.Accept()
			if err != nil {
				return
			}
			asked.Add(1)
			t.Cleanup(func() { conn.Close() })
		}
	}()
	nobody := listen(t)
	nobody.Close()
	for want, listener := range map[string]net.Listener{"Secrets Manager was not reached": nobody,
		"Secrets Manager gave no answer within 5s": silent} {
		if line := start(operation.CleanCustomerData.Name, "http://"+listener.Addr().String(),
			"1"); !strings.Contains(line, want) {
			t.Errorf("%s, want %s", line, want)
		}
	}
	if n := asked.Load(); n < 1 || n > 4 {
		t.Errorf("who never answers was asked %d times, want 4 at most", n)
	}
}

// listen takes a free port until the test ends.
func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener
}

// A process that started before the secret had its second key goes on while the others
// have it: who was erased by those is known to it, too, and the secret is read once for
// that.
func TestAProcessOfBeforeTheRotation(t *testing.T) {
	const account = "s-before"
	openAccount(t, account, 2, "before-one", "before-two", "before-three")
	started := options
	started.ScheduleEvery = -1 // the other stack's cleanup works on the same tables
	old, err := stack.Start(t.Context(), started)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	removeAt(t, old, formOf(account, "before-one"), goneXML("before-one"))
	keys := `{"1":"` + digestKey + `","2":"` + nextDigestKey + `"}`
	old.Secrets().Put("DigestKeys", keys)
	calls := len(old.Secrets().Calls())

	deployed := started
	deployed.Secrets = map[string]string{"DigestKeys": keys}
	deployed.Parameters = maps.Clone(options.Parameters)
	deployed.Parameters["DigestKeyId"] = "2"
	fresh, err := stack.Start(t.Context(), deployed)
	if err != nil {
		t.Fatal(err)
	}
	defer fresh.Close()
	removeAt(t, fresh, formOf(account, "before-two"), goneXML("before-two"))
	passWriterLifetime(t, account)
	for range 2 {
		removeAt(t, old, formOf(account, "before-two"), goneXML("before-two"))
		removeAt(t, old, formOf(account, "before-nobody"), sorryXML(unknownCode))
	}
	removeAt(t, old, formOf(account, "before-three"), goneXML("before-three"))
	if n := len(old.Secrets().Calls()) - calls; n != 1 {
		t.Errorf("the secret was read %d times", n)
	}
	passAllWriterLifetimes(t)
}

// removeAt asks a stack to delete a customer.
func removeAt(t *testing.T, s *stack.Stack, form, want string) {
	t.Helper()
	if r := sendTo(t, s.URL, "POST", "/", form, urlencoded); r.Body != want {
		t.Errorf("%s: %s", form, r.Body)
	}
}
