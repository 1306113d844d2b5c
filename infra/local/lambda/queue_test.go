package lambda

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
)

// inside waits until so many invocations have entered and not ended.
func inside(t *testing.T, s *Service, want int) {
	t.Helper()
	eventually(t, fmt.Sprint(want, " invocations are inside"),
		func() bool { return int(s.pools["F"].inside.Load()) == want })
}

// queued waits until so many invocations wait for a process.
func queued(t *testing.T, s *Service, want int) {
	t.Helper()
	eventually(t, fmt.Sprint(want, " invocations wait"), func() bool {
		p := s.pools["F"]
		p.mu.Lock()
		defer p.mu.Unlock()
		return len(p.waiting) == want
	})
}

// working waits until so many processes are at work.
func working(t *testing.T, s *Service, want int) {
	t.Helper()
	eventually(t, fmt.Sprint(want, " processes are at work"), func() bool {
		n, p := 0, s.pools["F"]
		p.mu.Lock()
		defer p.mu.Unlock()
		for i := range p.live {
			i.mu.Lock()
			if i.current != nil {
				n++
			}
			i.mu.Unlock()
		}
		return n == want
	})
}

// Requests beyond the processes wait for one, as many as there are.
func TestRequestsQueue(t *testing.T) {
	s, _ := service(t, nil)
	file := filepath.Join(t.TempDir(), "go on")
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			if answer, err := s.Request(t.Context(), "F", []byte(`{"do":"hold `+file+`"}`)); err != nil {
				t.Errorf("%s, %v", answer, err)
			}
		})
	}
	inside(t, s, 40) // none has ended: three are at work, and the others wait
	release(t, file)
	wg.Wait()
	inside(t, s, 0)
}

// Who stops waiting is told so at once, and takes nobody's place any more.
func TestRequestThatGivesUp(t *testing.T) {
	s, _ := service(t, nil)
	s.opts.Workers = 1
	busy := make(chan error, 1)
	go func() { _, err := s.Request(t.Context(), "F", []byte(`{"do":"hold nothing"}`)); busy <- err }()
	working(t, s, 1)
	ctx, giveUp := context.WithCancel(t.Context())
	waiting := make(chan error, 1)
	go func() { _, err := s.Request(ctx, "F", []byte(`{"do":"pid"}`)); waiting <- err }()
	inside(t, s, 2)
	giveUp()
	if err := <-waiting; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	inside(t, s, 1)
	s.Kill("F")
	if err := <-busy; err == nil {
		t.Error("it was not killed")
	}
	inside(t, s, 0)
}

// A function with reserved concurrency has no more requests at once: the next is refused
// without a wait. An event source waits, and has no more processes either.
func TestReservedConcurrency(t *testing.T) {
	reserved := 2
	s, _ := service(t, func(f *Function) { f.Reserved = &reserved })
	busy := make(chan error, reserved)
	for range reserved {
		go func() { _, err := s.Request(t.Context(), "F", []byte(`{"do":"hold nothing"}`)); busy <- err }()
	}
	working(t, s, 2)
	if _, err := s.Request(t.Context(), "F", []byte(`{"do":"pid"}`)); !errors.Is(err, ErrThrottled) {
		t.Errorf("one more: %v", err)
	}
	event := make(chan error, 1)
	go func() { _, err := call(t, s, "pid"); event <- err }()
	inside(t, s, 3)
	queued(t, s, 1)
	p := s.pools["F"]
	p.mu.Lock()
	if len(p.live) != 2 || len(p.waiting) != 1 {
		t.Errorf("%d processes, %d invocations wait", len(p.live), len(p.waiting))
	}
	p.mu.Unlock()
	s.Kill("F")
	for range reserved {
		if err := <-busy; err == nil {
			t.Error("it was not killed")
		}
	}
	if err := <-event; err != nil {
		t.Errorf("the event source: %v", err)
	}
	inside(t, s, 0)
	if _, err := s.Request(t.Context(), "F", []byte(`{"do":"pid"}`)); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	reserved = 0 // Lambda's way to switch a function off
	if _, err := s.Request(t.Context(), "F", []byte(`{"do":"pid"}`)); !errors.Is(err, ErrThrottled) {
		t.Errorf("switched off: %v", err)
	}
}
