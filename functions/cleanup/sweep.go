package main

import (
	"cmp"
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
	// maxIdle is how many runs in a row may remove nothing of a page. Then the next run
	// goes on behind that page.
	maxIdle = 3
)

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
// removed, and how far the sweep is behind (metric.SweepBehind). known is false where
// nobody can say, because what runs keep could not be read or kept.
//
// How far the run came is kept at its end. A run that dies before that, or that ends
// after another one of the same time, is as if it had not been: the next one sweeps the
// same parts again, and finds less.
//
// The error is the first of all that went wrong. A user or a part that fails keeps no
// other from being swept.
func (h *handler) sweep(ctx context.Context) (
	removed int, late time.Duration, known bool, err error,
) {
	defer invocation.Recover("cleanup: sweep", &err)
	inTime, release := h.clock.WithTimeout(ctx, sweepBudget)
	defer release()
	stands, err := h.rules.ReadSweep(inTime)
	if err != nil {
		return 0, 0, false, err
	}
	sweep := takeTurns(stands, h.segments, h.clock.Now())
	parts := make([]*part, len(sweep.Open))
	s := &sweeping{users: h.users, by: h.clock.Now().Add(-h.skew)}
	var group errgroup.Group
	group.SetLimit(sweepParts)
	for i, open := range sweep.Open {
		p := &part{SweepPart: open}
		parts[i] = p
		group.Go(func() error { return s.sweep(inTime, p) })
	}
	err = group.Wait()
	sweep = after(sweep, parts)
	toKeep, release := h.clock.WithTimeout(ctx, sweepBudget)
	defer release()
	kept, keepErr := h.rules.KeepSweep(toKeep, sweep)
	if kept {
		stands = sweep
	}
	late = behind(stands, h.clock.Now())
	if !s.oldest.IsZero() {
		late = max(late, s.by.Sub(s.oldest)-time.Duration(sweep.Segments)*time.Minute)
	}
	return s.removed, late, keepErr == nil, cmp.Or(err, keepErr)
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
			p.Failed = ctx.Err() == nil
			return err
		}
		p.Failed = false
		removed, pageErr := s.remove(ctx, users)
		if err == nil {
			err = pageErr
		}
		if p.Idle++; removed > 0 {
			p.Idle = 0
		}
		if ctx.Err() != nil && len(users) > 0 && p.Idle < maxIdle {
			p.Segment = page
			return err
		}
		p.Idle, p.done = 0, !more
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
