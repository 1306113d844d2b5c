package store_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

// An erasure that ends and begins again for late repeats takes nothing along of what the
// first one did: its record has that. Only a handover may still be on its way.
func TestBegunAgainIsNew(t *testing.T) {
	kit := dynamotest.Open(t)
	ledger, now := kit.Erasures, time.UnixMilli(1_900_000_000_000)
	key := store.NumbersJob("1." + strings.Repeat("ab", 32))
	opened := &store.Job{
		Key: key, ID: store.NewID(now), Scope: "acme", RequestedBy: "app", RequestedAt: now,
		Ticket: []byte{1}, Accepted: "accepted 1", LastRequestedAt: now,
		Identifiers: []string{"135"}, Subjects: []string{"1." + strings.Repeat("cd", 32)},
	}
	if _, _, err := ledger.OpenNumbers(t.Context(), opened, now); err != nil {
		t.Fatal(err)
	}
	later := now.Add(time.Minute)
	if _, _, err := ledger.Join(t.Context(), key, store.Request{Name: "another call", By: "other", Ticket: []byte{2}, At: later}); err != nil {
		t.Fatal(err)
	}
	acquire := func() *store.Job {
		t.Helper()
		job, err := ledger.Acquire(t.Context(), key, "worker", later, later.Add(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		return job
	}
	job := acquire()
	job.Found, job.Deleted, job.Passes, job.Failures, job.Cursor = 3, 2, 1, 4, 1
	job.AtLeast, job.Unreadable, job.Unanswered, job.PassStarted = true, true, now, now
	job.Pending = store.Pending{Count: 1, To: 1, Through: []string{"x"}}
	job.Outcomes.Set(0, store.Erased)
	if err := ledger.Save(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	next := &store.Job{
		Key: key, ID: store.NewID(later), Scope: job.Scope, RequestedBy: job.LastRequestedBy, RequestedAt: later,
		Ticket: job.LastTicket, Subjects: job.Subjects, Accepted: "accepted 2",
	}
	end := store.End{Finished: later, Verified: now, BackupsUntil: later, Statement: "erased 1", Outcomes: job.Outcomes}
	if err := ledger.FinishAndBegin(t.Context(), job, end, next, later); err != nil {
		t.Fatal(err)
	}
	again := acquire()
	switch {
	case again.ID != next.ID, again.Requests != 1, !again.RequestedAt.Equal(later), !again.HandedOver:
		t.Errorf("not a new job: %+v", again)
	case again.Found != 0, again.Deleted != 0, again.Passes != 0, again.Failures != 0, again.Died != 0:
		t.Errorf("counts are left: %+v", again)
	case again.Cursor != 0, !again.PassStarted.IsZero(), again.Pending.Count != 0, again.Outcomes.Found() != 0:
		t.Errorf("a place is left: %+v", again)
	case again.AtLeast, again.Unreadable, !again.Unanswered.IsZero():
		t.Errorf("doubts are left: %+v", again)
	}
	if again.Scope != "acme" || again.RequestedBy != "other" || again.Ticket[0] != 2 || again.LastRequestedBy != "" || again.LastTicket != nil || len(again.Identifiers) != 1 || len(again.Subjects) != 1 {
		t.Errorf("another job: %+v", again)
	}
	records := 0
	for _, line := range kit.Dump(t, ledger.Table) {
		if strings.Contains(line, store.RecordPrefix+job.ID) {
			records++
			for _, name := range []string{`"atLeast"`, `"unreadable"`, `"accepted 1"`, `"erased 1"`, `"unlogged"`} {
				if !strings.Contains(line, name) {
					t.Errorf("the record has no %s: %s", name, line)
				}
			}
		}
	}
	if records != 1 {
		t.Errorf("%d records", records)
	}
}

// A request that comes once more when its erasure is over, as after a lost answer,
// changes nothing of the record: neither its statements nor their places in the log.
func TestARecordBeginsOnce(t *testing.T) {
	kit := dynamotest.Open(t)
	ledger, now := kit.Erasures, time.UnixMilli(1_900_000_000_000)
	opened := store.Job{
		Key: store.NumbersJob("1." + strings.Repeat("ab", 32)), ID: store.NewID(now), Scope: "acme",
		RequestedBy: "app", RequestedAt: now, Accepted: "accepted", LastRequestedAt: now,
		Identifiers: []string{"135"}, Subjects: []string{"1." + strings.Repeat("cd", 32)},
	}
	if _, _, err := ledger.OpenNumbers(t.Context(), &opened, now); err != nil {
		t.Fatal(err)
	}
	job, err := ledger.Acquire(t.Context(), opened.Key, "worker", now, now.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	end := store.End{Finished: now, Verified: now, BackupsUntil: now, Statement: "erased", Outcomes: store.Outcomes{0}}
	if err := ledger.Finish(t.Context(), job, kit.Customers, end); err != nil {
		t.Fatal(err)
	}
	if err := ledger.MarkLeaf(t.Context(), store.Leaf{ID: job.ID, End: true}, 7, now); err != nil {
		t.Fatal(err)
	}
	before := kit.Dump(t, ledger.Table)
	if _, _, err := ledger.OpenNumbers(t.Context(), &opened, now); !errors.Is(err, store.ErrRaced) {
		t.Errorf("the same request opens a job again: %v", err)
	}
	if after := kit.Dump(t, ledger.Table); !slices.Equal(after, before) {
		t.Errorf("the ledger is %s, it was %s", after, before)
	}
}
