package upgrade

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"customercare/infra/attribute"
	"customercare/infra/client"
	"customercare/infra/fixture"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/operation"
	"customercare/shared/version"
)

// Who calls in every scenario. The secrets are none: the kept items hold their hashes.
var (
	csr  = struct{ name, password string }{"csr-kept", "password of the kept operator"}
	john = client.APIUser{Name: "john-kept", Key: "key-of-the-kept-user-0123456789", Account: "shop"}
	app  = struct{ name, secret string }{"app-kept", "secret-of-the-kept-app-0123456789"}
)

const tenant = "acme"

// facts are what a test must know of the items beside them.
type facts struct {
	Customer, Numbers         string // erasures that are over
	OpenCustomer, OpenNumbers string // erasures that are open
	LogKey                    string // verifies the log
}

// manyNumbers are more than an item of a job holds.
func manyNumbers() []string {
	all := []string{"n-open"}
	for i := range 49 {
		all = append(all, fmt.Sprintf("n-unknown-%02d", i))
	}
	return all
}

// written makes calls that leave an item of every kind, and gives all items and what is
// to be known of them: users with allows, a used one among them, principals, a count of
// wrong secrets, a token, finished and open erasures of both kinds, holds that hold, that
// have refused and that are released, and the sealed log. The receipt of the customer's
// erasure comes with them. With times the open ones stay open.
func written(t *testing.T, times map[string]string) (items stored, known facts, receipt string) {
	t.Helper()
	prefix := "upgrade-" + rand.Text() + "-"
	s := started(t, prefix, quick, nil)
	dropped(t, s.Stack)
	records := []fixture.Record{
		fixture.Operator(csr.name, csr.password), fixture.APIUser(john.Name, john.Key, john.Account),
		fixture.App(app.name, app.secret, tenant), fixture.User("u-kept"), fixture.User("u-used"),
		fixture.Contact(tenant, "c-erased", "n-erased", "n-other"), fixture.Contact(tenant, "c-open", "n-open", "n-other"),
		fixture.Contact(tenant, "c-held", "n-held", "n-other"), fixture.Contact(tenant, "c-stays", "n-stays", "n-other"),
	}
	for code, transactions := range map[string]int{"erased": 3, "open": 15, "held": 2, "stays": 2} {
		records = append(records, fixture.CustomerWith(john.Account, code, transactions)...)
	}
	if err := fixture.Load(t.Context(), s.DynamoDB(), fixture.Tables(s.Table), records...); err != nil {
		t.Fatal(err)
	}
	s.allows()
	s.send(http.StatusUnauthorized, client.ReadProvision("u-kept").As(csr.name, "a wrong password"))
	token := s.token()
	s.holds(token)
	known.Customer = s.erases(client.DeleteCustomer(john, "erased"))
	known.Numbers = s.erases(client.CleanCustomerData("n-erased", "n-nobody").Bearer(token).With("X-APP-Key: " + app.name))
	s.sealed(known.Customer, "erased")
	s.sealed(known.Numbers, "erased")
	receipt = s.read(operation.ReadReceipt, known.Customer).Body
	known.LogKey = strings.TrimSpace(s.read(operation.ReadLogKey, "").Body)
	s.Close()

	s = started(t, prefix, times, nil)
	known.OpenCustomer = s.erases(client.DeleteCustomer(john, "open"))
	known.OpenNumbers = s.erases(client.CleanCustomerData(manyNumbers()...).Bearer(token).With("X-APP-Key: " + app.name))
	s.eventually("the contacts of the open erasure are gone", func() bool { return len(s.filed("c-open")) == 0 })
	s.eventually("all statements are sealed, and no worker is at a job", func() bool {
		for _, item := range dynamotest.Items(t, s.DynamoDB(), s.Table("Erasures")) {
			if item["unlogged"] != nil || item["leaseOwner"] != nil {
				return false
			}
		}
		return true
	})
	s.Close() // from here on nothing changes
	return storedIn(t, s.Stack), known, receipt
}

// allows sets allows of each type, and uses one up.
func (s aStack) allows() {
	s.t.Helper()
	for user, allows := range map[string][]client.Allow{
		"u-kept": {{Type: "1"}, {Type: "2"}, {Type: "3", Expires: time.Now().AddDate(0, 10, 0)}},
		"u-used": {{Type: "1"}},
	} {
		for _, allow := range allows {
			s.send(http.StatusOK, client.SetTemporaryAllow(user, allow, client.JSON).As(csr.name, csr.password))
		}
	}
	s.send(http.StatusOK, client.UseTemporaryAllow("u-used").As(csr.name, csr.password))
}

