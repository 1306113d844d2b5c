package erasure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/shared/store"
)

// TestRepeatAtEveryMoment sends the same request again, with a contact written just before, right before every call that
// the workers make: each time the contact goes too, and the requests end in one record or, where the first was already
// done, in two.
func TestRepeatAtEveryMoment(t *testing.T) {
	t.Parallel()
	t.Run("few", func(t *testing.T) { repeatAtEveryMoment(t, []string{"135", "wen11"}) })
	t.Run("many", func(t *testing.T) { repeatAtEveryMoment(t, append([]string{"135", "wen11"}, nobody...)) })
}

func repeatAtEveryMoment(t *testing.T, numbers []string) {
	t.Parallel()
	w := newWorld(t)
	plain := w.engine
	plain.Ledger.DB, plain.Contacts.DB = w.Plain, w.Plain
	for k := 1; ; k++ {
		w.putContact(t, "acme", "c0", "135", "200")
		if err := plain.Numbers(t.Context(), "acme", numbers, "app"); err != nil {
			t.Fatal(err)
		}
		w.clock.Advance(7 * time.Minute) // so that the first pass is the last
		w.Faults.Interrupt(k, func() {
			w.putContact(t, "acme", "late", "300", "wen11")
			if err := plain.Numbers(t.Context(), "acme", numbers, "app"); err != nil {
				t.Error(err)
			}
		})
		if _, err := w.Due(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.Faults.Calls()
		w.settle(t)
		if left := w.Dump(t, w.Kit.Contacts.Table); len(left) != 0 {
			t.Fatalf("repeat before call %d: left %s", k, left)
		}
		if n := len(w.records(t)); n < 1 || n > 2 {
			t.Fatalf("repeat before call %d: %d records", k, n)
		}
		w.clear(t)
		if !w.Faults.Struck() {
			t.Logf("%d moments", k-1)
			return
		}
	}
}

// TestEndAtEveryMomentOfARepeat: a worker ends the erasure of many numbers right before any call of a repeat, which finds it
// open, or opens it anew.
func TestEndAtEveryMomentOfARepeat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plain := w.engine
	plain.Ledger.DB, plain.Contacts.DB = w.Plain, w.Plain
	many := append([]string{"135", "wen11"}, nobody...)
	for k := 1; ; k++ {
		if err := plain.Numbers(t.Context(), "acme", many, "app"); err != nil {
			t.Fatal(err)
		}
		w.Faults.Interrupt(k, func() {
			w.clock.Advance(7 * time.Minute)
			if _, err := plain.Due(t.Context()); err != nil {
				t.Error(err)
			}
			if k < 2 { // the second call only wakes a worker: the repeat is on record
				w.putContact(t, "acme", "late", "300", "wen11")
			}
		})
		if err := w.Numbers(t.Context(), "acme", many, "app"); err != nil {
			t.Fatal(err)
		}
		w.Faults.Calls()
		w.settle(t)
		if left := w.Dump(t, w.Kit.Contacts.Table); len(left) != 0 {
			t.Fatalf("ended before call %d: left %s", k, left)
		}
		for _, line := range w.Dump(t, w.Kit.Erasures.Table) {
			if strings.Contains(line, "identifiers") {
				t.Fatalf("ended before call %d: left %s", k, line)
			}
		}
		w.clear(t)
		if !w.Faults.Struck() {
			t.Logf("%d moments", k-1)
			return
		}
	}
}

