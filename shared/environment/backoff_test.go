package environment

import (
	"errors"
	"testing"
	"time"
)

// A first try again comes so soon that no caller notices, a later one never later than a
// second, and there are few: all tries of a call together wait less than the second that
// is kept back of an invocation's time.
func TestBackoff(t *testing.T) {
	together := time.Duration(0)
	for attempt, most := range []time.Duration{25, 50, 100, 200, 400, 800, 1000, 1000, 1000} {
		most = most*time.Millisecond + time.Millisecond
		for range 1000 {
			if wait := Backoff(attempt); wait < time.Millisecond || wait > most {
				t.Fatalf("before attempt %d: %s, want at most %s", attempt, wait, most)
			}
		}
		if attempt >= 1 && attempt < attempts {
			together += most
		}
	}
	if together >= time.Second {
		t.Errorf("%d attempts wait %s", attempts, together)
	}
	retryer := Retryer("Busy")
	if n := retryer.MaxAttempts(); n != 4 {
		t.Errorf("%d attempts", n)
	}
	if wait, err := retryer.RetryDelay(1, errors.New("x")); err != nil || wait > 51*time.Millisecond {
		t.Errorf("the first try again waits %s, %v", wait, err)
	}
}
