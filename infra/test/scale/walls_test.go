package scale

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
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

// secondPass is what the last pass of an erasure takes, of a customer or of one number:
// the lease, the reading, the end.
const secondPass = 2*oneCall + fewTogether

// passes is how many second passes cleanup makes in a second, over all the time, by what
// calls take: so many at once.
func (c code) passes(atOnce int) float64 { return c.running() * float64(atOnce) / secondPass.Seconds() }

// processed is the same by the processor that its memory brings, for both kinds together.
func (c code) processed() float64 {
	return c.running() * float64(c.memoryMB) / fullCoreMB / processorTime.Seconds()
}

// running is the part of all time in which cleanup takes jobs up.
func (c code) running() float64 { return c.takes().Seconds() / c.schedule.Seconds() }

// passed is the part of what cleanup can do that second passes take at these rates.
func (c code) passed(customers, numbers float64) float64 {
	return max(customers/c.passes(c.dueAtOnce), numbers/c.passes(c.numbersAtOnce), (customers+numbers)/c.processed())
}

// requestTime is what operation 3 takes for a customer with each transactions: principal,
// reading, intent, batches, customerCalls at once, the reading after it, the release.
func (c code) requestTime() time.Duration {
	return oneCall + oneCall + fewTogether + time.Duration(c.rounds(each))*oneBatch + oneCall + oneCall
}

func (c code) rounds(items int) int {
	batches := (items + c.batchSize - 1) / c.batchSize
	return (batches + c.customerCalls - 1) / c.customerCalls
}

// workerTime is what a worker takes for a call of operation 4 with so many numbers: the
// lease, the first window's readings, each window's note and its transactions, while
// which the next window is read, the release.
func (c code) workerTime(numbers int) time.Duration {
	readings := func(left int) time.Duration {
		return time.Duration((min(left, c.windowSize)+c.numberReads-1)/c.numberReads) * oneCall
	}
	took := 2*oneCall + between + readings(numbers)
	for left := numbers; left > 0; left -= c.windowSize {
		actions := copies(min(left, c.windowSize))
		atOnce := c.transactionSize * c.numberCalls
		together, rounds := manyTogether, (actions+atOnce-1)/atOnce
		if actions <= 20 {
			together = fewTogether
		}
		took += oneCall + max(time.Duration(rounds)*together, readings(max(0, left-c.windowSize)))
	}
	return took
}

// lanes is how many workers the ledger's stream keeps busy while it has as many shards as
// a new table.
func (c code) lanes() int {
	lanes := newTableShards * c.parallel
	if c.workerConcurrency > 0 {
		lanes = min(lanes, c.workerConcurrency)
	}
	return lanes
}

// openJobs is how many erasures are open at a rate: each waits for its second pass, and
// half a schedule's time for cleanup.
func (c code) openJobs(rate float64) float64 { return rate * (c.open() + c.schedule/2).Seconds() }

