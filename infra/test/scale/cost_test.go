package scale

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"customercare/infra/bench"
	"customercare/infra/testkit/dynamotest"
)

// prices are infra/bench/prices.json, in USD: those of calls, and those that only this
// page needs.
type prices struct {
	bench.Prices

	Storage   float64 `json:"storageGBMonth"`
	Backup    float64 `json:"backupGBMonth"`
	Collected float64 `json:"logsCollectedGB"`
	Stored    float64 `json:"logsStoredGBMonth"`
	Metric    float64 `json:"metricMonth"`
	Alarm     float64 `json:"alarmMonth"`
	Dashboard float64 `json:"dashboardMonth"`
	Secret    float64 `json:"secretMonth"`
	Traces    float64 `json:"tracesPerMillion"`

	SigningKey float64 `json:"signingKeyMonth"`
	Signatures float64 `json:"signaturesPerMillion"`
	Secrets    float64 `json:"secretReadsPerMillion"`
	Asked      float64 `json:"logsAskedGB"`
}

func readPrices() (p prices, err error) {
	text, err := os.ReadFile(filepath.Join(dynamotest.Root(), "infra", "bench", "prices.json"))
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err == nil &&
		(p.Writes == 0 || p.Requests == 0 || p.Assumed.RoundTrip == 0 || p.Storage == 0 || p.Collected == 0) {
		err = errors.New("a price is missing")
	}
	return p, err
}

// lambda is what so many million invocations with so many round trips each cost.
func (p prices) lambda(millions float64, trips, megabytes int) float64 {
	seconds := (p.Assumed.Invocation + p.Assumed.RoundTrip*float64(trips)) / 1000
	return millions * (p.Invocations + 1e6*seconds*float64(megabytes)/1024*p.GBSecond)
}

// monthly is a number of a day as millions a month.
func monthly(aDay float64) float64 { return aDay * monthDays / 1e6 }

// cost is one line of the bill.
type cost struct {
	what, how string
	usd       float64
}

// customers is what operation 3 costs a month.
func (c code) customers(p prices) []cost {
	erasures := monthly(erasuresADay)
	writes := each + customerRequestWrites + customerEndWrites
	kept := (each*transactionBytes + customerBytes + 4095) / 4096 // units of the collection's first reading
	reads := customerReads + customerEndReads + kept - 1
	trips := customerRequestTrips + (each+c.batchSize-1)/c.batchSize
	if each > c.batchSize { // what was read ahead, one record more than a batch, is read anew
		reads += (customerBytes + (c.batchSize+1)*transactionBytes + 4095) / 4096
		trips++
	}
	return []cost{
		{
			"operation 3: write units",
			fmt.Sprintf("%d = %d + %d + %d each", writes, each, customerRequestWrites, customerEndWrites),
			erasures * float64(writes) * p.Writes,
		},
		{
			"operation 3: read units",
			fmt.Sprintf("%d each, of which %d the collection", reads, kept),
			erasures * float64(reads) * p.Reads,
		},
		sealing("operation 3: sealing", erasures, p),
		{"operation 3: API Gateway", "a request each", erasures * p.Requests},
		{
			"operation 3: Lambda",
			fmt.Sprintf("an invocation of %d round trips each, %d MB", trips, c.memoryMB),
			p.lambda(erasures, trips, c.memoryMB),
		},
	}
}

// sealing is what DynamoDB costs to put the two statements of so many million erasures
// into the log.
func sealing(what string, erasures float64, p prices) cost {
	return cost{
		what, fmt.Sprintf("%g write and %g read units each", sealingWrites, sealingReads),
		erasures * (sealingWrites*p.Writes + sealingReads*p.Reads),
	}
}

func (c code) windows(numbers int) int { return (numbers + c.windowSize - 1) / c.windowSize }

