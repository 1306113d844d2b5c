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

// Numbers accepts the erasure of every contact of the tenant in which one of numbers
// takes part. It returns nil once that is on record: from then on no call or process that
// fails can lose it. After an error the caller asks again. numbers holds no duplicates.
//
// The same numbers again, while the first request is open, join it. Overlapping lists are
// jobs of their own, with a record each; so are the same numbers when the keys of digests
// were rotated in between. What two jobs delete at the same moment, both count.
func (i NumbersIntake) Numbers(
	ctx context.Context, tenant string, numbers []string, requestedBy string,
) error {
	now := i.now()
	sorted := slices.Sorted(slices.Values(numbers))
	job := &store.Job{
		Key: store.NumbersJob(i.digests.Set(tenant, sorted)), ID: store.NewID(now), Scope: tenant,
		RequestedBy: requestedBy, RequestedAt: now,
		Identifiers: sorted, Subjects: make([]string, len(sorted)),
	}
	for n, number := range sorted {
		job.Subjects[n] = i.digests.Subject("number", tenant, number)
	}
	joined, err := i.ledger.OpenNumbers(ctx, job, now.Add(pickUp))
	if err == nil && joined { // a new job starts its worker by itself
		if err := i.ledger.HandOver(ctx, job.Key, now); err != nil {
			slog.Warn("not handed over, cleanup takes it up", "cause", err.Error())
		}
	}
	return err
}
