package scale

import (
	"fmt"
	"testing"
	"time"
)

// growing is something that a year adds to.
type growing struct {
	what      string
	items     float64 // that a year adds, or that there are at a time
	gigabytes float64 // of these
	usd       float64 // a month, of these
	ends      string
}

// growth is what a year of all that is asked leaves behind.
func (c code) growth(t *testing.T, p prices) []growing {
	t.Helper()
	table := func(gigabytes float64) float64 { return gigabytes * (p.Storage + p.Backup) }
	erasures := 365. * (erasuresADay + numbersADay)
	records, list := gigabytes(erasures, c.own.Kept.Record), gigabytes(erasures/1000/2, c.own.Kept.Numbers)
	inLog := 2 * erasures * float64(c.own.Kept.Leaf) / 1e9
	days := c.remembered.Hours() / 24
	pointers := gigabytes(erasuresADay*days, c.own.Kept.Pointer)
	tokens := gigabytes(numbersADay*expiredDays, tokenBytes)
	released := gigabytes(365*holdsADay, holdBytes)
	audit, other := c.logged(t)
	log := func(bytes float64, days int) (float64, float64) {
		all := erasuresADay * bytes * float64(days) / 1e9
		return all, all * stored * p.Stored
	}
	audited, ofAudit := log(audit, c.auditDays)
	logged, ofLogs := log(other, c.logDays)
	return []growing{
		{"records of erasures, one number a call", erasures, records, table(records), "never, or by a [rule about records](retention.md), after two years at least"},
		{"the same for the numbers, with 1,000 a call", 365 * numbersADay / 1000, list, table(list), "the same, but for the digests"},
		{"leaves of the log", 2 * erasures, inLog, table(inLog), "never"},
		{"released holds", 365 * holdsADay, released, table(released), "never"},
		{"pointers of erased customers, at a time", erasuresADay * days, pointers, table(pointers), fmt.Sprintf("%g days after the end, by time to live", days)},
		{"expired tokens, at a time, should each call take one", numbersADay * expiredDays, tokens, table(tokens), "by time to live, as a rule within two days"},
		{"audit, at a time", float64(c.auditDays) * erasuresADay * 2, audited, ofAudit, "`AuditRetentionDays`"},
		{"other logs, at a time", float64(c.logDays) * erasuresADay * 2, logged, ofLogs, "`LogRetentionDays`"},
	}
}

// What accumulates. A tombstone does not: it goes with the end of its erasure.
func TestGrowth(t *testing.T) {
	c := reading(t)
	p, err := readPrices()
	if err != nil {
		t.Fatal(err)
	}
	var b page
	b.head("", "items", "GB", "USD a month", left+"ends")
	for _, g := range c.growth(t, p) {
		b.row(g.what, whole(g.items), about(g.gigabytes), about(g.usd), g.ends)
	}
	b.WriteString("\n")
	audit, _ := c.logged(t)
	asked := float64(erasuresADay) * audit * float64(c.auditDays) / 1e9
	b.text("To ask the audit of all its days once reads %s GB and costs %s USD; of one month %s USD.", whole(asked), about(asked*p.Asked),
		about(asked*p.Asked*monthDays/float64(c.auditDays)))
	b.equals(t, "growth")
}

// sweepCost is what a sweep of a rule costs: the reading, the deletions, the time.
func (c code) sweepCost(r rule, p prices) (reading, deleting, running float64) {
	due := r.aDay() * c.retentionEvery.Hours() / 24
	reading = r.items * float64(r.bytes) / 4096 / 1e6 * p.Reads
	deleting = due / 1e6 * (4*p.Writes + 2*p.Reads)
	seconds := r.pages() * c.pageTook(r).Seconds()
	running = seconds * float64(c.scheduled["apply-retention"].memoryMB) / 1024 * p.GBSecond
	return reading, deleting, running
}

// What is not in the bill, because not everybody asks for it.
func TestCostBeside(t *testing.T) {
	c := reading(t)
	p, err := readPrices()
	if err != nil {
		t.Fatal(err)
	}
	var b page
	b.head("", "USD a month", left+"derived from")
	asked := monthly(erasuresADay + numbersADay)
	b.row("status, each erasure once", about(asked*(p.Requests+3*p.Reads)+p.lambda(asked, 2, c.readMB)),
		fmt.Sprintf("a request, 3 read units, 2 round trips, %s MB", whole(c.readMB)))
	tokens := monthly(numbersADay)
	b.row("operation 5, for each call of operation 4", about(tokens*(p.Requests+2*p.Reads+p.Writes)+p.lambda(tokens, 2, c.memoryMB)),
		"a request, 2 read and 1 write units, 2 round trips")
	every := time.Duration(24*c.through()) * time.Hour
	c.retentionEvery = every
	times := monthDays * 24 / every.Hours()
	for _, r := range []rule{ofTransactions, ofContacts} {
		reading, deleting, running := c.sweepCost(r, p)
		b.row(fmt.Sprintf("rule about all %s, every %s", r.what, shortly(every)), about(times*(reading+deleting+running)),
			fmt.Sprintf("read %s, delete %s of 4 write and 2 read units %s, Lambda %s", about(times*reading),
				whole(r.aDay()*every.Hours()/24), about(times*deleting), about(times*running)))
	}
	holds := monthly(2 * holdsADay)
	b.row("holds", about(holds*(p.Requests+20*p.Writes+5*p.Reads)+p.lambda(holds, 4, c.readMB)),
		"a request, 20 write and 5 read units at most for a customer's, 4 round trips")
	b.equals(t, "beside")
}
