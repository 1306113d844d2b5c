package store_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/retention"
	"customercare/shared/store"
)

// What is the number of a newer version's item: a higher one, and what is no number. In
// the tables that others write it is theirs.
func TestNewer(t *testing.T) {
	for name, c := range map[string]struct {
		item  item
		newer bool
	}{
		"none":             {item{}, false},
		"this version's":   {item{"v": number("1")}, false},
		"an older one":     {item{"v": number("0")}, false},
		"the next":         {item{"v": number("2")}, true},
		"a fraction":       {item{"v": number("1.5")}, true},
		"an exponent":      {item{"v": number("1E+2")}, true},
		"a text":           {item{"v": text("1")}, true},
		"a user's":         {item{"customerId": text("u"), "v": number("2")}, false},
		"a customer's":     {item{"customer": text("c"), "v": text("x")}, false},
		"a contact's":      {item{"party": text("p"), "v": number("2")}, false},
		"no item at all":   {nil, false},
		"of the principal": {item{"principal": text("app#ak"), "v": number("2")}, true},
	} {
		if is := store.Newer(c.item); is != c.newer {
			t.Errorf("%s: newer is %v", name, is)
		}
	}
}

// newerItems are items of a newer version, of each kind that a function or a command may
// meet where it meets no other, by the logical id of the table.
func newerItems(kit *dynamotest.Kit) map[string][]item {
	all := map[string][]item{
		kit.Erasures.Table: {
			{"erasureId": text("erasure-x"), "finishedAt": number("1"), "endSealedAt": number("1"), "acceptedSealedAt": number("1")},
			{"erasureId": text("numbers-x"), "id": text("x"), "openShard": text("1"), "dueAt": number("1"), "requests": number("1")},
			{"erasureId": text("handover-numbers-x")}, {"erasureId": text("subjects-x")}, {"erasureId": text("identifiers-x")},
			{"erasureId": text("checkpoint"), "size": number("1")},
		},
		kit.Holds.Table: {
			{"hold": text("hold-x"), "id": text("x"), "status": text("active"), "standing": text("1"), "dueAt": number("1")},
			{"hold": text("customer#shop#1")}, {"hold": text("number#acme#1")}, {"hold": text("tenant#acme")},
			{"hold": text("asked-x-0")},
		},
		kit.Principals.Table: {
			{"principal": text("operator#csr"), "validUntil": number("1")}, {"principal": text("token#x")},
		},
		kit.Rules.Table: {
			{"rule": text("rule-x")}, {"rule": text("off")}, {"rule": text("sweep-allows")}, {"rule": text("retention-x")},
		},
	}
	for _, items := range all {
		for _, item := range items {
			item["v"] = number("2")
		}
	}
	return all
}

