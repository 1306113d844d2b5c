package main

import (
	"testing"
	"time"

	"customercare/infra/testkit/canned"
	"customercare/infra/testkit/provisiontest"
	"customercare/shared/store"
)

// One request allocates no more than today.
func TestAllocations(t *testing.T) {
	db := canned.Client(canned.Answers(t, map[string][]string{"UpdateItem": {"{}"}}))
	handle := handler{store.Users{DB: db, Table: "Users"}, provisiontest.Digests, time.Now}.endpoint().Handler()
	ctx, event := canned.Invocation(t), provisiontest.Event("DELETE", "u1", "reset=true", "")
	canned.Allocations(t, 500, 385, func() {
		if answer, err := handle(ctx, event); err != nil || answer.Body != doneJSON {
			t.Fatal(answer, err)
		}
	})
}
