package main

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"customercare/shared/invocation"
	"customercare/shared/store"
)

// What a run does at the same time, and for how long. The sweep must keep up with the
// API, which lets in 100 settings of allows a second (ProvisionRate): should each expire
// before it is set again, that is 6,000 removals a minute.
//
// A removal is one round trip, on AWS about 9 ms. In a run of 10 s these are 1,150
// removals one after the other, 2,200 two at a time in one part of the table, and 8,900
// in four parts. A part whose run does not suffice waits, and the next runs go on with
// it beside the parts of their own minutes. With 6,000 removals in each part, each part
// takes three runs, and three are swept at a time. To read a part of a table of 20 GB
// takes 14 pages of 70 ms.
//
// A user of 2 KB takes 2 write units, so a part uses 2 x 2 / 9 ms = 450 of the 1,000
// units a second of its partition, and leaves the others to callers. The parts of four
// minutes in a row lie a quarter of the keys apart: in four partitions, as many as a new
// table has.
const (
	// sweepBudget is how long a run works on expired allows. So neither a large table nor
	// many open erasures keep the other from being worked on.
	sweepBudget = 10 * time.Second
	// sweepParts is how many parts of the table a run sweeps at the same time. One has
	// its turn each minute; the others are those that wait.
	sweepParts = 4
	// removalsAtOnce is how many users of a part are written to at the same time.
	removalsAtOnce = 2
	// firstTurns is how many minutes' turns a new process begins with: its own, and those
	// that the process before it may have left when it ended.
	firstTurns = 5
	// maxIdle is how many runs in a row may remove nothing of a page. Then the next run
	// goes on behind that page.
	maxIdle = 3
)

// part is a part of the users table whose turn has come.
type part struct {
	store.Segment
	due time.Time // its turn

	begun, done bool // in this run
	failed      bool // the page it stands at could not be read
	idle        int  // runs in a row that removed nothing of the page it stands at
}

// takeTurns adds the parts to those that wait whose turn is the minute of at, or was a
// minute since the last run. So a start that comes late, twice or not at all skips no
// part. A process that does not know of a last run takes the last few minutes' parts.
//
// A part that still waits keeps its place. One that could not be read begins anew, so
// that what is readable of it is swept.
func (h *handler) takeTurns(at time.Time) {
	turns := int64(max(1, h.segments))
	minute := at.Unix() / 60
	first := min(h.next, minute)
	if h.next == 0 {
		first = minute - firstTurns + 1
	}
	first = max(first, minute-turns+1)
	h.next = max(h.next, minute+1)
	waiting := make(map[int32]*part, len(h.waiting))
	for _, p := range h.waiting {
		waiting[p.Number] = p
	}
	for ; first <= minute; first++ {
		s := store.Segment{Number: int32(first * stride(turns) % turns), Total: int32(turns)}
		if p := waiting[s.Number]; p == nil {
			waiting[s.Number] = &part{Segment: s, due: time.Unix(first*60, 0)}
			h.waiting = append(h.waiting, waiting[s.Number])
		} else if p.failed {
			p.Segment, p.failed = s, false
		}
	}
}

// stride is how many parts further on the part of the next minute lies: a quarter of all
// parts (1/sweepParts), or a few more, until it has no divisor in common with their
// number. So each of that many minutes has a part of its own.
func stride(turns int64) int64 {
	s := (turns + sweepParts - 1) / sweepParts
	for greatestCommonDivisor(s, turns) > 1 {
		s++
	}
	return s
}

func greatestCommonDivisor(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// sweeping is one run of the sweep.
type sweeping struct {
	users store.Users
	by    time.Time // an allow that expired until then has expired by every clock

	mu      sync.Mutex
	removed int
	oldest  time.Time // when the first of the allows expired that could not be removed
}

// sweep removes expired allows from the parts whose turn has come. First come those that
// runs before did not come to, or had no time to end. It returns how many allows it
// removed, and how far the sweep is behind (metric.SweepBehind).
//
// The error is the first of all that went wrong. A user or a part that fails keeps no
// other from being swept.
func (h *handler) sweep(ctx context.Context, at time.Time) (removed int, behind time.Duration, err error) {
	defer invocation.Recover("cleanup: sweep", &err)
	ctx, release := h.clock.WithTimeout(ctx, sweepBudget)
	defer release()
	h.takeTurns(at)
	s := &sweeping{users: h.users, by: h.clock.Now().Add(-h.skew)}
	var group errgroup.Group
	group.SetLimit(sweepParts)
	for _, p := range h.waiting {
		p.begun = false
		group.Go(func() error { return s.sweep(ctx, p) })
	}
	err = group.Wait()
	var unread, rest []*part // those not begun go first next time
	now := h.clock.Now()
	for _, p := range h.waiting {
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
	h.waiting = append(unread, rest...)
	if !s.oldest.IsZero() {
		turn := time.Duration(max(1, h.segments)) * time.Minute
		behind = max(behind, s.by.Sub(s.oldest)-turn)
	}
	return s.removed, behind, err
}

// sweep sweeps one part until its end, or until ctx ends. Where ctx ends in the middle
// of a page, the next run begins with that page, unless its users have long let nothing
// be removed (maxIdle).
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
		if ctx.Err() != nil && len(users) > 0 && p.idle < maxIdle {
			p.Segment = page
			return err
		}
		p.idle, p.done = 0, !more
	}
	return err
}

// read is the users of the part's next page that have an expired allow. It moves the part
// on behind that page.
func (s *sweeping) read(
	ctx context.Context, p *part,
) (users []store.Expired, more bool, err error) {
	defer invocation.Recover("cleanup: sweep", &err)
	return s.users.ReadExpired(ctx, &p.Segment, s.by)
}

// remove removes the expired allows of each of users, whatever becomes of the others. It
// returns how many allows it removed; the error is the first of all.
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