// Whoever reads an item of a newer version, or writes one, whether it was read before or
// not, is told so, and changes nothing.
func TestNewerItemsAreLeft(t *testing.T) {
	t.Parallel()
	kit := dynamotest.Open(t)
	for table, items := range newerItems(kit) {
		kit.Put(t, table, items...)
	}
	tables := []string{kit.Erasures.Table, kit.Holds.Table, kit.Principals.Table, kit.Rules.Table}
	before := kit.Dump(t, tables...)
	now := time.UnixMilli(1_790_000_000_000)
	job := &store.Job{Key: "numbers-x", ID: "x", SubjectsIn: "subjects-x"}
	hold := store.Hold{ID: "x", Kind: store.HoldOfNumber, Scope: "acme", Subject: "1", Status: store.Active}
	many := &store.Job{Key: "numbers-x", ID: "20261127T101112Z-0123456789abcdef", Identifiers: slices.Repeat([]string{"1"}, 1000)}
	for name, do := range map[string]func(ctx context.Context) error{
		"acquire": func(ctx context.Context) error {
			_, err := kit.Erasures.Acquire(ctx, "numbers-x", "me", now, now.Add(time.Minute))
			return err
		},
		"join": func(ctx context.Context) error {
			_, _, err := kit.Erasures.Join(ctx, "numbers-x", store.Request{Name: "me", At: now})
			return err
		},
		"open numbers": func(ctx context.Context) error {
			_, _, err := kit.Erasures.OpenNumbers(ctx, many, now)
			return err
		},
		"identifiers": func(ctx context.Context) error { return kit.Erasures.ReadIdentifiers(ctx, job) },
		"subjects": func(ctx context.Context) error {
			_, err := kit.Erasures.ReadSubjects(ctx, job)
			return err
		},
		"digests": func(ctx context.Context) error {
			_, err := kit.Erasures.ReadDigests(ctx, store.Record{SubjectsIn: "subjects-x"})
			return err
		},
		"record": func(ctx context.Context) error { _, err := kit.Erasures.ReadRecord(ctx, "x"); return err },
		"records": func(ctx context.Context) error {
			_, _, err := kit.Erasures.ReadRecords(ctx, []string{"x"})
			return err
		},
		"progress": func(ctx context.Context) error {
			_, _, err := kit.Erasures.ReadProgress(ctx, store.Record{ID: "x", Job: "numbers-x"})
			return err
		},
		"open": func(ctx context.Context) error {
			_, err := kit.Erasures.ReadOpen(ctx, []string{"numbers-x"})
			return err
		},
		"erase record": func(ctx context.Context) error {
			_, err := kit.Erasures.EraseRecord(ctx, "x", now)
			return err
		},
		"mark": func(ctx context.Context) error {
			return kit.Erasures.MarkLeaf(ctx, store.Leaf{ID: "x"}, 1, now)
		},
		"checkpoint": func(ctx context.Context) error { _, _, err := kit.Erasures.ReadCheckpoint(ctx); return err },
		"keep checkpoint": func(ctx context.Context) error {
			head := store.Head{}
			head.Tree.N = 9
			return kit.Erasures.KeepCheckpoint(ctx, head)
		},
		"hold":  func(ctx context.Context) error { _, err := kit.Holds.Read(ctx, "x"); return err },
		"ended": func(ctx context.Context) error { _, err := kit.Holds.Ended(ctx, []string{"x"}); return err },
		"held customer": func(ctx context.Context) error {
			_, err := kit.Holds.OfCustomer(ctx, "shop", "1")
			return err
		},
		"held numbers": func(ctx context.Context) error {
			_, err := kit.Holds.OfNumbers(ctx, "acme", []string{"1"})
			return err
		},
		"held tenant": func(ctx context.Context) error { _, err := kit.Holds.AnyOf(ctx, "acme"); return err },
		"asked":       func(ctx context.Context) error { _, err := kit.Holds.ReadAsked(ctx, "x", 0); return err },
		"ask": func(ctx context.Context) error {
			return kit.Holds.Ask(ctx, "x", store.AskedNumbers{Erasure: "e", Numbers: []string{"1"}})
		},
		"standing": func(ctx context.Context) error {
			_, _, err := kit.Holds.ListStanding(ctx, dynamotest.StandingIndex, 10)
			return err
		},
		"place": func(ctx context.Context) error {
			other := hold
			other.ID = "y"
			return kit.Holds.PlaceOnNumber(ctx, other, now)
		},
		"finish": func(ctx context.Context) error { return kit.Holds.Finish(ctx, hold) },
		"end hold": func(ctx context.Context) error {
			_, err := kit.Holds.EndHold(ctx, hold, kit.Erasures, nil, now)
			return err
		},
		"opened": func(ctx context.Context) error { return kit.Holds.OpenedAsked(ctx, hold, store.AskedNumbers{}, now) },
		"rules":  func(ctx context.Context) error { _, err := kit.Rules.ReadRules(ctx); return err },
		"rule":   func(ctx context.Context) error { _, _, err := kit.Rules.ReadRule(ctx, "x"); return err },
		"stop":   func(ctx context.Context) error { return kit.Rules.Stop(ctx, "me", now) },
		"resume": func(ctx context.Context) error { return kit.Rules.Resume(ctx) },
		"sweep":  func(ctx context.Context) error { _, err := kit.Rules.ReadSweep(ctx); return err },
		"keep sweep": func(ctx context.Context) error {
			_, err := kit.Rules.KeepSweep(ctx, store.Sweep{Segments: 1})
			return err
		},
		"cursor": func(ctx context.Context) error { _, err := kit.Rules.ReadCursor(ctx, "x"); return err },
		"principal": func(ctx context.Context) error {
			_, _, err := kit.Principals.Find(ctx, store.Operator, "csr", "10.0.0.1")
			return err
		},
		"both": func(ctx context.Context) error { _, err := kit.Principals.FindBoth(ctx, "csr", "10.0.0.1"); return err },
		"token": func(ctx context.Context) error {
			_, _, err := kit.Principals.FindToken(ctx, "x", "ak")
			return err
		},
	} {
		if err := do(t.Context()); !errors.Is(err, store.ErrNewer) {
			t.Errorf("%s: %v", name, err)
		}
		if after := kit.Dump(t, tables...); !slices.Equal(before, after) {
			t.Fatalf("%s has changed %v to %v", name, before, after)
		}
	}
	// These are no errors: another run or worker has it, and nothing was done.
	if err := kit.Rules.KeepCursor(t.Context(), &store.Cursor{Rule: "x"}); !errors.Is(err, store.ErrCursorChanged) {
		t.Errorf("keep cursor: %v", err)
	}
	if err := kit.Erasures.Renew(t.Context(), job, now); !errors.Is(err, store.ErrHeld) {
		t.Errorf("renew: %v", err)
	}
	if err := kit.Erasures.HandOver(t.Context(), "numbers-x", now); err != nil {
		t.Errorf("hand over: %v", err)
	}
	if erased, err := kit.Principals.EraseExpired(t.Context(), "operator#csr", now); erased || err != nil {
		t.Errorf("erase expired: %v, %v", erased, err)
	}
	if stopped, err := kit.Rules.IsStopped(t.Context()); stopped == nil || err != nil {
		t.Errorf("a newer version has stopped all rules: %v, %v", stopped, err)
	}
	due, _, err := kit.Holds.ListDue(t.Context(), dynamotest.StandingIndex, now, 10)
	if err != nil || len(due) != 1 || !due[0].Newer || due[0].ID != "x" {
		t.Errorf("due: %v, %v", due, err)
	}
	for _, what := range []retention.What{retention.Records, retention.Principals} {
		table := kit.Erasures.Table
		if what == retention.Principals {
			table = kit.Principals.Table
		}
		ages := store.Ages{DB: kit.Plain, Table: table, Rule: retention.Rule{What: what}, Cutoff: now}
		page, err := ages.Read(t.Context(), nil, 0)
		if err != nil || page.Read != 1 || len(page.Due) != 0 {
			t.Errorf("%s: %d read, %d due, %v", what, page.Read, len(page.Due), err)
		}
	}
	if after := kit.Dump(t, tables...); !slices.Equal(before, after) {
		t.Errorf("%v became %v", before, after)
	}
}
