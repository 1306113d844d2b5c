package main

import (
	"container/heap"
	"iter"
	"math/rand/v2"
	"time"
)

// clock is the simulated time and what happens in it: processes, each an ordinary function that sleeps. One runs at a
// time, in the order of their times and then of their going to sleep, so that a seed decides everything.
type clock struct {
	now    time.Duration
	random *rand.Rand
	waits  waits
	count  int
}

// newClock starts at 0. All chance comes from seed; it is whole numbers only, so that every machine draws the same.
func newClock(seed uint64) *clock { return &clock{random: rand.New(rand.NewPCG(seed, seed))} }

// process is one thread of events.
type process struct {
	*clock
	next  func() (time.Duration, bool)
	yield func(time.Duration) bool
}

// forEver is how long a process sleeps that another one wakes.
const forEver = time.Duration(-1)

// start begins a process after a time.
func (c *clock) start(after time.Duration, run func(p *process)) {
	p := &process{clock: c}
	p.next, _ = iter.Pull(func(yield func(time.Duration) bool) {
		p.yield = yield
		run(p)
	})
	c.at(c.now+after, p)
}

func (c *clock) at(when time.Duration, p *process) {
	c.count++
	heap.Push(&c.waits, wait{when, c.count, p})
}

// run lets all processes run until none is left that wakes by itself. It returns the time of the last event.
func (c *clock) run() time.Duration {
	for len(c.waits) > 0 {
		w := heap.Pop(&c.waits).(wait)
		c.now = w.when
		if d, more := w.process.next(); more && d != forEver {
			c.at(c.now+d, w.process)
		}
	}
	return c.now
}

// sleep lets time pass for this process; forEver until somebody wakes it.
func (p *process) sleep(d time.Duration) { p.yield(d) }

// wake ends the sleep of a process that sleeps for ever.
func (c *clock) wake(p *process) { c.at(c.now, p) }

// draw is a time of the distribution.
func (c *clock) draw(d quantiles) time.Duration {
	at := c.random.IntN(1000)
	for i := 1; ; i++ {
		if from, to := d[i-1], d[i]; at < to.permille {
			return from.time + (to.time-from.time)*time.Duration(at-from.permille)/time.Duration(to.permille-from.permille)
		}
	}
}

// median is the middle of the distribution.
func (d quantiles) median() time.Duration {
	for i := 1; ; i++ {
		if from, to := d[i-1], d[i]; to.permille >= 500 {
			return from.time + (to.time-from.time)*time.Duration(500-from.permille)/time.Duration(to.permille-from.permille)
		}
	}
}

// quantiles is a distribution: from 0 to 1000 permille, straight between its points.
type quantiles []struct {
	permille int
	time     time.Duration
}

type wait struct {
	when    time.Duration
	order   int
	process *process
}

type waits []wait

func (w waits) Len() int { return len(w) }
func (w waits) Less(i, j int) bool {
	return w[i].when < w[j].when || w[i].when == w[j].when && w[i].order < w[j].order
}
func (w waits) Swap(i, j int) { w[i], w[j] = w[j], w[i] }
func (w *waits) Push(x any)   { *w = append(*w, x.(wait)) }
func (w *waits) Pop() any {
	last := (*w)[len(*w)-1]
	*w = (*w)[:len(*w)-1]
	return last
}
