package store

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

// perCollection is how many deleting calls may be under way on one item collection. A
// partition takes 1,000 write units a second, which two calls at a time saturate. More
// would only be throttled.
const perCollection = 2

// Limiter bounds the deleting calls of a process that are under way at once, over all its
// jobs: in all, and on each item collection. It also bounds what these calls hold in
// memory. A nil Limiter bounds nothing.
type Limiter struct {
	mu      sync.Mutex
	atMost  int
	calls   int
	on      map[string]int      // calls on each item collection
	changed chan struct{}       // closed when a call leaves
	parties *semaphore.Weighted // see holdParties
	peers   *Memory             // see peerShare
}

// maxPartiesBytes is how many bytes of parties are held as texts at once, by their size
// as they are stored. A list of very short ones takes some ten times that as texts.
const maxPartiesBytes = 3 << 20

// maxPeerBytes is how many bytes of answers readPeer holds at once: of many calls, or of
// one that is larger.
const maxPeerBytes = 1 << 20

// NewLimiter lets so many calls be under way at once, at least one.
func NewLimiter(atMost int) *Limiter {
	return &Limiter{
		atMost: max(1, atMost), on: make(map[string]int), changed: make(chan struct{}),
		parties: semaphore.NewWeighted(maxPartiesBytes), peers: NewMemory(maxPeerBytes, maxPeerBytes),
	}
}

// enter waits until there is room for a call, in all and on each of the collections,
// which are distinct. It takes all of that at once, so that no two callers can wait for
// each other. The caller calls leave with the same collections, unless it got false: then
// ctx has ended.
func (l *Limiter) enter(ctx context.Context, collections ...string) bool {
	if l == nil {
		return true
	}
	for {
		l.mu.Lock()
		free := l.calls < l.atMost
		for _, c := range collections {
			free = free && l.on[c] < perCollection
		}
		if free {
			l.calls++
			for _, c := range collections {
				l.on[c]++
			}
			l.mu.Unlock()
			return true
		}
		changed := l.changed
		l.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// leave ends a call, and lets all who wait look again.
func (l *Limiter) leave(collections ...string) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls--
	for _, c := range collections {
		if l.on[c]--; l.on[c] == 0 {
			delete(l.on, c)
		}
	}
	close(l.changed)
	l.changed = make(chan struct{})
}

// holdParties makes room for n bytes of parties as texts, at most maxPartiesBytes. wait
// is for a caller that holds none: it waits for room, or for the end of ctx, which is
// false. Others get false at once where there is no room, so no two can wait for each
// other.
func (l *Limiter) holdParties(ctx context.Context, n int64, wait bool) bool {
	if l == nil {
		return true
	}
	if wait {
		return l.parties.Acquire(ctx, n) == nil
	}
	return l.parties.TryAcquire(n)
}

func (l *Limiter) releaseParties(n int64) {
	if l != nil {
		l.parties.Release(n)
	}
}

// peerShare is a share of the memory for readPeer's answers. Who has one waits for
// nothing else.
func (l *Limiter) peerShare() *Share {
	if l == nil {
		return nil
	}
	return l.peers.Share()
}
