package scale

import (
	"fmt"
	"testing"
	"time"

	"customercare/shared/store"
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
	pollsASecond       = 4                                // of a shard
	recordsAPoll       = 1000
	signaturesASecond  = 1000   // KMS, quota of keys of elliptic curves
	secretsASecond     = 10_000 // GetSecretValue
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
	recordsOfYears = 1      // that the ledger has run
	keptDays       = 400    // by the rules of retention
	holdsADay      = 10_000 // placed, and as many released
)

// What is assumed of the data, in bytes of an item.
const (
	transactionBytes  = 250
	customerBytes     = 500
	userBytes         = 2000
	contactBytes      = 500
	openBytes         = 300 // of an open job in the index, with the overhead
	contactsPerNumber = 10
	copiesOfContact   = 2
	platformBytes     = 350 // of what Lambda writes around an invocation
	accessBytes       = 550 // of a line of the access log
	tokenBytes        = 300
	holdBytes         = 400
	expiredDays       = 2    // for which DynamoDB may keep what has expired, as a rule
	stored            = 0.15 // of what is collected, compressed
)

// What is assumed of times: medians of what calls take (service_test.go), and other
// times.
const (
	oneCall       = 5 * time.Millisecond
	oneBatch      = 12 * time.Millisecond
	fewTogether   = 20 * time.Millisecond  // a transaction of up to 20 actions
	manyTogether  = 40 * time.Millisecond  // of 100
	between       = 30 * time.Millisecond  // two invocations of one lane of a stream
	scanPage      = 70 * time.Millisecond  // 1 MB
	processorTime = time.Millisecond       // of a second pass
	leafTime      = 100 * time.Microsecond // of a statement that is sealed
	signing       = 20 * time.Millisecond  // by KMS
)

// tileWidth is how many leaves a tile of the log has.
const tileWidth = store.TileWidth

// What an erasure takes of DynamoDB, counted (docs/performance.md); TestAsCounted holds
// them against what infra/test/units counts.
const (
	customerRequestWrites = 13 // and one for each transaction, where there are more than fewRecords
	fewRequestWrites      = 10 // and two for each, where there are not
	customerEndWrites     = 11
	customerRequestTrips  = 5 // and one for each batch
	fewRequestTrips       = 3
	customerEndTrips      = 3
	sealingWrites         = 5.56 // by the sealer, of the acceptance and the end, 100 at a time
	sealingReads          = 2.16
	sealingMarks          = 2 // of the writes, on the ledger: of the acceptance and of the end
	customerReads         = 4 // principal, failures, collection and its re-reading, of less than 4 KB each
	fewReads              = 3 // the same without the re-reading
	customerEndReads      = 1
	onCustomers           = 4 // of the writes besides the transactions: the tombstone comes and goes
	onIndex               = 4 // and as many of an operation 4: an entry comes, moves and goes
	onUnlogged            = 4 // of each: an entry for each of two statements comes and goes
)

// cleaning is what a call of operation 4 takes without contacts, counted; each contact
// takes 2 write units for each copy, each window of numbers that has any one more.
type cleaning struct{ numbers, writes, reads, trips int }

var cleanings = []cleaning{{1, 19, 2, 7}, {10, 20, 21, 27}, {1000, 108, 2016, 2010}}

// What is assumed, as the page tells it.
func TestAssumptions(t *testing.T) {
	var p page
	p.head("", "", left+"used for")
	p.row("peak", fmt.Sprintf("%d times the mean", peak), "a day's calls in six hours")
	p.row("calls of operation 1, and of 2, a day", whole(allowsADay), "[how large](deploy.md#how-large)")
	p.row("bytes of a transaction, customer, user, contact",
		fmt.Sprintf("%d, %d, %s, %d", transactionBytes, customerBytes, whole(userBytes), contactBytes),
		"storage, partitions, pages")
	p.row("contacts of a number, each filed under so many parties",
		fmt.Sprintf("%d, %d", contactsPerNumber, copiesOfContact), "operation 4")
	p.row("medians: a call of one item, a batch, a transaction of up to 20 and of 100 actions",
		fmt.Sprintf("%s, %s, %s, %s", oneCall, oneBatch, fewTogether, manyTogether),
		"how many passes and workers; the throttled case, where 99 of 100 calls take at most 5 times the median")
	p.row("processor time of a second pass, of a statement that is sealed", processorTime.String()+", "+leafTime.String(),
		"three calls; what the memory of cleanup and seal-ledger allows")
	p.row("a signature; a page of 1 MB", fmt.Sprintf("%s; %s", signing, scanPage), "seal-ledger; sweeps")
	p.row("days that rules of retention keep transactions and contacts", whole(keptDays), "what a sweep finds")
	p.row("bytes of a token, a released hold", fmt.Sprintf("%d, %d", tokenBytes, holdBytes), "growth")
	p.row("holds placed in a day, and as many released", whole(holdsADay), "holds")
	p.row("Lambda's own lines of log of an invocation, a line of the access log",
		fmt.Sprintf("%d, %d bytes", platformBytes, accessBytes), "logs; the functions' own lines are counted")
	p.equals(t, "assumed")
}
