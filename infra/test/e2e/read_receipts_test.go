package e2e

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/repr"
	"golang.org/x/mod/sumdb/note"

	"customercare/infra/client"
	"customercare/infra/local/stack"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/operation"
	"customercare/shared/receipt"
	"customercare/shared/statement"
)

// as sends a call of our own as a caller.
func as(t testing.TB, caller string, r client.Request) reply {
	t.Helper()
	return send(t, r.Method, r.Path, r.Body, append(r.Headers, caller)...)
}

// linked is the id in an answer's Link.
func linked(t testing.TB, h http.Header) string {
	t.Helper()
	path, rel, _ := strings.Cut(strings.TrimPrefix(h.Get("Link"), "<"), ">")
	if rel != `; rel="status"` {
		t.Fatalf("the Link is %q", h.Get("Link"))
	}
	return strings.TrimPrefix(path, "/erasures/")
}

// TestReceiptsOfTheEnd: an API user and an app follow their erasures to the end, and get
// receipts that the Go code and Node verify, and refuse with any byte replaced. A repeat
// has the same Link before and after the end, JSONP too; a refusal has none.
func TestReceiptsOfTheEnd(t *testing.T) {
	t.Parallel()
	const account, tenant = "account-ends", "tenant-ends"
	openAccount(t, account, 2, "code-ends")
	user, bearer := basic(userOf(account), keyOf(account)), app(t, "app-ends", tenant)
	loadContacts(t, tenant, contact{"c1", "n1-ends", "n2-ends", "hi"})
	remove := func(more ...string) reply {
		return send(t, "POST", "/", formOf(account, "code-ends", more...), urlencoded)
	}
	const ticket = "CARE-ends-1"
	first := send(t, "POST", "/", formOf(account, "code-ends"), urlencoded, "X-Erasure-Ticket: "+ticket)
	ofCustomer := linked(t, first.Header)
	padded := remove("output", "json", "callback", "f")
	if !strings.HasPrefix(padded.Body, "/**/f(") {
		t.Errorf("no JSONP: %s", padded.Body)
	}
	for _, again := range []reply{remove(), padded, remove("output", "json")} {
		if linked(t, again.Header) != ofCustomer {
			t.Errorf("a repeat has the Link %q: %s", again.Header.Get("Link"), again.Body)
		}
	}
	if wrong := send(t, "POST", "/", formOf(account, "code-ends", "user_password", "wrong"), urlencoded); wrong.Header.Get("Link") != "" {
		t.Errorf("a refusal has the Link %q", wrong.Header.Get("Link"))
	}
	accepted := send(t, "POST", cleanPath, `{"customNos":["n1-ends","n3-ends"]}`, bearer, bodyJSON, "X-Erasure-Ticket: "+ticket)
	ofNumbers := linked(t, accepted.Header)
	if again := clean(t, bearer, "n3-ends", "n1-ends"); linked(t, again.Header) != ofNumbers {
		t.Errorf("a repeat has the Link %q", again.Header.Get("Link"))
	}
	passWriterLifetime(t, account)
	passWriterLifetime(t, tenant)
	key := as(t, user, client.Read(operation.ReadLogKey, ""))
	verifier, err := note.NewVerifier(strings.TrimSpace(key.Body))
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range []struct{ caller, id, subject, outcome string }{
		{user, ofCustomer, "code-ends", "e"}, {bearer, ofNumbers, "n1-ends", "e"}, {bearer, ofNumbers, "n3-ends", "n"},
	} {
		eventually(t, "the end of "+of.id+" is sealed", func() bool {
			return strings.Contains(as(t, of.caller, client.Read(operation.ReadErasure, of.id)).Body, `"erased":{"leaf"`)
		})
		for _, request := range []client.Request{client.Read(operation.ReadReceipt, of.id), client.ReadReceiptFor(of.id, of.subject)} {
			got := as(t, of.caller, request)
			v, err := receipt.Verify([]byte(got.Body), note.VerifierList(verifier))
			if err != nil || v.Statement.Type != statement.Erased || v.Statement.ID != of.id {
				t.Fatalf("%v: %s\n%s", err, repr.String(v), got.Body)
			}
			if hash := sha256.Sum256([]byte(ticket)); !bytes.Equal(v.Statement.Ticket, hash[:]) {
				t.Errorf("the ticket's hash is %x", v.Statement.Ticket)
			}
			if v.Subject != nil && v.Subject.Outcome != of.outcome {
				t.Errorf("%s: the outcome %q", of.subject, v.Subject.Outcome)
			}
			checkBytes(t, got.Body, key.Body, note.VerifierList(verifier))
		}
		if got := as(t, of.caller, client.ReadSubjects(of.id, of.subject, "nobody-ends")); !strings.Contains(got.Body, `"outcome":null`) {
			t.Errorf("%d %s", got.Status, got.Body)
		}
	}
	if again := remove(); linked(t, again.Header) != ofCustomer {
		t.Errorf("a repeat after the end has the Link %q", again.Header.Get("Link"))
	}
}

