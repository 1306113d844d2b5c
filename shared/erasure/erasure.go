// Package erasure accepts erasures and carries them out. Any crash, timeout, throttle or
// lost answer, at any call, ends in the same place: nothing of the subject is left, one
// record stands whose counts are right or are marked as lower bounds (atLeast), and
// nothing else has changed. The package knows no HTTP.
//
// It has three front doors:
//
//   - CustomerIntake accepts the erasure of a customer (operation 3), and erases within
//     the time that the request has.
//   - NumbersIntake accepts the erasure of customer numbers (operation 4). It erases
//     nothing itself.
//   - Worker goes on with erasures that are on record, until they end.
//
// The life of a job, which is an erasure on record:
//
//  1. Intent. One transaction puts the job and its record into the ledger, in operation
//     3 with the tombstone. Where a customer has few records they are deleted in that
//     transaction, too.
//  2. Drain. A worker that holds the lease reads pages of keys, writes down how many it
//     is about to delete, and deletes them. What is deleted is gone from the next
//     reading, so a successor simply reads from the start.
//  3. Empty reading. A customer's pass, and the last pass over numbers, end with a
//     strongly consistent reading that finds nothing.
//  4. Wait. Writers that began before the request may still write, for WriterLifetime at
//     most, and deletions that had no answer may still be carried out. A pass that began
//     after that is the last one (lastPassAfter). Until then the job waits, and the
//     tombstone stands.
//  5. End. One transaction: the record says how it ended; the job, its raw identifiers
//     and the tombstone go.
//
// A worker whose time is up writes down where it stopped and hands the job over: it gives
// the lease back and writes a handover, which makes the ledger's stream start the next
// worker.
package erasure

import "time"

const (
	// wrapUp is what whoever works on a job keeps back of its time, for writing down
	// where it stopped.
	wrapUp = 2 * time.Second
	// inFlight is how much of wrapUp the deleting calls may take that are under way when
	// the rest of the time is up.
	inFlight = time.Second
	// pickUp is how long the stream has to start a worker before cleanup takes a job for
	// abandoned.
	pickUp = 30 * time.Second
	// firstRetry is after how long a job that failed once is tried again. Each further
	// failure in a row doubles that, up to lastRetry.
	firstRetry = time.Second
	lastRetry  = 15 * time.Minute
)

// Timing is how long the engine waits for others. A longer time is always safe: it only
// makes erasures end later.
type Timing struct {
	// WriterLifetime is how long a writer may still write that began before a request.
	WriterLifetime time.Duration `env:"WRITER_LIFETIME,required"`
	// ClockSkew is how far two machines' clocks may lie apart.
	ClockSkew time.Duration `env:"CLOCK_SKEW,required"`
	// BackupDays is for how many days a backup holds what was erased after it was made.
	// Nobody waits for that; the statement of an erasure's end says when it is over.
	BackupDays int `env:"BACKUP_DAYS,required"`
}

// writersDone is when no writer can write any more that was at work at the given time,
// whichever clock it goes by.
func (t Timing) writersDone(at time.Time) time.Time {
	return at.Add(t.WriterLifetime + t.ClockSkew)
}
