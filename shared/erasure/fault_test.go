package erasure

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"customercare/infra/testkit/dynamotest"
)

// TestEveryCallFailsOnce lets, for both kinds of erasure and every k, the kth call to
// DynamoDB fail in each way, or the process die there; then cleanup runs. Exhaustive
// over k and faults.
//
// Below are lines of the engine that were broken on purpose: what was wrong then (and in
// which function it is), which test failed, and of what kind the failure was.
//
//	what a dead worker deleted not counted (account)
//	    TestEveryCallFailsOnce: counts
//	no re-reading from the start after the last page
//	    TestCustomerWith25TransactionsTakesFiveCalls
//	no Save before the first delete of a resumed page
//	    TestTwoWorkersDie: counts
//	no Save before the first delete of a later page
//	    TestTwoWorkersDie: counts
//	Finish without the condition on repeats that joined
//	    TestRepeatAtEveryMoment: a contact left
//	Acquire without the condition on the lease
//	    TestOneWorkerAtATime
//	no second pass
//	    TestLateWritersAreErasedInTheSecondPass
//	a resumed range read one page deep only (account)
//	    TestPagesShiftUnderADeadWorker: counts
//	a lease on a waiting job that leaves it waiting
//	    TestDeadWorkerOfAWaitingJob
//	few records in a transaction or not at all
//	    TestFewRecordsTooManyAtOnce
//	a contact moved to a later window forgotten there
//	    TestContactMovedToALaterWindow
//	a contact of two windows counted in both (drop)
//	    TestManyWindowsUnderDeadWorkers: counts
//	what is left of a range counted for one number only
//	    TestCutPagesUnderDeadWorkers: counts
//	contacts erased without the condition on their parties
//	    TestContactFiledAgainMeanwhile: a copy left
//	no tombstone put back over a late writer's customer
//	    TestTombstoneWrittenOver
//	fences without the job's id
//	    TestStaleWorkerOfAFinishedJob
//	Renew without the condition on an owner
//	    TestRenewAfterRelease
//	peers' copies erased without a condition of their own
//	    TestContactFiledAgainMeanwhile: a moved contact loses one
//	parties compared as texts, not as they are stored
//	    TestForeignListsOfParties: refused for ever
//	a repeat of a delete that leaves no trace in the job
//	    TestRepeatOfADeleteAtEveryMoment: transactions left
//	late writers' customers not counted
//	    TestLateWritersAreErasedInTheSecondPass
//	a failure in endPass not counted
//	    TestFailuresAreCountedAndSpread
//	a job opened without a look at those under other keys
//	    TestBothKeysAtEveryMoment: two open jobs
//	repeats that look under the current key only
//	    TestRotationInTheMiddleOfAnErasure: no such customer
//	a tombstone put back for the current key's job only
//	    TestRotationInTheMiddleOfAnErasure: raced for ever
//	a reading goroutine that does not recover
//	    TestEveryCallFailsOnce: the process ends
//	erased customers remembered under the current key only
//	    TestRepeatAfterARotation: no such customer
//	what a pass has found not written down before it deletes
//	    TestNumbersUnknownUnderDeadWorkers
//	peers of a contact not noted as found (note)
//	    TestNumbersUnknownUnderDeadWorkers
//	what an ended erasure found kept for the next one
//	    TestNumbersUnknownOfALateRepeat
//	a customer looked for on the first page alone
//	    TestForeignRecordsFillTheFirstPage: raced for ever
//	a customer with another's tombstone taken for a plain one
//	    TestTombstonesOfEveryType: raced for ever
//	a peer's parties that cannot be read taken for others'
//	    TestPeersOfEveryType: a copy left
//	an end that does not look at who put the tombstone back
//	    TestRepeatDiesAtEveryMoment: counts
//	what is left of a dead worker's range taken for all
//	    TestWrittenIntoADeadWorkersRange: counts
//	calls under way given up when the time is up
//	    TestHandedOverCountsAreExact
//	a try without an answer forgotten when the next had one
//	    TestLateDeletion: what was loaded again is lost
//	a death not waited for
//	    TestLateDeletion: what was loaded again is lost
//	requests counted without a look at their names
//	    TestLostAnswersCountOnce
//	no look for keys behind a tombstone
//	    TestOpenErasureAtAProcessOfBeforeTheRotation
//	no look for keys before "no such customer"
//	    TestRepeatAtAProcessOfBeforeTheRotation
//	a job of few records that is not due for its last pass
//	    TestWriterBetweenReadingAndTombstone: a transaction left
//	what was read ahead taken once more behind a race
//	    TestWrittenAfterTheReadingAhead: raced for ever
//	a part of a larger customer taken for all of it
//	    TestReadAhead: calls
func TestEveryCallFailsOnce(t *testing.T) {
	t.Parallel()
	eraseCustomer := func(ctx context.Context, sys *system) error {
		// Without an answer the caller was not promised anything, and asks again.
		err := recovered(func() error {
			return sys.Customer(ctx, "shop", "4711", "john", time.Minute)
		})
		if err == nil {
			return nil
		}
		sys.clock.Advance(5 * time.Minute)
		return sys.Customer(context.Background(), "shop", "4711", "john", time.Minute)
	}
	readAhead := func(ctx context.Context, sys *system) error {
		err := recovered(func() error { return sys.customerReadAhead(ctx, func() {}) })
		if err == nil {
			return nil
		}
		sys.clock.Advance(5 * time.Minute)
		return sys.customerReadAhead(context.Background(), func() {})
	}
	erase := func(numbers ...string) func(ctx context.Context, sys *system) error {
		return func(ctx context.Context, sys *system) error {
			err := recovered(func() error { return sys.Numbers(ctx, "acme", numbers, "app") })
			if err != nil {
				sys.clock.Advance(5 * time.Minute)
				err = sys.Numbers(context.Background(), "acme", numbers, "app")
			}
			if err != nil {
				return err
			}
			_ = sys.Continue(ctx, sys.numbersJob(numbers...))
			return nil
		}
	}
	// Their digests are too many for the job's own item; then they themselves are.
	some := append(strings.Fields("135 wen11 k@x"), several...)
	many := append(strings.Fields("135 wen11 k@x"), nobody...)
	operations := []struct {
		name         string
		transactions int
		deleted      int
		calls        int // without a fault, the request's and the workers'
		run          func(ctx context.Context, sys *system) error
	}{
		{"customer", 60, 61, 14, eraseCustomer},
		{"customer with few transactions", 6, 7, 9, eraseCustomer},
		{"customer with few transactions, read ahead", 6, 7, 9, readAhead},
		{"numbers", 60, 40, 18, erase("135", "wen11", "k@x")},
		{"several numbers", 60, 40, 30, erase(some...)},
		{"many numbers", 60, 40, 27, erase(many...)},
	}
	var contacts []item
	for i := range 40 {
		from, to := []string{"135", "wen11", "200"}[i%3], []string{"wen11", "k@x", "135"}[i%3]
		contacts = append(contacts, copies("acme", fmt.Sprint("c", i), from, to)...)
	}
	for _, op := range operations {
		// What another operation than this one would erase.
		ofOthers := func(line string) bool {
			if strings.HasPrefix(op.name, "customer") {
				return strings.Contains(line, "acme") && !strings.Contains(line, "stays")
			}
			return strings.Contains(line, "shop#4711")
		}
		for _, way := range everyWay() {
			t.Run(op.name+" "+way.name, func(t *testing.T) {
				t.Parallel()
				sys := newSystem(t)
				sys.putCustomer(t, "shop", "1", 2)
				sys.putContact(t, "acme", "stays", "200", "300")
				before := sys.Dump(t, sys.All()[:4]...)
				moments := dynamotest.EveryMoment(t, func(t *testing.T, k int) (struck bool) {
					sys.putCustomer(t, "shop", "4711", op.transactions)
					sys.Put(t, sys.Kit.Contacts.Table, contacts...)
					process := way.inject(sys.Faults, k)
					if err := op.run(process, sys); err != nil {
						t.Fatal(err)
					}
					sys.finishAll(t, process)
					// A failed call costs at most its retries and one more worker's run.
					if n := len(sys.Faults.Calls()); n > 2*op.calls+4 {
						t.Fatalf("%d calls, without a fault it is %d", n, op.calls)
					}
					sys.wantRecord(t, op.deleted)
					sys.wantNowhere(t, `"4711"`, "wen11", "k@x")
					left := slices.DeleteFunc(sys.Dump(t, sys.All()[:4]...), ofOthers)
					if !slices.Equal(before, left) {
						t.Fatalf("left\n%s", strings.Join(left, "\n"))
					}
					sys.clear(t)
					return sys.Faults.Struck()
				})
				if moments != op.calls && !t.Failed() && !testing.Short() {
					t.Errorf("%d calls without a fault, want %d", moments, op.calls)
				}
			})
		}
	}
}

// way is how the kth call fails, or the process dies there. The process runs on the
// context.
type way struct {
	name   string
	inject func(f *dynamotest.Faults, k int) context.Context
}

func everyWay() (ways []way) {
	for _, fault := range []dynamotest.Fault{
		dynamotest.Before, dynamotest.After, dynamotest.Throttle,
		dynamotest.Unprocessed, dynamotest.Timeout, dynamotest.Cancelled,
	} {
		ways = append(ways, way{string(fault), func(f *dynamotest.Faults, k int) context.Context {
			f.Inject(fault, k, k)
			return context.Background()
		}})
	}
	dies := func(after bool) func(f *dynamotest.Faults, k int) context.Context {
		return func(f *dynamotest.Faults, k int) context.Context { return f.Die(k, after) }
	}
	return append(ways,
		way{"dies before", dies(false)},
		way{"dies after", dies(true)},
		// In whatever goroutine: the test's own process would end.
		way{"panics", func(f *dynamotest.Faults, k int) context.Context {
			f.Interrupt(k, func() { panic("wen11") })
			return context.Background()
		}})
}
