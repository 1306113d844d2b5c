package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
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
func (p plan) warm(ctx context.Context, b *Bench) (all []Figure, err error) {
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
	return all, nil
}

// side is one of the two programs that are compared, by its name.
type side struct {
	*site
	name  string
	event func(n int) ([]byte, error) // of the nth call
	right func(n int, answer []byte) error
}

// call makes the nth invocation and looks whether its answer is right.
func (s side) call(ctx context.Context, n int) (time.Duration, error) {
	event, err := s.event(n)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	answer, err := s.invoke(ctx, s.name, event)
	took := time.Since(began)
	if err == nil {
		err = s.right(n, answer)
	}
	return took, err
}

// sides are the function and its floor.
func (c comparison) sides() [2]side {
	ours, floor := side{site: c.ran, name: c.function}, side{site: c.ran, name: warmFloor + "/" + c.function}
	ours.event = func(n int) ([]byte, error) { return c.event(whom(oursSide, n)) }
	ours.right = func(n int, answer []byte) error { return c.right(whom(oursSide, n), answer) }
	floor.event = func(n int) ([]byte, error) {
		return json.Marshal(object{"Number": n % len(c.recorded), "Password": c.password})
	}
	floor.right = func(_ int, answer []byte) error {
		if string(answer) != "null" {
			return fmt.Errorf("the floor answers %s", answer)
		}
		return nil
	}
	return [2]side{ours, floor}
}

// load starts the floor and hands it what it is to ask of DynamoDB.
func (c comparison) load(ctx context.Context) error {
	event, err := json.Marshal(object{"Load": c.recorded})
	if err == nil {
		_, err = c.ran.invoke(ctx, warmFloor+"/"+c.function, event)
	}
	return err
}

// measure lets the function and its floor take turns.
func (c comparison) measure(ctx context.Context, perRound int) (f Figure, err error) {
	sides := c.sides()
	defer func() {
		for _, s := range sides {
			s.kill(s.name)
		}
	}()
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
			for at := range sides {
				at = (at + n) % 2 // neither always comes after the other
				d, err := sides[at].call(ctx, n)
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
	f = medians.figure("warm", c.name, "ms").atMost(warmAtMost)
	f.Also = []Number{{"p99", quantile(all[0], 0.99), "ms"}, {"floor's p99", quantile(all[1], 0.99), "ms"}}
	return f, nil
}
