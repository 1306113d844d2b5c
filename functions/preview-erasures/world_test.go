package main

import (
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/frontdoor"
	"customercare/shared/caller"
	"customercare/shared/digest"
	"customercare/shared/erasure"
	"customercare/shared/gateway"
	"customercare/shared/operation"
	"customercare/shared/principal"
	"customercare/shared/store"
)

// world is the function on a real engine.
type world struct {
	*dynamotest.Kit
	handler
	digests digest.Digester
	token   string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	kit := dynamotest.Open(t)
	digests := digest.Digester{Current: "1", Keys: map[string][]byte{"1": []byte("a key of digests for these tests")}}
	w := &world{Kit: kit, digests: digests, handler: handler{
		door: caller.Door{
			Directory: principal.Directory{
				Principals: kit.Principals, Guard: principal.Guard{Limit: 10, Window: 5 * time.Minute}, Now: time.Now,
			},
			Tokens: principal.Tokens{Principals: kit.Principals, Now: time.Now},
		},
		preview: erasure.NewPreview(kit.Erasures, kit.Customers, kit.Contacts, kit.Holds, digests, time.Now),
		now:     time.Now,
	}}
	put := func(kind, name, hash string, more attribute.Item) {
		more["principal"], more["hashes"] = attribute.Text(store.PrincipalKey(kind, name)), attribute.Texts(hash)
		kit.Put(t, kit.Principals.Table, more)
	}
	hash := principal.HashPasswords([]string{"password"}, nil)[0]
	put(store.Operator, "csr", hash, attribute.Item{})
	put(store.Operator, "other", hash, attribute.Item{"operations": attribute.Texts("read-erasures")})
	put(store.APIUser, "john", principal.Hash("key"), attribute.Item{"accounts": attribute.Texts("shop")})
	put(store.App, "ak", principal.Hash("sk"), attribute.Item{"tenantId": attribute.Text("acme")})
	var err error
	if w.token, _, err = w.door.Tokens.Issue(t.Context(), "ak", "acme", time.Hour); err != nil {
		t.Fatal(err)
	}
	return w
}

// customer puts a customer with so many transactions in the campaign spring.
func (w *world) customer(t *testing.T, account, code string, transactions int) {
	t.Helper()
	key := attribute.Text(store.CustomerKey(account, code))
	w.Put(t, w.Customers.Table, attribute.Item{"customer": key, "record": attribute.Text(store.CustomerRecord)})
	for n := range transactions {
		record := attribute.Text(store.TransactionRecord("spring", fmt.Sprint(n)))
		w.Put(t, w.Customers.Table, attribute.Item{"customer": key, "record": record})
	}
}

// contact files a contact under each of the numbers.
func (w *world) contact(t *testing.T, tenant, id string, numbers ...string) {
	t.Helper()
	for _, number := range numbers {
		w.Put(t, w.Contacts.Table, attribute.Item{
			"party": attribute.Text(store.PartyKey(tenant, number)), "contact": attribute.Text(id),
			"parties": attribute.Texts(numbers...),
		})
	}
}

// ask sends a call to the function. by is as in callers, or an Authorization header.
func (w *world) ask(t testing.TB, by, body string, more ...[2]string) gateway.Answer {
	t.Helper()
	basic := func(pair string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair)) }
	if known, ok := map[string]string{
		"csr": basic("csr:password"), "other": basic("other:password"), "john": basic("john:key"), "ak": "Bearer " + w.token,
	}[by]; ok {
		by = known
	}
	return send(t, w.handler, operation.PreviewErasure.Method, by, body, more...)
}

func send(t testing.TB, h handler, method, authorization, body string, more ...[2]string) gateway.Answer {
	t.Helper()
	request := frontdoor.Request{Method: method, Path: operation.PreviewErasure.Path, Body: []byte(body), Header: more}
	if authorization != "" {
		request.Header = append(request.Header, [2]string{"Authorization", authorization})
	}
	event := request.Event()
	event.Resource = operation.PreviewErasure.Path
	answer, err := h.endpoint().Handler()(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// expect fails the test when the answer has another status or body.
func expect(t testing.TB, got gateway.Answer, status int, body string) {
	t.Helper()
	if got.StatusCode != status || got.Body != body {
		t.Errorf("got  %d %s\nwant %d %s", got.StatusCode, got.Body, status, body)
	}
}

func problem(status int, title, detail string) string {
	return fmt.Sprintf(`{"type":"about:blank","title":"%s","status":%d,"detail":"%s"}`, title, status, detail)
}
