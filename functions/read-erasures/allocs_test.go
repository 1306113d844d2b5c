package main

import (
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"customercare/infra/testkit/canned"
	"customercare/shared/caller"
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
		},
		"GetItem": {
			`{"Item":{"erasureId":{"S":"erasure-` + id(1) + `"},"kind":{"S":"customer"},"scope":{"S":"shop"},"accepted":{"S":"{}"},` +
				`"job":{"S":"customer-1.x"}}}`,
			`{"Item":{"erasureId":{"S":"customer-1.x"},"id":{"S":"` + id(1) + `"},"openShard":{"S":"0"},"fence":{"N":"1"}}}`,
		},
	}))
	principals := store.Principals{DB: db, Table: "Principals"}
	guard := principal.Guard{Limit: 10, Window: 5 * time.Minute}
	handle := handler{
		door:   caller.Door{Directory: principal.Directory{Principals: principals, Guard: guard, Now: time.Now}},
		ledger: store.Erasures{DB: db, Table: "Erasures"},
	}.endpoint().Handler()
	ctx, event := canned.Invocation(t), events.APIGatewayProxyRequest{
		HTTPMethod: "GET", Resource: operation.ReadErasure.Path, PathParameters: map[string]string{"id": id(1)},
		MultiValueHeaders: map[string][]string{"Host": {"api.example.com"}, john[0]: {john[1]}},
	}
	event.RequestContext.Identity.SourceIP = "192.0.2.1"
	canned.Allocations(t, 500, 1095, func() {
		if answer, err := handle(ctx, event); err != nil || answer.StatusCode != 200 {
			t.Fatal(answer, err)
		}
	})
}
