package bench_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"customercare/infra/bench"
)

// The sides of a comparison, as a part of the names of what each works on.
const oursSide, theFloorSide = "ours", "floor"

// race is an erasure by the product beside the same by the floor. In each round either
// side erases items of its own, freshly loaded.
type race struct {
	name  string // begins every name of an item
	items int    // a customer or a number each; of either side, in each round
	fill  func(names []string) error
	ours  func(names []string) (time.Duration, error)
	floor func(names []string) (time.Duration, error)
	table string // in which nothing may be left after a round
}

// run gives the seconds that either side took, round by round.
func (s *site) run(ctx context.Context, r race, rounds int) (seconds pairs, err error) {
	for round := range rounds {
		var took [2]time.Duration
		step := func(at int, side string, erase func([]string) (time.Duration, error)) func() error {
			return func() (err error) {
				names := make([]string, r.items)
				for i := range names {
					names[i] = fmt.Sprintf("%s-%d-%s-%d", r.name, round, side, i)
				}
				if err = r.fill(names); err == nil {
					took[at], err = erase(names)
				}
				return err
			}
		}
		err := inTurn(round, step(0, oursSide, r.ours), step(1, theFloorSide, r.floor))
		if err == nil {
			err = s.nothingLeft(ctx, r.table)
		}
		if err != nil {
			return seconds, fmt.Errorf("%s: %w", r.name, err)
		}
		seconds.add(took[0].Seconds(), took[1].Seconds())
	}
	return seconds, nil
}

// inTurn does all of steps, in another order each round, so that none is always the one
// that comes after another.
func inTurn(round int, steps ...func() error) error {
	for i := range steps {
		if err := steps[(i+round)%len(steps)](); err != nil {
			return err
		}
	}
	return nil
}

// untilGone is how long it takes from a request to its answer, and until what it erases
// is gone, which is asked every so often. What asking takes does not count.
func untilGone(
	ctx context.Context, every time.Duration, request func() error, isGone func() (bool, error),
) (answered, gone time.Duration, err error) {
	began := time.Now()
	if err := request(); err != nil {
		return 0, 0, err
	}
	answered = time.Since(began)
	for {
		gone = time.Since(began)
		if is, err := isGone(); is || err != nil {
			return answered, gone, err
		}
		select {
		case <-ctx.Done():
			return 0, 0, context.Cause(ctx)
		case <-time.After(every):
		}
	}
}

// median is the middle one of all, the mean of the two in the middle when their number is
// even, NaN of none.
func median(all []float64) float64 { return quantile(all, 0.5) }

// quantile is the value below which the part q of all lies, interpolated between
// neighbours, NaN of none.
func quantile(all []float64, q float64) float64 {
	if len(all) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(all))
	at := q * float64(len(sorted)-1)
	below := int(at)
	if below == len(sorted)-1 {
		return sorted[below]
	}
	return sorted[below] + (at-float64(below))*(sorted[below+1]-sorted[below])
}

// pairs are measurements of ours and of the floor, made in turn.
type pairs struct{ ours, floor []float64 }

func (p *pairs) add(ours, floor float64) {
	p.ours, p.floor = append(p.ours, ours), append(p.floor, floor)
}

// rates are so many items through each number of seconds.
func (p pairs) rates(items int) (rates pairs) {
	for i := range p.ours {
		rates.add(float64(items)/p.ours[i], float64(items)/p.floor[i])
	}
	return rates
}

// figure compares them: the ratio is the median of the pairs' own.
func (p pairs) figure(table, name, unit string) bench.Figure {
	var ratios []float64
	for i := range p.ours {
		ratios = append(ratios, p.ours[i]/p.floor[i])
	}
	return bench.Figure{
		Table: table, Case: name, Unit: unit, Ours: median(p.ours), Floor: median(p.floor), Ratio: median(ratios),
		Met: true, Runs: len(p.ours),
	}
}