// holds places holds of a customer and of a number, each of which keeps something from an
// erasure, and one that is released again.
func (s aStack) holds(token string) {
	s.t.Helper()
	for _, r := range []client.Request{
		client.PlaceHold("hold-customer", john.Account, "held", "a lawsuit", time.Time{}),
		client.PlaceHoldOfNumber("hold-number", tenant, "n-held", "a lawsuit", time.Time{}),
		client.PlaceHold("hold-released", john.Account, "stays", "a mistake", time.Time{}),
	} {
		s.asks(r)
	}
	s.asks(client.ReleaseHold("hold-released"))
	for id, status := range map[string]string{"hold-customer": "active", "hold-number": "active", "hold-released": "released"} {
		s.eventually(id+" is "+status, func() bool {
			held := s.send(http.StatusOK, client.ReadHold(id).As(csr.name, csr.password))
			return strings.Contains(held.Body, `"status":"`+status+`"`)
		})
	}
	s.refused("held")
	partial := s.erases(client.CleanCustomerData("n-held").Bearer(token).With("X-APP-Key: " + app.name))
	s.eventually("the erasure of the number that is held is over", func() bool {
		return strings.Contains(s.read(operation.ReadErasure, partial).Body, `"status":"partial"`)
	})
}

// asks places or releases a hold: at once, or in the background.
func (s aStack) asks(r client.Request) {
	s.t.Helper()
	answer, err := s.api.Send(s.t.Context(), r.As(csr.name, csr.password))
	if err != nil || answer.Status < 200 || answer.Status > 202 {
		s.t.Fatal(answer, err)
	}
}

// refused asks for the erasure of a customer who is held.
func (s aStack) refused(code string) {
	s.t.Helper()
	if answer := s.send(http.StatusOK, client.DeleteCustomer(john, code)); !strings.Contains(answer.Body, "is held") {
		s.t.Errorf("who is held gets %s", answer)
	}
}

// token is a new one of the app.
func (s aStack) token() string {
	s.t.Helper()
	token, err := s.api.Token(s.t.Context(), app.name, app.secret)
	if err != nil {
		s.t.Fatal(err)
	}
	return token
}

// erases sends a request that opens an erasure, and gives the erasure's id.
func (s aStack) erases(r client.Request) string {
	s.t.Helper()
	answer := s.send(http.StatusOK, r)
	id, found := strings.CutPrefix(answer.Header.Get("Link"), "</erasures/")
	id, ended := strings.CutSuffix(id, `>; rel="status"`)
	if !found || !ended {
		s.t.Fatalf("%s %s: %s links to %q", r.Method, r.Path, answer, answer.Header.Get("Link"))
	}
	return id
}

// read asks about an erasure as whoever may: the operator.
func (s aStack) read(route operation.Route, id string) client.Answer {
	s.t.Helper()
	return s.send(http.StatusOK, client.Read(route, id).As(csr.name, csr.password))
}

// sealed waits until the statement of an erasure's acceptance or end is in the log.
func (s aStack) sealed(id, statement string) {
	s.t.Helper()
	s.eventually(id+": "+statement+" is sealed", func() bool {
		return strings.Contains(s.read(operation.ReadErasure, id).Body, `"`+statement+`":{"leaf"`)
	})
}

// filed are the copies of a contact.
func (s aStack) filed(contact string) (copies []attribute.Item) {
	s.t.Helper()
	for _, item := range dynamotest.Items(s.t, s.DynamoDB(), s.Table("Contacts")) {
		if strings.HasSuffix(attribute.ReadText(item, "contact"), "#"+contact) {
			copies = append(copies, item)
		}
	}
	return copies
}

// customer are the items of a customer.
func (s aStack) customer(code string) (items []attribute.Item) {
	s.t.Helper()
	for _, item := range dynamotest.Items(s.t, s.DynamoDB(), s.Table("Customers")) {
		if attribute.ReadText(item, "customer") == john.Account+"#"+code {
			items = append(items, item)
		}
	}
	return items
}

// TestKeep keeps what this version writes, once, when it is made a release: UPDATE=1.
// What a release has written is never made anew, because it would then be this code's
// and not the release's.
func TestKeep(t *testing.T) {
	folder := filepath.Join("testdata", version.Number)
	if _, err := os.Stat(folder); err == nil || os.Getenv("UPDATE") != "1" {
		t.Skip("UPDATE=1 keeps what a release writes, the first time")
	}
	items, known, receipt := written(t, aWhile)
	if t.Failed() {
		return
	}
	text, err := json.MarshalIndent(known, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	items.keep(t, folder)
	for name, text := range map[string]string{"facts.json": string(text) + "\n", "receipt.tlog-proof": receipt} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
