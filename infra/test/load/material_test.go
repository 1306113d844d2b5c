package load

import (
	"context"
	"fmt"
	"time"

	"customercare/infra/client"
	"customercare/infra/fixture"
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

// deletions are what operation 1 deletes; each user has calls of one kind only, so that
// its end is known.
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

// records are what to import.
func (m material) records() []fixture.Record {
	all := []fixture.Record{
		fixture.Operator(operator, password), fixture.APIUser(apiUser, key, account), fixture.App(app, secret, tenant),
	}
	for _, kind := range append([]string{allowed, untouched}, deletions...) {
		for n := range usersOfKind {
			all = append(all, fixture.User(userOf(kind, n)))
		}
	}
	for n := range m.codes {
		all = append(all, fixture.CustomerWith(account, codeOf(n), transactions)...)
	}
	for n := range neighbours {
		all = append(all, fixture.CustomerWith(account, neighbourCode(n), transactions)...)
	}
	contact := func(number, calling, called string) {
		id := fmt.Sprint(len(m.contacts))
		m.contacts[store.ContactKey(fixture.At, id)] = number
		all = append(all, fixture.Contact(tenant, id, calling, called))
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
	return all
}

// load puts everything into the stack's tables.
func (m *material) load(ctx context.Context, st *stack.Stack) error {
	if err := fixture.Load(ctx, st.DynamoDB(), fixture.Tables(st.Table), m.records()...); err != nil {
		return err
	}
	// What operation 1 is to cancel.
	users := store.Users{DB: st.DynamoDB(), Table: st.Table("Users")}
	for n := range usersOfKind {
		allow := store.TempAllow{
			Type:      1,
			Expires:   time.Now().Add(24 * time.Hour),
			GrantedAt: time.Now(),
			GrantedBy: operator,
		}
		if err := users.SetTempAllow(ctx, userOf(deletions[0], n), allow); err != nil {
			return fmt.Errorf("load allows: %w", err)
		}
	}
	m.responses = st.Template.API.Responses
	return nil
}

// gateway is what API Gateway says by itself, of this type.
func (m material) gateway(kind string, status int) answer {
	body := m.responses[kind].Templates[client.JSON]
	return answer{Expected: client.Expected{Status: status, Media: client.JSON, Body: body}}
}
