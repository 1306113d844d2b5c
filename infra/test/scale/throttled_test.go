package scale

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"customercare/shared/store"
)

// The product's own code deletes from a partition that takes no more, in simulated time:
// the SDK, its retries, backoff, attempts and limits are the real ones, the time is not.
// Each test holds what it sees against the page's table.

// tenant is whose contacts are deleted.
const tenant = "acme"

// customers lets so many jobs delete records of a customer each, all on the partition
// hot. limit bounds the calls of a process on one collection, as the product does;
// without it only atOnce does.
func customers(t *testing.T, hot *partition, slower, jobs, records, atOnce int, limit bool) (seen tally) {
	t.Helper()
	calls := reading(t).batchCalls
	synctest.Test(t, func(t *testing.T) {
		s := newService(hot, slower)
		s.run(t, jobs, func(ctx context.Context, i int) error {
			from := store.Customers{DB: s.Client, Table: "Customers"}
			if limit {
				from.Limiter = store.NewLimiter(calls)
			}
			all := make([]string, records)
			for n := range all {
				all[n] = store.TransactionRecord("campaign", fmt.Sprint(i, "-", n))
			}
			job := &store.Job{Scope: "shop", Identifiers: []string{fmt.Sprint("customer", i)}}
			return from.Delete(ctx, job, all, atOnce)
		})
		if len(s.gone) != jobs*records {
			t.Errorf("%d of %d items were deleted", len(s.gone), jobs*records)
		}
		seen = s.tally
	})
	return seen
}

// contacts lets so many jobs delete contacts that all share one party. Each is filed
// under its own number, too, whose partition has room.
func contacts(t *testing.T, hot *partition, jobs, each, atOnce int) (seen tally) {
	t.Helper()
	calls := reading(t).batchCalls
	synctest.Test(t, func(t *testing.T) {
		s := newService(hot, 10)
		s.run(t, jobs, func(ctx context.Context, i int) error {
			from := store.Contacts{DB: s.Client, Table: "Contacts", Limiter: store.NewLimiter(calls)}
			_, err := from.Erase(ctx, &store.Job{Scope: tenant}, erasable(i, each), atOnce)
			return err
		})
		if len(s.gone) != jobs*2*each {
			t.Errorf("%d of %d copies were deleted", len(s.gone), jobs*2*each)
		}
		seen = s.tally
	})
	return seen
}

// erasable are contacts of different numbers with the same party.
func erasable(job, n int) []store.Erasable {
	all := make([]store.Erasable, n)
	for i := range all {
		own := fmt.Sprint("number", job, "-", i)
		all[i] = store.Erasable{Contact: fmt.Sprint("contact", job, "-", i), Own: own, Copies: []string{own, hotline}}
	}
	return all
}

// run does so many jobs at once and fails the test for each that gives up.
func (s *service) run(t *testing.T, jobs int, job func(ctx context.Context, i int) error) {
	var group sync.WaitGroup
	for i := range jobs {
		group.Go(func() {
			if err := job(t.Context(), i); err != nil {
				t.Errorf("job %d gave up: %v", i, err)
			}
		})
	}
	group.Wait()
}

// second is a partition as DynamoDB documents it, without any burst.
func second() *partition { return newPartition(partitionWrites, time.Second) }

// inSeconds is a time as the page shows it.
func inSeconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// notLater fails where a run took longer than the partition needs, but for a little.
func notLater(t *testing.T, what string, took, best time.Duration) {
	t.Helper()
	if took > best+best/50+500*time.Millisecond {
		t.Errorf("%s took %s, the partition needs %s", what, took, best)
	}
}

// callsToTry are how many calls of a job might be under way at once. The product has
// customerCalls.
var callsToTry = []int{1, 2, 4, 8}

// Two calls at once keep a partition busy to the last unit; more only share the same
// units out in smaller pieces.
func TestOneCustomer(t *testing.T) {
	const records = 20_000
	c := reading(t)
	var p page
	p.head("calls at once", "at best", "gone after", "calls", "taken in part", "refused")
	for _, atOnce := range callsToTry {
		r := customers(t, second(), 10, 1, records, atOnce, atOnce == c.customerCalls)
		p.row(mark(atOnce == c.customerCalls, atOnce), inSeconds(second().best(records)), inSeconds(r.took),
			whole(r.calls()), whole(r.part), whole(r.refused))
		if atOnce >= c.customerCalls {
			notLater(t, fmt.Sprint(atOnce, " calls at once"), r.took, second().best(records))
		}
	}
	p.holds(t, "one customer", 0.15)
}

