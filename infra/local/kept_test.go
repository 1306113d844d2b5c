package local

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/repr"
	"golang.org/x/mod/sumdb/note"

	"customercare/infra/client"
	"customercare/infra/testkit/freeport"
	"customercare/shared/operation"
	"customercare/shared/receipt"
)

// demoUser deletes customers of the demo data and asks what became of them.
var demoUser = client.APIUser{Name: "john1970", Key: "1959caadac9b13dcb3", Account: "greatwidgets"}

// A stack that keeps its tables in DATA_DIR keeps the log and its key beside them: after
// a restart an old receipt is still right, and the log goes on from where it was.
func TestTheLogOutlivesARestart(t *testing.T) {
	folder := t.TempDir()
	first := keptRun(t, folder)
	id := first.deletes("1234567890123456")
	old := first.receipt(id)
	before := first.verify(old)
	key := first.get(client.Read(operation.ReadLogKey, ""))
	first.end()

	second := keptRun(t, folder)
	if again := second.get(client.Read(operation.ReadLogKey, "")); again != key {
		t.Fatalf("another key after the restart: %s, before: %s", again, key)
	}
	if still := second.verify(old); still.Statement.ID != id || still.Size != before.Size {
		t.Errorf("the old receipt proves %s", repr.String(still))
	}
	after := second.verify(second.receipt(second.deletes("2234567890123456")))
	if after.Index < before.Size || after.Size <= before.Size {
		t.Errorf("leaf %d of %d, behind a log of %d", after.Index, after.Size, before.Size)
	}
	second.end()
}

// aRun is a stack of one test as "make run" starts it.
type aRun struct {
	t   *testing.T
	s   settings
	api client.Client
	end func()
}

// keptRun starts one that keeps its tables in the folder. more are further variables,
// each behind its name.
func keptRun(t *testing.T, folder string, more ...string) aRun {
	t.Helper()
	ports := freeport.Take(t, 4)
	environment := map[string]string{
		"PORT": ports[0], "SECRETS_PORT": ports[1], "KMS_PORT": ports[2], "DYNAMODB_PORT": ports[3],
		"DATA_DIR": folder, "SCHEDULE_EVERY": "200ms",
	}
	for i := 0; i < len(more); i += 2 {
		environment[more[i]] = more[i+1]
	}
	s, err := readSettings(environment)
	if err != nil {
		t.Fatal(err)
	}
	read, written := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- serve(ctx, s, newConsole(s, os.Stdout, os.Stderr), written)
		written.Close()
	}()
	end := func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		ended <- nil
	}
	t.Cleanup(end)
	var word, address string
	if _, err := fmt.Fscan(read, &word, &address); err != nil {
		t.Fatalf("the stack does not start: %v", err)
	}
	go func() { _, _ = io.Copy(io.Discard, read) }()
	return aRun{t, s, client.Client{Base: address}, end}
}

// deletes deletes a customer, and gives the erasure's id.
func (r aRun) deletes(code string) string {
	r.t.Helper()
	answer, err := r.api.Send(r.t.Context(), client.DeleteCustomer(demoUser, code))
	if err != nil || answer.Status != http.StatusOK {
		r.t.Fatalf("%s, %v", answer, err)
	}
	id, found := strings.CutPrefix(answer.Header.Get("Link"), "</erasures/")
	id, ended := strings.CutSuffix(id, `>; rel="status"`)
	if !found || !ended {
		r.t.Fatalf("it links to %q", answer.Header.Get("Link"))
	}
	return id
}

// maxAsked is how often an erasure is asked for: 2 minutes, for a busy machine.
const maxAsked = 1200

// receipt waits until the acceptance of an erasure is sealed.
func (r aRun) receipt(id string) string {
	r.t.Helper()
	for asked := 0; ; asked++ {
		var erasure struct{ Log map[string]any }
		if err := json.Unmarshal([]byte(r.get(client.Read(operation.ReadErasure, id))), &erasure); err != nil {
			r.t.Fatal(err)
		}
		if erasure.Log["accepted"] != nil {
			return r.get(client.Read(operation.ReadReceipt, id))
		}
		if asked == maxAsked {
			r.t.Fatal("the acceptance is not sealed")
		}
		time.Sleep(100 * time.Millisecond) // the API takes 20 of these calls a second
	}
}

func (r aRun) get(request client.Request) string {
	r.t.Helper()
	answer, err := r.api.Send(r.t.Context(), request.As(demoUser.Name, demoUser.Key))
	if err != nil || answer.Status != http.StatusOK {
		r.t.Fatalf("%s, %v", answer, err)
	}
	return answer.Body
}

func (r aRun) verify(text string) receipt.Verified {
	r.t.Helper()
	key, err := note.NewVerifier(strings.TrimSpace(r.get(client.Read(operation.ReadLogKey, ""))))
	if err != nil {
		r.t.Fatal(err)
	}
	verified, err := receipt.Verify([]byte(text), note.VerifierList(key))
	if err != nil {
		r.t.Fatal(err)
	}
	return verified
}
