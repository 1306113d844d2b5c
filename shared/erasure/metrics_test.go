package erasure

import (
	"strings"
	"testing"
	"time"

	"customercare/infra/testkit/metrictest"
)

// What is told of open erasures, and of each once when it finishes: with the count that the ledger has.
func TestErasuresInMetrics(t *testing.T) {
	w := newWorld(t)
	w.putCustomer(t, "shop", "4711", 3)
	w.putContact(t, "acme", "c1", "135", "200")
	log := metrictest.Capture(t)
	if err := w.Customer(t.Context(), "shop", "4711", "john", time.Minute); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(90 * time.Second)
	if err := w.Numbers(t.Context(), "acme", []string{"135"}, "app"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Due(t.Context()); err != nil {
		t.Fatal(err)
	}
	lines := metrictest.Lines(t, log.String())
	if len(lines) != 1 {
		t.Fatalf("before anything has finished: %s", log)
	}
	lines[0].Expect(t, metrictest.Line{"ErasuresOpen": 2, "OldestErasure": 90, "ErasuresFailing": 0})

	// Nothing can finish now.
	w.clock.Advance(10 * time.Minute)
	w.Faults.FailOn("TransactWriteItems")
	if _, err := w.Due(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.Faults.Calls()

	log = metrictest.Capture(t)
	w.settle(t)
	finished, erased, failing := 0., 0., 0.
	for _, line := range metrictest.Lines(t, log.String()) {
		if one, ok := line["ErasuresFinished"].(float64); ok {
			finished += one
			erased += line["ItemsErased"].(float64)
		}
		if n, ok := line["ErasuresFailing"].(float64); ok {
			failing = max(failing, n)
		}
	}
	records := w.records(t)
	if all := strings.Join(records, "\n"); len(records) != 2 || !strings.Contains(all, `"deleted":{"Value":"4"}`) || !strings.Contains(all, `"deleted":{"Value":"1"}`) {
		t.Fatalf("records: %s", all)
	}
	if finished != 2 || erased != 5 || failing != 2 {
		t.Errorf("%v finished, %v items erased, %v failing at most", finished, erased, failing)
	}
	if strings.Contains(log.String(), "4711") || strings.Contains(log.String(), "john") {
		t.Error(log)
	}
}
