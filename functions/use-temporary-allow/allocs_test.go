package main

import (
	"strings"
	"testing"

	"customercare/infra/testkit/canned"
	"customercare/infra/testkit/provisiontest"
	"customercare/shared/store"
)

const stored = `{"Attributes":{"customerId":{"S":"u1"},"tempAllows":{"M":{"1":{"M":{"expires":{"N":"1893499200250"},` +
	`"grantedAt":{"N":"1690000000000"},"grantedBy":{"S":"csr"}}}}}}}`

// One request, in either format, allocates no more than today.
func TestAllocations(t *testing.T) {
	h := on(store.Users{
		DB:    canned.Client(canned.Answers(t, map[string][]string{"UpdateItem": {stored}})),
		Table: "Users",
	}, "a token of a call")
	handle, ctx := h.endpoint().Handler(), canned.Invocation(t)
	for media, most := range map[string]float64{"application/json": 463, "application/xml": 470} {
		t.Run(media, func(t *testing.T) {
			event := provisiontest.Event("POST", "u1", "", "", "Accept: "+media)
			canned.Allocations(t, 500, most, func() {
				if answer, err := handle(ctx, event); err != nil || answer.StatusCode != 200 ||
					!strings.Contains(answer.Body, "2030") {
					t.Fatal(answer, err)
				}
			})
		})
	}
}
