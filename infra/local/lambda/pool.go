package lambda

import (
	"context"
	"slices"
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
	left    func() // is told of the outcome once
	once    sync.Once
	answer  []byte
	err     error
}

// finish sets the outcome; only the first call counts, so that a death after the answer changes nothing.
func (inv *invocation) finish(answer []byte, err error) {
	inv.once.Do(func() {
		inv.answer, inv.err = answer, err
		inv.left()
		close(inv.done)
	})
}

// pool holds one function's processes. Processes ask for work; the pool starts another one, up to the limit, when
// more work waits than processes are on their way.
type pool struct {
	service  *Service
	function Function
	inside   atomic.Int64 // invocations that have entered and not ended, waiting ones among them

	mu      sync.Mutex
	waiting []*invocation // not yet taken, oldest first
	idle    []*instance   // asking for work, the last used at the end
	coming  int           // just started or just done with something: will ask for work in a moment
	live    map[*instance]bool
}

// enter counts one more invocation; bounded says not to when the function's reserved concurrency is used up.
func (p *pool) enter(bounded bool) bool {
	n := p.inside.Add(1)
	if bounded && p.function.Reserved != nil && n > int64(*p.function.Reserved) {
		p.leave()
		return false
	}
	return true
}

func (p *pool) leave() { p.inside.Add(-1) }

// most is how many processes the function may have.
func (p *pool) most() int {
	if reserved := p.function.Reserved; reserved != nil {
		return min(p.service.opts.Workers, *reserved)
	}
	return p.service.opts.Workers
}

// invoke runs an invocation that has entered. It leaves when it has ended, which may be after ctx has.
func (p *pool) invoke(ctx context.Context, payload []byte, enough <-chan time.Time) ([]byte, error) {
	inv := &invocation{id: uuid.NewString(), payload: payload, done: make(chan struct{}), left: p.leave}
	p.submit(inv)
	for {
		select {
		case <-inv.done:
			return inv.answer, inv.err
		case <-ctx.Done():
			if p.withdraw(inv) {
				inv.finish(nil, context.Cause(ctx))
			}
			return nil, context.Cause(ctx)
		case <-enough:
			if p.refuse(inv) {
				inv.finish(nil, ErrThrottled)
				return nil, ErrThrottled
			}
			enough = nil // a process has it, or is being started for it
		}
	}
}

// submit hands the invocation to an idle process, or lets it wait for one.
func (p *pool) submit(inv *invocation) {
	p.mu.Lock()
	for n := len(p.idle); n > 0; n = len(p.idle) {
		i := p.idle[n-1]
		p.idle = p.idle[:n-1]
		if i.give(inv) {
			p.mu.Unlock()
			return
		}
	}
	p.waiting = append(p.waiting, inv)
	i := p.grow()
	p.mu.Unlock()
	if i != nil {
		i.start()
	}
}

// grow returns a new instance to start when one is needed and allowed. The caller holds the lock.
func (p *pool) grow() *instance {
	if p.coming >= len(p.waiting) || len(p.live) >= p.most() {
		return nil
	}
	i := newInstance(p)
	if p.live == nil {
		p.live = map[*instance]bool{}
	}
	p.live[i] = true
	p.coming++
	return i
}

// next gives the asking instance the oldest waiting invocation, or notes that it is idle and returns nil.
func (p *pool) next(i *instance) *invocation {
	p.mu.Lock()
	defer p.mu.Unlock()
	i.starting = false
	if i.coming {
		i.coming = false
		p.coming--
	}
	if !p.live[i] { // died while asking
		return nil
	}
	if len(p.waiting) == 0 {
		p.idle = append(p.idle, i)
		return nil
	}
	inv := p.waiting[0]
	p.waiting = p.waiting[1:]
	return inv
}

// answered notes that the instance is about to ask again, so that whoever calls next waits for it instead of starting
// another process.
func (p *pool) answered(i *instance) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.live[i] && !i.coming {
		i.coming = true
		p.coming++
	}
}

// gone takes a dead instance out. One that died before it ever asked for work fails the oldest waiting invocation,
// as Lambda fails the invocation that caused the start; work that still waits gets a new process.
func (p *pool) gone(i *instance, why error) {
	p.mu.Lock()
	delete(p.live, i)
	for at, idle := range p.idle {
		if idle == i {
			p.idle = append(p.idle[:at], p.idle[at+1:]...)
			break
		}
	}
	if i.coming {
		i.coming = false
		p.coming--
	}
	var failed *invocation
	if i.starting && len(p.waiting) > 0 {
		failed, p.waiting = p.waiting[0], p.waiting[1:]
	}
	fresh := p.grow()
	p.mu.Unlock()

	if failed != nil {
		failed.finish(nil, why)
	}
	if fresh != nil {
		fresh.start()
	}
}

// refuse takes out an invocation that waits although there are as many processes as may be; false when a process has it
// or there is one to come: a start that is slow is no reason to refuse.
func (p *pool) refuse(inv *invocation) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := slices.Index(p.waiting, inv)
	if at < 0 || len(p.live) < p.most() {
		return false
	}
	p.waiting = slices.Delete(p.waiting, at, at+1)
	return true
}

// withdraw removes an invocation nobody waits for any more; false when a process has it.
func (p *pool) withdraw(inv *invocation) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := slices.Index(p.waiting, inv)
	if at < 0 {
		return false
	}
	p.waiting = slices.Delete(p.waiting, at, at+1)
	return true
}

func (p *pool) kill() {
	p.mu.Lock()
	doomed := make([]*instance, 0, len(p.live))
	for i := range p.live {
		doomed = append(doomed, i)
	}
	p.mu.Unlock()
	for _, i := range doomed {
		i.kill(nil)
	}
	for _, i := range doomed {
		<-i.dead
	}
}

func (p *pool) failAll(err error) {
	p.mu.Lock()
	waiting := p.waiting
	p.waiting = nil
	p.mu.Unlock()
	for _, inv := range waiting {
		inv.finish(nil, err)
	}
}
