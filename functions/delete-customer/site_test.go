package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/frontdoor"
	"customercare/shared/digest"
	"customercare/shared/erasure"
	"customercare/shared/gateway"
	"customercare/shared/principal"
	"customercare/shared/store"
)

// hung is how long a test waits for what must come before it says that it does not.
const hung = 20 * time.Second

// site is the function on tables of its own. The API user john with the key "key" may
// delete customers of the account a.
type site struct {
	*dynamotest.Kit
	handle func(context.Context, events.APIGatewayProxyRequest) (gateway.Answer, error)
	clock  *dynamotest.Clock
	worker erasure.Worker
}

// newSite lets the function's calls go through door, which is in front of the engine.
func newSite(t *testing.T, door func(next http.RoundTripper) http.RoundTripper) site {
	kit := dynamotest.Open(t)
	if door != nil {
		kit.Faults.Next = door(kit.Faults.Next)
	}
	clock := &dynamotest.Clock{Time: time.UnixMilli(time.Now().UnixMilli())}
	digests := digest.Digester{Current: "1", Keys: map[string][]byte{"1": []byte("a key of digests, 32 characters.")}}
	timing := erasure.Timing{WriterLifetime: 5 * time.Minute, ClockSkew: time.Minute}
	at := erasure.NewClock(clock.Now, clock.AfterFunc)
	kit.Put(t, kit.Principals.Table, attribute.Item{
		"principal": attribute.Text("apiUser#john"), "hashes": attribute.Texts(principal.Hash("key")),
		"accounts": attribute.Texts("a"),
	})
	kit.Faults.Calls()
	return site{
		Kit: kit, clock: clock,
		handle: handler{
			principal.Directory{
				Principals: kit.Principals, Guard: principal.Guard{Limit: 10, Window: time.Minute}, Now: clock.Now,
			},
			erasure.NewCustomerIntake(kit.Erasures, kit.Customers, kit.Holds, digests, timing, at),
			digests, time.Second, upstream{},
		}.endpoint().Handler(),
		worker: erasure.NewWorker(kit.Erasures, kit.Customers, kit.Contacts, kit.Holds, nil, timing, time.Minute, at),
	}
}

// record is an item of customer 47 of the account a.
func record(name string) attribute.Item {
	return attribute.Item{"customer": attribute.Text(store.CustomerKey("a", "47")), "record": attribute.Text(name)}
}

// transaction is one of customer 47.
func transaction(id string) attribute.Item { return record(store.TransactionRecord("c", id)) }

// putCustomer stores customer 47 with so many transactions.
func (s site) putCustomer(t *testing.T, transactions int) {
	items := []attribute.Item{record(store.CustomerRecord)}
	for i := range transactions {
		items = append(items, transaction(fmt.Sprint(i)))
	}
	s.Put(t, s.Customers.Table, items...)
}

// ask sends a form. No answer in a long time is a failure.
func (s site) ask(t *testing.T, form string) (body string) {
	t.Helper()
	r := frontdoor.Request{
		Method: "POST", Path: "/", Header: [][2]string{{"Content-Type", urlencoded}}, Body: []byte(form),
	}
	type outcome struct {
		gateway.Answer
		err error
	}
	answered := make(chan outcome, 1)
	go func() {
		answer, err := s.handle(t.Context(), r.Event())
		answered <- outcome{answer, err}
	}()
	select {
	case answer := <-answered:
		if answer.err != nil {
			t.Fatal(answer.err)
		}
		return answer.Body
	case <-time.After(hung):
		t.Fatal("no answer")
		return ""
	}
}

const deletedXML = `<customer status="deleted">`

// strangers are forms of callers who are not let in.
var strangers = map[string]string{
	"unknown user":    strings.Replace(goodForm, "user_id=john", "user_id=jane", 1),
	"wrong key":       strings.Replace(goodForm, "=key", "=wrong", 1),
	"foreign account": strings.Replace(goodForm, "account_id=a", "account_id=b", 1),
}
