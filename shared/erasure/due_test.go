package erasure

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/metrictest"
)

// Shards of the list of open erasures that cannot be read, one or all but one, keep no
// erasure of the others waiting. What was seen is reported, and that it is not all; the
// error is the run's.
func TestUnreadableShards(t *testing.T) {
	for name, fail := range map[string]func(*http.Request) (*http.Response, error){"denied": denied, "panic": panics} {
		for _, unreadable := range [][]string{{"0"}, {"3"}, {"0", "1", "2"}, {"1", "2", "3"}, {"0", "1", "2", "3"}} {
			t.Run(name+" "+strings.Join(unreadable, ""), func(t *testing.T) {
				sys := newSystem(t)
				for n := range 24 {
					sys.eraseNumbers(t, string(rune('A'+n)))
				}
				unseen := 0
				for _, job := range sys.ledger(t).open {
					if slices.Contains(unreadable, job.shard) {
						unseen++
					}
				}
				if unseen < 2*len(unreadable) {
					t.Fatalf("only %d of 24 erasures in shards %v", unseen, unreadable)
				}
				sys.clock.Advance(10 * time.Minute) // so that the first pass is the last
				var texts []string
				for _, shard := range unreadable {
					texts = append(texts, `":shard":{"S":"`+shard+`"}`)
				}
				through := sys.Faults.Next
				sys.Faults.Next = failing(through, texts, fail)
				log := metrictest.Capture(t)
				taken, err := sys.Due(t.Context())
				if err == nil || taken != 24-unseen {
					t.Errorf("%d taken, %v; want %d and an error", taken, err, 24-unseen)
				}
				if left := len(sys.ledger(t).open); left != unseen {
					t.Errorf("%d are open, want the %d that could not be seen", left, unseen)
				}
				age := 600
				if unseen == 24 {
					age = 0
				}
				metrictest.Lines(t, log.String())[0].Expect(t, metrictest.Line{
					"ErasuresOpen": 24 - unseen, "OldestErasure": age, "ErasuresFailing": 0, "ErasuresUnlisted": 1,
				})
				if strings.Contains(log.String(), "135****") {
					t.Error(log)
				}

				sys.Faults.Next = through
				log = metrictest.Capture(t)
				if taken, err := sys.Due(t.Context()); err != nil || taken != unseen {
					t.Errorf("the next run: %d taken, %v", taken, err)
				}
				metrictest.Lines(t, log.String())[0].Expect(t, metrictest.Line{
					"ErasuresOpen": unseen, "ErasuresUnlisted": 0,
				})
				if left := len(sys.ledger(t).open); left != 0 {
					t.Errorf("%d are still open", left)
				}
			})
		}
	}
}

// A job that cannot even be resumed keeps none of the others from its turn, whichever
// it is.
func TestJobThatCannotBeTakenUp(t *testing.T) {
	for name, fault := range map[string]dynamotest.Fault{"refused": dynamotest.Refused, "panic": ""} {
		t.Run(name, func(t *testing.T) {
			sys := newSystem(t)
			for n := range 24 {
				sys.eraseNumbers(t, string(rune('A'+n)))
			}
			sys.clock.Advance(10 * time.Minute)
			if fault != "" {
				sys.Faults.InjectOn("UpdateItem", fault, 1, 1)
			} else {
				// Behind the list's four.
				sys.Faults.Interrupt(5, func() { panic("135****1111") })
			}
			metrictest.Capture(t)
			if taken, err := sys.Due(t.Context()); taken != 24 || err == nil {
				t.Errorf("%d taken, %v", taken, err)
			}
			sys.Faults.Calls()
			if left := len(sys.ledger(t).open); left != 1 {
				t.Errorf("%d are open", left)
			}
		})
	}
}
