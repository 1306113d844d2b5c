package bench

import (
	"context"
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
	ran, err := b.start(ctx, "warm", true, warmFloor)
	if err != nil {
		return nil, err
	}
	defer ran.close()
	invocations, err := ran.invocations(ctx, b.Root, warmBefore+warmRounds*p.warmPerRound)
	if err != nil {
		return nil, err
	}
	for _, i := range invocations {
		b.Say("warm invocations of %s", i.function)
		figure, err := i.measure(ctx, p.warmPerRound)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", i.function, err)
		}
		all = append(all, figure)
	}
	return all, nil
}

// side is one of the two programs that are compared.
type side struct {
	invoke func(ctx context.Context, event []byte) ([]byte, error)
	kill   func()
	event  func(n int) ([]byte, error)
	right  func(n int, answer []byte) error
}

// side is a function, or the floor that stands for one.
func (p *programs) side(folder string, isFloor bool, function string) (s side) {
	s.invoke = func(ctx context.Context, event []byte) ([]byte, error) { return p.Invoke(ctx, folder, event) }
	s.kill = func() { _ = p.Kill(folder) }
	if isFloor {
		name := folder + "/" + function
		s.invoke = func(ctx context.Context, event []byte) ([]byte, error) { return p.floors.Invoke(ctx, name, event) }
		s.kill = func() { p.floors.Kill(name) }
	}
	return s
}

// call makes the nth invocation and looks whether its answer is right.
func (s side) call(ctx context.Context, n int) (time.Duration, error) {
	event, err := s.event(n)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	answer, err := s.invoke(ctx, event)
	took := time.Since(began)
	if err == nil {
		err = s.right(n, answer)
	}
	return took, err
}

// sides are the function and its floor.
func (i invocation) sides() [2]side {
	ours, floor := i.ran.side(i.function, false, ""), i.ran.side(warmFloor, true, i.function)
	ours.event, ours.right = i.event, i.right
	floor.event, floor.right = i.floorEvent, func(_ int, answer []byte) error {
		if string(answer) != "null" {
			return fmt.Errorf("the floor answers %s", answer)
		}
		return nil
	}
	return [2]side{ours, floor}
}

// measure lets the function and its floor take turns.
func (i invocation) measure(ctx context.Context, perRound int) (f Figure, err error) {
	sides := i.sides()
	defer func() {
		for _, s := range sides {
			s.kill()
		}
	}()
	if i.slow { // and always the same
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
	f = medians.figure("warm", i.name, "ms").atMost(warmAtMost)
	f.Also = []Number{{"p99", quantile(all[0], 0.99), "ms"}, {"floor's p99", quantile(all[1], 0.99), "ms"}}
	return f, nil
}