// checkBytes lets Node verify a receipt, and sees it refused with bytes replaced: by Go
// with each, by Node with some.
func checkBytes(t *testing.T, text, key string, known note.Verifiers) {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	vkey := write("key", key)
	node := func(text string) error {
		return exec.Command("node", filepath.Join(dynamotest.Root(), "docs", "verify.mjs"), write("receipt", text), vkey).Run()
	}
	if err := node(text); err != nil {
		t.Errorf("Node refuses it: %v\n%s", err, text)
	}
	for at := range text {
		altered := []byte(text)
		altered[at] ^= 1
		if _, err := receipt.Verify(altered, known); err == nil {
			t.Errorf("byte %d is another, and it verifies", at)
		}
		if at%(len(text)/7) == 3 {
			if node(string(altered)) == nil {
				t.Errorf("byte %d is another, and Node takes it", at)
			}
		}
	}
}

// TestForeignErasuresOverHTTP: what is not the caller's is answered as what is not there,
// in each header but those that are new each time, and so is an id of any other form.
func TestForeignErasuresOverHTTP(t *testing.T) {
	t.Parallel()
	const account = "account-foreign"
	openAccount(t, account, 1, "code-foreign")
	openAccount(t, account+"2", 0)
	load(t, scoped("csr-foreign", operation.SetTemporaryAllow))
	id := linked(t, send(t, "POST", "/", formOf(account, "code-foreign"), urlencoded).Header)
	other := basic(userOf(account+"2"), keyOf(account+"2"))
	bearer := app(t, "app-foreign", account)
	unknown := id[:len(id)-4] + "0000"
	requests := func(id string) []client.Request {
		return []client.Request{
			client.Read(operation.ReadErasure, id), client.Read(operation.ReadReceipt, id),
			client.ReadSubjects(id, "code-foreign"), client.ReadReceiptFor(id, "code-foreign"),
		}
	}
	seen := func(r reply) string {
		h := r.Header.Clone()
		for name := range h {
			if name == "Date" || strings.Contains(strings.ToLower(name), "id") { // of the request
				h.Del(name)
			}
		}
		return fmt.Sprint(r.Status, h, r.Body)
	}
	for i := range requests(id) {
		for _, caller := range []string{other, bearer} {
			want := as(t, caller, requests(unknown)[i])
			if want.Status != 404 {
				t.Errorf("%d %s", want.Status, want.Body)
			}
			for _, asked := range []string{
				id, strings.ToLower(id), id + "0", "checkpoint", "erasure-" + id, "%00", "..%2F" + id, "é", strings.Repeat("0", 2000),
			} {
				if got := as(t, caller, requests(asked)[i]); seen(got) != seen(want) {
					t.Errorf("%.40q: %s\nwant %s", asked, seen(got), seen(want))
				}
			}
		}
		scope := basic("csr-foreign", "password of csr-foreign")
		mine, nobodys := as(t, scope, requests(id)[i]), as(t, scope, requests(unknown)[i])
		if mine.Status == 200 || seen(mine) != seen(nobodys) {
			t.Errorf("an operator without the scope: %s\n%s", seen(mine), seen(nobodys))
		}
	}
}

// TestTenThousandIDsInTurn: who goes through ids is slowed down by the template's rate,
// and learns nothing from the few that get through.
func TestTenThousandIDsInTurn(t *testing.T) {
	t.Parallel()
	const rate, burst = 2, 3
	s := startUnscheduled(t, "turn", func(o *stack.Options) {
		o.Parameters = map[string]string{"GuessWindow": "150m", "ReadRate": fmt.Sprint(rate), "ThrottleBurst": fmt.Sprint(burst)}
		// Ten thousand lines of API Gateway's random ids: in some of them a short name
		// stands by chance, which the search of the log would take for a leak.
		o.Log, o.Access = io.Discard, nil
	})
	loadInto(t, s, `{"kind":"apiUser","name":"guess-api-user","key":"guess-key-0123456789","accounts":["guess-account"]}`)
	caller := basic("guess-api-user", "guess-key-0123456789")
	began, answers := time.Now(), map[int]int{}
	var bodies []string
	for n := range 10_000 {
		status, body := asked(t, s, "GET", fmt.Sprintf("/erasures/20261127T101112Z-%016x", n), "", caller)
		if answers[status]++; status == 404 && !slices.Contains(bodies, body) {
			bodies = append(bodies, body)
		}
	}
	most := burst + int(rate*time.Since(began).Seconds()) + 1
	if answers[404] == 0 || answers[404] > most || answers[404]+answers[429] != 10_000 || len(bodies) != 1 {
		t.Errorf("%v answers, at most %d of them may be 404; %q", answers, most, bodies)
	}
}