// ofCall is what a call of operation 4 takes with contacts: besides what it takes
// without, a note and a look at the holds for each window, and the window's copies in
// transactions.
func (c code) ofCall(of cleaning) (writes, trips int) {
	trips = of.trips
	for left := of.numbers; left > 0; left -= c.windowSize {
		trips += 2 + (copies(min(left, c.windowSize))+c.transactionSize-1)/c.transactionSize
	}
	return of.writes + c.windows(of.numbers) + copies(of.numbers)*2, trips
}

// copies is how many a call with so many numbers deletes.
func copies(numbers int) int { return numbers * contactsPerNumber * copiesOfContact }

// numbers is what operation 4 costs a month with so many numbers in each call.
func (c code) numbers(p prices, of cleaning) []cost {
	calls, windows := monthly(numbersADay)/float64(of.numbers), c.windows(of.numbers)
	writes, trips := c.ofCall(of)
	return []cost{
		{
			"write units",
			fmt.Sprintf("%s a call = %d x %d x %d x 2 + %d + %d", whole(writes), of.numbers, contactsPerNumber,
				copiesOfContact, of.writes, windows),
			calls * float64(writes) * p.Writes,
		},
		{
			"read units",
			fmt.Sprintf("%s a call, and 2 of the authorizer", whole(of.reads+windows)),
			calls * float64(of.reads+windows+2) * p.Reads,
		},
		sealing("sealing", calls, p),
		{"API Gateway", "a request a call", calls * p.Requests},
		{
			"Lambda",
			fmt.Sprintf("authorizer, call and worker, %s round trips in all", whole(trips)),
			p.lambda(2*calls, 1, c.memoryMB) + p.lambda(calls, trips, c.memoryMB),
		},
	}
}

// TestBill is the bill of a month.
func TestBill(t *testing.T) {
	c := reading(t)
	p, err := readPrices()
	if err != nil {
		t.Fatal(err)
	}
	var b page
	b.text("%d days of %s erasures and %s numbers, in USD. Operation 4 by its numbers in a call.",
		monthDays, whole(erasuresADay), whole(numbersADay))
	b.head("", "USD", left+"derived from")
	sum, idle := 0., 0.
	for _, line := range append(c.customers(p), c.standing(t, p)...) {
		b.row(line.what, about(line.usd), line.how)
		sum += line.usd
		if slices.Contains(withoutCalls, line.what) {
			idle += line.usd
		}
	}
	b.row("**all but operation 4**", mark(true, about(sum)), "")
	for _, of := range cleanings {
		all := 0.
		for _, line := range c.numbers(p, of) {
			b.row(fmt.Sprintf("operation 4, %s a call: %s", whole(of.numbers), line.what), about(line.usd), line.how)
			all += line.usd
		}
		b.row(mark(true, fmt.Sprintf("operation 4, %s a call", whole(of.numbers))), mark(true, about(all)), "")
		b.row(mark(true, fmt.Sprintf("all, with %s a call", whole(of.numbers))), mark(true, about(sum+all)), "")
	}
	b.WriteString("\n")
	b.text("A stack that nobody calls costs about %s USD a month: %s. In a day its schedules make %s round trips to DynamoDB.",
		about(idle), strings.Join(withoutCalls, "; "), whole(c.ownTrips()))
	of3 := 0.
	for _, line := range c.customers(p) {
		of3 += line.usd
	}
	b.text("One erased customer with %d transactions costs %.5f USD, of which %.0f %% are the deletions themselves.",
		each, of3/monthly(erasuresADay)/1e6, 100*monthly(erasuresADay)*each*p.Writes/of3)
	b.text(
		"With up to `FewRecords` %d transactions they go in the transaction that opens the erasure, two units each: "+
			"%d + 2 x n write units instead of %d + n, in %d round trips instead of %d.",
		c.fewRecords,
		fewRequestWrites+customerEndWrites,
		customerRequestWrites+customerEndWrites,
		fewRequestTrips,
		customerRequestTrips+1,
	)
	b.equals(t, "bill")
}
