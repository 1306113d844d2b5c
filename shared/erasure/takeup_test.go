package erasure

import (
	"strings"
	"testing"
	"time"

	"customercare/infra/testkit/dynamotest"
)

// A worker's death costs its lease and not WriterLifetime, also where the job was
// waiting for its last pass.
func TestDeadWorkerOfAWaitingJob(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.WriterLifetime = time.Hour
	key := sys.numbersJob("135")
	for range 2 { // the second is a repeat; the first pass of the first is over
		sys.putContact(t, "acme", "c1", "135", "200")
		sys.eraseNumbers(t, "135")
		if left := len(sys.Dump(t, sys.Kit.Contacts.Table)); left != 2 {
			t.Fatalf("%d copies", left)
		}
		_ = sys.Continue(t.Context(), key)
		if left := len(sys.Dump(t, sys.Kit.Contacts.Table)); left != 0 {
			t.Fatalf("%d copies left", left)
		}
		sys.clock.Advance(time.Minute)
	}
	sys.putContact(t, "acme", "c1", "135", "200")
	sys.eraseNumbers(t, "135")
	process := sys.Faults.DieAfter("UpdateItem", 2) // both are its taking the job up
	_ = recovered(func() error { return sys.Continue(process, key) })
	sys.Faults.Calls()
	sys.clock.Advance(sys.Lease + sys.ClockSkew + time.Second)
	sys.cleanUp(t)
	sys.wantEmpty(t, sys.Kit.Contacts.Table)
}

// A job that its workers die of is resumed at once after the first death. After each
// further one it is put back, for longer and longer, and counted as failing: whoever
// takes the lease finds the deaths, with no call more.
func TestJobWhoseWorkersDie(t *testing.T) {
	t.Parallel()
	// Behind the lease, and behind what is written down of the first pages.
	for _, call := range []int{2, 4} {
		sys := newSystem(t)
		sys.putContact(t, "acme", "c1", "135", "200")
		sys.eraseNumbers(t, "135")
		key := sys.numbersJob("135")
		dies := func() {
			t.Helper()
			sys.clock.Advance(sys.Lease + sys.ClockSkew + time.Second)
			_ = recovered(func() error { return sys.Continue(sys.Faults.Die(call, false), key) })
			if !sys.Faults.Struck() {
				t.Fatalf("call %d: the job is not worked on: %v", call, sys.Faults.Calls())
			}
			sys.Faults.Calls()
		}
		dies()
		dies()
		for failures := int64(2); failures < 5; failures++ {
			sys.clock.Advance(sys.Lease + sys.ClockSkew + time.Second)
			sys.goOn(t, key)
			if calls := strings.Join(sys.Faults.Calls(), " "); calls != "UpdateItem UpdateItem" {
				t.Errorf("call %d, %d deaths: calls %s", call, failures, calls)
			}
			open, err := sys.Ledger.ListOpen(t.Context(), dynamotest.OpenIndex, 10)
			if err != nil || len(open) != 1 {
				t.Fatal(open, err)
			}
			wait := open[0].DueAt.Sub(sys.clock.Now())
			if open[0].Failures != failures || wait != firstRetry<<failures {
				t.Errorf("call %d, %d deaths: %d failures, comes back after %s", call, failures, open[0].Failures, wait)
			}
			dies()
		}
		sys.finishAll(t)
		sys.wantEmpty(t, sys.Kit.Contacts.Table)
		sys.wantRecord(t, 1)
	}
}

// A lease that was given back is no death, whatever follows, nor is one that nobody held.
func TestLeasesThatAreNoDeaths(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.putCustomer(t, "shop", "few", 3)
	sys.putCustomer(t, "shop", "many", 60)
	sys.putContact(t, "acme", "c1", "135", "200")
	sys.eraseNumbers(t, "135")
	for _, code := range []string{"few", "many"} {
		if err := sys.Customer(t.Context(), "shop", code, "john", time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	// Both passes; then, of one that has joined late, the erasure that follows.
	for range 3 {
		for _, open := range sys.ledger(t).open {
			job, err := sys.Ledger.Acquire(t.Context(), open.key, "x", sys.clock.Now(), sys.clock.Now())
			if err != nil || job.Died != 0 || job.Failures != 0 {
				t.Errorf("%d deaths, %d failures, %v: %s", job.Died, job.Failures, err, open.json)
			}
			if err := sys.Ledger.Release(t.Context(), job, sys.clock.Now()); err != nil {
				t.Error(err)
			}
			if err := sys.Continue(t.Context(), open.key); err != nil {
				t.Error(err)
			}
		}
		sys.clock.Advance(4 * time.Minute)
		sys.eraseNumbers(t, "135")
	}
}

// TestFailuresAreCountedAndSpread: an erasure that cannot end, whatever the call that
// fails, comes back at growing distance and shows in what the metrics are made of.
func TestFailuresAreCountedAndSpread(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.eraseNumbers(t, "135")
	sys.clock.Advance(10 * time.Minute)
	last := time.Duration(0)
	for n := int64(1); n <= 5; n++ {
		sys.Faults.FailOn("TransactWriteItems") // that is Finish
		sys.cleanUp(t)
		sys.Faults.Calls()
		jobs, err := sys.Ledger.ListOpen(t.Context(), dynamotest.OpenIndex, 100)
		if err != nil || len(jobs) != 1 || jobs[0].Failures != n {
			t.Fatalf("run %d: %+v, %v", n, jobs, err)
		}
		distance := jobs[0].DueAt.Sub(sys.clock.Now())
		if distance <= last {
			t.Errorf("run %d comes back after %s, the one before did after %s", n, distance, last)
		}
		last = distance
		sys.clock.Advance(distance)
	}
	sys.finishAll(t)
	if len(sys.ledger(t).records) != 1 {
		t.Error("not finished")
	}
}
