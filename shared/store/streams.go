package store

import (
	"context"
	"sync"
)

// perCollection is how many deleting calls may be under way on one item collection: a partition takes 1,000 write units a
// second, and two streams of batches saturate it. More would only be throttled.
const perCollection = 2

// Streams bounds the deleting calls of a process that are under way at once, over all its jobs: in all, and on each item
// collection. nil bounds nothing.
type Streams struct {
	mu      sync.Mutex
	most    int
	busy    int
	on      map[string]int
	changed chan struct{} // closed when a call leaves
}

// NewStreams makes room for most calls at once.
func NewStreams(most int) *Streams {
	return &Streams{most: max(1, most), on: make(map[string]int), changed: make(chan struct{})}
}

// enter waits until there is room in all and on every one of the collections, which are distinct; it takes all of it at
// once, so that no two callers can wait for each other. It reports false when ctx ends first.
func (s *Streams) enter(ctx context.Context, collections ...string) bool {
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

func (s *Streams) leave(collections ...string) {
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
