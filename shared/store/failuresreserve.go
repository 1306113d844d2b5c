package store

import (
	"context"
	"time"
)

// Reservation asks for the next lock of a principal's counts before an attempt is looked
// at, so that attempts at the same moment count as one after the other. Each time is when
// that lock begins, until CountFailure says otherwise. A zero time: this count is not
// touched.
type Reservation struct {
	Principal, Guesses time.Time
	Right              bool // the attempt is no guess, so Guesses stays as it was
}

func (r Reservation) taken() bool { return !r.Principal.IsZero() || !r.Guesses.IsZero() }

// The second half of each condition holds where this very write was made, its answer was
// lost, and it is sent again.
var (
	// SET #lastPrincipal = :lastPrincipal, #locksPrincipal = :locksPrincipal,
	//     #attemptPrincipal = :attempt
	// IF (attribute_not_exists(#locksPrincipal) OR #attemptPrincipal = :attempt)
	reserveFirst = statement{
		set:       "#last$ = :last$, #locks$ = :locks$, #attempt$ = :attempt",
		condition: "(attribute_not_exists(#locks$) OR #attempt$ = :attempt)",
	}
	// SET as above
	// IF (#locksPrincipal = :wasPrincipal OR #attemptPrincipal = :attempt)
	reserveNext = statement{
		set:       "#last$ = :last$, #locks$ = :locks$, #attempt$ = :attempt",
		condition: "(#locks$ = :was$ OR #attempt$ = :attempt)",
	}
)

// What a reservation took goes back, if nobody else has taken a lock since.
var (
	// SET #lastPrincipal = :lastPrincipal REMOVE #locksPrincipal
	// IF #lastPrincipal = :reservedPrincipal AND #locksPrincipal = :takenPrincipal
	giveBackFirst = statement{
		set: "#last$ = :last$", remove: "#locks$", // none is no attribute
		condition: "#last$ = :reserved$ AND #locks$ = :taken$",
	}
	// SET #lastPrincipal = :lastPrincipal, #locksPrincipal = :locksPrincipal
	// IF as above
	giveBackNext = statement{
		set:       "#last$ = :last$, #locks$ = :locks$",
		condition: "#last$ = :reserved$ AND #locks$ = :taken$",
	}
)

// Reserve makes a reservation before the attempt is looked at. Of all that are made at
// the same moment one succeeds; the others get false, and the failures as they are now.
// Who succeeds gets seen again, and ends the reservation with CountFailure or Clear.
func (p Principals) Reserve(ctx context.Context, seen Failures, r Reservation, expires time.Time) (
	after Failures, took bool, err error,
) {
	attempt := NewID(expires)
	w := p.write(seen, expires)
	if !r.Principal.IsZero() {
		w.reserve(w.at.principal, seen.Principal, r.Principal, attempt)
	}
	if !r.Guesses.IsZero() && seen.apart {
		w.reserve(w.at.guesses, seen.Guesses, r.Guesses, attempt)
	}
	if r.Right && !seen.apart {
		w.countApart(w.at.guesses, seen.Principal)
		seen.apart = true
	}
	err = w.send(ctx)
	if item, conflict := conditionFailed(err); conflict {
		return readFailures(item, seen.source, seen.principal), false, nil
	}
	return seen, err == nil, failed("principals: reserve", err)
}

func (w *failureWrite) reserve(at place, seen Count, last time.Time, attempt string) {
	values := object{
		":last$": millis(last), ":locks$": number(seen.Locks + 1), ":attempt": text(attempt),
	}
	if seen.Locks == 0 {
		w.include(reserveFirst, at, values)
		return
	}
	values[":was$"] = number(seen.Locks)
	w.include(reserveNext, at, values)
}

// giveBack undoes the reservation of an attempt that turned out to be no new guess.
func (w *failureWrite) giveBack(seen Failures, f Failure) {
	w.giveBackOne(w.at.principal, f.Before, f.Reserved.Principal)
	if seen.apart && !f.Reserved.Guesses.IsZero() {
		w.giveBackOne(w.at.guesses, f.BeforeGuesses, f.Reserved.Guesses)
	}
}

func (w *failureWrite) giveBackOne(at place, before Count, reserved time.Time) {
	values := object{
		":last$": millis(before.Last), ":reserved$": millis(reserved), ":taken$": number(before.Locks + 1),
	}
	if before.Locks == 0 {
		w.include(giveBackFirst, at, values)
		return
	}
	values[":locks$"] = number(before.Locks)
	w.include(giveBackNext, at, values)
}