// TestOpenedAtEveryMoment: another request opens the erasure of the same many numbers right before any call of one that finds none
// open: they are one job.
func TestOpenedAtEveryMoment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plain := w.engine
	plain.Ledger.DB = w.Plain
	many := append([]string{"135", "wen11"}, nobody...)
	for k := 1; ; k++ {
		w.putContact(t, "acme", "c1", "300", "wen11")
		w.Faults.Interrupt(k, func() {
			if err := plain.Numbers(t.Context(), "acme", many, "app"); err != nil {
				t.Error(err)
			}
		})
		if err := w.Numbers(t.Context(), "acme", many, "app"); err != nil {
			t.Fatal(err)
		}
		w.Faults.Calls()
		struck := w.Faults.Struck()
		w.settle(t)
		if records := w.records(t); len(records) != 1 || struck && !strings.Contains(records[0], `"requests":{"Value":"2"}`) || !strings.Contains(records[0], `"deleted":{"Value":"1"}`) {
			t.Fatalf("opened before call %d: %s", k, records)
		}
		w.clear(t)
		if !struck {
			return
		}
	}
}

func TestOneWorkerAtATime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.Numbers(t.Context(), "acme", []string{"135"}, "app"); err != nil {
		t.Fatal(err)
	}
	key := store.NumbersJob(w.Digests.Set("acme", []string{"135"}))
	now := w.clock.Now()
	job, err := w.Ledger.Acquire(t.Context(), key, "a", now, now.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Ledger.Acquire(t.Context(), key, "b", now.Add(59*time.Second), now.Add(time.Hour)); !errors.Is(err, store.ErrHeld) {
		t.Errorf("the lease was not over: %v", err)
	}
	if _, err := w.Ledger.Acquire(t.Context(), key, "b", now.Add(61*time.Second), now.Add(time.Hour)); err != nil {
		t.Errorf("the lease was over: %v", err)
	}
	for what, err := range map[string]error{
		"save":    w.Ledger.Save(t.Context(), job),
		"release": w.Ledger.Release(t.Context(), job, now),
		"finish":  w.Ledger.Finish(t.Context(), job, w.engine.Customers, now),
	} {
		if !errors.Is(err, store.ErrHeld) {
			t.Errorf("%s by the worker that lost the lease: %v", what, err)
		}
	}
	if _, err := w.Ledger.Acquire(t.Context(), "numbers-none", "b", now, now); !errors.Is(err, store.ErrNoJob) {
		t.Errorf("no such job: %v", err)
	}
}

// TestTombstoneWithoutItsJob is what a restore of one table leaves: the repeat of the delete erases what is there.
func TestTombstoneWithoutItsJob(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.putCustomer(t, "shop", "4711", 15)
	if err := w.Customer(w.Faults.Die(3, false), "shop", "4711", "john", time.Minute); err != nil { // nothing is deleted yet
		t.Fatal(err)
	}
	w.Faults.Calls()
	w.clear(t)
	if err := w.Customer(t.Context(), "shop", "4711", "john", time.Minute); err != nil {
		t.Fatal(err)
	}
	w.settle(t)
	if left := w.Dump(t, w.Kit.Customers.Table); len(left) != 0 {
		t.Errorf("left %s", left)
	}
	if records := w.records(t); len(records) != 1 || !strings.Contains(records[0], `"deleted":{"Value":"15"}`) {
		t.Errorf("records %s", records)
	}
}

// TestWriterBetweenReadingAndTombstone: a writer who keeps the rules adds a transaction to few others right before the
// tombstone stands; when the delete is answered it is gone, too.
func TestWriterBetweenReadingAndTombstone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.putCustomer(t, "shop", "4711", 3)
	w.Faults.Interrupt(2, func() {
		w.Put(t, w.Kit.Customers.Table, item{"customer": s("shop#4711"), "record": s(store.TransactionRecord("c", "late"))})
	})
	if err := w.Customer(t.Context(), "shop", "4711", "john", time.Minute); err != nil {
		t.Fatal(err)
	}
	want := []string{"Query", "TransactWriteItems", "Query", "UpdateItem", "UpdateItem", "Query", "UpdateItem", "BatchWriteItem", "Query", "UpdateItem"}
	if calls := w.Faults.Calls(); !slices.Equal(calls, want) {
		t.Errorf("calls %s", calls)
	}
	if left := w.Dump(t, w.Kit.Customers.Table); len(left) != 1 || !strings.Contains(left[0], "tombstone") {
		t.Errorf("left %s", left)
	}
	w.settle(t)
	if records := w.records(t); len(records) != 1 || !strings.Contains(records[0], `"deleted":{"Value":"5"}`) || !strings.Contains(records[0], `"found":{"Value":"5"}`) {
		t.Errorf("records %s", records)
	}
}

