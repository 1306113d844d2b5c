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

// One request allocates no more than today. It is refused to the API user, because an
// operator's password takes its memory by design.
func TestAllocations(t *testing.T) {
	db := canned.Client(canned.Answers(t, map[string][]string{
		"BatchGetItem": {
			`{"Responses":{"Principals":[{"principal":{"S":"apiUser#john"},"hashes":{"L":[{"S":"` + principal.Hash("key") +
				`"}]},"accounts":{"L":[{"S":"shop"}]}}]},"UnprocessedKeys":{}}`,
		},
	}))
	principals := store.Principals{DB: db, Table: "Principals"}
	holds := store.Holds{DB: db, Table: "Holds"}
	handle := handler{
		door: caller.Door{Directory: principal.Directory{
			Principals: principals, Guard: principal.Guard{Limit: 10, Window: 5 * time.Minute}, Now: time.Now,
		}},
		holder: erasure.NewHolder(
			store.Erasures{DB: db, Table: "Erasures"}, store.Customers{DB: db, Table: "Customers"},
			store.Contacts{DB: db, Table: "Contacts"}, holds, erasure.Timing{}, erasure.SystemClock(),
		),
		holds:   holds,
		digests: digest.Digester{Current: "1", Keys: map[string][]byte{"1": []byte("key")}},
		now:     time.Now,
	}.endpoint().Handler()
	ctx, event := canned.Invocation(t), events.APIGatewayProxyRequest{
		HTTPMethod: "PUT", Resource: operation.PlaceHold.Path, Body: ofCustomer, PathParameters: map[string]string{"id": "case-1"},
		MultiValueHeaders: map[string][]string{"Host": {"api.example.com"}, "Authorization": {"Basic am9objprZXk="}},
	}
	event.RequestContext.Identity.SourceIP = "192.0.2.1"
	canned.Allocations(t, 200, 430, func() {
		if answer, err := handle(ctx, event); err != nil || answer.StatusCode != 403 {
			t.Fatal(answer, err)
		}
	})
}
