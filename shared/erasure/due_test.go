package erasure

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/metrictest"
)

// blind is a transport that lets no call through whose body holds one of these texts.
type blind struct {
	next   http.RoundTripper
	bodies []string
	fail   func(*http.Request) (*http.Response, error)
}

func (b blind) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	for _, text := range b.bodies {
		if strings.Contains(string(body), text) {
			return b.fail(r)
		}
	}
	return b.next.RoundTrip(r)
}

func refused(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusBadRequest, ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body:   io.NopCloser(strings.NewReader(`{"__type":"com.amazonaws.dynamodb.v20120810#AccessDeniedException"}`)),
	}, nil
}

func panics(*http.Request) (*http.Response, error) { panic("135****1111") }

// Shards of the list of open erasures that cannot be read, one or all but one, keep no erasure of the
// others waiting. What was seen is reported, and that it is not all; the error is the run's.
func TestUnreadableShards(t *testing.T) {
	for name, fail := range map[string]func(*http.Request) (*http.Response, error){"refused": refused, "panic": panics} {
		for _, unreadable := range [][]string{{"0"}, {"3"}, {"0", "1", "2"}, {"1", "2", "3"}, {"0", "1", "2", "3"}} {
			t.Run(name+" "+strings.Join(unreadable, ""), func(t *testing.T) {
				w := newWorld(t)
				for n := range 24 {
					if err := w.Numbers(t.Context(), "acme", []string{string(rune('a' + n))}, "app"); err != nil {
						t.Fatal(err)
					}
				}
				unseen := 0
				for _, line := range w.Dump(t, w.Kit.Erasures.Table) {
					for _, shard := range unreadable {
						if strings.Contains(line, `"openShard":{"Value":"`+shard+`"}`) {
							unseen++
						}
					}
				}
				if unseen < 2*len(unreadable) {
					t.Fatalf("only %d of 24 erasures in shards %v", unseen, unreadable)
				}
				w.clock.Advance(10 * time.Minute) // so that the first pass is the last
				open := blind{next: w.Faults.Next, fail: fail}
				for _, shard := range unreadable {
					open.bodies = append(open.bodies, `":shard":{"S":"`+shard+`"}`)
				}
				through := w.Faults.Next
				w.Faults.Next = open
				log := metrictest.Capture(t)
				taken, err := w.Due(t.Context())
				if err == nil || taken != 24-unseen {
					t.Errorf("%d taken, %v; want %d and an error", taken, err, 24-unseen)
				}
				if left := openJobs(t, w); left != unseen {
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

				w.Faults.Next = through
				log = metrictest.Capture(t)
				if taken, err := w.Due(t.Context()); err != nil || taken != unseen {
					t.Errorf("the next run: %d taken, %v", taken, err)
				}
				metrictest.Lines(t, log.String())[0].Expect(t, metrictest.Line{"ErasuresOpen": unseen, "ErasuresUnlisted": 0})
				if left := openJobs(t, w); left != 0 {
					t.Errorf("%d are still open", left)
				}
			})
		}
	}
}

func openJobs(t *testing.T, w *world) (n int) {
	for _, line := range w.Dump(t, w.Kit.Erasures.Table) {
		if strings.Contains(line, `"openShard"`) {
			n++
		}
	}
	return n
}

// A job that cannot even be taken up keeps none of the others from its turn, whichever it is.
func TestJobThatCannotBeTakenUp(t *testing.T) {
	for name, fault := range map[string]dynamotest.Fault{"refused": dynamotest.Refused, "panic": ""} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			for n := range 24 {
				if err := w.Numbers(t.Context(), "acme", []string{string(rune('a' + n))}, "app"); err != nil {
					t.Fatal(err)
				}
			}
			w.clock.Advance(10 * time.Minute)
			if fault != "" {
				w.Faults.InjectOn("UpdateItem", fault, 1, 1)
			} else {
				w.Faults.Interrupt(5, func() { panic("135****1111") }) // behind the list's four
			}
			metrictest.Capture(t)
			if taken, err := w.Due(t.Context()); taken != 24 || err == nil {
				t.Errorf("%d taken, %v", taken, err)
			}
			w.Faults.Calls()
			if left := openJobs(t, w); left != 1 {
				t.Errorf("%d are open", left)
			}
		})
	}
}
