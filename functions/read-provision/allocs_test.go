package main

import (
	"strings"
	"testing"
	"time"

	"customercare/infra/testkit/canned"
	"customercare/infra/testkit/provisiontest"
	"customercare/shared/store"
)

const stored = `{"Item":{"customerId":{"S":"u1"},"registration":{"M":{}},"devices":{"M":{"d1":{"S":"phone"}}},` +
	`"tempAllows":{"M":{"1":{"M":{"expires":{"N":"4100000000000"},"grantedAt":{"N":"1690000000000"},"grantedBy":{"S":"csr"}}}}}}}`

// One request, in either format, allocates no more than today.
func TestAllocations(t *testing.T) {
	h := handler{
		digests: provisiontest.Digests, types: store.AllowTypes{1: true, 2: false, 3: false},
		users: store.Users{
			DB:    canned.Client(canned.Answers(t, map[string][]string{"GetItem": {stored}})),
			Table: "Users",
		},
		now: func() time.Time { return now },
	}
	handle, ctx := h.endpoint().Handler(), canned.Invocation(t)
	for media, most := range map[string]float64{"application/json": 423, "application/xml": 435} {
		t.Run(media, func(t *testing.T) {
			event := provisiontest.Event("GET", "u1", "", "", "Accept: "+media)
			canned.Allocations(t, 500, most, func() {
				if answer, err := handle(ctx, event); err != nil || answer.StatusCode != 200 ||
					!strings.Contains(answer.Body, "2099") {
					t.Fatal(answer, err)
				}
			})
		})
	}
}
