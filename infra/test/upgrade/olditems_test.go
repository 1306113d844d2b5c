package upgrade

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/semver"
	"golang.org/x/mod/sumdb/note"

	"customercare/infra/client"
	"customercare/infra/local/stack"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/operation"
	"customercare/shared/receipt"
	"customercare/shared/version"
)

// oldest is the oldest release whose items this version reads (docs/upgrade.md).
const oldest = "1.0.0-rc.1"

// released finds the headings of CHANGELOG.md that have a day: those of releases.
var released = regexp.MustCompile(`(?m)^## (\S+), \d{4}-\d\d-\d\d$`)

// supported are the folders of the releases whose items are kept: the oldest that is
// supported among them, and none that is newer than this version.
func supported(t *testing.T) []string {
	t.Helper()
	folders, err := filepath.Glob(filepath.Join("testdata", "*"))
	if err != nil {
		t.Fatal(err)
	}
	there := false
	for _, folder := range folders {
		of := filepath.Base(folder)
		there = there || of == oldest
		if semver.Compare("v"+of, "v"+oldest) < 0 || semver.Compare("v"+of, "v"+version.Number) > 0 {
			t.Errorf("items of %s are kept, supported are %s to %s", of, oldest, version.Number)
		}
	}
	if !there {
		t.Fatalf("no items of %s are kept", oldest)
	}
	changes, err := os.ReadFile(filepath.Join(dynamotest.Root(), "CHANGELOG.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, release := range released.FindAllSubmatch(changes, -1) {
		of := string(release[1])
		if !slices.Contains(folders, filepath.Join("testdata", of)) && semver.Compare("v"+of, "v"+oldest) >= 0 {
			t.Errorf("%s has a day in CHANGELOG.md, and no kept items: docs/upgrade.md#make-a-release", of)
		}
	}
	return folders
}

// read is a file beside the items.
func read(t *testing.T, folder, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// What an older release has stored, this version reads and goes on with: callers are let
// in, what is open ends, what is over keeps its receipts, who is held stays until the
// release of the hold, nothing else is changed, and no function fails at it. The same
// holds of items without the number of a schema, which are of schema 1.
func TestOldItems(t *testing.T) {
	for _, folder := range supported(t) {
		for _, form := range []string{"as kept", "without numbers"} {
			t.Run(filepath.Base(folder)+" "+form, func(t *testing.T) {
				items := kept(t, folder)
				if form == "without numbers" {
					items.withoutNumbers()
				}
				var known facts
				if err := json.Unmarshal(read(t, folder, "facts.json"), &known); err != nil {
					t.Fatal(err)
				}
				s := started(t, "upgrade-"+rand.Text()+"-", quick, func(s *stack.Stack) { items.load(t, s) })
				dropped(t, s.Stack)
				s.goesOn(known, string(read(t, folder, "receipt.tlog-proof")))
				s.Close()
				for line := range strings.Lines(s.log.String()) {
					if strings.Contains(line, `"level":"ERROR"`) || strings.Contains(line, "panic") {
						t.Error(line)
					}
				}
			})
		}
	}
}

// goesOn looks that a stack goes on with the items of the scenario, until everything that
// was open or held has ended. receiptText is the receipt that was kept with them.
func (s aStack) goesOn(known facts, receiptText string) {
	t := s.t
	t.Helper()
	stays, filed := s.customer("stays"), s.filed("c-stays")
	if len(stays) != 3 || len(filed) != 2 {
		t.Fatalf("%d items of the customer who stays, %d of the contact", len(stays), len(filed))
	}
	s.usersGoOn()
	s.refused("held")
	old := s.proved(receiptText, known.LogKey)
	for _, id := range []string{known.Customer, known.Numbers} {
		if status := s.read(operation.ReadErasure, id); !strings.Contains(status.Body, `"status":"erased"`) {
			t.Errorf("an erasure that was over: %s", status)
		}
		again := s.proved(s.read(operation.ReadReceipt, id).Body, known.LogKey)
		if again.Statement.ID != id || id == known.Customer && again.Index != old.Index {
			t.Errorf("leaf %d is about %s, want %d about %s", again.Index, again.Statement.ID, old.Index, id)
		}
	}
	for _, id := range []string{known.OpenCustomer, known.OpenNumbers} {
		s.sealed(id, "erased")
		if ended := s.proved(s.read(operation.ReadReceipt, id).Body, known.LogKey); ended.Size <= old.Size {
			t.Errorf("the log has %d leaves, it had %d", ended.Size, old.Size)
		}
	}
	if left := append(s.customer("open"), s.filed("c-open")...); len(left) > 0 {
		t.Errorf("the open erasures have left %v", left)
	}
	if len(s.customer("held")) != 3 || len(s.filed("c-held")) != 2 {
		t.Errorf("of who is held: %v, %v", s.customer("held"), s.filed("c-held"))
	}
	s.releases()
	id := s.erases(client.CleanCustomerData("n-other").Bearer(s.token()).With("X-APP-Key: " + app.name))
	if !reflect.DeepEqual(stays, s.customer("stays")) {
		t.Errorf("the customer who stays is %v, was %v", s.customer("stays"), stays)
	}
	s.sealed(id, "erased")
	if left := s.filed("c-stays"); len(left) > 0 {
		t.Errorf("an old contact is still there: %v", left)
	}
}

// usersGoOn makes operations 1 and 2, and what is beside them, on old users.
func (s aStack) usersGoOn() {
	s.t.Helper()
	for _, r := range []client.Request{
		client.ReadProvision("u-kept"),
		client.SetTemporaryAllow("u-kept", client.Allow{Type: "1"}, client.XML),
		client.SetTemporaryAllow("u-used", client.Allow{Type: "1"}, client.JSON),
		client.UseTemporaryAllow("u-used"),
		client.DeleteCustomerInfo("u-kept", "reset=true"),
		client.ReadProvision("u-kept"),
	} {
		s.send(http.StatusOK, r.As(csr.name, csr.password))
	}
	if answer := s.send(http.StatusUnauthorized, client.ReadProvision("u-kept").As(csr.name, "wrong")); answer.Body == "" {
		s.t.Error("no sentence")
	}
}

// releases releases the holds, and waits for what they have kept.
func (s aStack) releases() {
	s.t.Helper()
	for _, id := range []string{"hold-customer", "hold-number"} {
		s.asks(client.ReleaseHold(id))
	}
	s.eventually("what was held is erased", func() bool {
		return len(s.customer("held")) == 0 && len(s.filed("c-held")) == 0
	})
}

// proved verifies a receipt with the key that the log was signed with when the items were
// kept, which is the log's key still.
func (s aStack) proved(text, key string) receipt.Verified {
	s.t.Helper()
	if is := strings.TrimSpace(s.read(operation.ReadLogKey, "").Body); is != key {
		s.t.Fatalf("the log's key is %s, it was %s", is, key)
	}
	verifier, err := note.NewVerifier(key)
	if err != nil {
		s.t.Fatal(err)
	}
	verified, err := receipt.Verify([]byte(text), note.VerifierList(verifier))
	if err != nil {
		s.t.Fatalf("%v\n%s", err, text)
	}
	return verified
}
