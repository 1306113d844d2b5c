package main

import (
	"errors"
	"log/slog"
	"time"

	"customercare/shared/retention"
	"customercare/shared/statement"
	"customercare/shared/store"
)

const (
	// maxIdle is how many runs in a row may bring a page no further. Then the next run
	// goes on behind that page, and what is left there is for the next sweep.
	maxIdle = 3
	// floor is how many items a sweep may find in any case, see far.
	floor = 100
)

// sweep is the sweep of one rule in one run.
type sweep struct {
	rule   retention.Standing
	cursor store.Cursor
	waits  time.Time // since when it waits to be gone on with: its beginning, or the last one's
	due    bool      // there is something to do
	failed bool      // in this run
	lost   bool      // another run has it
}

// begin reads how far a rule's sweep has come, and begins a new one if it is time for it:
// the first of this version of the rule, or every so often after the last began. The
// cutoff is fixed then.
//
// A run that comes late finds the sweep where it stands, so no part of a table is ever
// left out. One that began later than now, by a clock that was wrong, is taken for none.
func (r *run) begin(rule retention.Standing, now time.Time) (*sweep, error) {
	cursor, err := r.rules.ReadCursor(r.ctx, rule.Name)
	if err != nil {
		return nil, err
	}
	s := &sweep{rule: rule, cursor: cursor, waits: cursor.Begun}
	same := cursor.Version == rule.Version && !cursor.Begun.IsZero()
	switch {
	case same && cursor.Stopped:
		r.failing++
		return s, nil
	case same && cursor.Ended.IsZero():
		// The run before has not said that it has ended: it has died, or is at it still.
		s.cursor.AtLeast = cursor.AtLeast || cursor.Working
	case same && now.Sub(cursor.Begun) < r.every && cursor.Begun.Sub(now) < r.every:
		return s, nil
	default:
		next := cursor.Next(rule.Name, rule.Version)
		next.Begun, next.Cutoff = now, rule.Cutoff(now, r.skew)
		if same {
			next.Since, next.Whole = cursor.Since, cursor.Whole
		} else {
			next.Since = now
		}
		s.cursor = next
	}
	s.due, s.cursor.Working = true, true
	if err := r.keep(s); err != nil || s.lost {
		s.due = false
		return s, err
	}
	return s, nil
}

// keep keeps the cursor. Where another run has kept it, that one goes on.
func (r *run) keep(s *sweep) error {
	err := r.rules.KeepCursor(r.ctx, &s.cursor)
	if errors.Is(err, store.ErrCursorChanged) {
		s.lost = true
		return nil
	}
	return err
}

// page goes on with a sweep by one page, and says whether there is more to do in this
// run. The switch for all rules and the rule itself are read before it.
func (r *run) page(s *sweep) (more bool) {
	more, err := r.next(s)
	switch {
	case errors.Is(err, store.ErrCursorChanged):
		s.lost = true
	case err != nil && r.inTime.Err() == nil:
		s.failed = true
		r.fail(s.rule.Name, err)
	}
	return more && err == nil && !s.lost && r.inTime.Err() == nil
}

