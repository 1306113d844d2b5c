package store

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/semaphore"
)

// Memory bounds what the jobs of a process hold of the pages that they have read, over
// all jobs together, in bytes of DynamoDB's answers. A nil Memory bounds nothing.
//
// No job waits for memory while it holds some, or two could wait for each other for ever.
// A job with a page in hand goes on with what it has when the next page does not fit
// (ErrNoRoom). A job with none waits until any page would fit (Share.Wait).
type Memory struct {
	free *semaphore.Weighted
	page int64 // any page fits into this much
}

const (
	// HeldAtMost is what all jobs of a process hold. A page is about 1 MB, and takes
	// twice its size until the garbage collector has run. With the program itself that
	// stays below the 128 MB of the smallest function.
	HeldAtMost = 20 << 20
	// LargestPage is what any page fits into. DynamoDB reads 1 MB for a page. A text of
	// one byte takes two bytes of that in a list, but up to fifteen in the answer.
	LargestPage = 8 << 20
)

// NewMemory makes room for atMost bytes. A job that waits gets page of them, which any
// single page has to fit into.
func NewMemory(atMost, page int64) *Memory { return &Memory{semaphore.NewWeighted(atMost), page} }

// ErrNoRoom says that a page was not read because what is held leaves no room for it. The
// caller releases its share and tries again; after Share.Wait the reading succeeds.
var ErrNoRoom = errors.New("store: there is no memory for another page")

// Share is what one job holds of the process's memory. A nil Share holds nothing, and has
// room for everything.
type Share struct {
	memory   *Memory
	mu       sync.Mutex
	held     int64
	reserved int64 // by Wait, for a page that has not come yet
}

// Share begins a share that holds nothing. Its owner calls Release in the end.
func (m *Memory) Share() *Share {
	if m == nil {
		return nil
	}
	return &Share{memory: m}
}

// Wait returns when there is room for one page of any size; the next reading on this
// share uses it. The share must hold nothing. The error is that ctx has ended.
func (s *Share) Wait(ctx context.Context) error {
	if s == nil {
		return nil
	}
	if err := s.memory.free.Acquire(ctx, s.memory.page); err != nil {
		return failed("wait for memory", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reserved += s.memory.page
	return nil
}

// take makes the share n bytes larger, and says whether there was room. It never waits.
// What Wait has reserved is enough for every page: also for one that turns out larger
// than the largest, or the job could never go on.
func (s *Share) take(n int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reserved > 0 {
		n = min(n, s.reserved)
		s.memory.free.Release(s.reserved - n)
		s.held, s.reserved = s.held+n, 0
		return true
	}
	if !s.memory.free.TryAcquire(n) {
		return false
	}
	s.held += n
	return true
}

// Give gives n bytes back: those of a page that the owner has no more use for.
func (s *Share) Give(n int64) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n = min(n, s.held)
	s.held -= n
	s.memory.free.Release(n)
}

// Release gives everything back. The share may be used again.
func (s *Share) Release() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.memory.free.Release(s.held + s.reserved)
	s.held, s.reserved = 0, 0
}

type shareKey struct{}

// On is a context for readings whose pages belong to the share: one that does not fit is
// ErrNoRoom. Under a context without a share there is room for every page.
func (s *Share) On(ctx context.Context) context.Context {
	if s == nil {
		return ctx
	}
	return context.WithValue(ctx, shareKey{}, s)
}

func shareOf(ctx context.Context) *Share {
	s, _ := ctx.Value(shareKey{}).(*Share)
	return s
}

// unshared is ctx without its share, for readings that are always small.
func unshared(ctx context.Context) context.Context {
	return context.WithValue(ctx, shareKey{}, (*Share)(nil))
}
