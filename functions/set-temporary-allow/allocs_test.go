package main

import (
	"strings"
	"testing"
	"time"

	"customercare/infra/testkit/canned"
	"customercare/infra/testkit/provisiontest"
	"customercare/shared/store"
	"customercare/shared/tempallow"
)

// One request, in either format, allocates no more than today.
func TestAllocations(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	h := handler{
		digests: provisiontest.Digests,
		users: store.Users{
			DB:    canned.Client(canned.Answers(t, map[string][]string{"UpdateItem": {"{}"}})),
			Table: "Users",
		},
		rules: rules{types: tempallow.Types{1: {Life: tempallow.Lifetime(24 * time.Hour)}, 3: {}}, maxAhead: 366 * 24 * time.Hour},
		now:   func() time.Time { return now },
	}
	handle, ctx := h.endpoint().Handler(), canned.Invocation(t)
	for _, test := range []struct {
		media, body string
		most        float64
	}{
		{"application/json", `{"tempAllowType":3,"expirationDate":"2026-10-15T01:29:29.768Z"}`, 422},
		{"application/xml", `<TempAllowRequest><tempAllowType>3</tempAllowType><expirationDate>2026-10-15T01:29:29.768Z</expirationDate></TempAllowRequest>`, 446},
	} {
		t.Run(test.media, func(t *testing.T) {
			event := provisiontest.Event("PUT", "u1", "", test.body, "Content-Type: "+test.media)
			canned.Allocations(t, 500, test.most, func() {
				if answer, err := handle(ctx, event); err != nil || answer.StatusCode != 200 ||
					!strings.Contains(answer.Body, "true") {
					t.Fatal(answer, err)
				}
			})
		})
	}
}
