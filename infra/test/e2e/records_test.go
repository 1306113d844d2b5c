package e2e

import (
	"fmt"
	"strings"
	"testing"

	"customercare/infra/fixture"
	"customercare/infra/importer"
	"customercare/infra/local/stack"
	"customercare/shared/operation"
)

// load imports records into the tables of the stack that all tests share, one JSON object
// a line. None of their texts may ever be in a log.
func load(t testing.TB, records ...string) {
	t.Helper()
	loadInto(t, running, records...)
}

// loadInto is load for another stack's tables.
func loadInto(t testing.TB, s *stack.Stack, records ...string) {
	t.Helper()
	logged.records(t, records)
	_, err := importer.Load(t.Context(), importer.Options{
		Client: database, Tables: fixture.Tables(s.Table),
		Report: func(line int, sentence string) { t.Errorf("line %d: %s", line, sentence) },
	}, strings.NewReader(strings.Join(records, "\n")))
	if err != nil {
		t.Fatal(err)
	}
}

// asLines are records as load takes them.
func asLines(records ...fixture.Record) (all []string) {
	for _, r := range records {
		all = append(all, r.String())
	}
	return all
}

// operator loads an operator and returns the header that lets it in.
func operator(t testing.TB, name string) string {
	t.Helper()
	load(t, fixture.Operator(name, "password of "+name).String())
	return basic(name, "password of "+name)
}

// scoped is the record of an operator who may call this operation only.
func scoped(name string, only operation.Operation) string {
	return fixture.Operator(name, "password of "+name).With("operations", []string{only.Name}).String()
}

// app loads an app and returns the header that lets it in.
func app(t testing.TB, name, tenant string) (bearer string) {
	t.Helper()
	load(t, fixture.App(name, secretOf(name), tenant).String())
	return "Authorization: Bearer " + token(t, name)
}

// secretOf is the secret of an app that app has loaded.
func secretOf(app string) string { return "secret-of-" + app + "-0123456789abcdef" }

// token asks for a token of an app that is loaded.
func token(t testing.TB, app string, headers ...string) string {
	t.Helper()
	token, err := send(t, "POST", tokenPath, credentials(app), headers...).Token()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// loadUsers loads full users of these ids.
func loadUsers(t testing.TB, ids ...string) {
	t.Helper()
	var users []fixture.Record
	for _, id := range ids {
		users = append(users, fixture.User(id).
			With("registration", fixture.Fields{"level": 2, "at": "2024-02-29T12:00:00Z"}).
			With("questions", fixture.Fields{"q1": fixture.Fields{"text": "first pet", "answer": "Rex <&> \u2028"}}).
			With("phrases", fixture.Fields{"p1": "ünïcode"}).
			With("devices", fixture.Fields{
				"d1": fixture.Fields{"name": "phone", "seen": []any{1, 2.50, nil, true}},
				"d2": fixture.Fields{"name": "tablet"},
			}).
			With("note", "kept as it is"))
	}
	load(t, asLines(users...)...)
}

// userOf is the API user of an account that openAccount has opened, keyOf its key.
func userOf(account string) string { return "user of " + account }
func keyOf(account string) string  { return "key+of%" + account + "&0123456789abcdef" }

// openAccount loads an account's API user, and for each code a customer with so many
// transactions. Every text of the customer holds "mark of <account>".
func openAccount(t testing.TB, account string, transactions int, codes ...string) {
	t.Helper()
	load(t, fixture.APIUser(userOf(account), keyOf(account), account).String())
	addCustomers(t, account, transactions, codes...)
}

// addCustomers loads more customers of an account that is open.
func addCustomers(t testing.TB, account string, transactions int, codes ...string) {
	t.Helper()
	var records []string
	for _, code := range codes {
		records = append(records, customerRecords(account, transactions, code)...)
	}
	load(t, records...)
}

// customerRecords are the records of addCustomers for one code.
func customerRecords(account string, transactions int, code string) []string {
	mark := "mark of " + account + " " + code
	customer := fixture.Customer(account, code).With("name", "name "+mark).With("email", "email "+mark).
		With("phone", "phone "+mark).With("cardNumber", "card "+mark).
		With("children", []any{map[string]string{"name": "child " + mark}})
	records := []fixture.Record{customer}
	for i := range transactions {
		records = append(records, fixture.Transaction(account, code, i).With("campaignId",
			fmt.Sprint("campaign ", i%3)).
			With("transactionId", fmt.Sprint("transaction ", i, " ", len(code))).With("note", "note "+mark))
	}
	return asLines(records...)
}

// record is any record as load takes it.
func record(fields map[string]any) string { return fixture.Record(fields).String() }

// contact is one contact between two numbers.
type contact struct{ id, calling, called, content string }

// loadContacts loads contacts of a tenant.
func loadContacts(t testing.TB, tenant string, contacts ...contact) {
	t.Helper()
	var records []fixture.Record
	for _, c := range contacts {
		records = append(records, fixture.Contact(tenant, c.id, c.calling, c.called).With("content", c.content))
	}
	load(t, asLines(records...)...)
}
