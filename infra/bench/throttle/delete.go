package main

import "time"

// What a call takes, assumed: AWS states single-digit milliseconds for calls of one item and nothing for the others. How much
// the answers depend on it is one of the tables.
var (
	single  = quantiles{{0, 2 * time.Millisecond}, {100, 3 * time.Millisecond}, {500, 5 * time.Millisecond}, {900, 9 * time.Millisecond}, {990, 25 * time.Millisecond}, {1000, 80 * time.Millisecond}}
	batch   = quantiles{{0, 4 * time.Millisecond}, {100, 7 * time.Millisecond}, {500, 12 * time.Millisecond}, {900, 20 * time.Millisecond}, {990, 45 * time.Millisecond}, {1000, 120 * time.Millisecond}}
	refused = quantiles{{0, 2 * time.Millisecond}, {100, 3 * time.Millisecond}, {500, 4 * time.Millisecond}, {900, 7 * time.Millisecond}, {990, 20 * time.Millisecond}, {1000, 60 * time.Millisecond}}
	hundred = quantiles{{0, 15 * time.Millisecond}, {100, 25 * time.Millisecond}, {500, 40 * time.Millisecond}, {900, 60 * time.Millisecond}, {990, 120 * time.Millisecond}, {1000, 300 * time.Millisecond}}
	query   = quantiles{{0, 5 * time.Millisecond}, {500, 25 * time.Millisecond}, {900, 50 * time.Millisecond}, {1000, 200 * time.Millisecond}} // a page of 1 MB
	started = quantiles{{0, 20 * time.Millisecond}, {900, 300 * time.Millisecond}, {1000, 600 * time.Millisecond}}                             // a worker by the stream, which is polled 4 times a second
)

// ending is how a drain ends.
type ending int

const (
	gone   ending = iota // all that there was
	timeUp               // the worker's time is up
	gaveUp               // patience was at its end
)

// gate is store.Streams: how many calls one function process has under way at once.
type gate struct {
	free    int
	waiting []*process
}

func (g *gate) enter(p *process) {
	for g.free == 0 {
		g.waiting = append(g.waiting, p)
		p.sleep(forEver)
	}
	g.free--
}

func (g *gate) leave(c *clock) {
	g.free++
	if len(g.waiting) > 0 {
		c.wake(g.waiting[0])
		g.waiting = g.waiting[1:]
	}
}

// drain is the engine's: page by page, each announced first, until nothing is left.
func (a *account) drain(p *process, j *job, g *gate, until time.Duration) ending {
	p.sleep(a.draw(query)) // later pages are read while the one before is deleted
	for j.left > 0 {
		p.sleep(a.draw(single)) // announced
		if end := a.deletePage(p, j, g, until); end != gone {
			return end
		}
	}
	if !a.load.together {
		p.sleep(a.draw(single)) // the reading that finds nothing; of contacts it is the next pass's
	}
	return gone
}

// deletePage deletes a page over the job's streams, whole calls to each, and waits for all of them. A stream ends none of
// the others.
func (a *account) deletePage(p *process, j *job, g *gate, until time.Duration) ending {
	page := min(a.load.page, j.left)
	calls := (page + a.load.call - 1) / a.load.call
	running, result := 0, gone
	found := &bite{a.transactionSize}
	for i := range a.load.streams {
		from, to := calls*i/a.load.streams*a.load.call, min(calls*(i+1)/a.load.streams*a.load.call, page)
		if from >= to {
			continue
		}
		running++
		a.start(0, func(stream *process) {
			end := gone
			for n := to - from; n > 0; n -= a.load.call {
				if !a.load.together {
					end = a.deleteBatch(stream, j, g, min(a.load.call, n), until)
				} else if one := a.eraseTogether(stream, j, g, min(a.load.call, n), until, found); one != gone {
					end = one
				}
				if end == timeUp || end == gaveUp && !a.load.together { // what is left of its batches is not tried
					break
				}
			}
			if end != gone && result != timeUp {
				result = end
			}
			if running--; running == 0 {
				a.wake(p)
			}
		})
	}
	p.sleep(forEver)
	return result
}

// deleteBatch is store's: n items in one call, and whatever was left of them in the next.
func (a *account) deleteBatch(p *process, j *job, g *gate, n int, until time.Duration) ending {
	for idle := 0; ; {
		g.enter(p)
		took := a.attempt(p, n, 1, until)
		g.leave(a.clock)
		j.left -= took
		j.moved += took
		if n -= took; n == 0 {
			return gone
		}
		if took > 0 {
			idle = 0
		} else if idle++; idle == a.load.patience {
			return gaveUp
		}
		if !a.pause(p, a.backoff(idle), until) {
			return timeUp
		}
	}
}

// attempt is one call through the SDK, which tries again what was refused altogether: n items, of which the partition takes
// the number least or none.
func (a *account) attempt(p *process, n, least int, until time.Duration) (took int) {
	for attempt := 1; ; attempt++ {
		p.sleep(time.Millisecond) // on its way
		took = a.hot.take(p.now, n*a.load.units, least*a.load.units) / a.load.units
		answer := a.load.latency
		switch {
		case took == n: // 0 of 0, too: a copy that stands elsewhere

			a.tally.whole++
		case took > 0:
			a.tally.part++
		default:
			a.tally.refused++
			answer = refused
		}
		p.sleep(a.draw(answer) * time.Duration(a.load.slower) / 10)
		if took == n || took > 0 || attempt >= a.load.attempts || !a.pause(p, a.backoff(attempt), until) {
			return took
		}
	}
}

// pause sleeps for d, or less when the time until comes first; it reports whether all of d passed.
func (a *account) pause(p *process, d, until time.Duration) bool {
	if p.now+d >= until {
		p.sleep(max(0, until-p.now))
		return false
	}
	p.sleep(d)
	return true
}

// backoff draws what environment.Backoff draws, from the clock's chance.
func (a *account) backoff(attempt int) time.Duration {
	return time.Duration(a.random.Int64N(int64(a.longest(attempt)))) + time.Millisecond
}
