package main

import (
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"customercare/infra/testkit/canned"
	"customercare/shared/caller"
	"customercare/shared/digest"
	"customercare/shared/erasure"
	"customercare/shared/operation"
	"customercare/shared/principal"
	"customercare/shared/store"
)

// One request allocates no more than today.
func TestAllocations(t *testing.T) {
	db := canned.Client(canned.Answers(t, map[string][]string{
		"BatchGetItem": {
			`{"Responses":{"Principals":[{"principal":{"S":"apiUser#john"},"hashes":{"L":[{"S":"` + principal.Hash("key") +
				`"}]},"accounts":{"L":[{"S":"shop"}]}}]},"UnprocessedKeys":{}}`,
			`{"Responses":{"Erasures":[]},"UnprocessedKeys":{}}`,
		},
		"GetItem": {`{}`},
		"Query":   {`{"Items":[{"record":{"S":"customer"}},{"record":{"S":"txn#spring#1"}}],"Count":2,"ScannedCount":2}`},
	}))
	principals := store.Principals{DB: db, Table: "Principals"}
	handle := handler{
		door: caller.Door{Directory: principal.Directory{
			Principals: principals, Guard: principal.Guard{Limit: 10, Window: 5 * time.Minute}, Now: time.Now,
		}},
		preview: erasure.NewPreview(
			store.Erasures{DB: db, Table: "Erasures"}, store.Customers{DB: db, Table: "Customers"}, store.Contacts{DB: db, Table: "Contacts"},
			store.Holds{DB: db, Table: "Holds"},
			digest.Digester{Current: "1", Keys: map[string][]byte{"1": []byte("key")}}, time.Now,
		),
		now: time.Now,
	}.endpoint().Handler()
	ctx, event := canned.Invocation(t), events.APIGatewayProxyRequest{
		HTTPMethod: "POST", Resource: operation.PreviewErasure.Path, Body: ofCustomer,
		MultiValueHeaders: map[string][]string{"Host": {"api.example.com"}, "Authorization": {"Basic am9objprZXk="}},
	}
	event.RequestContext.Identity.SourceIP = "192.0.2.1"
	canned.Allocations(t, 650, 1480, func() {
		if answer, err := handle(ctx, event); err != nil || answer.StatusCode != 200 {
			t.Fatal(answer, err)
		}
	})
}
