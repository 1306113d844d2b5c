package probe

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"customercare/infra/client"
	"customercare/infra/fixture"
	"customercare/shared/store"
)

// material is what a run puts in. Every key of it holds the run's name, which nobody else
// has. What is the same in all runs lies within an account or a tenant of the run's own.
type material struct {
	name string // of the run: "smoke-" and twelve random digits

	operator, password     string
	by                     client.APIUser // with the run's name as the account
	app, secret            string
	otherApp, otherSecret  string
	otherAccount           string
	code, neighbourCode    string
	heldCode               string // of a customer who is held, and erased by the release
	tenant, otherTenant    string
	user, neighbour        string // customer IDs; the neighbour's needs every kind of escaping in a path
	number, called, shared string // customer numbers: the contacts of the first are erased
	stranger               string // has a contact with called, which stays
}

// How much the customer has that is deleted, and each of its neighbours.
const (
	transactions    = 60
	fewTransactions = 3
)

const (
	nameBytes   = 6
	secretBytes = 24 // 192 bits
)

// newMaterial makes names and secrets up.
func newMaterial() material {
	name := "smoke-" + random(nameBytes)
	return material{
		name:     name,
		operator: name + "-operator", password: random(secretBytes),
		by:  client.APIUser{Name: name + "-user", Key: random(secretBytes), Account: name},
		app: name + "-app", secret: random(secretBytes), otherApp: name + "-app2", otherSecret: random(secretBytes),
		otherAccount: name + "-other",
		code:         "4711000011112222", neighbourCode: "47110000111122223", heldCode: "4711000011113333",
		tenant: name, otherTenant: name + "-other",
		user: name + "-user", neighbour: name + "-user/50% #1?&=+ünï 😀",
		number: "135****1111", called: "wen11", shared: "kehu@*****.com", stranger: "13500001111", // as documented
	}
}

// secrets are all of them, also as HTTP Basic sends them.
func (m material) secrets() []string {
	all := []string{m.password, m.by.Key, m.secret, m.otherSecret}
	for _, caller := range [][2]string{{m.operator, m.password}, {m.operator, m.by.Key}, {m.by.Name, m.by.Key},
		{m.by.Name, m.secret}} {
		_, sent, _ := strings.Cut(client.Basic(caller[0], caller[1]), "Basic ")
		all = append(all, sent)
	}
	return all
}

// random is so many bytes in hexadecimal digits.
func random(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// records are what is imported.
func (m material) records() []fixture.Record {
	return slices.Concat(
		[]fixture.Record{
			fixture.Operator(m.operator, m.password), fixture.APIUser(m.by.Name, m.by.Key, m.by.Account),
			fixture.App(m.app, m.secret, m.tenant), fixture.App(m.otherApp, m.otherSecret, m.otherTenant),
			fixture.User(m.user), fixture.User(m.neighbour),
		},
		fixture.CustomerWith(m.by.Account, m.code, transactions),
		fixture.CustomerWith(m.by.Account, m.neighbourCode, fewTransactions),
		fixture.CustomerWith(m.by.Account, m.heldCode, fewTransactions),
		fixture.CustomerWith(m.otherAccount, m.code, fewTransactions),
		[]fixture.Record{
			fixture.Contact(m.tenant, "c1", m.number, m.called),
			fixture.Contact(m.tenant, "c2", m.shared, m.number),
			fixture.Contact(m.tenant, neighbourContact, m.stranger, m.called),
			fixture.Contact(m.otherTenant, "c1", m.number, m.called),
		},
	)
}

// neighbourContact is under the same number as one that is erased.
const neighbourContact = "c3"

// load imports the records, and notes what stands where.
func (r *run) load(ctx context.Context) error {
	if err := fixture.Load(ctx, r.Deployment.DB, r.Deployment.Tables.Tables, r.records()...); err != nil {
		return err
	}
	for at, items := range r.places() {
		var err error
		if r.want[at], err = r.read(ctx, at); err != nil {
			return err
		}
		if got := len(r.want[at]); got != items {
			return fmt.Errorf("%d items stand at %s, want %d", got, at, items)
		}
	}
	return nil
}

// places are all that a run's records lie at, with how many items each has to begin with.
func (r *run) places() map[place]int {
	return map[place]int{
		r.userPlace(r.user):                            1,
		r.userPlace(r.neighbour):                       1,
		r.customerPlace(r.by.Account, r.code):          1 + transactions,
		r.customerPlace(r.by.Account, r.neighbourCode): 1 + fewTransactions,
		r.customerPlace(r.by.Account, r.heldCode):      1 + fewTransactions,
		r.customerPlace(r.otherAccount, r.code):        1 + fewTransactions,
		r.contactPlace(r.tenant, r.number):             2,
		r.contactPlace(r.tenant, r.called):             2,
		r.contactPlace(r.tenant, r.shared):             1,
		r.contactPlace(r.tenant, r.stranger):           1,
		r.contactPlace(r.otherTenant, r.number):        1,
		r.contactPlace(r.otherTenant, r.called):        1,
	}
}

// userPlace is where a user stands.
func (r *run) userPlace(customerID string) place {
	return place{r.Deployment.Tables.Users, "customerId", customerID}
}

// customerPlace is where a customer and its transactions stand.
func (r *run) customerPlace(account, code string) place {
	return place{r.Deployment.Tables.Customers, "customer", store.CustomerKey(account, code)}
}

// contactPlace is where the contacts of a number stand.
func (r *run) contactPlace(tenant, number string) place {
	return place{r.Deployment.Tables.Contacts, "party", store.PartyKey(tenant, number)}
}