// walls are all that is known, the nearest first. Operation 4 comes with one number a
// call, which makes most calls.
func (c code) walls() []wall {
	erasures, calls := highest(erasuresADay), highest(numbersADay)
	jobs := erasures + calls
	table := float64(erasures * (each + onCustomers))
	size := float64(transactions) * (transactionBytes + indexOverhead) / 1e9
	segment := float64(users) * userBytes / float64(c.allowSweepMinutes) / 1e6
	all := []wall{
		{
			"operation 4, calls",
			"the API's throttle",
			calls,
			float64(c.cleanRate),
			"calls/s",
			"`CleanRate`; more numbers in a call",
		},
		{
			"operation 3, calls on one path",
			"the API's throttle",
			erasures,
			float64(c.deleteRate),
			"calls/s",
			"`DeleteRate`",
		},
		{
			"table of customers, as long as it is new",
			fmt.Sprintf("%s erasures x (%d + %d) units; what a new on-demand table takes", about(erasures), each,
				onCustomers),
			table,
			newTableWrites,
			"WRU/s",
			"`WarmThroughput` of `Customers` in template.yaml (not set); twice the peak so far, by itself",
		},
		{
			"table of customers, with its data",
			fmt.Sprintf("%s GB / %d GB a partition, %s each", whole(size), partitionGB, whole(partitionWrites)),
			table,
			math.Ceil(size/partitionGB) * partitionWrites,
			"WRU/s",
			"grows with the data",
		},
		{"quota of a table", "the account's default", table, tableWrites, "WRU/s", "Service Quotas"},
		{
			"contacts of one hotline, should all have it as a party",
			fmt.Sprintf("%s numbers x %d contacts x 2 units on its partition", about(calls), contactsPerNumber),
			calls * contactsPerNumber * 2,
			partitionWrites,
			"WRU/s",
			"nothing: one party is one partition key (below)",
		},
		{
			"table of contacts, as long as it is new",
			fmt.Sprintf("%s numbers x %d contacts x %d copies x 2 units", about(calls), contactsPerNumber,
				copiesOfContact),
			calls * contactsPerNumber * copiesOfContact * 2,
			newTableWrites,
			"WRU/s",
			"`WarmThroughput` of `Contacts` (not set)",
		},
		{
			"second passes of operation 3",
			fmt.Sprintf("`dueAtOnce` %d / %s a pass x %s of each %s", c.dueAtOnce, secondPass, shortly(c.takes()),
				shortly(c.schedule)),
			erasures,
			c.passes(c.dueAtOnce),
			"erasures/s",
			"`dueAtOnce` (shared/erasure/due.go)",
		},
		{
			"second passes of operation 4",
			fmt.Sprintf("`numbersAtOnce` %d / %s x the same; they hold what they read in cleanup's memory",
				c.numbersAtOnce, secondPass),
			calls,
			c.passes(c.numbersAtOnce),
			"erasures/s",
			"`numbersAtOnce` (shared/erasure/due.go); more numbers in a call",
		},
		{
			"second passes of both, by the processor",
			fmt.Sprintf("%s MB / %s / %s x the same", whole(c.memoryMB), whole(fullCoreMB), processorTime),
			jobs,
			c.processed(),
			"erasures/s",
			"`MemorySize` of `CleanupFunction`",
		},
		{
			"open erasures that cleanup sees",
			fmt.Sprintf("%s erasures x (%s + %s / 2)", about(jobs), shortly(c.open()), shortly(c.schedule)),
			c.openJobs(jobs),
			float64(c.openAtOnce),
			"erasures",
			"`openAtOnce` (shared/erasure/due.go); `WriterLifetime`",
		},
		{
			"index of open erasures",
			fmt.Sprintf("%d units an erasure, `openShards` %d partitions", onIndex, c.openShards),
			jobs * onIndex,
			float64(c.openShards * partitionWrites),
			"WRU/s",
			"`openShards` (shared/store)",
		},
		{
			"ledger, as long as it is new",
			fmt.Sprintf("%d units an operation 3, %d an operation 4, without customers and index, and %d marks of the sealer each",
				c.onLedger(), cleanings[0].writes-onIndex+1, sealingMarks),
			erasures*float64(c.onLedger()) + calls*float64(cleanings[0].writes-onIndex+1) + jobs*sealingMarks,
			newTableWrites,
			"WRU/s",
			"`WarmThroughput` of `Erasures` (not set)",
		},
		{
			"workers of operation 4",
			fmt.Sprintf("%s calls x %s; shards %d x `ParallelizationFactor` %d, `WorkerConcurrency` %d", about(calls),
				c.workerTime(1), newTableShards, c.parallel, c.workerConcurrency),
			calls * c.workerTime(1).
				Seconds(),
			float64(c.lanes()),
			"workers",
			"`WorkerConcurrency`; the ledger's own growth",
		},
		{
			"processes of the functions",
			fmt.Sprintf("operation 3 %s, operation 4 %s twice (authorizer); the account's %s - `WorkerConcurrency`",
				c.requestTime(), 2*oneCall, whole(accountConcurrency)),
			erasures*c.requestTime().
				Seconds() +
				2*calls*(2*oneCall).Seconds(),
			float64(accountConcurrency - c.workerConcurrency),
			"processes",
			"Service Quotas",
		},
		{"requests of the account's API Gateway", "quota", jobs, accountRequests, "calls/s", "Service Quotas"},
		{"one API user's item", "1 unit a call of operation 3", erasures, partitionReads, "RRU/s", "more API users"},
		{
			"sweep of the users",
			fmt.Sprintf("%s GB / %s segments; %s at %s a page of 1 MB", about(float64(users)*userBytes/1e9),
				whole(c.allowSweepMinutes), c.sweepBudget, scanPage),
			segment,
			c.sweepBudget.Seconds() / scanPage.Seconds(),
			"MB/min",
			"`AllowSweepMinutes`, 7 days at most",
		},
		{
			"sweep of expired allows, should each setting be one",
			fmt.Sprintf("`ProvisionRate` %d x %s; `sweepParts` %d x `removalsAtOnce` %d x %s / %s", c.provisionRate,
				shortly(c.schedule), c.sweepParts, c.removalsAtOnce, c.sweepBudget, oneCall),
			float64(c.provisionRate) * c.schedule.Seconds(),
			float64(c.sweepParts*c.removalsAtOnce) * c.sweepBudget.Seconds() / oneCall.Seconds(),
			"removals/min",
			"`removalsAtOnce` (functions/cleanup/sweep.go)",
		},
	}
	slices.SortStableFunc(all, func(a, b wall) int { return cmp.Compare(b.used(), a.used()) })
	return all
}

