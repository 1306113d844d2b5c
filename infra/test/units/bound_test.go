package units

import "customercare/infra/bench"

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

// evidentCustomer is what the promises need besides, each thing written once, as cheaply
// as DynamoDB writes it. In the request:
//
//   - the failures from the source address are read with the principal: 1 read;
//   - the intent is on record before the first deletion: 1 write, and 1 for its entry in
//     the sparse index, without which nobody would find it after a crash;
//   - the tombstone takes the customer's place: 1 write. It goes with the intent in one
//     round trip, and 98 of the customer's transactions with both;
//   - the others are deleted.
//
// After the writers' lifetime, in the background, by a worker that has found the job, all
// of it, in the index:
//
//   - a strongly consistent reading shows that nothing came late: 1 read;
//   - the end: the record with the digest, 1 write; the memory of it for repeats, in the
//     intent's place, so that the code goes with it: 1 write, and 1 for the index's entry
//     that goes; the tombstone goes: 1 write. One trip as a transaction, the units
//     without one.
func evidentCustomer(w customer) Bound {
	return Bound{
		Request: Count{
			Trips:  2 + w.pages + deletions(w.transactions-(transaction-2)),
			Reads:  2 + w.reads,
			Writes: 3 + float64(w.transactions),
		},
		Background: Count{Trips: 2, Reads: 1, Writes: 4},
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

// itemOverhead is about what names, key, times and who asked add to an item of the
// ledger.
const itemOverhead = 250

// digestBytes is an HMAC-SHA256.
const digestBytes = 32

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
//   - the intent holds the numbers, because nothing else knows them: its size in KB, and
//     1 for its entry in the sparse index.
//
// In the background, by a worker that has the job before its eyes:
//
//   - each number is read a second time after the writers' lifetime: 1 read each,
//     strongly consistent;
//   - the end: the record with every number's digest: its size in KB; the intent goes,
//     for it names the numbers: its size in KB again, and 1 for the index's entry. One
//     trip as a transaction, the units without one.
//
// The units of deleting copies are those of batches, which know no conditions. Ours are
// deleted in transactions, which cost twice, so that no copy stays behind under a party
// where no later reading looks for it when a contact is filed anew meanwhile.
func (w cleaning) evident() Bound {
	intent := kilobytes(w.bytes() + itemOverhead)
	record := kilobytes(len(w.numbers)*digestBytes + itemOverhead)
	bare, numbers := w.bare().Background, len(w.numbers)
	return Bound{
		Request: Count{Trips: 1, Writes: intent + 1},
		Background: bare.Plus(Count{
			Trips: 1 + numbers, Reads: float64(numbers), Writes: record + intent + 1,
		}),
	}
}

// bareSealing is the least that sealing n erasures takes, in two runs that fit into a
// tile each time: the acceptances, then the ends. Each statement is read where it stands,
// and its place is written beside it, with which its entry goes out of the index. Beside
// them each run reads and writes the head and the tile, and what it remembers of the log.
func bareSealing(n int) Bound {
	statements := 2 * float64(n)
	return Bound{Request: Count{
		Trips: 2 * (4 + n), Reads: statements + 2*4, Writes: 2*statements + 2*4,
	}}
}
