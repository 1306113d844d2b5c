package scale

import (
	"fmt"
	"testing"
	"time"
)

// What AWS documents. docs/scale.md names the pages.
const (
	partitionWrites    = 1000 // write units a partition and second
	partitionReads     = 3000
	burstSeconds       = 300 // of unused capacity that may be kept
	partitionGB        = 10
	newTableWrites     = 4000 // write units a second that a new on-demand table, or index, takes at once
	tableWrites        = 40_000
	accountConcurrency = 1000 // processes of Lambda at a time, quota
	accountRequests    = 10_000
	newTableShards     = newTableWrites / partitionWrites // of its stream, one a partition
	fullCoreMB         = 1769                             // of memory, for which Lambda gives one core
	indexOverhead      = 100                              // bytes that are billed for each item besides its own
)

// What is asked.
const (
	users          = 10_000_000
	transactions   = 1_000_000_000
	erasuresADay   = 1_000_000
	each           = 100 // transactions of an erased customer
	numbersADay    = 1_000_000
	allowsADay     = 1_000_000 // calls of operation 1, and as many of 2
	daySeconds     = 86_400
	monthDays      = 30
	peak           = 4 // times the mean: most of a day's calls come in six hours
	bigCustomer    = 1_000_000
	recordsOfYears = 1 // that the ledger has run
)

// What is assumed of the data, in bytes of an item.
const (
	transactionBytes  = 250
	customerBytes     = 500
	userBytes         = 2000
	contactBytes      = 500
	recordBytes       = 600
	openBytes         = 300 // of an open job in the index, with the overhead
	contactsPerNumber = 10
	copiesOfContact   = 2
	lineBytes         = 700  // of the one line of a call
	platformBytes     = 350  // of what Lambda writes around an invocation
	accessBytes       = 550  // of a line of the access log
	stored            = 0.15 // of what is collected, compressed
)

// What is assumed of times: medians of what calls take (service_test.go), and other
// times.
const (
	oneCall       = 5 * time.Millisecond
	oneBatch      = 12 * time.Millisecond
	fewTogether   = 20 * time.Millisecond // a transaction of up to 20 actions
	manyTogether  = 40 * time.Millisecond // of 100
	between       = 30 * time.Millisecond // two invocations of one lane of a stream
	scanPage      = 70 * time.Millisecond // 1 MB
	processorTime = time.Millisecond      // of a second pass
)

// What an erasure takes of DynamoDB, counted (docs/performance.md); TestAsCounted holds
// them against what infra/test/units counts.
const (
	customerRequestWrites = 13 // and one for each transaction, where there are more than fewRecords
	fewRequestWrites      = 10 // and two for each, where there are not
	customerEndWrites     = 10
	customerRequestTrips  = 5 // and one for each batch
	fewRequestTrips       = 3
	customerEndTrips      = 3
	sealingWrites         = 5.56 // by the sealer, of the acceptance and the end, 100 at a time
	sealingReads          = 2.16
	customerReads         = 4 // principal, failures, collection and its re-reading, of less than 4 KB each
	fewReads              = 3 // the same without the re-reading
	customerEndReads      = 1
	onCustomers           = 4 // of the writes besides the transactions: the tombstone comes and goes
	onIndex               = 4 // and as many of an operation 4: an entry comes, moves and goes
)

// cleaning is what a call of operation 4 takes without contacts, counted; each contact
// takes 2 write units for each copy, each window of numbers that has any one more.
type cleaning struct{ numbers, writes, reads, trips int }

var cleanings = []cleaning{{1, 18, 2, 7}, {10, 24, 23, 30}, {1000, 109, 2016, 2010}}

// What is assumed, as the page tells it.
func TestAssumptions(t *testing.T) {
	var p page
	p.head("", "", left+"used for")
	p.row("peak", fmt.Sprintf("%d times the mean", peak), "a day's calls in six hours")
	p.row("calls of operation 1, and of 2, a day", whole(allowsADay), "[how large](deploy.md#how-large)")
	p.row("bytes of a transaction, customer, user, contact, record of the ledger",
		fmt.Sprintf("%d, %d, %s, %d, %d", transactionBytes, customerBytes, whole(userBytes), contactBytes, recordBytes),
		"storage, partitions, pages")
	p.row("contacts of a number, each filed under so many parties",
		fmt.Sprintf("%d, %d", contactsPerNumber, copiesOfContact), "operation 4")
	p.row("medians: a call of one item, a batch, a transaction of up to 20 and of 100 actions",
		fmt.Sprintf("%s, %s, %s, %s", oneCall, oneBatch, fewTogether, manyTogether),
		"how many passes and workers; the throttled case, where 99 of 100 calls take at most 5 times the median")
	p.row("processor time of a second pass", processorTime.String(), "three calls; what cleanup's memory allows")
	p.row("a log line of a call, Lambda's own, the access log's",
		fmt.Sprintf("%d, %d, %d bytes", lineBytes, platformBytes, accessBytes), "logs")
	p.equals(t, "assumed")
}
