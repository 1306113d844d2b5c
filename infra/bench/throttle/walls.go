package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// wall is something that the demand at its peak comes near to.
type wall struct {
	what, how        string
	demand, capacity float64 // in the same unit
	unit, moves      string
}

func (w wall) used() float64 { return w.demand / w.capacity }

// mean and highest are a day's calls as calls a second.
func mean(aDay int) float64 { return float64(aDay) / daySeconds }

func highest(aDay int) float64 { return peak * mean(aDay) }

// secondPass is what the last pass of an erasure takes: the lease, the reading, the end.
const secondPass = 2*oneCall + fewTogether

// passes is how many second passes cleanup makes in a second, over all the time: by what calls take, and by the processor that
// its memory brings.
func (c code) passes() (byCalls, byProcessor float64) {
	part := c.takes().Seconds() / c.schedule.Seconds()
	return part * float64(c.dueAtOnce) / secondPass.Seconds(), part * float64(c.memoryMB) / fullCoreMB / processorTime.Seconds()
}

// requestTime is what operation 3 takes for a customer with each transactions: principal, reading, intent, batches over the
// streams, the reading after it, the release.
func (c code) requestTime() time.Duration {
	return oneCall + oneCall + fewTogether + time.Duration(c.rounds(each))*oneBatch + oneCall + oneCall
}

func (c code) rounds(items int) int {
	batches := (items + c.batchSize - 1) / c.batchSize
	return (batches + c.customerStreams - 1) / c.customerStreams
}

// workerTime is what a worker takes for a call of operation 4 with so many numbers: the lease, each window's readings before and
// after, its note and its transactions, the release.
func (c code) workerTime(numbers int) time.Duration {
	took := 2*oneCall + between
	for left := numbers; left > 0; left -= c.window {
		n := min(left, c.window)
		readings := time.Duration((n + c.numberReads - 1) / c.numberReads)
		actions := n * contactsPerNumber * copiesOfContact
		together, rounds := manyTogether, (actions+c.transactionSize*c.numberStreams-1)/(c.transactionSize*c.numberStreams)
		if actions <= 20 {
			together = fewTogether
		}
		took += 2*readings*oneCall + oneCall + time.Duration(rounds)*together
	}
	return took
}

// lanes is how many workers the ledger's stream keeps busy while it has as many shards as a new table.
func (c code) lanes() int {
	lanes := newTableShards * c.parallel
	if c.workerConcurrency > 0 {
		lanes = min(lanes, c.workerConcurrency)
	}
	return lanes
}

// openJobs is how many erasures are open at a rate: each waits for its second pass, and half a schedule's time for cleanup.
func (c code) openJobs(rate float64) float64 { return rate * (c.settles() + c.schedule/2).Seconds() }

// walls are all that is known, the nearest first. Operation 4 comes with one number a call, which makes most calls.
func (c code) walls() []wall {
	erasures, calls := highest(erasuresADay), highest(numbersADay)
	jobs := erasures + calls
	byCalls, byProcessor := c.passes()
	table := float64(erasures * (each + onCustomers))
	size := float64(transactions) * (transactionBytes + indexOverhead) / 1e9
	segment := float64(users) * userBytes / float64(c.allowSweepMinutes) / 1e6
	all := []wall{
		{"operation 4, calls", "the API's throttle", calls, float64(c.cleanRate), "calls/s", "`CleanRate`; more numbers in a call"},
		{"operation 3, calls on one path", "the API's throttle", erasures, float64(c.deleteRate), "calls/s", "`DeleteRate`"},
		{"table of customers, as long as it is new", fmt.Sprintf("%s erasures x (%d + %d) units; what a new on-demand table takes", about(erasures), each, onCustomers),
			table, newTableWrites, "WRU/s", "`WarmThroughput` of `Customers` in template.yaml (not set); twice the peak so far, by itself"},
		{"table of customers, with its data", fmt.Sprintf("%s GB / %d GB a partition, %s each", whole(size), partitionGB, whole(partitionWrites)),
			table, math.Ceil(size/partitionGB) * partitionWrites, "WRU/s", "grows with the data"},
		{"quota of a table", "the account's default", table, tableWrites, "WRU/s", "Service Quotas"},
		{"contacts of one hotline, should all have it as a party", fmt.Sprintf("%s numbers x %d contacts x 2 units on its partition", about(calls), contactsPerNumber),
			calls * contactsPerNumber * 2, partitionWrites, "WRU/s", "nothing: one party is one partition key (below)"},
		{"table of contacts, as long as it is new", fmt.Sprintf("%s numbers x %d contacts x %d copies x 2 units", about(calls), contactsPerNumber, copiesOfContact),
			calls * contactsPerNumber * copiesOfContact * 2, newTableWrites, "WRU/s", "`WarmThroughput` of `Contacts` (not set)"},
		{"second passes", fmt.Sprintf("`dueAtOnce` %d / %s a pass x %s of each %s; by the processor %s/s", c.dueAtOnce, secondPass, seconds(c.takes()), seconds(c.schedule), about(byProcessor)),
			jobs, min(byCalls, byProcessor), "erasures/s", "`dueAtOnce` (shared/erasure/due.go), `MemorySize` of `CleanupFunction`"},
		{"open erasures that cleanup sees", fmt.Sprintf("%s erasures x (%s + %s / 2)", about(jobs), seconds(c.settles()), seconds(c.schedule)),
			c.openJobs(jobs), float64(c.openAtOnce), "erasures", "`openAtOnce` (shared/erasure/due.go); `WriterLifetime`"},
		{"index of open erasures", fmt.Sprintf("%d units an erasure, `openShards` %d partitions", onIndex, c.openShards),
			jobs * onIndex, float64(c.openShards * partitionWrites), "WRU/s", "`openShards` (shared/store)"},
		{"ledger, as long as it is new", fmt.Sprintf("%d units an operation 3, %d an operation 4, without customers and index", c.onLedger(), cleanings[0].writes-onIndex+1),
			erasures*float64(c.onLedger()) + calls*float64(cleanings[0].writes-onIndex+1), newTableWrites, "WRU/s", "`WarmThroughput` of `Erasures` (not set)"},
		{"workers of operation 4", fmt.Sprintf("%s calls x %s; shards %d x `ParallelizationFactor` %d, `WorkerConcurrency` %d", about(calls), c.workerTime(1), newTableShards, c.parallel, c.workerConcurrency),
			calls * c.workerTime(1).Seconds(), float64(c.lanes()), "workers", "`WorkerConcurrency`; the ledger's own growth"},
		{"processes of the functions", fmt.Sprintf("operation 3 %s, operation 4 %s twice (authorizer); the account's %s - `WorkerConcurrency`", c.requestTime(), 2*oneCall, whole(accountConcurrency)),
			erasures*c.requestTime().Seconds() + 2*calls*(2*oneCall).Seconds(), float64(accountConcurrency - c.workerConcurrency), "processes", "Service Quotas"},
		{"requests of the account's API Gateway", "quota", jobs, accountRequests, "calls/s", "Service Quotas"},
		{"one API user's item", "1 unit a call of operation 3", erasures, partitionReads, "RRU/s", "more API users"},
		{"sweep of the users", fmt.Sprintf("%s GB / %s segments; %s at %s a page of 1 MB", about(float64(users)*userBytes/1e9), whole(c.allowSweepMinutes), c.sweepBudget, scanPage),
			segment, c.sweepBudget.Seconds() / scanPage.Seconds(), "MB/min", "`AllowSweepMinutes`, 7 days at most"},
	}
	slices.SortStableFunc(all, func(a, b wall) int { return cmp.Compare(b.used(), a.used()) })
	return all
}

