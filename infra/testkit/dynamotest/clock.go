package dynamotest

import (
	"sync"
	"time"
)

// Clock is a clock that a test moves. It stands still while the test does not.
type Clock struct {
	time.Time

	mu     sync.Mutex
	alarms map[*alarm]struct{}
}

// alarm is a function that is called when the clock shows its time.
type alarm struct {
	at time.Time
	do func()
}

// Now is what the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.Time
}

// Advance moves the clock, back when d is negative, and calls what has become due.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	c.Time = c.Time.Add(d)
	var due []*alarm
	for a := range c.alarms {
		if !a.at.After(c.Time) {
			due = append(due, a)
			delete(c.alarms, a)
		}
	}
	c.mu.Unlock()
	for _, a := range due {
		a.do()
	}
}

// AfterFunc is time.AfterFunc on this clock: do runs within the Advance that moves the
// clock so far. stop says whether it was in time.
func (c *Clock) AfterFunc(d time.Duration, do func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a := &alarm{c.Time.Add(d), do}
	if c.alarms == nil {
		c.alarms = make(map[*alarm]struct{})
	}
	c.alarms[a] = struct{}{}
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, waits := c.alarms[a]
		delete(c.alarms, a)
		return waits
	}
}
