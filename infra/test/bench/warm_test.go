package bench_test

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"customercare/infra/bench"
)

const (
	warmFloor  = "warm" // see infra/bench/floor/warm
	warmRounds = 5
	warmAtMost = 1.3 // the goal: so many times the floor's time
	warmBefore = 30  // invocations of each side that come first
)

// warm is an invocation of functions that are running already, over the Runtime API,
// beside a program that makes only the same DynamoDB calls. Both sides take turns, one by
// one.
func (p plan) warm(ctx context.Context, b *Bench) (all []bench.Figure, err error) {
	calls := warmBefore + warmRounds*p.warmPerRound
	b.Say("recording what the functions ask of DynamoDB")
	comparisons, end, err := b.comparisons(ctx, calls)
	if err != nil {
		return nil, err
	}
	defer end()
	for _, c := range comparisons {
		b.Say("warm invocations of %s", c.function)
		figure, err := c.measure(ctx, p.warmPerRound)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.function, err)
		}
		all = append(all, figure)
	}
	return append(all, b.memory("warm invocations")...), nil
}

// call makes the nth invocation of the function, whose answer must be right.
func (c comparison) call(ctx context.Context, n int) (took time.Duration, err error) {
	who := whom(oursSide, n)
	event, err := c.event(who)
	if err != nil {
		return 0, err
	}
	answer, took, err := c.ran.timed(ctx, c.function, event)
	if err == nil {
		err = c.right(who, answer)
	}
	return took, err
}

// callFloor makes the nth invocation of the floor, which answers nothing.
func (c comparison) callFloor(ctx context.Context, n int) (took time.Duration, err error) {
	event, err := json.Marshal(object{"Number": n % len(c.recorded), "Password": c.password})
	if err != nil {
		return 0, err
	}
	answer, took, err := c.ran.timed(ctx, c.floor(), event)
	if err == nil && string(answer) != "null" {
		err = fmt.Errorf("the floor answers %s", answer)
	}
	return took, err
}

func (c comparison) floor() string { return warmFloor + "/" + c.function }

// sides are a call of the function and one of its floor.
func (c comparison) sides() [2]func(ctx context.Context, n int) (time.Duration, error) {
	return [...]func(context.Context, int) (time.Duration, error){c.call, c.callFloor}
}

// load starts the floor and hands it what it is to ask of DynamoDB.
func (c comparison) load(ctx context.Context) error {
	event, err := json.Marshal(object{"Load": c.recorded})
	if err == nil {
		_, err = c.ran.invoke(ctx, c.floor(), event)
	}
	return err
}

// measure lets the function and its floor take turns. Their processes stay, for memory.
func (c comparison) measure(ctx context.Context, perRound int) (f bench.Figure, err error) {
	if err := c.load(ctx); err != nil {
		return f, err
	}
	if c.slow { // and always the same
		perRound = (perRound + 1) / 2
	}
	var medians pairs
	var all [2][]float64 // in milliseconds
	for n, round := 0, -1; round < warmRounds; round++ {
		turns := perRound
		if round < 0 { // what is new is slow, and does not count
			turns = warmBefore
		}
		var took [2][]float64
		for range turns {
			for at := range took {
				at = (at + n) % 2 // neither always comes after the other
				d, err := c.sides()[at](ctx, n)
				if err != nil {
					return f, err
				}
				took[at] = append(took[at], milliseconds(d))
			}
			n++
		}
		if round >= 0 {
			medians.add(median(took[0]), median(took[1]))
			all[0], all[1] = append(all[0], took[0]...), append(all[1], took[1]...)
		}
	}
	f = medians.figure("warm", c.name, "ms").AtMost(warmAtMost)
	f.Also = []bench.Number{{Name: "p99", Value: quantile(all[0], 0.99), Unit: "ms"}, {Name: "floor's p99", Value: quantile(all[1], 0.99), Unit: "ms"}}
	return f, nil
}
