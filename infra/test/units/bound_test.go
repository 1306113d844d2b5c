package units

import (
	"math"

	"customercare/infra/bench"
)

// Bound is the least that a call of an operation can take.
type Bound = bench.Bound

// The operations without a background. Users, principals and tokens are smaller than 1
// KB.
var (
	nothing = Bound{} // API Gateway has kept the authorizer's answer
	oneRead = Bound{Request: Count{Trips: 1, Reads: 1}}
	// The principal, and the failed attempts from its source address, which bound
	// guessing; for a token the app that it speaks for, so that the tokens of a disabled
	// app are good for nothing at once (SECURITY.md).
	twoReads = Bound{Request: Count{Trips: 1, Reads: 2}}
	oneWrite = Bound{Request: Count{Trips: 1, Writes: 1}}
	// The app, and the token, which only its item can end.
	readAndWrite     = Bound{Request: Count{Trips: 2, Reads: 1, Writes: 1}}
	twoReadsAndWrite = Bound{Request: Count{Trips: 2, Reads: 2, Writes: 1}}
	// One look into an index of open erasures and one at a part of the users, both
	// eventually consistent and of nothing.
	idle = Bound{Request: Count{Trips: 2, Reads: 1}}
	// A run of the sealer without a new statement: the head, one look into the index, and
	// what it remembers of the log.
	quietSealing = Bound{Request: Count{Trips: 3, Reads: 2.5}}
	// A repeat of operation 3: the principal; the customer, or the erasure of it.
	bareRepeat = Bound{Request: Count{Trips: 2, Reads: 2}}
	// While it is open a repeat is counted, so that the last pass comes after the
	// repeat's own late writers: one write, after the reading that shows the tombstone,
	// for a customer may have come back.
	evidentRepeat = Bound{Request: Count{Trips: 3, Reads: 3, Writes: 1}}
	// Afterwards it is read that nothing is there, and that an erasure is remembered.
	evidentRepeatLater = Bound{Request: Count{Trips: 3, Reads: 4}}
)

// A batch deletes at most 25 items, at one unit each; a transaction 100, at two. So the
// fewest round trips are with transactions, the fewest units without.
const (
	batch       = 25
	transaction = 100
)

// deletions are the fewest round trips that delete so many items.
func deletions(items int) int { return (max(0, items) + transaction - 1) / transaction }

func kilobytes(bytes int) float64 { return float64((bytes + 1023) / 1024) }

// customer is what operation 3 has to erase: the customer item and its transactions, each
// smaller than 1 KB.
type customer struct {
	transactions int
	pages        int     // of one reading, each 1 MB at most
	reads        float64 // units of that reading
}

// bareCustomer is the erasure alone: the principal is read; the collection is read,
// ceil(MB) pages; every item is deleted.
func bareCustomer(w customer) Bound {
	items := w.transactions + 1
	return Bound{Request: Count{Trips: 1 + w.pages + deletions(items), Reads: 1 + w.reads, Writes: float64(items)}}
}

// What a promise makes of one write. A part of a write in a transaction costs twice.
const (
	alone = 1. // may stand there without any other
	both  = 2. // must never be there without another one: they go in a transaction
	// entry is the write of an index, which costs once in any case: an entry that comes
	// or goes. One that moves goes and comes.
	entry = 1.
)

// Sizes in bytes with the scenario's names, which have 9 to 17 characters. Shorter ones
// may leave a record of one subject below 1 KB.
const (
	// endedBytes is a record at its end without its digests: both statements as they were
	// signed, their leaves, and the attributes that every release promises to its
	// successors (docs/upgrade.md).
	endedBytes = 960
	// digestBytes is an HMAC-SHA256, subjectBytes one in the record itself as text with
	// its list, elsewhereBytes the name of an item with many.
	digestBytes, subjectBytes, elsewhereBytes = 32, 78, 85
	// inlineBytes is for how many bytes of numbers, and for how many of numbers and
	// digests, a job that is held has room in 1 KB.
	inlineBytes = 400
	// listOverhead is about what key and names add to an item of numbers or digests.
	listOverhead = 125
)

// evidentCustomer is what the promises need besides, each thing written once, as cheaply
// as DynamoDB writes it. In the request:
//
//   - the failures from the source address are read with the principal: 1 read;
//   - the job, without which nobody goes on after a crash; its record, without which the
//     acceptance could be denied; the tombstone; and that no hold stands. None may be
//     true without the others: 2 writes each, in one round trip;
//   - the job's entry in the index of what is open, so that it is found after a crash,
//     and the record's in the index of what is not sealed: 1 write each;
//   - the transactions, 1 write each. Who deletes them apart from the opening writes down
//     once what is gone: 1, and the entry moves from when a dead worker would be missed
//     to when no writer can be late: 2. Up to three go in the opening as cheaply.
//
// After the writers' lifetime, in the background:
//
//   - a worker takes the job, which leaves a trace if it dies of it, so that it does not
//     take others with it: 1 write;
//   - a strongly consistent reading shows that nothing came late: 1 read;
//   - the end, in one round trip: the statement in the record, 2 for each KB; the memory
//     for repeats in the job's place, so that the code goes with it: 2; the tombstone
//     goes: 2; the one entry goes, the other comes.
func evidentCustomer(w customer) Bound {
	opening := 4*both + 2*entry
	apart := min(alone+2*entry, float64(w.transactions))
	record := both * kilobytes(endedBytes+subjectBytes)
	return Bound{
		Request: Count{
			Trips:  2 + w.pages + deletions(w.transactions-(transaction-4)),
			Reads:  2 + w.reads,
			Writes: opening + float64(w.transactions) + apart,
		},
		Background: Count{Trips: 3, Reads: 1, Writes: alone + record + 2*both + 2*entry},
	}
}

