package erasure

import (
	"strings"
	"testing"
	"time"

	"customercare/infra/testkit/metrictest"
)

// What is told of open erasures, and of each once when it finishes: with the count that
// the ledger has.
func TestErasuresInMetrics(t *testing.T) {
	sys := newSystem(t)
	sys.putCustomer(t, "shop", "4711", 3)
	sys.putContact(t, "acme", "c1", "135", "200")
	log := metrictest.Capture(t)
	sys.eraseCustomer(t)
	sys.clock.Advance(90 * time.Second)
	sys.eraseNumbers(t, "135")
	sys.cleanUp(t)
	lines := metrictest.Lines(t, log.String())
	if len(lines) != 1 {
		t.Fatalf("before anything has finished: %s", log)
	}
	lines[0].Expect(t, metrictest.Line{"ErasuresOpen": 2, "OldestErasure": 90, "ErasuresFailing": 0})

	// Nothing can finish now.
	sys.clock.Advance(10 * time.Minute)
	sys.Faults.FailOn("TransactWriteItems")
	sys.cleanUp(t)
	sys.Faults.Calls()

	log = metrictest.Capture(t)
	sys.finishAll(t)
	finished, erased, failing := 0., 0., 0.
	jobs := map[string]bool{}
	for _, line := range metrictest.Lines(t, log.String()) {
		if one, ok := line["ErasuresFinished"].(float64); ok {
			finished += one
			erased += line["ItemsErased"].(float64)
			job, _ := line["job"].(string)
			jobs[job] = true
		}
		if n, ok := line["ErasuresFailing"].(float64); ok {
			failing = max(failing, n)
		}
	}
	sys.wantDeleted(t, 1, 4)
	if finished != 2 || erased != 5 || failing != 2 {
		t.Errorf("%v finished, %v items erased, %v failing at most", finished, erased, failing)
	}
	if len(jobs) != 2 || jobs[""] { // each is found by its id
		t.Errorf("the jobs %v have finished", jobs)
	}
	if metrictest.Names(log.String(), "4711") || strings.Contains(log.String(), "john") {
		t.Error(log)
	}
}
