package main

import "time"

// partition is a partition of DynamoDB as its documentation describes it: a bucket of write units that fills by rate units a
// second and holds what burst brings (developer guide, "Burst and adaptive capacity": up to 300 s of unused capacity). With
// no burst it holds one second's units. It is never split: the deletions of one customer move through its sort keys in
// order, and so stay on one side of any split.
type partition struct {
	rate  int64         // units a second
	holds time.Duration // of rate
	level int64         // billionths of a unit
	since time.Duration // level's time
}

const unit = int64(time.Second)

// newPartition is full.
func newPartition(rate int64, burst time.Duration) *partition {
	p := &partition{rate: rate, holds: max(burst, time.Second)}
	p.level = p.rate * int64(p.holds)
	return p
}

// take takes up to n units at a time, at least the number least, or none. It returns how many it took.
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