// cleaning is what operation 4 has to erase: contacts, smaller than 1 KB, each filed
// under so many numbers; those under one of the numbers that are asked for fit into 4 KB.
type cleaning struct {
	numbers  []string
	contacts int
	copies   int // of each contact
}

// bytes of the numbers in the cheapest list: a binary value with a byte of length in
// front of each.
func (w cleaning) bytes() (n int) {
	for _, number := range w.numbers {
		n += 1 + len(number)
	}
	return n
}

// bare is the erasure alone: the request is one write, and a promise; in the background
// each number's contacts are read, one page of at least one unit each, and every copy is
// deleted.
func (w cleaning) bare() Bound {
	items := w.contacts * w.copies
	return Bound{
		Request: Count{Trips: 1, Writes: 1},
		Background: Count{
			Trips:  len(w.numbers) + deletions(items),
			Reads:  float64(len(w.numbers)),
			Writes: float64(items),
		},
	}
}

// evident is what the promises need besides, each thing written once, as cheaply as
// DynamoDB writes it. In the request:
//
//   - the job and its record, neither without the other: 2 writes each, and the entries
//     of both in their indexes: 1 each;
//   - numbers that the job has no room for: 2 for each KB, for without the job nobody
//     would take them out again;
//   - digests that it has no room for: 1 for each KB, alone, because they are no personal
//     data and stay in any case.
//
// In the background, when a worker has got the job and its numbers:
//
//   - each number is read: 1 read. Before anything is deleted it is written down: 1 read
//     that no hold stands, and 1 write. Copies go on condition that their parties are as
//     they were read, so that none stays behind under a party where no later reading
//     looks for it: 2 writes each;
//   - the pass is over: 1 write, and the job's entry moves to when no writer can be late:
//     2. Until then cleanup would have taken it for abandoned;
//   - after the writers' lifetime a worker takes the job, as in operation 3: 1 write.
//     Each number is read again;
//   - the end, in one round trip: the statement and the outcomes in the record, 2 for
//     each KB; the job goes, for it names the numbers: 2, and their list: 2 for each KB.
//     The one entry goes, the other comes. The digests are read for the statement.
func (w cleaning) evident() Bound {
	n := len(w.numbers)
	texts := w.bytes() - n
	inJob := texts+n*(subjectBytes-10) <= inlineBytes
	record := endedBytes + n/4
	digests, list := 0., 0.
	if inJob {
		record += n * subjectBytes
	} else {
		record += elsewhereBytes
		digests = kilobytes(n*digestBytes + listOverhead)
	}
	if texts > inlineBytes {
		list = kilobytes(w.bytes() + listOverhead)
	}
	reads, trips := 2*float64(n)+quarters(digests)+2*quarters(list), 2*n+4
	for _, apart := range []float64{digests, list, list} {
		if apart > 0 {
			trips++
		}
	}
	copies, announced := w.contacts*w.copies, 0.
	if copies > 0 {
		announced = alone
		reads, trips = reads+1, trips+2
	}
	return Bound{
		Request: Count{Trips: 1, Writes: 2*both + 2*entry + both*list + alone*digests},
		Background: Count{
			Trips: trips + deletions(copies), Reads: reads,
			Writes: announced + both*float64(copies) + alone + 2*entry + alone +
				both*kilobytes(record) + both + both*list + 2*entry,
		},
	}
}

// quarters is the read units of an item of so many KB.
func quarters(kilobytes float64) float64 { return math.Ceil(kilobytes / 4) }

// leafBytes is a leaf in a tile: its hash, and whose statement it is, <erasure id>/a.
const leafBytes = 32 + 36

// bareSealing is the least that sealing n erasures takes, in two runs that fit into a
// tile each time, behind so many leaves: the acceptances, then the ends. Each statement
// is read where it stands, and its place is written beside it, with which its entry goes
// out of the index: the record of an end has grown beyond 1 KB by then. Beside them each
// run reads the head, the tile, the index and what it remembers of the log. It writes the
// tile with the head, 2 for each KB, the head once more when all leaves know their
// numbers, and what it remembers.
func bareSealing(n, before int) Bound {
	statements := 2 * n
	accepted := kilobytes((before + n) * leafBytes)
	ended := kilobytes((before + statements) * leafBytes)
	record := kilobytes(endedBytes + subjectBytes)
	return Bound{Request: Count{
		Trips: 2 * (4 + n), Reads: float64(statements) + 2*4,
		Writes: float64(n)*(alone+entry) + float64(n)*(record+entry) +
			both*(accepted+ended+2) + 4*alone,
	}}
}
