package lambda

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
)

// invocation is one call of a function. answer and err are set before done is closed.
type invocation struct {
	id      string
	payload []byte
	done    chan struct{}
	ended   func() // called once, when there is an outcome
	once    sync.Once
	answer  []byte
	err     error
}

// finish sets the outcome; only the first call counts, so that a death after the answer
// changes nothing.
func (inv *invocation) finish(answer []byte, err error) {
	inv.once.Do(func() {
		inv.answer, inv.err = answer, err
		inv.ended()
		close(inv.done)
	})
}

// pool holds one function's processes. Processes ask for work. The pool starts another
// one, up to the limit, when more invocations wait than processes are ready.
type pool struct {
	service  *Service
	function Function
	inside   atomic.Int64 // invocations that have entered and not ended, waiting or not

	mu      sync.Mutex
	changed *sync.Cond    // of waiting or live
	waiting []*invocation // not yet taken, oldest first
	live    map[*instance]bool
	closed  bool // takes no invocation any more
}

// most is how many processes the function may have.
func (p *pool) most() int {
	if reserved := p.function.Reserved; reserved != nil {
		return min(p.service.opts.Workers, *reserved)
	}
	return p.service.opts.Workers
}

// invoke runs an invocation; it is counted until it ends, which may be after ctx has.
// bounded is for a Request: it is ErrThrottled when the function's reserved concurrency
// is used up, or when all processes stay busy for longer than QueueTimeout.
func (p *pool) invoke(ctx context.Context, payload []byte, bounded bool) ([]byte, error) {
	inside := p.inside.Add(1)
	leave := func() { p.inside.Add(-1) }
	if bounded && p.function.Reserved != nil && inside > int64(*p.function.Reserved) {
		leave()
		return nil, ErrThrottled
	}
	var timeout <-chan time.Time
	if limit := p.service.opts.QueueTimeout; bounded && limit > 0 {
		timeout = time.After(limit)
	}
	inv := &invocation{id: uuid.NewString(), payload: payload, done: make(chan struct{}), ended: leave}
	p.submit(inv)
	for {
		select {
		case <-inv.done:
			return inv.answer, inv.err
		case <-ctx.Done():
			if p.withdraw(inv, false) {
				inv.finish(nil, context.Cause(ctx))
			}
			return nil, context.Cause(ctx)
		case <-timeout:
			if p.withdraw(inv, true) {
				inv.finish(nil, ErrThrottled)
				return nil, ErrThrottled
			}
			timeout = nil // a process has it, or is being started for it
		}
	}
}

// submit lets the invocation wait for a process, and starts one if need be.
func (p *pool) submit(inv *invocation) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		inv.finish(nil, errClosed)
		return
	}
	p.waiting = append(p.waiting, inv)
	p.unlockChanged()
}

// unlockChanged gives the lock back after a change of waiting or live, and starts a
// process if need be.
func (p *pool) unlockChanged() {
	fresh := p.grow()
	p.mu.Unlock()
	p.changed.Broadcast()
	if fresh != nil {
		fresh.start()
	}
}

// grow returns a new instance to start when one is needed and allowed. The caller holds
// the lock.
func (p *pool) grow() *instance {
	ready := 0
	for i := range p.live {
		if i.ready {
			ready++
		}
	}
	if p.closed || ready >= len(p.waiting) || len(p.live) >= p.most() {
		return nil
	}
	id := strconv.FormatInt(p.service.processes.Add(1), 10)
	i := &instance{id: id, pool: p, dead: make(chan struct{}), starting: true, ready: true}
	p.live[i] = true
	return i
}

// instance gives the live instance with this id; nil when there is none.
func (p *pool) instance(id string) *instance {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.live {
		if i.id == id {
			return i
		}
	}
	return nil
}

// next waits for an invocation for the instance, the oldest; nil when the instance dies.
func (p *pool) next(i *instance) *invocation {
	p.mu.Lock()
	defer p.mu.Unlock()
	i.starting, i.ready = false, true
	for p.live[i] && len(p.waiting) == 0 {
		p.changed.Wait()
	}
	if !p.live[i] {
		return nil
	}
	inv := p.waiting[0]
	p.waiting = p.waiting[1:]
	i.ready = false
	return inv
}

// gone takes a dead instance out. One that died before it ever asked for work fails the
// oldest waiting invocation, as Lambda fails the invocation that caused the start; work
// that still waits gets a new process.
func (p *pool) gone(i *instance, why error) {
	p.mu.Lock()
	delete(p.live, i)
	var failed *invocation
	if i.starting && len(p.waiting) > 0 {
		failed, p.waiting = p.waiting[0], p.waiting[1:]
	}
	p.unlockChanged()
	if failed != nil {
		failed.finish(nil, why)
	}
}

// withdraw takes out an invocation that still waits; false when a process has it. With
// onlyIfFull it is also false while another process may come: a start that is slow is no
// reason to refuse.
func (p *pool) withdraw(inv *invocation, onlyIfFull bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := slices.Index(p.waiting, inv)
	if at < 0 || onlyIfFull && len(p.live) < p.most() {
		return false
	}
	p.waiting = slices.Delete(p.waiting, at, at+1)
	return true
}

// kill ends every process, and returns when they are gone. why is what their invocations
// fail with.
func (p *pool) kill(why error) {
	p.mu.Lock()
	doomed := slices.Collect(maps.Keys(p.live))
	p.mu.Unlock()
	for _, i := range doomed {
		i.kill(why)
	}
	for _, i := range doomed {
		<-i.dead
	}
}

// close ends every process, and fails what runs or waits with errClosed.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	waiting := p.waiting
	p.waiting = nil
	p.mu.Unlock()
	for _, inv := range waiting {
		inv.finish(nil, errClosed)
	}
	p.kill(errClosed)
}
