package chaos

import (
	"context"
	"fmt"
	"testing"

	"customercare/infra/client"
	"customercare/infra/fixture"
	"customercare/shared/operation"
)

// Who calls, and for whom.
const (
	operator, password = "csr", "operator-0123456789"
	app, secret        = "ak", "sk-0123456789abcdef"
	tenant             = "acme"
)

var by = client.APIUser{Name: "john", Key: "key-0123456789abcdef", Account: "shop"}

// tables have the names that the template gives them: every life has an engine of its
// own.
var tables = fixture.Tables(func(id string) string { return id })

// callers are the records of those who call.
func callers() []fixture.Record {
	return []fixture.Record{
		fixture.Operator(operator, password), fixture.APIUser(by.Name, by.Key, by.Account),
		fixture.App(app, secret, tenant),
	}
}

// load imports records into the victim's tables.
func load(t *testing.T, v *victim, records ...fixture.Record) {
	t.Helper()
	if err := fixture.Load(t.Context(), v.client, tables, records...); err != nil {
		t.Fatal(err)
	}
}

// request is one request that must be answered in the end, as is.
type request struct {
	client.Request
	is func(client.Answer) bool
}

// like says whether an answer is the expected one.
func like(want client.Expected) func(client.Answer) bool {
	return func(a client.Answer) bool { return a.Is(want) == nil }
}

// deletes asks for the erasure of one customer.
func deletes(code string) request {
	return request{client.DeleteCustomer(by, code), like(client.Deleted(client.XML, code))}
}

// cleans asks for the erasure of n numbers that begin with the prefix.
func cleans(prefix string, n int) request {
	numbers := make([]string, n)
	for i := range numbers {
		numbers[i] = fmt.Sprint(prefix, i)
	}
	return request{client.CleanCustomerData(numbers...), like(client.Cleaned)}
}

// expect makes a call, and returns an error unless the answer is the expected one.
func (v *victim) expect(r client.Request, want client.Expected) error {
	ctx, cancel := context.WithTimeout(context.Background(), generous)
	defer cancel()
	return client.Client{Base: v.url}.Expect(ctx, r, want)
}

// send says whether the answer was what it must be. Any other, and none, is a reason to
// ask again.
func (v *victim) send(e request, token string) bool {
	r := e.Request
	if r.Operation.Name == operation.HoldErasures.Name {
		r = r.As(operator, password)
	} else {
		r = r.Bearer(token)
	}
	ctx, cancel := context.WithTimeout(context.Background(), generous)
	defer cancel()
	answer, err := client.Client{Base: v.url}.Send(ctx, r)
	return err == nil && e.is(answer)
}

// token is a new one of the app, "" when there is no answer.
func (v *victim) token() string {
	ctx, cancel := context.WithTimeout(context.Background(), generous)
	defer cancel()
	token, _ := client.Client{Base: v.url}.Token(ctx, app, secret)
	return token
}
