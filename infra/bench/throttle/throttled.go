package main

import (
	"fmt"
	"time"
)

// seed of all simulated cases. Another one changes the last figure of what they say.
const seed = 1

// throttled are the tables of the simulation.
func (c code) throttled(t *table) {
	t.heading("One customer with 1,000,000 transactions on one partition")
	best := func(items, units int, burst time.Duration) time.Duration {
		inTheBucket := max(burst, time.Second) * partitionWrites
		return max(0, (time.Duration(items*units)*time.Second-inTheBucket)/partitionWrites)
	}
	t.text("Gone at best: (1,000,000 units - what is in the bucket) / %s a second. Least calls: %s.", whole(partitionWrites), whole(bigCustomer/c.batchSize))
	t.head("streams", "burst", "at best", "gone after", "calls", "taken in part", "refused", "hand-overs", "gave up")
	for _, burst := range []time.Duration{0, 300 * time.Second} {
		for _, streams := range []int{1, 2, 4, 8} {
			l := c.batches(1, bigCustomer)
			l.streams, l.burst = streams, burst
			r := c.simulate(l, seed)
			t.row(mark(streams == c.customerStreams, streams), seconds(burst), clockTime(best(l.items, 1, burst)), clockTime(r.last), whole(r.calls()), whole(r.part), whole(r.refused), whole(r.handed), whole(r.gaveUp))
		}
	}
	t.heading("The same by what a call takes")
	t.text("300,000 transactions, at best %s, no burst. The median of a batch is the assumed %s, times the factor.", clockTime(best(300_000, 1, 0)), oneBatch)
	t.head("median of a batch", "1 stream", "2 streams", "4 streams", "8 streams")
	for _, tenths := range []int{5, 10, 20, 40, 80} {
		row := []string{(oneBatch * time.Duration(tenths) / 10).String()}
		for _, streams := range []int{1, 2, 4, 8} {
			l := c.batches(1, 300_000)
			l.streams, l.slower = streams, tenths
			row = append(row, clockTime(c.simulate(l, seed).last))
		}
		t.row(row...)
	}
	t.heading("Several customers on one partition")
	const inAll = 240_000
	t.text("%s transactions in all, %d streams each, no burst, at best %s. A worker each, %d at once.", whole(inAll), c.customerStreams, clockTime(best(inAll, 1, 0)), c.workerConcurrency)
	t.head("customers", "first gone", "last gone", "calls", "items a call", "refused", "hand-overs", "gave up")
	for _, jobs := range []int{1, 2, 4, 10, 20, 40} {
		r := c.simulate(c.batches(jobs, inAll/jobs), seed)
		t.row(whole(jobs), clockTime(r.first), clockTime(r.last), whole(r.calls()), about(inAll/float64(r.calls())), whole(r.refused), whole(r.handed), whole(r.gaveUp))
	}
	t.heading("Contacts that share one party")
	const numbers = 1000
	contacts := numbers * contactsPerNumber
	t.text("Jobs of %s numbers with %d contacts each, all with the same other party: a transaction of %d actions takes %d units of its partition, all or none. No burst. The last patience has no end but the worker's time.",
		whole(numbers), contactsPerNumber, c.transactionSize, c.transactionSize/2*2)
	t.head("jobs", "at best", "patience 10", "gave up", "20", "gave up", "40", "gave up", "endless", "gave up")
	const endless = 1_000_000
	for _, jobs := range []int{1, 2, 4, 10, 40} {
		row := []string{whole(jobs), clockTime(best(jobs*contacts, 2, 0))}
		for _, patience := range []int{10, 20, 40, endless} {
			l := c.transactions(jobs, contacts)
			l.patience = patience
			r := c.simulate(l, seed)
			row = append(row, mark(patience == c.patience, clockTime(r.last)), mark(patience == c.patience, whole(r.gaveUp)))
		}
		t.row(row...)
	}
	t.heading("Other ways with 40 such jobs")
	t.head("", "first gone", "last gone", "refused", "hand-overs", "gave up")
	for _, way := range []struct {
		name string
		load func(*load)
	}{
		{"as it is", func(*load) {}},
		{"one call of a process on the party at a time", func(l *load) { l.gate = 1 }},
		{"patience 10", func(l *load) { l.patience = 10 }},
		{"patience 10, then handed on at once instead of put back", func(l *load) { l.patience, l.handsOn = 10, true }},
	} {
		l := c.transactions(40, contacts)
		way.load(&l)
		r := c.simulate(l, seed)
		t.row(way.name, clockTime(r.first), clockTime(r.last), whole(r.refused), whole(r.handed), whole(r.gaveUp))
	}
	t.heading("How long patience lasts")
	t.text("Against a partition that takes nothing: pauses with full jitter from %s up to %s, and the calls in between; the SDK makes up to %d of a batch before it is one in vain, and 1 of a cancelled transaction. The mean of 200.",
		c.backoffBase*2, c.backoffLimit, c.attempts)
	t.head("", "patience 10", "patience 20", "patience 40")
	for _, kind := range []struct {
		name string
		load load
	}{{"a batch of 25", c.batches(1, 25)}, {"a transaction", c.transactions(1, 50)}} {
		row := []string{kind.name}
		for _, patience := range []int{10, 20, 40} {
			l := kind.load
			l.patience = patience
			row = append(row, mark(patience == c.patience, fmt.Sprintf("%.1f s", c.inVain(l, 200).Seconds())))
		}
		t.row(row...)
	}
}

// mark makes what is in force bold.
func mark(inForce bool, value any) string {
	if inForce {
		return fmt.Sprintf("**%v**", value)
	}
	return fmt.Sprint(value)
}

func (t tally) calls() int { return t.whole + t.part + t.refused }

// inVain is the mean time until one call's patience ends on a partition that takes nothing.
func (c code) inVain(l load, times int) time.Duration {
	l.streams = 1
	a := &account{code: c, clock: newClock(seed), load: l, hot: &partition{holds: time.Second}}
	a.start(0, func(p *process) {
		for range times {
			a.deletePage(p, &job{left: l.items}, &gate{free: 1}, forAges)
		}
	})
	return a.run() / time.Duration(times)
}

// forAges is later than anything that is simulated.
const forAges = 1 << 62 * time.Nanosecond
