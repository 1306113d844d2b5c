package main

import (
	"encoding/base64"
	"testing"
	"time"

	"customercare/infra/testkit/canned"
	"customercare/shared/principal"
	"customercare/shared/store"
)

// One request allocates no more than today.
func TestAllocations(t *testing.T) {
	encode := base64.RawURLEncoding.EncodeToString
	token := encode(make([]byte, 32)) + "." + encode([]byte("ak"))
	db := canned.Client(canned.Answers(t, map[string][]string{"BatchGetItem": {`{"Responses":{"Principals":[
		{"principal":{"S":"` + store.PrincipalKey(store.Token, principal.Hash(token)) + `"},"appKey":{"S":"ak"},"tenantId":{"S":"acme"},"expires":{"N":"4102444800"}},
		{"principal":{"S":"app#ak"},"tenantId":{"S":"acme"}}]},"UnprocessedKeys":{}}`}}))
	h := handler{principal.Tokens{Principals: store.Principals{DB: db, Table: "Principals"}, Now: time.Now}}
	ctx, event := canned.Invocation(t), request("Bearer "+token)
	canned.Allocations(t, 500, 438, func() {
		if answer, err := h.authorizer().Handle(ctx, event); err != nil || answer.Context["tenantId"] != "acme" {
			t.Fatal(answer, err)
		}
	})
}
