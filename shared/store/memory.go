package store

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/semaphore"
)

// Memory bounds what the jobs of a process hold of the pages that they have read, over
// all of them, in bytes of DynamoDB's answers. nil bounds nothing.
//
// No job ever waits for memory while it holds some, or two could wait for each other:
// with a page in hand it does with what it has (ErrNoRoom), with none it may wait for
// room for any page (Share.Wait).
type Memory struct {
	free *semaphore.Weighted
	page int64 // which any page fits in
}

const (
	// HeldAtMost is what all jobs of a process hold. A page is about 1 MB, and each
	// stands for twice its size until the collector has come: with the program itself
	// that stays below the 128 MB of the smallest function.
	HeldAtMost = 20 << 20
	// LargestPage is what any page fits in: DynamoDB reads 1 MB for it, and a text of one
	// byte takes two of them in a list, and up to fifteen in the answer.
	LargestPage = 8 << 20
)

// NewMemory makes room for atMost bytes, and lets one page of any size in while page of
// them are free.
func NewMemory(atMost, page int64) *Memory { return &Memory{semaphore.NewWeighted(atMost), page} }

// ErrNoRoom says that a page was not read because what other jobs hold leaves no room for
// it. It is worth a try when the caller's own share is released, and with Share.Wait it
// succeeds.
var ErrNoRoom = errors.New("store: there is no memory for another page")

// Share is what one job holds of the process's memory. A nil Share holds nothing, and has
// room for everything.
type Share struct {
	of   *Memory
	mu   sync.Mutex
	held int64
	kept int64 // taken from the semaphore for a page that has not come yet
}

// Share begins a share that holds nothing. Its owner releases it.
func (m *Memory) Share() *Share {
	if m == nil {
		return nil
	}
	return &Share{of: m}
}

// Wait returns when there is room for one page of any size, which the next reading on
// this share then finds. It must hold nothing.
func (s *Share) Wait(ctx context.Context) error {
	if s == nil {
		return nil
	}
	if err := s.of.free.Acquire(ctx, s.of.page); err != nil {
		return failed("wait for memory", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept += s.of.page
	return nil
}

// take makes n bytes more the share's. It never waits. What Wait has kept is enough for
// whatever comes: more than the largest page is taken all the same, or a job could never
// go on.
func (s *Share) take(n int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept > 0 {
		n = min(n, s.kept)
		s.of.free.Release(s.kept - n)
		s.held, s.kept = s.held+n, 0
		return true
	}
	if !s.of.free.TryAcquire(n) {
		return false
	}
	s.held += n
	return true
}

// Give lets go of n bytes of it: a page that its owner has no use for.
func (s *Share) Give(n int64) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n = min(n, s.held)
	s.held -= n
	s.of.free.Release(n)
}

// Release lets go of all of it. The share may be used again.
func (s *Share) Release() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of.free.Release(s.held + s.kept)
	s.held, s.kept = 0, 0
}

type shareKey struct{}

// On makes the pages that are read under the context it returns the share's: a page for
// which it finds no room is ErrNoRoom. Without it there is room for every page.
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

// unshared is ctx for readings that are small whatever there is.
func unshared(ctx context.Context) context.Context {
	return context.WithValue(ctx, shareKey{}, (*Share)(nil))
}
