package main

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"customercare/shared/invocation"
	"customercare/shared/store"
)

// What a run does at once, and for how long, so that the sweep keeps up with the 100 settings a
// second that the API lets in (ProvisionRate), should each expire before it is set again: 6,000
// removals a minute.
//
// A removal is one round trip, on AWS about 9 ms. One after the other they are 1,150 in a run; two at
// a time 2,200 of one part, and 8,900 of four. A part whose minute does not suffice waits, and the next
// runs go on with it beside those of their own minutes: with 6,000 in each part, each takes three runs
// and three are swept at a time. To read a part of a table of 20 GB takes 14 pages of 70 ms.
//
// A user of 2 KB takes 2 write units, so a part has 2 x 2 / 9 ms = 450 of the 1,000 units a second of
// its partition, and callers the others. The parts of four minutes in a row lie a quarter of the keys
// apart: in four partitions, as many as a new table has.
const (
	// sweepBudget is what a run spends on expired allows, so that a backlog of erasures and a
	// large table do not keep each other from being worked on.
	sweepBudget = 10 * time.Second
	// sweepParts is how many parts of the table a run sweeps at the same time. One has its turn
	// each minute; the others are those that wait.
	sweepParts = 4
	// removalsAtOnce is how many users of a part are written to at the same time.
	removalsAtOnce = 2
	// madeUp is how many minutes' turns a new process begins with: its own, and those that the one
	// before it may have left when it ended.
	madeUp = 5
	// fruitless is how many runs in a row may remove nothing of a page before they go on behind it.
	fruitless = 3
)

// part is a part of the users table whose turn has come.
type part struct {
	store.Segment
	due time.Time // its turn

	begun, done bool // in this run
	failed      bool // it could not be read on
	idle        int  // runs in a row that removed nothing of the page it stands at
}

// takeTurns lets the parts wait whose turn is the minute of at, or was one between the last run's
// and that: a late, a left out and a repeated start skip nothing. A process that does not know the
// last run takes the last few minutes for left out. A part that still waits keeps its place. One
// that could not be read begins anew, so that what is readable of it is swept.
func (c *cleaner) takeTurns(at time.Time) {
	turns := int64(max(1, c.segments))
	minute := at.Unix() / 60
	first := min(c.next, minute)
	if c.next == 0 {
		first = minute - madeUp + 1
	}
	first = max(first, minute-turns+1)
	c.next = max(c.next, minute+1)
	waiting := make(map[int32]*part, len(c.waiting))
	for _, p := range c.waiting {
		waiting[p.Number] = p
	}
	for ; first <= minute; first++ {
		s := store.Segment{Number: int32(first * stride(turns) % turns), Total: int32(turns)}
		if p := waiting[s.Number]; p == nil {
			waiting[s.Number] = &part{Segment: s, due: time.Unix(first*60, 0)}
			c.waiting = append(c.waiting, waiting[s.Number])
		} else if p.failed {
			p.Segment, p.failed = s, false
		}
	}
}

// stride is how many parts lie between those of two minutes in a row: a sweepParts-th of all, or a
// few more, so that no part is left out.
func stride(turns int64) int64 {
	s := (turns + sweepParts - 1) / sweepParts
	for common(s, turns) > 1 {
		s++
	}
	return s
}

// common is the greatest common divisor.
func common(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// sweeping is one run of the sweep.
type sweeping struct {
	users store.Users
	by    time.Time // what expired until then is in force by no clock

	mu      sync.Mutex
	removed int
	oldest  time.Time // when the first of the allows expired that could not be removed
}

// sweep takes expired allows out of the parts whose turn has come, those first that the runs
// before did not come to or had no time to end. It returns how many it removed, and how far the
// sweep is behind (metric.SweepBehind). The error is the first of what went wrong; a user or a part
// that fails keeps nobody else from being swept, nor the erasures from being worked on.
func (c *cleaner) sweep(ctx context.Context, at time.Time) (removed int, behind time.Duration, err error) {
	defer invocation.Recover("cleanup: sweep", &err)
	ctx, release := c.clock.WithTimeout(ctx, sweepBudget)
	defer release()
	c.takeTurns(at)
	s := &sweeping{users: c.users, by: c.clock.Now().Add(-c.skew)}
	var group errgroup.Group
	group.SetLimit(sweepParts)
	for _, p := range c.waiting {
		p.begun = false
		group.Go(func() error { return s.sweep(ctx, p) })
	}
	err = group.Wait()
	var unread, rest []*part // none goes first in every run
	now := c.clock.Now()
	for _, p := range c.waiting {
		switch {
		case p.done:
			continue
		case p.begun:
			rest = append(rest, p)
		default:
			unread = append(unread, p)
		}
		behind = max(behind, now.Sub(p.due))
	}
	c.waiting = append(unread, rest...)
	if !s.oldest.IsZero() {
		turn := time.Duration(max(1, c.segments)) * time.Minute
		behind = max(behind, s.by.Sub(s.oldest)-turn)
	}
	return s.removed, behind, err
}

// sweep sweeps one part until its end, or until ctx ends.
func (s *sweeping) sweep(ctx context.Context, p *part) (err error) {
	defer invocation.Recover("cleanup: sweep", &err)
	for more := true; more && ctx.Err() == nil; {
		p.begun = true
		page := p.Segment
		var users []store.Expired
		if users, more, err = s.read(ctx, p); err != nil {
			p.failed = ctx.Err() == nil
			return err
		}
		p.failed = false
		removed, pageErr := s.remove(ctx, users)
		if err == nil {
			err = pageErr
		}
		if p.idle++; removed > 0 {
			p.idle = 0
		}
		if ctx.Err() != nil && len(users) > 0 && p.idle < fruitless {
			p.Segment = page
			return err
		}
		p.idle, p.done = 0, !more
	}
	return err
}

func (s *sweeping) read(ctx context.Context, p *part) (users []store.Expired, more bool, err error) {
	defer invocation.Recover("cleanup: sweep", &err)
	return s.users.ReadExpired(ctx, &p.Segment, s.by)
}

// remove removes what of users has expired, of each whatever becomes of the others.
func (s *sweeping) remove(ctx context.Context, users []store.Expired) (removed int, err error) {
	var group errgroup.Group
	group.SetLimit(removalsAtOnce)
	for _, user := range users {
		group.Go(func() (err error) {
			n := 0
			defer func() {
				s.mu.Lock()
				defer s.mu.Unlock()
				removed, s.removed = removed+n, s.removed+n
				if since := user.Since(); err != nil && (s.oldest.IsZero() || since.Before(s.oldest)) {
					s.oldest = since
				}
			}()
			defer invocation.Recover("cleanup: sweep", &err)
			n, err = s.users.RemoveExpired(ctx, user)
			return err
		})
	}
	err = group.Wait()
	return removed, err
}
