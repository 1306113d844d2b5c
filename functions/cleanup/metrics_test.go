package main

import (
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/metrictest"
	"customercare/shared/erasure"
	"customercare/shared/store"
)

// Each run tells how many allows it swept, none included: without the line nothing was
// swept at all.
func TestSweptAllowsAreCounted(t *testing.T) {
	kit := dynamotest.Open(t)
	clock := &dynamotest.Clock{Time: time.Now()}
	h := handlerOf(kit, erasure.NewClock(clock.Now, clock.AfterFunc), 1, 0)
	for user, kinds := range map[string][]int{"one": {1}, "two": {2, 3}} {
		kit.Put(t, kit.Users.Table, attribute.Item{"customerId": attribute.Text(user)})
		for _, kind := range kinds {
			allow := store.TempAllow{Type: kind, Expires: clock.Now().Add(-time.Second), GrantedBy: "csr"}
			if err := kit.Users.SetTempAllow(t.Context(), user, allow); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, want := range []int{3, 0} {
		log := metrictest.Capture(t)
		if err := h.handle(t.Context(), events.EventBridgeEvent{}); err != nil {
			t.Fatal(err)
		}
		lines := metrictest.Lines(t, log.String())
		if len(lines) != 3 {
			t.Fatal(log)
		}
		lines[0].Expect(t, metrictest.Line{"AllowsSwept": want})
		lines[1].Expect(t, metrictest.Line{"HoldsFailing": 0})
		lines[2].Expect(t, metrictest.Line{"ErasuresOpen": 0, "OldestErasure": 0, "ErasuresFailing": 0})
	}
}
