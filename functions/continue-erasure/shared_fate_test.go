package main

import (
	"strconv"
	"strings"
	"testing"

	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/metrictest"
	"customercare/shared/erasure"
)

// A record whose job cannot be worked on keeps none of the others waiting, whichever it
// is and however it fails. Lambda sends it again with those behind it.
func TestFailedRecordStopsNoOther(t *testing.T) {
	for name, fail := range map[string]func(*dynamotest.Faults, int){
		"refused": func(f *dynamotest.Faults, k int) { f.Inject(dynamotest.Refused, k, k) },
		"panic":   func(f *dynamotest.Faults, k int) { f.Interrupt(k, func() { panic("number-one") }) },
	} {
		for bad := range 3 {
			h, kit := newHandler(t, erasure.SystemClock())
			log := metrictest.Capture(t)
			var jobs []string
			for _, number := range []string{"number-one", "number-two", "number-three"} {
				jobs = append(jobs, open(t, kit, number))
			}
			calls := 0 // before the bad one's first
			for i, job := range jobs[:bad] {
				kit.Faults.Calls()
				if _, err := h.handle(t.Context(), stream(t, job)); err != nil {
					t.Fatal(i, err)
				}
				calls++ // the job is done: the repeat finds that out with one call
			}
			kit.Faults.Calls()
			fail(kit.Faults, calls+1)
			answer, err := h.handle(t.Context(), stream(t, jobs...))
			text := failed(t, answer)
			if err != nil || text != answerFor(strconv.Itoa(1+bad)) {
				t.Errorf("%s, record %d: %s, %v", name, bad+1, text, err)
			}
			kit.Faults.Calls()
			wantLedger(t, kit, 2, 1)
			if strings.Contains(log.String(), `"number-`) {
				t.Error(log)
			}
		}
	}
}
