package load

import (
	"sync"
	"time"

	"github.com/tsenart/vegeta/v12/lib"
)

// schedule is the clock of a run that is counted in calls: it stands at when the last
// call was due. A machine on which calls go out late, because others work on it too,
// brings about the same refusals as one on which they do not.
type schedule struct {
	mu    sync.Mutex
	at    time.Time
	every time.Duration // from one call to the next
}

func newSchedule() *schedule { return &schedule{at: time.Now()} }

func (s *schedule) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at
}

// pace makes calls due so many times a second from now on.
func (s *schedule) pace(rate int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.every = time.Second / time.Duration(rate)
}

// next makes the next call due.
func (s *schedule) next() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = s.at.Add(s.every)
}

// exactly is a pacer that sends all calls of a phase, also those that are late.
type exactly struct {
	vegeta.ConstantPacer
	calls uint64
}

func (e exactly) Pace(elapsed time.Duration, hits uint64) (wait time.Duration, stop bool) {
	if hits >= e.calls {
		return 0, true
	}
	return e.ConstantPacer.Pace(elapsed, hits)
}
