package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/attribute"
	"customercare/infra/client"
	"customercare/infra/fixture"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/operation"
	"customercare/shared/store"
)

// A hold from the call that places it to the one that releases it, by HTTP alone: the
// deletion of the customer is refused, numbers that are held end as partial, and after
// the release both are gone. All statements are sealed.
func TestFromAHoldToTheErasure(t *testing.T) {
	t.Parallel()
	const account, code, tenant = "hold-account", "hold-code", "tenant-hold"
	csr, bearer := operator(t, "csr-hold"), app(t, "app-hold", tenant)
	load(t, append(customerRecords(account, 3, code),
		fixture.APIUser(userOf(account), keyOf(account), account).String(),
		fixture.Contact(tenant, "hold-contact", "hold-1", "hold-2").String(),
		fixture.Contact(tenant, "hold-other", "hold-2", "hold-3").String())...)
	parties := []string{"hold-1"} // more than one transaction marks
	for n := range 120 {
		parties = append(parties, fmt.Sprint("hold-party-", n))
	}
	for _, party := range parties { // as another program may file it
		_, err := database.PutItem(t.Context(), &dynamodb.PutItemInput{
			TableName: aws.String(running.Table("Contacts")), Item: attribute.Item{
				"party": attribute.Text(store.PartyKey(tenant, party)), "contact": attribute.Text("hold-many"), "parties": attribute.Texts(parties...),
			},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	ask := func(r client.Request) reply { return send(t, r.Method, r.Path, r.Body, append(r.Headers, csr)...) }
	for id, r := range map[string]client.Request{
		"e2e-customer": client.PlaceHold("e2e-customer", account, code, "court", time.Time{}),
		"e2e-number":   client.PlaceHoldOfNumber("e2e-number", tenant, "hold-1", "court", time.Time{}),
	} {
		if got := ask(r); got.Status != 201 || !strings.Contains(got.Body, `"id":"`+id+`","status":"active"`) {
			t.Fatalf("%d %s", got.Status, got.Body)
		}
	}
	if got := ask(client.Request{Method: "GET", Path: "/holds"}); !strings.Contains(got.Body, `"e2e-number"`) || !strings.Contains(got.Body, `"e2e-customer"`) {
		t.Errorf("the holds that stand: %d %s", got.Status, got.Body)
	}
	for seen, r := range map[string]client.Request{
		`"contacts":0},"held":4,"campaigns":[],"open":null`: client.PreviewCustomer(account, code),
		`"contacts":1},"held":1,"campaigns":[],"open":null`: client.PreviewNumbers(tenant, "hold-2"),
	} {
		if got := ask(r); got.Status != 200 || !strings.Contains(got.Body, seen) {
			t.Errorf("the preview: %d %s", got.Status, got.Body)
		}
	}
	for caller, status := range map[string]int{bearer: 403, basic("csr-hold", "wrong"): 401, basic(userOf(account), keyOf(account)): 403} {
		if got := send(t, "GET", "/holds", "", caller); got.Status != status {
			t.Errorf("%d %s", got.Status, got.Body)
		}
	}
	for range 2 {
		got := send(t, "POST", "/", formOf(account, code), urlencoded)
		if got.Status != 200 || !strings.Contains(got.Body, "<error>the customer is held") {
			t.Fatalf("%d %s", got.Status, got.Body)
		}
	}
	cleaned := clean(t, bearer, "hold-1", "hold-2")
	cleaned.verified(t)
	path, _, _ := strings.Cut(strings.TrimPrefix(cleaned.Header.Get("Link"), "<"), ">")
	passWriterLifetime(t, tenant)
	status := ask(client.Read(operation.ReadErasure, strings.TrimPrefix(path, "/erasures/")))
	if !strings.Contains(status.Body, `"status":"partial"`) || !strings.Contains(status.Body, `"outcomes":{"erased":0,"not_found":0,"held":2}`) {
		t.Errorf("the erasure is %s", status.Body)
	}
	if left := dump(t, store.PartyKey(tenant, "hold-1")); len(left) != 2 {
		t.Errorf("the contacts that are held: %s", left)
	}
	if left := dump(t, store.PartyKey(tenant, "hold-3")); len(left) != 0 {
		t.Errorf("the contact that is not held: %s", left)
	}
	for _, id := range []string{"e2e-customer", "e2e-number"} {
		if got := ask(client.ReleaseHold(id)); got.Status != 202 {
			t.Fatalf("%d %s", got.Status, got.Body)
		}
	}
	eventually(t, "both are released", func() bool {
		return strings.Contains(ask(client.ReadHold("e2e-number")).Body+ask(client.ReadHold("e2e-customer")).Body, `"status":"released"`) &&
			!strings.Contains(ask(client.Request{Method: "GET", Path: "/holds"}).Body, `"e2e-`)
	})
	passWriterLifetime(t, account)
	passWriterLifetime(t, tenant)
	for _, key := range []string{store.CustomerKey(account, code), store.PartyKey(tenant, "hold-1"), store.PartyKey(tenant, "hold-2")} {
		if left := dump(t, `"`+key+`"`); len(left) > 0 {
			t.Errorf("left: %s", left)
		}
	}
	eventually(t, "the statements are sealed", func() bool {
		sealed := 0
		for _, it := range dynamotest.Items(t, database, running.Table("Erasures")) {
			key := attribute.ReadText(it, "erasureId")
			if strings.Contains(key, "-e2e-") && it["endLeaf"] != nil && it["unlogged"] == nil {
				sealed++
			}
		}
		return sealed == 5
	})
}