// How many calls at once it takes depends on what a call takes.
func TestOneCustomerBySlowness(t *testing.T) {
	const records = 10_000
	c := reading(t)
	var p page
	p.head("median of a batch", "1 call at once", "2 at once", "4 at once", "8 at once")
	for _, tenths := range []int{5, 10, 20, 40, 80} {
		row := []string{(oneBatch * time.Duration(tenths) / 10).String()}
		for _, atOnce := range callsToTry {
			r := customers(t, second(), tenths, 1, records, atOnce, false)
			row = append(row, mark(atOnce == c.customerCalls, inSeconds(r.took)))
			if atOnce == c.customerCalls && tenths <= 20 {
				notLater(t, row[0], r.took, second().best(records))
			}
		}
		p.row(row...)
	}
	p.holds(t, "one customer by slowness", 0.15)
}

// Customers whose items happen to lie on one partition are gone at the best possible
// time, however many they are. What it costs is calls, which are not billed when they
// take nothing.
func TestSeveralCustomers(t *testing.T) {
	const records = 12_000 // in all
	c := reading(t)
	var p page
	p.head("customers", "at best", "gone after", "calls", "items a call", "refused")
	for _, jobs := range []int{1, 2, 4, 10, 40} {
		r := customers(t, second(), 10, jobs, records/jobs, c.customerCalls, true)
		p.row(whole(jobs), inSeconds(second().best(records)), inSeconds(r.took), whole(r.calls()),
			about(records/float64(r.calls())), whole(r.refused))
		notLater(t, fmt.Sprint(jobs, " customers"), r.took, second().best(records))
	}
	p.holds(t, "several customers", 0.15)
}

// Contacts that share a party go at the rate of its partition, and no job gives up: what
// is refused again and again gets smaller, and waits long enough.
func TestHotline(t *testing.T) {
	c := reading(t)
	var p page
	p.head("jobs", "contacts", "at best", "gone after", "transactions", "refused")
	for _, of := range []struct{ jobs, each int }{{1, 5_000}, {2, 2_500}, {4, 1_250}, {10, 500}, {40, 125}} {
		r := contacts(t, second(), of.jobs, of.each, c.numberCalls)
		best := second().best(of.jobs * of.each * 2)
		p.row(whole(of.jobs), whole(of.jobs*of.each), inSeconds(best), inSeconds(r.took), whole(r.whole),
			whole(r.refused))
		if r.took > best+best/20+time.Second {
			t.Errorf("%d jobs took %s, the partition needs %s", of.jobs, r.took, best)
		}
		if least := of.jobs * of.each / (c.transactionSize / 2); of.jobs >= 10 && r.whole <= least {
			t.Errorf("%d jobs: %d transactions, none was made smaller", of.jobs, r.whole)
		}
	}
	p.holds(t, "a hotline", 0.4) // the order in which jobs come decides how large transactions are
}

// A transaction that the partition can never take at once goes in smaller ones.
func TestPartitionTooSmallForATransaction(t *testing.T) {
	const each = 2_000
	small := func() *partition { return newPartition(partitionWrites, 90*time.Millisecond) }
	r := contacts(t, small(), 1, each, 1)
	if best := small().best(2 * each); r.took > 3*best {
		t.Errorf("%s, the partition needs %s", r.took, best)
	}
	if r.whole <= each/50 || r.part > 0 {
		t.Errorf("%d transactions went through, %d in part", r.whole, r.part)
	}
}

// On a partition that takes nothing at all a job gives up after as many calls as there
// are attempts: 4 of the SDK's for each of a batch, 1 for each of a cancelled
// transaction, which has come down to a single action then. The lower time is the page's.
func TestGivesUp(t *testing.T) {
	c := reading(t)
	var p page
	p.head("", "calls", "given up after")
	const times = 60
	for _, of := range []struct {
		what  string
		calls int
		job   func(context.Context, *service) error
	}{
		{"a batch of 25", c.attempts * c.maxAttempts, func(ctx context.Context, s *service) error {
			job := &store.Job{Identifiers: []string{"c"}}
			return store.Customers{DB: s.Client, Table: "Customers"}.Delete(ctx, job, make([]string, c.batchSize), 1)
		}},
		{"a transaction of 100", c.maxAttempts, func(ctx context.Context, s *service) error {
			_, err := store.Contacts{
				DB: s.Client, Table: "Contacts",
			}.Erase(ctx, &store.Job{Scope: tenant}, erasable(0, 50), 1)
			if s.last != 1 {
				t.Errorf("the last transaction had %d actions", s.last)
			}
			return err
		}},
	} {
		var took time.Duration
		for range times {
			synctest.Test(t, func(t *testing.T) {
				s := newService(&partition{holds: time.Second}, 10)
				if err := of.job(t.Context(), s); err == nil || s.tally.refused != of.calls ||
					s.tally.calls() != of.calls {
					t.Errorf("%s: %d calls, of which %d took nothing, not %d: %v", of.what, s.tally.calls(),
						s.tally.refused, of.calls, err)
				}
				took += s.tally.took / times
			})
		}
		p.row(of.what, whole(of.calls), fmt.Sprintf("%.0f s", took.Seconds()))
	}
	p.holds(t, "giving up", 0.15)
}
