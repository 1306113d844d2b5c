package main

import (
	"slices"
	"time"

	"customercare/shared/store"
)

// openParts is how many parts of the table may be begun and not swept to their end. Where
// so many cannot be read, the table cannot: then the sweep stands still, leaves no part
// out, and goes on where it stood.
const openParts = 16

// part is a part of the users table whose turn has come.
type part struct {
	store.SweepPart
	begun, done bool // in this run
}

// takeTurns is the sweep with the parts open whose turn has come, of segments parts in
// all. A round has each part once, the next one a minute after the one before. The parts
// of minutes without a run have their turn in the next one; a run that comes early, by
// hand or because the clock was put back, takes one part all the same. So neither runs
// that are missing or twice nor a clock that jumps leave a part out.
//
// A part that is still open keeps its place. One that could not be read begins anew, so
// that what is readable of it is swept.
func takeTurns(s store.Sweep, segments int32, now time.Time) store.Sweep {
	segments = max(1, segments)
	if s.Segments != segments { // the parts are others, or the sweep has never begun
		s.Segments, s.Position, s.Open = segments, 0, nil
		s.Begun, s.Before, s.Whole = now, time.Time{}, time.Time{}
	}
	s.Open = slices.Clone(s.Open)
	if s.Position >= segments {
		s.Before, s.Begun, s.Position = s.Begun, now, 0
		for i := range s.Open {
			s.Open[i].Old = true
		}
	}
	at := make(map[int32]int, len(s.Open))
	for i, p := range s.Open {
		at[p.Number] = i
	}
	for first := true; s.Position < segments; first = false {
		due := s.Begun.Add(time.Duration(s.Position) * time.Minute)
		if !first && due.After(now) {
			break
		}
		if due.After(now) {
			due = now
		}
		segment := store.Segment{
			Number: int32(int64(s.Position) * stride(int64(segments)) % int64(segments)), Total: segments,
		}
		if i, open := at[segment.Number]; !open && len(s.Open) >= openParts {
			break
		} else if !open {
			s.Open = append(s.Open, store.SweepPart{Segment: segment, Due: due})
		} else if s.Open[i].Failed {
			s.Open[i].Segment, s.Open[i].Failed = segment, false
		}
		s.Position++
	}
	return s
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

// after is the sweep after a run, of which these parts were open. Those that the run did
// not begin with come first the next time.
func after(s store.Sweep, parts []*part) store.Sweep {
	s.Open = nil
	var begun []store.SweepPart
	old := false
	for _, p := range parts {
		switch {
		case p.done:
			continue
		case p.begun:
			begun = append(begun, p.SweepPart)
		default:
			s.Open = append(s.Open, p.SweepPart)
		}
		old = old || p.Old
	}
	s.Open = append(s.Open, begun...)
	switch {
	case s.Position == s.Segments && len(s.Open) == 0:
		s.Whole = s.Begun
	case !old && !s.Before.IsZero():
		s.Whole = s.Before
	}
	return s
}

// behind is how far a sweep is behind at a time: for how long a part has waited for its
// turn to begin or to end, or for how much longer than two rounds none has been whole.
func behind(s store.Sweep, now time.Time) (behind time.Duration) {
	for _, p := range s.Open {
		behind = max(behind, now.Sub(p.Due))
	}
	if s.Position < s.Segments {
		behind = max(behind, now.Sub(s.Begun.Add(time.Duration(s.Position)*time.Minute)))
	}
	round := time.Duration(s.Segments) * time.Minute
	if !s.Whole.IsZero() {
		behind = max(behind, now.Sub(s.Whole)-2*round)
	}
	return behind
}
