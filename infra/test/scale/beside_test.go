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

// How the sealer, rules of retention, the status of erasures, holds and bulk erasures
// come near to a limit, and what moves it.

// leaves is how many statements come in a second where so many erasures are accepted: one
// of each acceptance, and in the mean one of an end.
func leaves(erasures float64) float64 { return 2 * erasures }

// batchTook is what seal-ledger takes for a full batch: records read one call after the
// other, the statements looked at, the signature, the transaction, the checkpoint, the
// marks, and a note for each tile.
func (c code) batchTook() time.Duration {
	calls := time.Duration((c.batchAtMost+c.readAtOnce-1)/c.readAtOnce) * oneBatch
	marks := time.Duration((c.batchAtMost+c.marksAtOnce-1)/c.marksAtOnce) * oneCall
	tiles := time.Duration(c.batchAtMost/tileWidth+1) * oneCall
	work := time.Duration(float64(c.batchAtMost) * float64(leafTime) * fullCoreMB / float64(c.scheduled["seal-ledger"].memoryMB))
	return calls + work + signing + manyTogether + oneCall + marks + tiles
}

// batchUnits is the write units of the table Log for a full batch: its tiles of level 0,
// the head, and a note for each tile.
func (c code) batchUnits() float64 {
	tiles := float64(c.batchAtMost/tileWidth + 2)
	return tiles*2*math.Ceil(tileWidth*float64(c.own.Kept.Leaf)/1024) + 2 + tiles
}

// sealed is how many leaves a run of seal-ledger can take.
func (c code) sealed() float64 {
	within := c.scheduled["seal-ledger"].timeout - c.margin - c.batchTime
	return min(math.Ceil(within.Seconds()/c.batchTook().Seconds())*float64(c.batchAtMost), float64(c.listedAtMost))
}

// signatures is how many KMS makes in a day where so many erasures are accepted in a
// second.
func (c code) signatures(erasures float64) float64 {
	every := c.scheduled["seal-ledger"].every
	return math.Ceil(leaves(erasures)*every.Seconds()/float64(c.batchAtMost)) * daySeconds / every.Seconds()
}

// rule is a rule of retention about a kind of data.
type rule struct {
	what  string
	items float64
	bytes int
	calls time.Duration // one after the other for what goes together
}

var ofTransactions = rule{"transactions", transactions, transactionBytes, fewTogether + oneCall}

var ofContacts = rule{"contacts", users * contactsPerNumber * copiesOfContact, contactBytes, oneCall + fewTogether + oneCall}

// pages is how many pages of 1 MB a sweep reads.
func (r rule) pages() float64 { return math.Ceil(r.items * float64(r.bytes) / 1e6) }

// aDay is how many items come of age in a day, once as many go as come.
func (r rule) aDay() float64 { return r.items / keptDays }

// pageTook is what a page takes: the switch, the rule, the page, what is due in it, some
// at the same time, and the note where the sweep is.
func (c code) pageTook(r rule) time.Duration {
	due := r.aDay() / r.pages() * max(1, c.retentionEvery.Hours()/24)
	return scanPage + 3*oneCall + time.Duration(math.Ceil(due/float64(c.batchCalls)))*r.calls
}

// sweeping is how long apply-retention works on pages between the beginnings of two
// sweeps.
func (c code) sweeping() time.Duration {
	return time.Duration(float64(c.sweepingARun()) * float64(c.retentionEvery) / float64(c.scheduled["apply-retention"].every))
}

func (c code) sweepingARun() time.Duration {
	return c.scheduled["apply-retention"].timeout - c.margin - c.retentionWrapUp
}

// through is the least number of days for RetentionEvery with which both rules get
// through.
func (c code) through() (days int) {
	for {
		days++
		c.retentionEvery = time.Duration(days) * 24 * time.Hour
		if w := c.retentionWalls(); w[2].used() <= 1 {
			return days
		}
	}
}

