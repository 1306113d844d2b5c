package main

import (
	"encoding/base64"
	"testing"
	"time"

	"customercare/infra/testkit/canned"
	"customercare/shared/principal"
	"customercare/shared/store"
)

// One request allocates no more than today, the slow hash included.
func TestAllocations(t *testing.T) {
	hash := principal.HashPasswords([]string{"right"}, nil)[0]
	db := canned.Client(canned.Answers(t, map[string][]string{"BatchGetItem": {
		`{"Responses":{"Principals":[{"principal":{"S":"operator#csr"},"hashes":{"L":[{"S":"` + hash + `"}]}}]},` +
			`"UnprocessedKeys":{}}`,
	}}))
	h := handler{principal.Directory{
		Principals: store.Principals{DB: db, Table: "Principals"},
		Guard:      principal.Guard{Limit: 10, Window: 5 * time.Minute},
		Now:        time.Now,
	}}
	ctx, event := canned.Invocation(t), request("Basic "+base64.StdEncoding.EncodeToString([]byte("csr:right")))
	event.RequestContext.Identity.SourceIP = "192.0.2.1"
	canned.Allocations(t, 10, 476, func() {
		if answer, err := h.authorizer().Handle(ctx, event); err != nil || answer.PrincipalID != "csr" {
			t.Fatal(answer, err)
		}
	})
}
