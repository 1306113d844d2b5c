package scale

import (
	"fmt"
	"strings"
	"testing"

	"customercare/shared/metric"
	"customercare/shared/operation"
)

// gigabytes is what so many items of so many bytes are billed for.
func gigabytes(items float64, bytes int) float64 { return items * float64(bytes+indexOverhead) / 1e9 }

// line is how long a function's line of log is, counted.
func (c code) line(t *testing.T, kind string) float64 {
	t.Helper()
	if c.own.Lines[kind] == 0 {
		t.Errorf("infra/bench/own.json has no line %q", kind)
	}
	return float64(c.own.Lines[kind])
}

// logged is the bytes of log of an operation 3 and an operation 4 with one number: those
// of the audit's log group, and all others. Lambda writes lines of its own around each
// invocation.
func (c code) logged(t *testing.T) (audit, other float64) {
	t.Helper()
	for _, function := range []string{operation.DeleteCustomer.Name, operation.CleanCustomerData.Name} {
		audit += c.line(t, function+": answered") + c.line(t, function+": audit") + platformBytes
		other += accessBytes + c.line(t, "continue-erasure: erasure finished")
	}
	other += c.line(t, "authorize-app: answered") + platformBytes // operation 4's authorizer
	other += c.line(t, "continue-erasure: numbers looked for") + platformBytes
	return audit, other
}

// resting is what the scheduled functions cost a month while there is nothing to do, line
// by line.
func (c code) resting(t *testing.T, p prices) (all []cost) {
	t.Helper()
	logs, traces := 0., 0.
	for _, run := range c.own.Runs {
		millions := monthly(float64(run.ADay))
		units := p.Database(run.Count)
		all = append(all, cost{
			run.Function + " at rest",
			fmt.Sprintf("%s runs a day of %d round trips, %g read and %g write units", whole(run.ADay), run.Trips, run.Reads, run.Writes),
			millions*(units+float64(run.Secrets)*p.Secrets+float64(run.Signatures)*p.Signatures) +
				p.lambda(millions, run.Trips, c.scheduled[run.Function].memoryMB),
		})
		bytes := float64(platformBytes)
		for kind := range c.own.Lines {
			if strings.HasPrefix(kind, run.Function+": ") {
				bytes += c.line(t, kind)
			}
		}
		logs += float64(run.ADay) * bytes
		traces += monthly(float64(run.ADay)) // the first of each second
	}
	gigabytes := logs * monthDays / 1e9
	return append(all, cost{
		"their traces", fmt.Sprintf("%.2f million: X-Ray records the first invocation of a second", traces), traces * p.Traces,
	}, cost{
		"their logs", fmt.Sprintf("%.2f GB a month, kept %d days", gigabytes, c.logDays), p.logs(gigabytes, c.logDays),
	})
}

// logs is what so many gigabytes a month cost, once as many go as come.
func (p prices) logs(gigabytes float64, days int) float64 {
	return gigabytes * (p.Collected + float64(days)/monthDays*stored*p.Stored)
}

// ownTrips is how many round trips the schedules make in a day at rest.
func (c code) ownTrips() (n int) {
	for _, run := range c.own.Runs {
		n += run.ADay * run.Trips
	}
	return n
}

// working is what the scheduled functions cost besides while erasures come: the seconds
// that they are busy, and the signatures.
func (c code) working(p prices) []cost {
	erasures, numbers := mean(erasuresADay), mean(numbersADay)
	passes := c.passed(erasures, numbers) * c.running() * daySeconds * monthDays
	sealing := c.batchTook().Seconds() * leaves(erasures+numbers) / float64(c.batchAtMost) * daySeconds * monthDays
	per := func(function string) float64 { return float64(c.scheduled[function].memoryMB) / 1024 * p.GBSecond }
	signatures := c.signatures(erasures + numbers)
	return []cost{
		{
			"second passes and sealing: Lambda", fmt.Sprintf("cleanup %s s, seal-ledger %s s a month", whole(passes), whole(sealing)),
			passes*per("cleanup") + sealing*per("seal-ledger"),
		},
		{"signatures", fmt.Sprintf("%s a day, one a batch of up to %s leaves", whole(signatures), whole(c.batchAtMost)), monthly(signatures) * p.Signatures},
	}
}