func (c code) evidenceWalls() []wall {
	erasures := highest(erasuresADay + numbersADay)
	every := c.scheduled["seal-ledger"].every
	tiles := c.batchAtMost/tileWidth + 2 // of level 0; two of each level above at most
	levels := math.Ceil(math.Log(leaves(erasuresADay+numbersADay)*365*10) / math.Log(tileWidth))
	onHead := 2 + float64(c.batchAtMost/tileWidth+1) // a transaction, and a note for each tile
	return []wall{
		{
			"seal-ledger: leaves of a run",
			fmt.Sprintf("2 statements an erasure; %s - %s - %s, a batch of %s takes %s", shortly(c.scheduled["seal-ledger"].timeout),
				c.margin, c.batchTime, whole(c.batchAtMost), c.batchTook().Round(time.Millisecond)),
			leaves(erasures) * every.Seconds(), c.sealed(), "leaves/min",
			"`MemorySize` of `SealLedgerFunction`; `marksAtOnce` (functions/seal-ledger)",
		},
		{
			"index of what is not sealed",
			fmt.Sprintf("%d units an erasure, two entries come and go; %d partitions", onUnlogged, c.openShards),
			erasures * onUnlogged, float64(c.openShards * partitionWrites), "WRU/s", "`openShards` (shared/store)",
		},
		{
			"head of the log, one item",
			fmt.Sprintf("%g units a batch, batch after batch", onHead),
			onHead / c.batchTook().Seconds(), partitionWrites, "WRU/s", "nothing: there is one head, and one run at a time",
		},
		{
			"table of the log, as long as it is new",
			fmt.Sprintf("%s units a full batch: %d tiles of %s leaves of %d bytes, twice in a transaction", whole(c.batchUnits()), tiles,
				whole(tileWidth), c.own.Kept.Leaf),
			leaves(erasures) / float64(c.batchAtMost) * c.batchUnits(), newTableWrites, "WRU/s", "`WarmThroughput` of `Log` (not set)",
		},
		{
			"transaction that appends a batch",
			fmt.Sprintf("the head, %d tiles of level 0, 2 of each of the %g levels above that ten years fill", tiles, levels-1),
			1 + float64(tiles) + 2*(levels-1), 100, "actions", "`batchAtMost` (functions/seal-ledger)",
		},
		{
			"signatures", "one a batch; KMS's quota for keys of elliptic curves",
			c.signatures(erasures) / daySeconds, signaturesASecond, "requests/s", "Service Quotas",
		},
		{
			"ledger's stream, all its records",
			fmt.Sprintf("one a write unit of the ledger at most; %d shards, polled %d times a second for up to %s", newTableShards,
				pollsASecond, whole(recordsAPoll)),
			highest(erasuresADay)*float64(c.onLedger()) + highest(numbersADay)*float64(cleanings[0].writes-onIndex+1) + erasures*sealingWrites,
			newTableShards * pollsASecond * recordsAPoll, "records/s", "the ledger's own growth",
		},
	}
}

func (c code) retentionWalls() (all []wall) {
	both := 0.
	for _, r := range []rule{ofTransactions, ofContacts} {
		took := c.pageTook(r)
		both += r.pages() * took.Seconds()
		all = append(all, wall{
			"rule about all " + r.what,
			fmt.Sprintf("%s pages of 1 MB, %s each with %.3g items that are due; %s of each %s", whole(r.pages()), took,
				r.aDay()/r.pages(), c.sweepingARun(),
				shortly(c.scheduled["apply-retention"].every)),
			r.pages() * took.Seconds(), c.sweeping().Seconds(), "s/sweep", "`RetentionEvery`; `BatchCalls`",
		})
	}
	const unitsAPage = 1e6 / 4096
	page := c.pageTook(rule{items: 1, bytes: 1e6})
	return append(all,
		wall{
			"both rules", "one page of each in turn", both, c.sweeping().Seconds(), "s/sweep", "`RetentionEvery`; `BatchCalls`",
		},
		wall{
			"the partition that a sweep is reading, where nothing is due", fmt.Sprintf("%s units a page, strongly consistent, every %s", whole(unitsAPage), page),
			unitsAPage / page.Seconds(), partitionReads, "RRU/s",
			"nothing: it goes through one partition after the other; a refused read is tried again",
		},
	)
}

