package probe

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"customercare/infra/importer"
	"customercare/shared/store"
)

// material is what a run puts in. Every key of it holds the run's name, which nobody else has: what is the same in all runs
// lies within an account or a tenant of the run's own.
type material struct {
	run string // "smoke-" and twelve random digits

	operator, password     string
	apiUser, key           string
	app, secret            string
	otherApp, otherSecret  string
	account, otherAccount  string
	code, neighbourCode    string
	tenant, otherTenant    string
	user, neighbour        string // customerIds; the neighbour's needs every kind of escaping in a path
	caller, called, shared string // customer numbers: the caller's contacts are erased, and those alone
	stranger               string
}

// How much the customer has that is deleted, and each of its neighbours.
const (
	transactions    = 60
	campaigns       = 4
	fewTransactions = 3
)

const (
	runBytes    = 6
	secretBytes = 24 // 192 bits
)

func newMaterial() material {
	run := "smoke-" + random(runBytes)
	return material{
		run:      run,
		operator: run + "-operator", password: random(secretBytes),
		apiUser: run + "-user", key: random(secretBytes),
		app: run + "-app", secret: random(secretBytes), otherApp: run + "-app2", otherSecret: random(secretBytes),
		account: run, otherAccount: run + "-other",
		code: "4711000011112222", neighbourCode: "47110000111122223",
		tenant: run, otherTenant: run + "-other",
		user: run + "-user", neighbour: run + "-user/50% #1?&=+ünï 😀",
		caller: "135****1111", called: "wen11", shared: "kehu@*****.com", stranger: "13500001111", // as documented
	}
}

// secrets are all of them, also as HTTP Basic sends them.
func (m material) secrets() []string {
	all := []string{m.password, m.key, m.secret, m.otherSecret}
	for _, secret := range all[:2] {
		_, sent, _ := strings.Cut(basic(m.operator, secret), "Basic ")
		all = append(all, sent)
	}
	return all
}

func random(bytes int) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// recordsAreFrom is the time of all records.
var recordsAreFrom = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// records are the lines of a file for `make import`.
func (m material) records() []byte {
	var lines bytes.Buffer
	add := func(kind string, fields map[string]any) {
		fields["kind"] = kind
		line, err := json.Marshal(fields)
		if err != nil {
			panic(err) // maps of texts: it cannot fail
		}
		lines.Write(append(line, '\n'))
	}
	type object = map[string]any
	add("operator", object{"name": m.operator, "password": m.password})
	add("apiUser", object{"name": m.apiUser, "key": m.key, "accounts": []string{m.account}})
	add("app", object{"name": m.app, "secret": m.secret, "tenantId": m.tenant})
	add("app", object{"name": m.otherApp, "secret": m.otherSecret, "tenantId": m.otherTenant})
	for _, id := range []string{m.user, m.neighbour} {
		add("user", object{
			"customerId": id, "registration": object{"level": 2}, "questions": object{"q1": object{"text": "first pet", "answer": "Rex"}},
			"images": object{"i1": "tulip"}, "phrases": object{"p1": "made up"},
			"devices": object{"d1": object{"name": "phone"}, "d2": object{"name": "tablet"}}, "note": "made up by a smoke test",
		})
	}
	for _, c := range []struct {
		account, code string
		transactions  int
	}{{m.account, m.code, transactions}, {m.account, m.neighbourCode, fewTransactions}, {m.otherAccount, m.code, fewTransactions}} {
		add("customer", object{
			"accountId": c.account, "code": c.code, "name": "Made Up", "email": "made.up@example.com", "phone": "+49 30 0000000", "cardNumber": c.code,
		})
		for i := range c.transactions {
			add("transaction", object{
				"accountId": c.account, "code": c.code, "campaignId": fmt.Sprint("campaign-", i%campaigns),
				"transactionId": fmt.Sprint("t", i), "at": recordsAreFrom.Format(time.RFC3339), "amount": "12.50",
			})
		}
	}
	contact := func(tenant, id, calling, called string) {
		add("contact", object{
			"tenantId": tenant, "contactId": id, "at": recordsAreFrom.Format(time.RFC3339), "callingNumber": calling, "calledNumber": called, "content": "made up",
		})
	}
	contact(m.tenant, "c1", m.caller, m.called)
	contact(m.tenant, "c2", m.shared, m.caller)
	contact(m.tenant, "c3", m.stranger, m.called) // a neighbour under the same number
	contact(m.otherTenant, "c1", m.caller, m.called)
	return lines.Bytes()
}

// load puts the records in, and notes what stands where.
func (p *probe) load(ctx context.Context) error {
	var refused error
	_, err := importer.Load(ctx, importer.Options{
		Client: p.Deployment.DB, Tables: p.Deployment.Tables.Tables,
		Report: func(line int, sentence string) { refused = fmt.Errorf("record %d: %s", line, sentence) },
	}, bytes.NewReader(p.records()))
	if refused != nil {
		return refused
	}
	if err != nil {
		return err
	}
	for place, items := range p.places() {
		if p.want[place], err = p.read(ctx, place); err != nil {
			return err
		}
		if got := len(p.want[place]); got != items {
			return fmt.Errorf("%d items stand at %s, want %d", got, place, items)
		}
	}
	return nil
}

// places are all that a run's records lie at, with how many items each has to begin with.
func (p *probe) places() map[place]int {
	t := p.Deployment.Tables
	contacts := func(tenant, number string) place { return place{t.Contacts, "party", store.PartyKey(tenant, number)} }
	return map[place]int{
		p.userPlace(): 1, {t.Users, "customerId", p.neighbour}: 1,
		p.customerPlace(): 1 + transactions,
		{t.Customers, "customer", store.CustomerKey(p.account, p.neighbourCode)}: 1 + fewTransactions,
		{t.Customers, "customer", store.CustomerKey(p.otherAccount, p.code)}:     1 + fewTransactions,
		contacts(p.tenant, p.caller):                                             2,
		contacts(p.tenant, p.called):                                             2,
		contacts(p.tenant, p.shared):                                             1,
		contacts(p.tenant, p.stranger):                                           1,
		contacts(p.otherTenant, p.caller):                                        1,
		contacts(p.otherTenant, p.called):                                        1,
	}
}

func (p *probe) userPlace() place { return place{p.Deployment.Tables.Users, "customerId", p.user} }

func (p *probe) customerPlace() place {
	return place{p.Deployment.Tables.Customers, "customer", store.CustomerKey(p.account, p.code)}
}