// standing is what is paid for what there is, and for being watched.
func (c code) standing(t *testing.T, p prices) []cost {
	t.Helper()
	data := gigabytes(transactions, transactionBytes) + gigabytes(float64(transactions)/each, customerBytes) +
		gigabytes(users, userBytes) + gigabytes(users*contactsPerNumber*copiesOfContact, contactBytes)
	listed := c.openJobs(mean(erasuresADay+numbersADay)) * openBytes / 4096 // units a run, strongly consistent
	ledger := c.ledger()
	audit, other := c.logged(t)
	logs := func(bytes float64) float64 { return monthly(erasuresADay) * bytes / 1e3 } // of each operation as many
	traces := 0.05*monthly(erasuresADay+numbersADay) + float64(daySeconds*monthDays)/1e6
	called := 4*len(operation.Functions()) + len(metric.All) - 4 - c.own.Metrics + 5*c.methods
	all := []cost{
		{
			"storage",
			fmt.Sprintf("%s GB: transactions, customers, users, contacts of as many numbers as users", whole(data)),
			data * p.Storage,
		},
		{"point-in-time recovery", "of the same", data * p.Backup},
		{
			fmt.Sprintf("ledger and log after %d year, both", recordsOfYears),
			fmt.Sprintf("%s GB: for each erasure and each number a record of %s bytes and two leaves of %d", whole(ledger),
				whole(c.own.Kept.Record), c.own.Kept.Leaf),
			ledger * (p.Storage + p.Backup),
		},
		{
			"audit", fmt.Sprintf("%s GB a month, %s bytes an operation 3 and an operation 4, kept %d days", whole(logs(audit)), whole(audit), c.auditDays),
			p.logs(logs(audit), c.auditDays),
		},
		{
			"other logs", fmt.Sprintf("%s GB a month, %s bytes of both, kept %d days", whole(logs(other)), whole(other), c.logDays),
			p.logs(logs(other), c.logDays),
		},
		{"traces", fmt.Sprintf("5 %% and one a second: %.1f million", traces), traces * p.Traces},
		{
			"sweep of the users",
			fmt.Sprintf("%s GB a day, eventually consistent", about(gigabytes(users, userBytes-indexOverhead))),
			float64(users) * userBytes / 4096 / 2 * monthDays / 1e6 * p.Reads,
		},
		{
			"list of open erasures",
			"every minute, at the mean",
			listed / 2 * daySeconds / c.scheduled["cleanup"].every.Seconds() * monthDays / 1e6 * p.Reads,
		},
		{
			"metrics of calls", fmt.Sprintf("%d at most: 4 of each function that is called, 5 of each of %d methods, and others, by the hour", called, c.methods),
			float64(called) * p.Metric,
		},
		{"key of the log", "a month", p.SigningKey},
		{"key of the alarms' topics", "unless `KmsKeyArn` names one", p.SigningKey},
		{
			"metrics at rest, alarms, dashboard, secret",
			fmt.Sprintf("%d metrics that the schedules write, %d alarms", c.own.Metrics, c.alarms),
			float64(c.own.Metrics)*p.Metric + float64(c.alarms)*p.Alarm + p.Dashboard + p.Secret,
		},
	}
	return append(append(all, c.working(p)...), c.resting(t, p)...)
}

// ledger is the gigabytes of records and leaves after so many years.
func (c code) ledger() float64 {
	erasures := float64(recordsOfYears * 365 * (erasuresADay + numbersADay))
	return gigabytes(erasures, c.own.Kept.Record) + 2*erasures*float64(c.own.Kept.Leaf)/1e9
}

// withoutCalls are the lines of the bill that do not depend on calls or data.
var withoutCalls = []string{
	"cleanup at rest", "seal-ledger at rest", "apply-retention at rest", "their traces", "their logs",
	"key of the log", "key of the alarms' topics", "metrics at rest, alarms, dashboard, secret",
}