// TestContactFiledAgainMeanwhile lets a well-behaved writer file a contact again, with the same or with other parties,
// right before every call of the worker: no copy is left under any of them.
func TestContactFiledAgainMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := store.NumbersJob(w.Digests.Set("acme", []string{"135"}))
	for _, parties := range [][]string{{"135", "200"}, {"135", "300"}, {"135"}, {"200", "300"}} {
		for k := 1; ; k++ {
			w.putContact(t, "acme", "c1", "135", "200")
			if err := w.Numbers(t.Context(), "acme", []string{"135"}, "app"); err != nil {
				t.Fatal(err)
			}
			w.Faults.Interrupt(k, func() {
				w.refile(t, "c1", []string{"135", "200"}, parties)
			})
			if err := w.Continue(t.Context(), key); err != nil {
				t.Fatal(err)
			}
			w.Faults.Calls()
			w.settle(t)
			left := w.Dump(t, w.Kit.Contacts.Table)
			if parties[0] == "200" && len(left) == 2 { // moved away before it could be erased: then it is whole
				for _, party := range parties {
					w.deleteContact(t, "c1", party)
				}
				left = nil
			}
			if len(left) != 0 {
				t.Fatalf("filed again under %s before call %d: left %s", parties, k, left)
			}
			records := w.records(t)
			if len(records) != 1 {
				t.Fatalf("records %s", records)
			}
			w.clear(t)
			if !w.Faults.Struck() {
				break
			}
		}
	}
}

func (w *world) deleteContact(t *testing.T, id, party string) {
	_, err := w.Plain.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &w.Kit.Contacts.Table, Key: item{
		"party": s(store.PartyKey("acme", party)), "contact": s(store.ContactKey(contactTime, id))}})
	if err != nil {
		t.Fatal(err)
	}
}

// refile replaces the copies of a contact in one transaction, as the import does.
func (w *world) refile(t *testing.T, id string, old, parties []string) {
	contact := s(store.ContactKey(contactTime, id))
	var actions []types.TransactWriteItem
	for _, party := range old {
		if !slices.Contains(parties, party) {
			actions = append(actions, types.TransactWriteItem{Delete: &types.Delete{
				TableName: &w.Kit.Contacts.Table, Key: item{"party": s(store.PartyKey("acme", party)), "contact": contact}}})
		}
	}
	for _, party := range parties {
		actions = append(actions, types.TransactWriteItem{Put: &types.Put{
			TableName: &w.Kit.Contacts.Table, Item: item{"party": s(store.PartyKey("acme", party)), "contact": contact, "parties": list(parties...)}}})
	}
	if _, err := w.Plain.TransactWriteItems(context.Background(), &dynamodb.TransactWriteItemsInput{TransactItems: actions}); err != nil {
		t.Error(err)
	}
}

// TestTombstoneWrittenOver: a writer without conditions puts the customer back while it is being erased. The repeat still
// says deleted, the tombstone comes back, and writers with conditions are refused until the end.
func TestTombstoneWrittenOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := item{"customer": s("shop#4711"), "record": s(store.CustomerRecord)}
	standing := func() bool {
		return strings.Contains(strings.Join(w.Dump(t, w.Kit.Customers.Table), ""), `"tombstone"`)
	}
	erase := func() {
		t.Helper()
		if err := w.Customer(t.Context(), "shop", "4711", "john", time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	w.putCustomer(t, "shop", "4711", 3)
	erase()
	w.putCustomer(t, "shop", "4711", 2)
	erase()
	if !standing() {
		t.Error("the repeat leaves a customer that everybody can read")
	}
	w.putCustomer(t, "shop", "4711", 2)
	if err := w.Continue(t.Context(), store.CustomerJob(w.Digests.Subject("customer", "shop", "4711"))); err != nil {
		t.Fatal(err)
	}
	if !standing() {
		t.Error("the worker took the tombstone away while the job is open")
	}
	if _, err := w.Plain.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &w.Kit.Customers.Table, Key: key}); err != nil {
		t.Fatal(err)
	}
	erase() // not unknown: the job is open
	w.settle(t)
	if left := w.Dump(t, w.Kit.Customers.Table); len(left) != 0 {
		t.Errorf("left %s", left)
	}
}