// next is page, with what went wrong.
func (r *run) next(s *sweep) (more bool, err error) {
	stopped, _, err := r.rules.ReadSwitch(r.inTime)
	if err != nil || stopped != nil {
		return false, err
	}
	rule, there, err := r.rules.ReadRule(r.inTime, s.rule.Name)
	if err != nil || !there || rule.State != retention.On || rule.Version != s.cursor.Version {
		return false, err
	}
	ages := r.ages(s)
	page, err := ages.Read(r.inTime, s.cursor.Position, r.pageSize)
	if err != nil {
		return false, errors.Join(err, r.idle(s, store.Swept{}))
	}
	if s.far(page) {
		s.cursor.Stopped, s.cursor.Working = true, false
		r.failing++
		slog.Error("a rule would take far more than its dry run has found, so it is stopped",
			"operation", "apply-retention", "rule", s.rule.Name,
			"found", s.cursor.Found+int64(len(page.Due)), "read", s.cursor.Read+page.Read)
		return false, r.rules.KeepCursor(r.ctx, &s.cursor)
	}
	swept, err := r.erase(ages, page.Due)
	r.swept.Add(swept)
	s.cursor.AtLeast = s.cursor.AtLeast || err != nil // what could not be read back is not counted
	if (err != nil || r.inTime.Err() != nil) && s.cursor.Idle+1 < maxIdle {
		return false, errors.Join(err, r.idle(s, swept))
	}
	s.cursor.Idle, s.cursor.Position = 0, page.Next
	s.cursor.Read += page.Read
	s.cursor.Add(swept)
	if page.Next == nil {
		return false, errors.Join(err, r.end(s))
	}
	return true, errors.Join(err, r.rules.KeepCursor(r.ctx, &s.cursor))
}

// idle keeps what a run has erased of a page that it could not end. The next one begins
// with that page again, and counts then what is kept and what is left.
func (r *run) idle(s *sweep, swept store.Swept) error {
	s.cursor.Idle++
	if swept.Erased > 0 {
		s.cursor.Idle = 0
	}
	s.cursor.Add(store.Swept{Found: swept.Erased, Erased: swept.Erased})
	return r.rules.KeepCursor(r.ctx, &s.cursor)
}

// far says whether a sweep finds far more than the rule's dry run has: more than twice as
// much, and more than the share of the table that no single person may have a rule take.
// Data does not grow old like that: the clock is wrong, or the rule meets other data than
// it was looked at with. Somebody has to look again.
func (s *sweep) far(page store.AgedPage) bool {
	found, of, dry := s.cursor.Found+int64(len(page.Due)), s.cursor.Read+page.Read, int64(0)
	if s.rule.Dry != nil {
		dry, of = s.rule.Dry.Found, max(of, s.rule.Dry.OutOf)
	}
	return found > floor && found > 2*dry && float64(found) > retention.MostShare*float64(of)
}

// end ends a sweep. One that has taken something, or that has left or kept something, is
// on record with a statement.
func (r *run) end(s *sweep) error {
	now := r.now()
	s.cursor.Ended, s.cursor.Whole, s.cursor.Working = now, s.cursor.Begun, false
	if s.cursor.Found == 0 {
		return r.rules.KeepCursor(r.ctx, &s.cursor)
	}
	rule, c := s.rule, s.cursor
	said := statement.Statement{
		Type: statement.Retention, ID: store.NewID(now), By: by, At: statement.TimeOf(now),
		Swept: &statement.Swept{
			Rule: rule.Name, What: string(rule.What), Days: rule.Days, Scope: rule.Tenant + rule.Account,
			Cutoff: statement.TimeOf(c.Cutoff), Found: c.Found, Erased: c.Erased, Kept: c.Kept, Left: c.Left,
			AtLeast: c.AtLeast,
		},
	}
	return r.rules.EndSweep(r.ctx, &s.cursor, r.ledger, store.SweepRecord{
		ID: said.ID, By: by, At: now, Statement: string(said.Line()),
	})
}

// by is who asks for what a rule erases.
const by = "retention"

// pause notes that the run is no longer at a sweep that has not ended.
func (r *run) pause(s *sweep) {
	if !s.due || s.lost || !s.cursor.Working {
		return
	}
	s.cursor.Working = false
	if err := r.keep(s); err != nil && !s.failed {
		r.fail(s.rule.Name, err)
	}
}

// behind is by how much longer than two intervals ago the last whole sweep began.
func (s *sweep) behind(now time.Time, every time.Duration) time.Duration {
	last := s.cursor.Whole
	if last.IsZero() {
		last = s.cursor.Since
	}
	if last.IsZero() {
		return 0
	}
	return max(0, now.Sub(last)-2*every)
}
