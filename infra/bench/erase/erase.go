// Package erase measures erasures on the local stack: one customer with many transactions (table 5), many numbers with many
// contacts (table 6), and the memory of the functions that did it (table 9).
package erase

import (
	"context"
	"fmt"
	"slices"

	"customercare/infra/bench/result"
	"customercare/infra/bench/setup"
)

// plan is how much is erased, and how often.
type plan struct {
	customers []customers
	deep      deep
	numbers   int // of one call
	contacts  []contacts
}

// customers are pairs of erasures, ours and the floor's, of a customer with so many transactions.
type customers struct{ transactions, pairs int }

// deep is one collection that the floor erases the beginning of and we the rest: at this size one erasure takes minutes, and
// a part of it tells the floor's rate.
type deep struct{ transactions, floor int }

// contacts are rounds of erasures, ours and the floors', of plan.numbers numbers with so many contacts each. The floors
// erase floor numbers: a part tells their rate.
type contacts struct{ each, rounds, floor int }

// full is the plan of `make bench`. The rounds of the largest sizes are what its time allows.
var full = plan{
	customers: []customers{{10, 11}, {1_000, 7}, {100_000, 1}},
	numbers:   1000,
	contacts:  []contacts{{0, 5, 1000}, {10, 5, 200}, {100, 1, 100}},
}

// large is what is left of the time for.
var large = plan{deep: deep{1_000_000, 50_000}}

// MeasureLarge adds to table 5 the largest customer, a million transactions or as many as there is time for until ctx ends.
func MeasureLarge(ctx context.Context, s setup.Setup) (result.Measured, error) {
	return large.measure(ctx, s)
}

// Measure fills tables 5 and 6, and 9 under both.
func Measure(ctx context.Context, s setup.Setup) (result.Measured, error) {
	return full.measure(ctx, s)
}

func (p plan) measure(ctx context.Context, s setup.Setup) (all result.Measured, err error) {
	for _, part := range []struct {
		table   int
		measure func(context.Context, setup.Setup) (result.Measured, error)
	}{{5, p.ofCustomers}, {6, p.ofNumbers}} {
		if !s.Wants(part.table) && !s.Wants(9) || part.table == 6 && p.numbers == 0 {
			continue
		}
		measured, err := part.measure(ctx, s)
		if err != nil {
			return all, err
		}
		all.Figures, all.Curves = append(all.Figures, measured.Figures...), append(all.Curves, measured.Curves...)
	}
	return all, nil
}

// series are the seconds that erasures of some items took, ours and the floor's, which erased items of its own.
type series struct {
	items, floorItems int
	ours, floor       []float64
}

// figure compares the rates, pair by pair.
func (s series) figure(table int, name, unit string) result.Figure {
	var ratios []float64
	for i := range s.ours {
		ratios = append(ratios, s.rate(i)/s.floorRate(i))
	}
	return result.Figure{
		Table: table, Case: name, Unit: unit,
		Ours: float64(s.items) / result.Median(s.ours), Floor: float64(s.floorItems) / result.Median(s.floor),
		Ratio: result.Median(ratios), Runs: len(s.ours), Met: true,
		Also: []result.Number{{Name: "in all", Value: result.Median(s.ours), Unit: "s"}},
	}
}

func (s series) rate(i int) float64      { return float64(s.items) / s.ours[i] }
func (s series) floorRate(i int) float64 { return float64(s.floorItems) / s.floor[i] }

// atLeast sets a goal for the ratio.
func atLeast(f result.Figure, ratio float64) result.Figure {
	f.Goal, f.Met = fmt.Sprintf(">= %.2fx", ratio), f.Ratio >= ratio
	return f
}

// inTurn does all of steps, in another order each round, so that none is always the one that comes after another.
func inTurn(round int, steps ...func() error) error {
	first := round % len(steps)
	for _, step := range slices.Concat(steps[first:], steps[:first]) {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}
