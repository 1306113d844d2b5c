package main

import (
	"slices"
	"time"
)

// load is one case of the simulation: erasures of a kind that all meet on one partition.
type load struct {
	jobs, items int // open erasures, and what each has to delete there
	burst       time.Duration

	call     int // items of one call
	units    int // write units of an item on the hot partition
	together bool
	latency  quantiles // of a call that took something
	slower   int       // tenths that latencies are multiplied with
	attempts int       // of the SDK, for a call that took nothing
	page     int       // items that are announced together
	streams  int       // goroutines of a job that delete
	gate     int       // calls that one process has under way on the partition at once
	patience int
	handsOn  bool // a job whose worker lost its patience is handed on, as one whose time was up; not so in the product
}

// pageItems is how many transactions come with one page of a query: 1 MB of items of transactionBytes.
const pageItems = 1 << 20 / transactionBytes

// batches is a load of customers, deleted by BatchWriteItem.
func (c code) batches(jobs, items int) load {
	return load{
		jobs: jobs, items: items, call: c.batchSize, units: 1, latency: batch, slower: 10, attempts: c.attempts,
		page: pageItems, streams: c.customerStreams, gate: c.batchStreams, patience: c.patience,
	}
}

// transactions is a load of contacts that have one party in common, each filed under it and under one other number: half of
// a transaction's actions meet on that party's partition, with 2 units each. DynamoDB takes a transaction whole or not at
// all, and the SDK does not try a cancelled one again.
func (c code) transactions(jobs, items int) load {
	return load{
		jobs: jobs, items: items, call: c.transactionSize / 2, units: 2, together: true, latency: hundred, slower: 10, attempts: 1,
		page: c.windowSize * contactsPerNumber, streams: c.numberStreams, gate: c.perCollection, patience: c.patience,
	}
}

// tally counts what happened.
type tally struct {
	whole, part, refused  int // calls, by what DynamoDB took
	handed, gaveUp, empty int // ends of a worker's hold on a job: its time was up; its patience was; its time was, and it had moved nothing
	first, last           time.Duration
}

// account is the simulated product at work on one partition.
type account struct {
	code
	*clock
	load  load
	hot   *partition
	tally tally

	open    []*job
	queue   []*job // handed on, waiting for a worker
	workers int    // at work
}

type job struct {
	left, moved int // items; moved by the worker that holds it
	failures    int
	held        bool
	due         time.Duration // when it is cleanup's
}

// simulate runs a load to its end: every job begins with a worker of its own at once, as the stream starts them.
func (c code) simulate(l load, seed uint64) tally {
	a := &account{code: c, clock: newClock(seed), load: l, hot: newPartition(partitionWrites, l.burst)}
	for range l.jobs {
		j := &job{left: l.items}
		a.open = append(a.open, j)
		a.handOn(j)
	}
	a.start(time.Duration(a.random.Int64N(int64(c.schedule))), a.cleanup)
	a.tally.last = 0
	a.run()
	return a.tally
}

// handOn writes the mark that starts a worker, as far as there is room for one.
func (a *account) handOn(j *job) {
	j.held, j.due = false, a.now+a.pickUp
	a.queue = append(a.queue, j)
	if a.workers < max(1, a.workerConcurrency) {
		a.workers++
		a.start(a.draw(started), a.worker)
	}
}

// worker is one process of continue-erasure, which takes the jobs that were handed on until there are none.
func (a *account) worker(p *process) {
	for len(a.queue) > 0 {
		j := a.queue[0]
		a.queue = a.queue[1:]
		a.hold(p, j, &gate{free: a.load.gate}, a.workerTimeout-a.margin)
	}
	a.workers--
}

// hold is the engine's Continue: takes the lease, drains, and leaves the job done, handed on or failed.
func (a *account) hold(p *process, j *job, g *gate, lasts time.Duration) {
	if j.held || j.left == 0 {
		return
	}
	until := p.now + lasts - a.wrapUp
	j.held, j.moved = true, 0
	p.sleep(a.draw(single))
	end := a.drain(p, j, g, until)
	p.sleep(a.draw(single)) // written down
	switch {
	case end == gone:
		a.open = slices.DeleteFunc(a.open, func(other *job) bool { return other == j })
		if a.tally.last = a.now; a.tally.first == 0 {
			a.tally.first = a.now
		}
	case (end == timeUp || end == gaveUp && a.load.handsOn) && j.moved > 0:
		if end == gaveUp {
			a.tally.gaveUp++
		}
		j.failures = 0
		a.tally.handed++
		p.sleep(a.draw(single)) // the mark
		a.handOn(j)
	default:
		if end == gaveUp {
			a.tally.gaveUp++
		} else {
			a.tally.empty++
		}
		if j.moved > 0 {
			j.failures = 0
		}
		j.failures++
		wait := a.lastRetry
		if j.failures < 10 {
			wait = a.firstRetry << j.failures
		}
		j.held, j.due = false, a.now+wait
	}
}

// cleanup runs once a schedule's time and takes up what is due, as erasure.Due does.
func (a *account) cleanup(p *process) {
	for len(a.open) > 0 {
		began := p.now
		due := slices.DeleteFunc(slices.Clone(a.open), func(j *job) bool { return j.held || j.due > began })
		slices.SortStableFunc(due, func(x, y *job) int { return int(x.due - y.due) })
		atOnce := a.dueAtOnce
		if a.load.together {
			atOnce = a.numbersAtOnce
		}
		places, streams := gate{free: atOnce}, &gate{free: a.load.gate}
		for _, j := range due[:min(len(due), a.openAtOnce)] {
			places.enter(p)
			if p.now-began > a.takes() {
				places.leave(a.clock)
				break // the next run's
			}
			a.start(0, func(p *process) {
				a.hold(p, j, streams, a.slice)
				places.leave(a.clock)
			})
		}
		for range atOnce { // until all have ended
			places.enter(p)
		}
		p.sleep(max(time.Millisecond, a.schedule-(p.now-began)))
	}
}
