package erasure

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"customercare/shared/digest"
	"customercare/shared/store"
)

// NumbersIntake accepts erasures of customer numbers (operation 4). NewNumbersIntake
// makes one, NumbersSettings.Intake one from a function's environment.
type NumbersIntake struct {
	ledger  store.Erasures
	digests digest.Digester
	now     func() time.Time
}

// NewNumbersIntake is a NumbersIntake on this ledger.
func NewNumbersIntake(
	ledger store.Erasures, digests digest.Digester, now func() time.Time,
) NumbersIntake {
	return NumbersIntake{ledger, digests, now}
}

// NumbersRequest asks for the erasure of every contact of the tenant in which one of
// Numbers takes part.
type NumbersRequest struct {
	Tenant  string
	Numbers []string // no two of them are the same
	// Subjects are the digests of Numbers under the current key, where the caller has
	// made them already and Numbers are sorted; nil: they are made here.
	Subjects []string
	By       string // the app that asks
	Ticket   string // the caller's own name for the request, "" where it gave none
}

// Numbers accepts an erasure of numbers. It returns its id once it is on record: from
// then on no call or process that fails can lose it. After an error the caller asks
// again.
//
// The same numbers again, while the first request is open, join it and get its id.
// Overlapping lists are jobs of their own, with a record each; so are the same numbers
// when the keys of digests were rotated in between. What two jobs delete at the same
// moment, both count.
func (i NumbersIntake) Numbers(ctx context.Context, asked NumbersRequest) (id string, err error) {
	now := i.now()
	sorted := slices.Sorted(slices.Values(asked.Numbers))
	job := &store.Job{
		Key: store.NumbersJob(i.digests.Set(asked.Tenant, sorted)), ID: store.NewID(now), Scope: asked.Tenant,
		RequestedBy: asked.By, RequestedAt: now, Ticket: hashOf(asked.Ticket),
		Identifiers: sorted, Subjects: asked.Subjects,
	}
	if len(job.Subjects) != len(sorted) || !slices.IsSorted(asked.Numbers) {
		job.Subjects = make([]string, len(sorted))
		for n, number := range sorted {
			job.Subjects[n] = i.digests.Subject("number", asked.Tenant, number)
		}
	}
	accept(job, job.Subjects)
	id, joined, err := i.ledger.OpenNumbers(ctx, job, now.Add(pickUp))
	if err == nil && joined { // a new job starts its worker by itself
		if err := i.ledger.HandOver(ctx, job.Key, now); err != nil {
			slog.Warn("not handed over, cleanup takes it up", "cause", err.Error())
		}
	}
	return id, err
}
