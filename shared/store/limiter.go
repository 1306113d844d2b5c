package store

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

// perCollection is how many deleting calls may be under way on one item collection: a partition takes 1,000 write units a
// second, and two streams of batches saturate it. More would only be throttled.
const perCollection = 2

// Limiter bounds the deleting calls of a process that are under way at once, over all its jobs: in all, and on each item
// collection. nil bounds nothing.
type Limiter struct {
	mu      sync.Mutex
	most    int
	busy    int
	on      map[string]int
	changed chan struct{}       // closed when a call leaves
	named   *semaphore.Weighted // bounds what is held of contacts whose parties are held by name
	looked  *Memory             // bounds what is held of their peers, see Contacts.readPeer
}

// namedAtMost is what Streams.named has room for, in bytes of the parties as they are stored: a list of very short
// ones takes some ten times that as texts.
const namedAtMost = 3 << 20

// lookedAtMost is what there is room for of what readPeer looks at, in bytes of DynamoDB's answers: many at once, or one
// that is larger.
const lookedAtMost = 1 << 20

// NewLimiter makes room for most calls at once.
func NewLimiter(most int) *Limiter {
	return &Limiter{
		most: max(1, most), on: make(map[string]int), changed: make(chan struct{}),
		named: semaphore.NewWeighted(namedAtMost), looked: NewMemory(lookedAtMost, lookedAtMost),
	}
}

// enter waits until there is room in all and on every one of the collections, which are distinct; it takes all of it at
// once, so that no two callers can wait for each other. It reports false when ctx ends first.
func (s *Limiter) enter(ctx context.Context, collections ...string) bool {
	if s == nil {
		return true
	}
	for {
		s.mu.Lock()
		free := s.busy < s.most
		for _, c := range collections {
			free = free && s.on[c] < perCollection
		}
		if free {
			s.busy++
			for _, c := range collections {
				s.on[c]++
			}
			s.mu.Unlock()
			return true
		}
		changed := s.changed
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

func (s *Limiter) leave(collections ...string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy--
	for _, c := range collections {
		if s.on[c]--; s.on[c] == 0 {
			delete(s.on, c)
		}
	}
	close(s.changed)
	s.changed = make(chan struct{})
}

// name makes room for n bytes of parties by name. Only who holds nothing of it waits; others are told false, which ctx's
// end is, too.
func (s *Limiter) name(ctx context.Context, n int64, wait bool) bool {
	if s == nil {
		return true
	}
	if wait {
		return s.named.Acquire(ctx, n) == nil
	}
	return s.named.TryAcquire(n)
}

// look is a share of the memory for peers. Who has one waits for nothing else.
func (s *Limiter) look() *Share {
	if s == nil {
		return nil
	}
	return s.looked.Share()
}

func (s *Limiter) unname(n int64) {
	if s != nil {
		s.named.Release(n)
	}
}