// onLedger is the write units of an operation 3 on the ledger itself.
func (c code) onLedger() int {
	return customerRequestWrites + customerEndWrites - onCustomers - onIndex
}

func TestWalls(t *testing.T) {
	c := reading(t)
	var demand, walls, first page
	demand.head("", "a day", "a second, mean", fmt.Sprintf("a second, peak (x %d)", peak))
	for _, d := range []struct {
		what string
		aDay int
	}{
		{"customers erased (operation 3)", erasuresADay},
		{"their transactions", erasuresADay * each},
		{"numbers cleaned (operation 4)", numbersADay},
		{"their contacts", numbersADay * contactsPerNumber},
	} {
		demand.row(d.what, whole(d.aDay), about(mean(d.aDay)), about(highest(d.aDay)))
	}
	demand.equals(t, "demand")
	walls.walls(c.walls())
	for i, w := range c.walls() {
		if i < 4 {
			name := strings.ToUpper(w.what[:1]) + w.what[1:]
			fmt.Fprintf(&first, "%d. **%s**, at %.0f %%: moved by %s.\n", i+1, name, 100*w.used(), w.moves)
		}
	}
	walls.equals(t, "walls")
	first.equals(t, "nearest walls")
}

// How many erasures are open at a rate, what it costs to list them, and how many of the
// second passes that a run of cleanup can make they take.
func TestOpenErasures(t *testing.T) {
	c := reading(t)
	var p page
	p.text(
		"Open at a rate: rate x (`WriterLifetime` %s + `ClockSkew` %s + half of cleanup's %s). "+
			"To list them costs an entry of %d bytes each, eventually consistent, once in %s.",
		shortly(c.writerLifetime),
		shortly(c.clockSkew),
		shortly(c.schedule),
		openBytes,
		shortly(c.schedule),
	)
	p.head("operations 3 + 4 a second", "a day", "open", "read units a minute", "second passes a run",
		"of those a run can make")
	most := min(c.processed()/2, c.passes(c.dueAtOnce), c.passes(c.numbersAtOnce)) // of each
	for _, rate := range []struct{ customers, numbers float64 }{
		{1, 0}, {mean(erasuresADay), 0}, {highest(erasuresADay), 0}, {highest(erasuresADay), highest(numbersADay)},
		{most, most},
	} {
		both := rate.customers + rate.numbers
		open := c.openJobs(both)
		p.row(about(rate.customers)+" + "+about(rate.numbers), whole(both*daySeconds), whole(open),
			whole(open*openBytes/4096/2), whole(both*c.schedule.Seconds()),
			fmt.Sprintf("%.1f %%", 100*c.passed(rate.customers, rate.numbers)))
	}
	p.equals(t, "open erasures")
}

// What a customer with a million transactions takes.
func TestLargeErasure(t *testing.T) {
	c := reading(t)
	var p page
	p.head("", "seconds", left+"derived from")
	atBest := float64(bigCustomer) / partitionWrites
	working := c.workerTimeout - c.margin - c.wrapUp
	p.row("1,000,000 transactions of one customer, at best", whole(atBest),
		fmt.Sprintf("1 unit each, %s a second", whole(partitionWrites)))
	p.row("the same after a pause, at best", whole(atBest-burstSeconds),
		fmt.Sprintf("%d s of unused units are kept, without a promise", burstSeconds))
	p.row("one worker deletes for", whole(working.Seconds()),
		fmt.Sprintf("`WorkerTimeout` %s - %s - %s", shortly(c.workerTimeout), c.margin, c.wrapUp))
	p.row("so hand-overs", whole(math.Floor(atBest/working.Seconds())), "")
	p.row("its record stands after, at least", whole(atBest+c.schedule.Seconds()/2),
		"all gone, then cleanup's next run: the second pass is due long before")
	p.row("`OldestErasureAlarmSeconds`", whole(c.oldestAlarm.Seconds()),
		fmt.Sprintf("sounds from %s transactions of one customer on", whole(c.oldestAlarm.Seconds()*partitionWrites)))
	p.equals(t, "large erasure")
}
