package main

import (
	"testing"

	"customercare/infra/testkit/canned"
	"customercare/infra/testkit/provisiontest"
	"customercare/shared/store"
)

// One request allocates no more than today.
func TestAllocations(t *testing.T) {
	handler := endpoint(store.Users{DB: canned.Client(t, map[string][]string{"UpdateItem": {"{}"}}), Table: "Users"}).Handler()
	ctx, event := canned.Invocation(t), provisiontest.Event("DELETE", "u1", "reset=true", "")
	canned.Allocations(t, 500, 374, func() {
		if answer, err := handler(ctx, event); err != nil || answer.Body != doneJSON {
			t.Fatal(answer, err)
		}
	})
}
