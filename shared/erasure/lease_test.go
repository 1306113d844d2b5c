package erasure

import (
	"errors"
	"strings"
	"testing"
	"time"

	"customercare/shared/store"
)

func TestOneWorkerAtATime(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.eraseNumbers(t, "135")
	key, now := sys.numbersJob("135"), sys.clock.Now()
	take := func(job, owner string, at, until time.Time) (*store.Job, error) {
		return sys.Ledger.Acquire(t.Context(), job, owner, at, until)
	}
	job, err := take(key, "a", now, now.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := take(key, "b", now.Add(59*time.Second), now.Add(time.Hour)); !errors.Is(err, store.ErrHeld) {
		t.Errorf("the lease was not over: %v", err)
	}
	if _, err := take(key, "b", now.Add(61*time.Second), now.Add(time.Hour)); err != nil {
		t.Errorf("the lease was over: %v", err)
	}
	for what, err := range map[string]error{
		"save":    sys.Ledger.Save(t.Context(), job),
		"release": sys.Ledger.Release(t.Context(), job, now),
		"finish":  sys.Ledger.Finish(t.Context(), job, sys.engine.Customers, store.End{Finished: now, Outcomes: store.Outcomes{0}}),
	} {
		if !errors.Is(err, store.ErrHeld) {
			t.Errorf("%s by the worker that lost the lease: %v", what, err)
		}
	}
	if _, err := take("numbers-none", "b", now, now); !errors.Is(err, store.ErrNoJob) {
		t.Errorf("no such job: %v", err)
	}
}

// TestStaleWorkerOfAFinishedJob: the keys of jobs come again, and so do their fences.
func TestStaleWorkerOfAFinishedJob(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	take := func() *store.Job {
		t.Helper()
		sys.eraseNumbers(t, "135")
		now := sys.clock.Now()
		job, err := sys.Ledger.Acquire(t.Context(), sys.numbersJob("135"), "a", now, now.Add(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		return job
	}
	old := take()
	end := store.End{Finished: sys.clock.Now(), Statement: "erased", Outcomes: store.Outcomes{0}}
	if err := sys.Ledger.Finish(t.Context(), old, sys.engine.Customers, end); err != nil {
		t.Fatal(err)
	}
	if fresh := take(); fresh.Fence != old.Fence {
		t.Fatalf("fences %d and %d", old.Fence, fresh.Fence)
	}
	for what, err := range map[string]error{
		"save":    sys.Ledger.Save(t.Context(), old),
		"renew":   sys.Ledger.Renew(t.Context(), old, sys.clock.Now()),
		"release": sys.Ledger.Release(t.Context(), old, sys.clock.Now()),
		"finish":  sys.Ledger.Finish(t.Context(), old, sys.engine.Customers, end),
	} {
		if !errors.Is(err, store.ErrHeld) {
			t.Errorf("%s of the new job by a worker of the old one: %v", what, err)
		}
	}
}

// TestRenewAfterRelease: a renewal still under way when the job is given back must not
// hold it.
func TestRenewAfterRelease(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.eraseNumbers(t, "135")
	key, now := sys.numbersJob("135"), sys.clock.Now()
	job, err := sys.Ledger.Acquire(t.Context(), key, "a", now, now.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if err := sys.Ledger.Renew(t.Context(), job, now.Add(2*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if err := sys.Ledger.Release(t.Context(), job, now); err != nil {
		t.Fatal(err)
	}
	if err := sys.Ledger.Renew(t.Context(), job, now.Add(time.Hour)); !errors.Is(err, store.ErrHeld) {
		t.Errorf("renewed after it was given back: %v", err)
	}
	if _, err := sys.Ledger.Acquire(t.Context(), key, "b", now, now.Add(time.Minute)); err != nil {
		t.Errorf("not free: %v", err)
	}
}

// A worker renews its lease whenever a third of it has passed, and works on.
func TestLeaseIsRenewed(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.putContact(t, "acme", "c1", "135", "200")
	sys.eraseNumbers(t, "135")
	sys.Faults.Interrupt(2, func() { // its first reading
		for range 2 {
			sys.clock.Advance(sys.Lease/3 + time.Second)
			until := sys.clock.Now().Add(sys.Lease + sys.ClockSkew).UnixMilli()
			for began := time.Now(); sys.ledger(t).open[0].leaseUntil != until; {
				if time.Since(began) > 10*time.Minute {
					t.Error("the lease is not renewed")
					return
				}
			}
		}
	})
	sys.goOn(t, sys.numbersJob("135"))
	want := "UpdateItem Query UpdateItem UpdateItem GetItem UpdateItem TransactWriteItems UpdateItem"
	if calls := strings.Join(sys.Faults.Calls(), " "); calls != want {
		t.Errorf("calls %s, want %s", calls, want)
	}
	sys.wantEmpty(t, sys.Kit.Contacts.Table)
}