// TestStaleWorkerOfAFinishedJob: the keys of jobs come again, and so do their fences.
func TestStaleWorkerOfAFinishedJob(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	take := func() *store.Job {
		t.Helper()
		if err := w.Numbers(t.Context(), "acme", []string{"135"}, "app"); err != nil {
			t.Fatal(err)
		}
		now := w.clock.Now()
		job, err := w.Ledger.Acquire(t.Context(), store.NumbersJob(w.Digests.Set("acme", []string{"135"})), "a", now, now.Add(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		return job
	}
	old := take()
	if err := w.Ledger.Finish(t.Context(), old, w.engine.Customers, w.clock.Now()); err != nil {
		t.Fatal(err)
	}
	if fresh := take(); fresh.Fence != old.Fence {
		t.Fatalf("fences %d and %d", old.Fence, fresh.Fence)
	}
	for what, err := range map[string]error{
		"save":    w.Ledger.Save(t.Context(), old),
		"renew":   w.Ledger.Renew(t.Context(), old, w.clock.Now()),
		"release": w.Ledger.Release(t.Context(), old, w.clock.Now()),
		"finish":  w.Ledger.Finish(t.Context(), old, w.engine.Customers, w.clock.Now()),
	} {
		if !errors.Is(err, store.ErrHeld) {
			t.Errorf("%s of the new job by a worker of the old one: %v", what, err)
		}
	}
}

// TestRenewAfterRelease: a renewal still under way when the job is let go must not hold it.
func TestRenewAfterRelease(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.Numbers(t.Context(), "acme", []string{"135"}, "app"); err != nil {
		t.Fatal(err)
	}
	key, now := store.NumbersJob(w.Digests.Set("acme", []string{"135"})), w.clock.Now()
	job, err := w.Ledger.Acquire(t.Context(), key, "a", now, now.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Ledger.Renew(t.Context(), job, now.Add(2*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if err := w.Ledger.Release(t.Context(), job, now); err != nil {
		t.Fatal(err)
	}
	if err := w.Ledger.Renew(t.Context(), job, now.Add(time.Hour)); !errors.Is(err, store.ErrHeld) {
		t.Errorf("renewed after it was let go: %v", err)
	}
	if _, err := w.Ledger.Acquire(t.Context(), key, "b", now, now.Add(time.Minute)); err != nil {
		t.Errorf("not free: %v", err)
	}
}

// TestFailuresAreCountedAndSpread: an erasure that cannot end, whatever the call that fails, comes back at growing distance
// and shows in what the metrics are made of.
func TestFailuresAreCountedAndSpread(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.Numbers(t.Context(), "acme", []string{"135"}, "app"); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(10 * time.Minute)
	last := time.Duration(0)
	for n := int64(1); n <= 5; n++ {
		w.Faults.FailOn("TransactWriteItems") // that is Finish
		if _, err := w.Due(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.Faults.Calls()
		jobs, err := w.Ledger.ListOpen(t.Context(), 100)
		if err != nil || len(jobs) != 1 || jobs[0].Failures != n {
			t.Fatalf("run %d: %+v, %v", n, jobs, err)
		}
		distance := jobs[0].DueAt.Sub(w.clock.Now())
		if distance <= last {
			t.Errorf("run %d comes back after %s, the one before did after %s", n, distance, last)
		}
		last = distance
		w.clock.Advance(distance)
	}
	w.settle(t)
	if len(w.records(t)) != 1 {
		t.Error("not finished")
	}
}

// TestSameNumbersAgainAndAgain: repeats that never stop do not keep the first request open for ever.
func TestSameNumbersAgainAndAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 10 {
		if err := w.Numbers(t.Context(), "acme", []string{"135"}, "app"); err != nil {
			t.Fatal(err)
		}
		w.clock.Advance(2 * time.Minute)
		if _, err := w.Due(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(w.records(t)) == 0 {
		t.Error("20 minutes of repeats, and nothing is on record")
	}
	w.settle(t)
}

// TestForeignListsOfParties: whatever a foreign writer stores as parties, the contact goes and the job ends.
func TestForeignListsOfParties(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i, parties := range []types.AttributeValue{
		nil, &types.AttributeValueMemberSS{Value: []string{"135", "200"}}, &types.AttributeValueMemberNULL{Value: true}, s("135"),
		&types.AttributeValueMemberL{Value: []types.AttributeValue{s("135"), &types.AttributeValueMemberN{Value: "7"}, s(""), s(strings.Repeat("x", 3000))}},
	} {
		it := item{"party": s(store.PartyKey("acme", "135")), "contact": s(store.ContactKey(contactTime, strings.Repeat("c", i+1)))}
		if parties != nil {
			it["parties"] = parties
		}
		w.Put(t, w.Kit.Contacts.Table, it)
	}
	if err := w.Numbers(t.Context(), "acme", []string{"135"}, "app"); err != nil {
		t.Fatal(err)
	}
	w.settle(t)
	if left := w.Dump(t, w.Kit.Contacts.Table); len(left) != 0 {
		t.Errorf("left %s", left)
	}
	if records := w.records(t); len(records) != 1 || !strings.Contains(records[0], `"deleted":{"Value":"5"}`) {
		t.Errorf("records %s", records)
	}
}

// TestRepeatOfADeleteAtEveryMoment: a writer without conditions puts the customer back with new transactions right before any
// call of the worker, and the delete is sent again: all of it goes, and the counts say so.
func TestRepeatOfADeleteAtEveryMoment(t *testing.T) {
	t.Parallel()
	for _, n := range []int{2, 12} { // transactions that go with the opening of the job, or in batches
		t.Run(fmt.Sprint(n), func(t *testing.T) { repeatOfADeleteAtEveryMoment(t, n) })
	}
}

func repeatOfADeleteAtEveryMoment(t *testing.T, n int) {
	t.Parallel()
	w := newWorld(t)
	deleted := func(n int) string { return fmt.Sprintf(`"deleted":{"Value":"%d"}`, n) }
	plain := w.engine
	plain.Ledger.DB, plain.Customers.DB = w.Plain, w.Plain
	for k := 1; ; k++ {
		w.putCustomer(t, "shop", "4711", n)
		if err := plain.Customer(t.Context(), "shop", "4711", "john", time.Minute); err != nil {
			t.Fatal(err)
		}
		w.clock.Advance(7 * time.Minute)
		w.Faults.Interrupt(k, func() {
			w.putCustomer(t, "shop", "4711", n+3)
			if err := plain.Customer(t.Context(), "shop", "4711", "john", time.Minute); err != nil {
				t.Errorf("repeat before call %d: %v", k, err)
			}
		})
		if _, err := w.Due(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.Faults.Calls()
		w.settle(t)
		if left := w.Dump(t, w.Kit.Customers.Table); len(left) != 0 {
			t.Fatalf("repeat before call %d: left %s", k, left)
		}
		if !w.Faults.Struck() {
			return
		}
		if all := strings.Join(w.records(t), ""); !strings.Contains(all, deleted(2*n+5)) && !(strings.Contains(all, deleted(n+1)) && strings.Contains(all, deleted(n+4))) {
			t.Fatalf("repeat before call %d: records %s", k, all)
		}
		w.clear(t)
	}
}
