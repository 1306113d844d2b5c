package main

import (
	"encoding/json"
	"strings"
	"testing"

	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/metrictest"
	"customercare/shared/erasure"
)

// A record whose job cannot be worked on keeps none of the others waiting, whichever it is and
// however it fails. Lambda sends it again with those behind it.
func TestFailedRecordStopsNoOther(t *testing.T) {
	for name, fail := range map[string]func(*dynamotest.Faults, int){
		"refused": func(f *dynamotest.Faults, k int) { f.Inject(dynamotest.Refused, k, k) },
		"panic":   func(f *dynamotest.Faults, k int) { f.Interrupt(k, func() { panic("number-one") }) },
	} {
		for bad := range 3 {
			h, kit := newHandler(t, erasure.SystemClock())
			log := metrictest.Capture(t)
			jobs := []string{open(t, kit, "number-one"), open(t, kit, "number-two"), open(t, kit, "number-three")}
			calls := 0
			for i, job := range jobs[:bad] { // how many calls lie before the bad one's first
				kit.Faults.Calls()
				if _, err := h.handle(t.Context(), stream(t, job)); err != nil {
					t.Fatal(i, err)
				}
				calls++ // the job is done: the repeat finds that out with one call
			}
			kit.Faults.Calls()
			fail(kit.Faults, calls+1)
			answer, err := h.handle(t.Context(), stream(t, jobs...))
			text, _ := json.Marshal(answer)
			if want := `{"batchItemFailures":[{"itemIdentifier":"` + string(rune('1'+bad)) + `"}]}`; err != nil || string(text) != want {
				t.Errorf("%s, record %d: %s, %v", name, bad+1, text, err)
			}
			kit.Faults.Calls()
			if left := strings.Join(kit.Dump(t, kit.Erasures.Table), "\n"); strings.Count(left, "erasure-") != 2 || strings.Count(left, `"openShard"`) != 1 {
				t.Errorf("%s, record %d: left %s", name, bad+1, left)
			}
			if strings.Contains(log.String(), `"number-`) {
				t.Error(log)
			}
		}
	}
}
