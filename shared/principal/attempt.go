package principal

import (
	"context"
	"log/slog"
	"time"

	"customercare/shared/store"
)

// attempt is one call with a secret, from an address.
type attempt struct {
	Directory
	seen    store.Failures // what has failed there before
	now     time.Time
	account string // that is asked for, "" for a kind without
	slow    bool   // to look at the secret takes a slow hash

	reserved store.Reservation // that this attempt has taken
	turn     string            // the name of the turn that it has taken, "" without
}

// maxReserveTries is how often a right secret asks for its reservation. Where no lock
// stands, it can only be refused because somebody else tries a right key with a foreign
// account at the same moment.
const maxReserveTries = 4

// expires is when the counts may be taken away.
func (a *attempt) expires() time.Time { return a.now.Add(a.Guard.kept()) }

// locksThenCheck looks at the secret when no lock stands. It does so alone, while others
// wait, after a lock, and when secrets that had failed are looked at again and again. nil
// lets in; ErrNotLetIn, *Locked.
func (a *attempt) locksThenCheck(ctx context.Context, look func() verdict) error {
	if wait := a.Guard.locked(a.seen, false, a.now); wait > 0 {
		return &Locked{wait}
	}
	var err error
	switch {
	case a.Guard.suspect(a.seen.Principal, a.now):
		err = a.reserve(ctx, false)
	case a.slow && a.Guard.repeating(a.seen.Repeats, a.now):
		err = a.takeTurn(ctx)
	}
	if err != nil {
		return err
	}
	v := look() // the slow hash is made whatever else is wrong
	v.right = false
	return a.end(ctx, v)
}

// checkThenLocks decides about a secret that was looked at before the locks were.
// Whatever is wrong with an attempt that is not let in, it makes the same calls of
// DynamoDB, takes the same time and is locked out by the same failures: a caller can tell
// nothing from it. nil lets in; ErrNotLetIn, *Locked.
func (a *attempt) checkThenLocks(ctx context.Context, v verdict) error {
	again := a.seen.Remembers(v.work) && !a.change(v).Principal.Anew
	wait, closed := a.Guard.locked(a.seen, again, a.now), a.Guard.closed(a.seen, a.now)
	switch {
	case wait > 0 && (closed || !v.in):
		logged(a.count(ctx, v, true, closed))
		return &Locked{wait}
	case !v.in && a.Guard.suspect(a.seen.Principal, a.now):
		if err := a.reserve(ctx, v.right); err != nil {
			return err
		}
	case v.in:
		for try := 1; a.Guard.suspect(a.seen.Principal, a.now) && a.Guard.suspect(a.seen.Guesses, a.now); try++ {
			err := a.reserveGuesses(ctx)
			if err == nil {
				break
			}
			if _, other := err.(*Locked); !other || try == maxReserveTries || a.Guard.closed(a.seen, a.now) {
				return err
			}
		}
	}
	return a.end(ctx, v)
}

// reserve takes the next lock before an attempt that may be a guess, for as long as the
// attempt may take. When the attempt fails, that becomes the whole lock. right: the
// secret is right but refused (foreign account). Then the reservation holds off only
// other refused attempts. It returns *Locked when another attempt has the reservation.
func (a *attempt) reserve(ctx context.Context, right bool) error {
	r := store.Reservation{Principal: a.Guard.until(a.seen.Principal, a.now), Right: right}
	if !right && a.seen.Apart() && a.Guard.suspect(a.seen.Guesses, a.now) {
		r.Guesses = a.Guard.until(a.seen.Guesses, a.now)
	}
	return a.take(ctx, r)
}

// reserveGuesses takes the next lock before a right secret is let in. Otherwise, of many
// secrets that are tried at one moment, the right one would be let in beside the one that
// has the reservation.
func (a *attempt) reserveGuesses(ctx context.Context) error {
	r := store.Reservation{Guesses: a.Guard.until(a.seen.Guesses, a.now)}
	if !a.seen.Apart() {
		r = store.Reservation{Principal: a.Guard.until(a.seen.Principal, a.now)}
	}
	return a.take(ctx, r)
}

