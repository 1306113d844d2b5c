package scale

import (
	"testing"
	"time"
)

// partition is a partition of DynamoDB as its documentation describes it: a bucket of
// write units that fills by rate units a second and holds what holds brings. With one
// second it keeps nothing for later; the developer guide ("Burst and adaptive capacity")
// speaks of up to 300 s of unused capacity, without a promise. It is never split: the
// deletions of one customer move through its sort keys in order, and so stay on one side
// of any split.
type partition struct {
	rate  int64         // units a second
	holds time.Duration // of rate
	level int64         // billionths of a unit
	since time.Duration // level's time
}

const unit = int64(time.Second)

// newPartition is full.
func newPartition(rate int64, holds time.Duration) *partition {
	return &partition{rate: rate, holds: holds, level: rate * int64(holds)}
}

// take takes up to n units at a time, at least the number least, or none. It returns how
// many it took.
func (p *partition) take(now time.Duration, n, least int) int {
	p.level += p.rate * int64(now-p.since)
	p.level = min(p.level, p.rate*int64(p.holds))
	p.since = now
	got := int(min(int64(n), p.level/unit))
	if got < least {
		return 0
	}
	p.level -= int64(got) * unit
	return got
}

// best is the least time in which the partition takes so many units.
func (p *partition) best(units int) time.Duration {
	return time.Duration(max(0, int64(units)*unit-p.level) / p.rate)
}

func TestPartition(t *testing.T) {
	p := newPartition(1000, time.Second)
	if got := p.take(0, 1500, 1); got != 1000 {
		t.Errorf("a full bucket gave %d", got)
	}
	if got := p.take(9*time.Millisecond, 25, 1); got != 9 {
		t.Errorf("9 ms gave %d", got)
	}
	if got := p.take(30*time.Millisecond, 25, 25); got != 0 {
		t.Errorf("21 ms gave all of 25, or %d", got)
	}
	if got := p.take(34*time.Millisecond, 25, 25); got != 25 { // what was refused is still there
		t.Errorf("25 ms gave %d", got)
	}
	if got := p.take(time.Hour, 2000, 1); got != 1000 {
		t.Errorf("an hour gave %d", got)
	}
	b := newPartition(1000, 300*time.Second)
	if got := b.take(time.Minute, 400_000, 1); got != 300_000 {
		t.Errorf("the burst gave %d", got)
	}
	if got := newPartition(1000, time.Second).best(3000); got != 2*time.Second {
		t.Errorf("3,000 units take %s at best", got)
	}
}
