package store

import (
	"context"
	"time"
)

// Reservation takes the next lock of a principal's counts before an attempt is looked at,
// or counted. Each time is what the lock's length is counted from until CountFailure says
// otherwise; the zero time leaves that count alone.
type Reservation struct {
	Principal, Guesses time.Time
	Right              bool // the attempt is no guess: Guesses stays as it was
}

func (r Reservation) made() bool { return !r.Principal.IsZero() || !r.Guesses.IsZero() }

// Reserve makes a reservation: of all that are made at the same moment only one succeeds,
// false is reported to the others. The failures are those after it.
func (p Principals) Reserve(ctx context.Context, seen Failures, r Reservation, expires time.Time) (Failures, bool, error) {
	attempt, own := NewID(expires), brief(seen.principal)
	u := p.failure(seen, expires)
	u.values[":attempt"] = text(attempt)
	if !r.Principal.IsZero() {
		u.reserve("p", own, seen.Principal, r.Principal)
	}
	if !r.Guesses.IsZero() && seen.apart {
		u.reserve("g", own+guessesSuffix, seen.Guesses, r.Guesses)
	}
	if r.Right && !seen.apart {
		u.setApart("p", own, seen.Principal)
		seen.apart = true
	}
	err := u.do(ctx)
	if item, refused := conditionFailed(err); refused {
		return readFailures(item, seen.source, seen.principal), false, nil
	}
	return seen, err == nil, failed("principals: reserve", err)
}

// reserve takes the next lock of the count called tag, whose attributes end with of.
func (u *failureUpdate) reserve(tag, of string, seen Count, last time.Time) {
	l, k, r := "#l"+tag, "#k"+tag, "#r"+tag
	u.names[l], u.names[k], u.names[r] = "last"+of, "locks"+of, lastAttempt+of
	u.values[":last"+tag], u.values[":locks"+tag] = millis(last), number(seen.Locks+1)
	u.set = append(u.set, l+" = :last"+tag, k+" = :locks"+tag, r+" = :attempt")
	// The second: this very write was made, its answer lost, and it is made again.
	if seen.Locks == 0 {
		u.requirements = append(u.requirements, "(attribute_not_exists("+k+") OR "+r+" = :attempt)")
	} else {
		u.only("("+k+" = :was"+tag+" OR "+r+" = :attempt)", ":was"+tag, number(seen.Locks))
	}
}

// giveBack undoes a reservation: what was looked at was no new guess, and is no lock.
func (u *failureUpdate) giveBack(own string, seen Failures, f Failure) {
	u.giveBackOf("p", own, f.Before, f.Reserved.Principal)
	if seen.apart && !f.Reserved.Guesses.IsZero() {
		u.giveBackOf("g", own+guessesSuffix, f.BeforeGuesses, f.Reserved.Guesses)
	}
}

func (u *failureUpdate) giveBackOf(tag, of string, before Count, reserved time.Time) {
	l, k := "#l"+tag, "#k"+tag
	u.names[l], u.names[k] = "last"+of, "locks"+of
	u.values[":last"+tag] = millis(before.Last)
	u.set = append(u.set, l+" = :last"+tag)
	if before.Locks == 0 { // none is no attribute
		u.removed = append(u.removed, k)
	} else {
		u.values[":locks"+tag] = number(before.Locks)
		u.set = append(u.set, k+" = :locks"+tag)
	}
	u.only(l+" = :reserved"+tag, ":reserved"+tag, millis(reserved))
	u.only(k+" = :taken"+tag, ":taken"+tag, number(before.Locks+1))
}
