package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"customercare/infra/importer"
	"customercare/infra/local/apigateway"
	"customercare/infra/local/stack"
	"customercare/shared/store"
)

// Who calls. The data is made up and lives as long as the run.
const (
	operator, password = "load-operator", "load-password-of-it"
	apiUser, key       = "load-user", "load-key-0123456789abcdef"
	app, secret        = "load-app", "load-secret-0123456789abcdef"
	account, tenant    = "load-account", "load-tenant"
	stranger           = "a number that nobody may clean"
)

// deletions are what operation 1 deletes; each user has calls of one kind only, so that its end is known.
var deletions = []string{"cancelAllTemporaryAllows", "unregisterDevices", "reset"}

const (
	allowed     = "allowed"   // the kind of user that operation 2 is called for
	untouched   = "untouched" // and that nothing is
	usersOfKind = 25

	transactions    = 3 // of every customer
	neighbours      = 100
	agents          = 20 // numbers that have contacts with all others, and are never cleaned
	numbersPerClean = 2
)

func userOf(kind string, n int) string { return fmt.Sprintf("%s/%d%% ü", kind, n) } // needs escaping in a path
func codeOf(n int) string              { return fmt.Sprintf("47110000%08d", n) }
func neighbourCode(n int) string       { return codeOf(n) + "0" } // right behind the customer in the table
func numbersOf(clean int) (all []string) {
	for i := range numbersPerClean {
		all = append(all, fmt.Sprintf("135****%06d", clean*numbersPerClean+i))
	}
	return all
}

// material is what is in the tables when the load begins.
type material struct {
	codes, cleans int               // customers to delete, and calls that clean
	contacts      map[string]string // sort key of each contact -> the number it goes with; "" stays
	expires       time.Time         // of every allow, in whole milliseconds
	responses     map[string]apigateway.Response
	token         string // of the app, for the whole run
}

// newMaterial has enough for so many calls.
func newMaterial(calls int) material {
	rounds := calls/len((&plan{}).deck()) + 2
	return material{
		codes: rounds * newCodes, cleans: rounds * cleansRound, contacts: map[string]string{},
		expires: time.Now().Add(48 * time.Hour).UTC().Truncate(time.Millisecond),
	}
}

var recordsAreFrom = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// records are the lines of a file for `make import`.
func (m material) records() io.Reader {
	var lines bytes.Buffer
	type object = map[string]any
	add := func(kind string, fields object) {
		fields["kind"] = kind
		line, _ := json.Marshal(fields) // texts: it cannot fail
		lines.Write(append(line, '\n'))
	}
	at := recordsAreFrom.Format(time.RFC3339)
	add("operator", object{"name": operator, "password": password})
	add("apiUser", object{"name": apiUser, "key": key, "accounts": []string{account}})
	add("app", object{"name": app, "secret": secret, "tenantId": tenant})
	for _, kind := range append([]string{allowed, untouched}, deletions...) {
		for n := range usersOfKind {
			add("user", object{
				"customerId": userOf(kind, n), "registration": object{"level": 2}, "questions": object{"q1": object{"answer": "Rex"}},
				"images": object{"i1": "tulip"}, "phrases": object{"p1": "made up"}, "devices": object{"d1": object{"name": "phone"}}, "note": "stays",
			})
		}
	}
	customer := func(code string) {
		add("customer", object{"accountId": account, "code": code, "name": "Made Up", "cardNumber": code})
		for i := range transactions {
			add("transaction", object{"accountId": account, "code": code, "campaignId": "c", "transactionId": fmt.Sprint(i), "at": at, "amount": "12.50"})
		}
	}
	for n := range m.codes {
		customer(codeOf(n))
	}
	for n := range neighbours {
		customer(neighbourCode(n))
	}
	contact := func(number, calling, called string) {
		id := fmt.Sprint(len(m.contacts))
		m.contacts[store.ContactKey(recordsAreFrom, id)] = number
		add("contact", object{"tenantId": tenant, "contactId": id, "at": at, "callingNumber": calling, "calledNumber": called, "content": "made up"})
	}
	for n := range m.cleans {
		for i, number := range numbersOf(n) {
			agent := fmt.Sprint("agent-", (n+i)%agents)
			contact(number, number, agent)
			contact(number, agent, number)
		}
	}
	for n := range agents {
		contact("", fmt.Sprint("agent-", n), stranger)
	}
	return &lines
}

// load puts everything into the stack's tables.
func (m *material) load(ctx context.Context, st *stack.Stack) error {
	var refused error
	_, err := importer.Load(ctx, importer.Options{
		Client: st.DynamoDB(),
		Tables: importer.Tables{
			Users: st.Table("Users"), Customers: st.Table("Customers"), Contacts: st.Table("Contacts"), Principals: st.Table("Principals"),
		},
		Report: func(line int, sentence string) { refused = fmt.Errorf("record %d: %s", line, sentence) },
	}, m.records())
	if refused != nil {
		return refused
	}
	if err != nil {
		return fmt.Errorf("load records: %w", err)
	}
	// What operation 1 is to cancel.
	users := store.Users{DB: st.DynamoDB(), Table: st.Table("Users")}
	for n := range usersOfKind {
		allow := store.TempAllow{Type: 1, Expires: time.Now().Add(24 * time.Hour), GrantedAt: time.Now(), GrantedBy: operator}
		if err := users.SetTempAllow(ctx, userOf(deletions[0], n), allow); err != nil {
			return fmt.Errorf("load allows: %w", err)
		}
	}
	m.responses = st.Template.API.Responses
	return nil
}

// gateway is what API Gateway says by itself, of this type.
func (m material) gateway(kind string, status int) answer {
	return answer{status: status, media: inJSON, body: m.responses[kind].Templates[inJSON]}
}

// askForToken gets the token with which personal data is cleaned.
func (m *material) askForToken(ctx context.Context, client *http.Client, base string) error {
	r, err := http.NewRequestWithContext(ctx, "POST", base+tokenPath, strings.NewReader(`{"app_key":"`+app+`","app_secret":"`+secret+`"}`))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", inJSON)
	r.Header.Set("X-Token-Expire", "3600")
	said, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("no token: %w", err)
	}
	defer said.Body.Close()
	var token struct{ AccessToken string }
	if err := json.NewDecoder(said.Body).Decode(&token); err != nil || token.AccessToken == "" {
		return fmt.Errorf("no token: status %d, %w", said.StatusCode, err)
	}
	m.token = token.AccessToken
	return nil
}
