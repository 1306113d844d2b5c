// Package warm measures invocations of functions that are running already, over the Runtime API, beside a program that makes
// only the DynamoDB calls.
package warm

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"customercare/infra/bench/program"
	"customercare/infra/bench/result"
	"customercare/infra/bench/setup"
)

const (
	rounds = 5
	// perRound is how many invocations a round has of either side, which take turns one by one. A password takes 20 times as
	// long as anything else, and always the same.
	perRound, perRoundSlow = 100, 50
	// before is how many come first and do not count.
	before = 30
	atMost = 1.3
)

// Measure is table 4.
func Measure(ctx context.Context, s setup.Setup) (m result.Measured, err error) {
	stage, err := program.Open(ctx, s, "warm-")
	if err != nil {
		return m, err
	}
	defer stage.Close()
	// The recording makes one invocation of either side.
	const calls = 1 + before + rounds*perRound
	if err := load(ctx, stage, s.Root, calls); err != nil {
		return m, err
	}
	all, err := operations(ctx, s, stage)
	if err != nil {
		return m, err
	}
	for _, o := range all {
		if err := o.sameCalls(ctx, s, stage); err != nil {
			return m, fmt.Errorf("%s: %w", o.function, err)
		}
	}
	for _, o := range all {
		s.Say("warm: %s", o.function)
		figure, err := o.measure(ctx, stage)
		if err != nil {
			return m, fmt.Errorf("%s: %w", o.function, err)
		}
		m.Figures = append(m.Figures, figure)
	}
	return m, done(ctx, stage, calls)
}

// side is one of the two programs that are compared.
type side struct {
	*program.Process
	event func(n int) ([]byte, error)
	right func(n int, answer []byte) error
}

// start runs the function and its floor, with DynamoDB at endpoint ("" for the setup's).
func (o operation) start(ctx context.Context, stage *program.Stage, endpoint string) (sides [2]side, end func(), err error) {
	var started []*program.Process
	end = func() {
		for _, p := range started {
			p.Close()
		}
	}
	ours, err1 := stage.Function(o.function, endpoint)
	floor, err2 := stage.Floor("warm", o.function, endpoint)
	if err := errors.Join(err1, err2); err != nil {
		return sides, end, err
	}
	for _, p := range []program.Program{ours, floor} {
		running, err := p.Run(ctx)
		if err != nil {
			end()
			return sides, func() {}, err
		}
		started = append(started, running)
	}
	sides[0] = side{started[0], o.event, o.right}
	sides[1] = side{started[1], o.floorEvent, func(_ int, answer []byte) error {
		if string(answer) != "null" {
			return fmt.Errorf("the floor answers %s", answer)
		}
		return nil
	}}
	return sides, end, nil
}

// call makes the n-th invocation and looks whether its answer is right.
func (s side) call(ctx context.Context, n int) (time.Duration, error) {
	event, err := s.event(n)
	if err != nil {
		return 0, err
	}
	answer, took, err := s.Invoke(ctx, event)
	if err != nil {
		return 0, err
	}
	return took, s.right(n, answer)
}

// measure lets the function and its floor take turns.
func (o operation) measure(ctx context.Context, stage *program.Stage) (f result.Figure, err error) {
	sides, end, err := o.start(ctx, stage, "")
	if err != nil {
		return f, err
	}
	defer end()
	n := 1
	for range before {
		for _, s := range sides {
			if _, err := s.call(ctx, n); err != nil {
				return f, err
			}
		}
		n++
	}
	var ratios []float64
	var all, medians, cpu [2][]float64 // all in milliseconds; of each round in medians and cpu
	turns := perRound
	if o.slow {
		turns = perRoundSlow
	}
	for range rounds {
		var round [2][]float64
		var began [2]time.Duration
		for i, s := range sides {
			began[i] = s.CPU()
		}
		for range turns {
			for i := range sides {
				i = (i + n) % 2 // neither always comes after the other
				took, err := sides[i].call(ctx, n)
				if err != nil {
					return f, err
				}
				round[i] = append(round[i], milliseconds(took))
			}
			n++
		}
		for i, s := range sides {
			cpu[i] = append(cpu[i], milliseconds(s.CPU()-began[i])/float64(turns))
			medians[i] = append(medians[i], result.Median(round[i]))
			all[i] = append(all[i], round[i]...)
		}
		ratios = append(ratios, result.Median(round[0])/result.Median(round[1]))
	}
	ratio := result.Median(ratios)
	return result.Figure{
		Table: 4, Case: o.name, Unit: "ms", Ours: result.Median(medians[0]), Floor: result.Median(medians[1]), Ratio: ratio,
		Goal: fmt.Sprintf("<= %.1fx", atMost), Met: ratio <= atMost, Runs: rounds, Note: o.note,
		Also: []result.Number{
			{Name: "p99", Value: result.Quantile(all[0], 0.99), Unit: "ms"},
			{Name: "floor's p99", Value: result.Quantile(all[1], 0.99), Unit: "ms"},
			{Name: "own CPU", Value: microseconds(cpu[0]), Unit: "us"},
			{Name: "floor's CPU", Value: microseconds(cpu[1]), Unit: "us"},
		},
	}, nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// microseconds is the median of milliseconds, in whole microseconds.
func microseconds(ms []float64) float64 { return math.Round(result.Median(ms) * 1000) }