// take takes a reservation, or is *Locked for as long as another attempt may have it.
func (a *attempt) take(ctx context.Context, r store.Reservation) error {
	after, took, err := a.Principals.Reserve(ctx, a.seen, r, a.expires())
	if err != nil {
		return err
	}
	lock := a.Guard.lock(a.seen.Principal.Locks + 1)
	a.seen = after
	if !took {
		return &Locked{min(lock, reservation)}
	}
	a.reserved = r
	return nil
}

// takeTurn takes the turn to look at a secret that had failed, or is *Locked for as long
// as another attempt may have it.
func (a *attempt) takeTurn(ctx context.Context) (err error) {
	if wait := a.seen.Turn.Sub(a.now); wait > 0 {
		return &Locked{wait}
	}
	a.seen, a.turn, err = a.Principals.TakeTurn(ctx, a.seen, a.now.Add(reservation), a.expires())
	if err == nil && a.turn == "" {
		return &Locked{reservation}
	}
	return err
}

// end lets the attempt in (nil), or counts it and returns ErrNotLetIn. An error while it
// counts is only logged: a guess must not be let in, nor be answered in another way,
// because it could not be counted.
func (a *attempt) end(ctx context.Context, v verdict) error {
	switch {
	case !v.in:
		logged(a.count(ctx, v, false, false))
		return ErrNotLetIn
	case a.reserved != store.Reservation{}:
		logged(a.Principals.Clear(ctx, a.seen, a.expires()))
	case a.turn != "": // a right secret in its turn clears no guesses of others
		logged(a.Principals.EndTurn(ctx, a.seen, a.turn, a.expires()))
	}
	return nil
}

// logged writes an error that changes no answer into the log.
func logged(err error) {
	if err != nil {
		slog.Error("failed", "cause", err.Error())
	}
}

// change is what a failure of this attempt does to the counts.
func (a *attempt) change(v verdict) store.Failure {
	g, seen := a.Guard, a.seen
	f := store.Failure{
		Now: a.now, Expires: a.expires(),
		Reserved: a.reserved, Before: seen.Principal, BeforeGuesses: seen.Guesses, Turn: a.turn,
		RememberedSecrets: g.remembered(), RememberedAccounts: g.rememberedAccounts(),
		All:        g.next(seen.All, g.many(), a.now),
		Principal:  g.next(seen.Principal, g.Limit, a.now),
		AllGuesses: g.nextGuess(seen.AllGuesses, g.many(), a.now),
		Guesses:    g.nextGuess(seen.Guesses, g.Limit, a.now),
		Accounts:   g.next(seen.Accounts, g.many(), a.now),
	}
	if g.suspect(seen.Principal, a.now) { // the next lock was taken with the reservation
		f.Principal = store.Change{Locks: seen.Principal.Locks}
	}
	if !a.reserved.Guesses.IsZero() {
		f.Guesses = store.Change{Locks: seen.Guesses.Locks}
	}
	f.Repeats.Anew = seen.Repeats.N > 0 && a.now.Sub(seen.Repeats.Since) > g.Window
	for hash, count := range seen.Others {
		if g.forgotten(count, g.Limit, a.now) {
			f.Forget = append(f.Forget, hash)
		}
	}
	return f
}

// count counts this attempt, which was not let in. locked says that a lock refused it,
// closed that wrong secrets alone would have led to that lock (Guard.closed).
func (a *attempt) count(ctx context.Context, v verdict, locked, closed bool) error {
	return a.Principals.CountFailure(ctx, a.seen, store.Attempt{
		Secret: v.work, Account: a.account, Right: v.right, Slow: a.slow, Locked: locked, Closed: closed,
	}, a.change(v))
}