// onLedger is the write units of an operation 3 on the ledger itself.
func (c code) onLedger() int {
	return customerRequestWrites + customerEndWrites - onCustomers - onIndex
}

func (c code) wallTables(t *table) {
	t.heading("Demand")
	t.head("", "a day", "a second, mean", fmt.Sprintf("a second, peak (x %d)", peak))
	for _, d := range []struct {
		what string
		aDay int
	}{
		{"customers erased (operation 3)", erasuresADay},
		{"their transactions", erasuresADay * each},
		{"numbers cleaned (operation 4)", numbersADay},
		{"their contacts", numbersADay * contactsPerNumber},
	} {
		t.row(d.what, whole(d.aDay), about(mean(d.aDay)), about(highest(d.aDay)))
	}
	t.heading("Walls")
	t.text("At the peak, operation 4 with one number a call; the nearest first. Above 100 %% it does not go.")
	t.head("wall", "used", "demand", "capacity", left+"derived from", left+"moved by")
	for _, w := range c.walls() {
		t.row(w.what, fmt.Sprintf("%.1f %%", 100*w.used()), about(w.demand)+" "+w.unit, about(w.capacity)+" "+w.unit, w.how, w.moves)
	}
	t.heading("In order")
	for i, w := range c.walls()[:4] {
		fmt.Fprintf(t, "%d. **%s**, at %.0f %%: moved by %s.\n", i+1, strings.ToUpper(w.what[:1])+w.what[1:], 100*w.used(), w.moves)
	}
	t.heading("Open erasures and what watches them")
	t.text("Open at a rate: rate x (`WriterLifetime` %s + `ClockSkew` %s + half of cleanup's %s). To list them costs an entry of %d bytes each, eventually consistent, once in %s.",
		seconds(c.writerLifetime), seconds(c.clockSkew), seconds(c.schedule), openBytes, seconds(c.schedule))
	t.head("erasures a second", "erasures a day", "open", "read units a minute", "second passes a run", "of those a run can make")
	byCalls, byProcessor := c.passes()
	run := min(byCalls, byProcessor) * c.schedule.Seconds()
	for _, rate := range []float64{1, mean(erasuresADay), highest(erasuresADay), highest(erasuresADay) + highest(numbersADay), min(byCalls, byProcessor)} {
		open := c.openJobs(rate)
		t.row(about(rate), whole(rate*daySeconds), whole(open), whole(open*openBytes/4096/2), whole(rate*c.schedule.Seconds()), fmt.Sprintf("%.1f %%", 100*rate*c.schedule.Seconds()/run))
	}
	t.heading("One large erasure")
	t.head("", "seconds", left+"derived from")
	atBest := float64(bigCustomer) / partitionWrites
	working := c.workerTimeout - c.margin - c.wrapUp
	t.row("1,000,000 transactions of one customer, at best", whole(atBest), fmt.Sprintf("1 unit each, %s a second", whole(partitionWrites)))
	t.row("one worker deletes for", whole(working.Seconds()), fmt.Sprintf("`WorkerTimeout` %s - %s - %s", seconds(c.workerTimeout), c.margin, c.wrapUp))
	t.row("so hand-overs", whole(math.Floor(atBest/working.Seconds())), "")
	t.row("its record stands after, at least", whole(atBest+c.schedule.Seconds()/2), "all gone, then cleanup's next run: the second pass is due long before")
	t.row("`OldestErasureAlarmSeconds`", whole(c.oldestAlarm.Seconds()), fmt.Sprintf("sounds from %s transactions of one customer on", whole(c.oldestAlarm.Seconds()*partitionWrites)))
}