func (c code) callerWalls() []wall {
	erasures, numbers := highest(erasuresADay), highest(numbersADay)
	holds := highest(holdsADay)
	cleanup := c.scheduled["cleanup"].every
	bulk := min(float64(c.bulkRate), float64(c.deleteRate), float64(c.bulkCalls)/c.requestTime().Seconds())
	return []wall{
		{
			"status, should each erasure be asked for once", "the API's throttle, on one path",
			erasures + numbers, float64(c.readRate), "calls/s", "`ReadRate`",
		},
		{
			"operation 5, should each call of operation 4 take a token of its own", "the API's throttle",
			numbers, float64(c.tokenRate), "calls/s", fmt.Sprintf("`TokenRate`; a token lives for `TokenLifetime` %d s", c.tokenLifetime),
		},
		{
			"holds placed, and as many released", "the API's throttle, on one method",
			holds, float64(c.readRate), "calls/s", "`ReadRate`",
		},
		{
			"holds that cleanup goes on with", fmt.Sprintf("each release once; `holdsAtOnce` %d a run", c.holdsAtOnce),
			holds * cleanup.Seconds(), float64(c.holdsAtOnce), "holds/min", "`holdsAtOnce` (shared/erasure)",
		},
		{
			"one tenant's count of holds, read", "one look a window of numbers, in the worker and in the second pass",
			2 * numbers, partitionReads, "RRU/s", "more tenants",
		},
		{
			"one tenant's count of holds, written", "2 units, to place a hold and to release it",
			4 * holds, partitionWrites, "WRU/s", "more tenants",
		},
		{
			"a file of a day's customers, `erase`", fmt.Sprintf("`--rate` %d, `DeleteRate` %d, %d calls at once of %s", c.bulkRate,
				c.deleteRate, c.bulkCalls, c.requestTime()),
			mean(erasuresADay), bulk, "rows/s", "`--rate`, up to `DeleteRate`",
		},
		{
			"the same with `--wait`", "a look at each erasure's end, by the same rate",
			2 * mean(erasuresADay), min(float64(c.bulkRate), 2*float64(c.readRate)), "calls/s", "`--rate`, up to `ReadRate` and `DeleteRate`",
		},
		{
			"secret of the digest keys", "all processes of the account start within 10 s, each reads it once",
			accountConcurrency / 10, secretsASecond, "requests/s", "no setting",
		},
	}
}

// besides are the walls of all that is not an erasure itself, the nearest first.
func (c code) besides() []wall {
	all := slices.Concat(c.evidenceWalls(), c.retentionWalls(), c.callerWalls())
	slices.SortStableFunc(all, func(a, b wall) int { return cmp.Compare(b.used(), a.used()) })
	return all
}

func TestWallsBeside(t *testing.T) {
	var p, first page
	p.walls(reading(t).besides())
	p.equals(t, "walls beside")
	for i, w := range reading(t).besides() {
		if w.used() > 1 {
			fmt.Fprintf(&first, "%d. **%s**, at %.0f %%: moved by %s.\n", i+1, strings.ToUpper(w.what[:1])+w.what[1:], 100*w.used(), w.moves)
		}
	}
	first.equals(t, "nearest beside")
	p = page{}
	c := reading(t)
	p.text("Both rules of retention get through with a `RetentionEvery` of %dh and more.", 24*c.through())
	p.equals(t, "retention through")
}

// walls is a table of walls.
func (p *page) walls(all []wall) {
	p.head("wall", "used", "demand", "capacity", left+"derived from", left+"moved by")
	for _, w := range all {
		p.row(w.what, fmt.Sprintf("%.1f %%", 100*w.used()), about(w.demand)+" "+w.unit, about(w.capacity)+" "+w.unit, w.how, w.moves)
	}
}
