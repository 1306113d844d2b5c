package store

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/aws/smithy-go"
)

// forgets bounds how many other counts one write takes away.
const forgets = 20

// countTries is how often a failure is written with what it is remembered by. What keeps
// it from being written is another failure at the same moment.
const countTries = 8

// CountFailure counts one more failure after those that were read, in one write, which
// also takes some of the counts named in Forget away: so the item does not grow. A secret
// that is among the last that failed is no new failure, and counts nothing, but for an
// account that was not asked for lately. It is a write all the same, so that nobody can
// tell. Of the same secret in attempts at the same moment one counts.
//
// When anything of it was changed since it was read, the failure is only added. A write
// whose answer was lost, and that was made again, counts once.
func (p Principals) CountFailure(ctx context.Context, seen Failures, a Attempt, f Failure) error {
	attempt := NewID(f.Now)
	err := p.failureOf(seen, a, f, attempt).do(ctx)
	for try := 1; ; try++ {
		item, refused := conditionFailed(err)
		if !refused {
			break
		}
		if object(item).text(lastAttempt) == attempt { // by the write whose answer was lost
			return nil
		}
		seen = readFailures(item, seen.source, seen.principal)
		f = f.added(seen)
		if try == countTries { // counted at all events, and not remembered
			u := p.failure(seen, f.Expires)
			u.once(attempt)
			if !a.Locked {
				u.change("a", "", seen.All, f.Now, f.All)
				u.change("p", brief(seen.principal), seen.Principal, f.Now, f.Principal)
			}
			u.guesses(seen, a, f)
			err = u.do(ctx)
			break
		}
		err = p.failureOf(seen, a, f, attempt).do(ctx)
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok && api.ErrorCode() == "ValidationException" { // the item is full
		u := p.failure(seen, f.Expires)
		u.change("a", "", seen.All, f.Now, Change{Locks: seen.All.Locks})
		err = u.do(ctx)
	}
	if _, counted := conditionFailed(err); counted {
		return nil
	}
	return failed("principals: count failure", err)
}

// added is the failure when others have changed what it was decided on: it only adds to
// the counts as they are in seen.
func (f Failure) added(seen Failures) Failure {
	f.All, f.Principal, f.Accounts = Change{Locks: seen.All.Locks}, Change{Locks: seen.Principal.Locks}, Change{Locks: seen.Accounts.Locks}
	f.AllGuesses, f.Guesses = Change{Locks: seen.AllGuesses.Locks}, Change{Locks: seen.Guesses.Locks}
	f.Repeats, f.Forget = Change{}, nil
	if seen.Principal.Last.UnixMilli() != f.Reserved.Principal.UnixMilli() || seen.Principal.Locks != f.Before.Locks+1 {
		f.Reserved = Reservation{} // somebody else's by now
	}
	return f
}

// failureOf is the write of a failure after those in seen.
func (p Principals) failureOf(seen Failures, a Attempt, f Failure, attempt string) *failureUpdate {
	u := p.failure(seen, f.Expires)
	if seen.salt == nil {
		seen.salt = make([]byte, 16)
		_, _ = rand.Read(seen.salt) // never fails
		u.salt(seen.salt)
	}
	if a.Locked {
		u.lockedGuess(seen, a, f, attempt)
		return u
	}
	secret, account := seen.tag("secret", a.Secret), seen.tag("account", a.Account)
	again := !f.Principal.Anew && slices.Contains(seen.secrets, secret)
	own, accounts := brief(seen.principal), brief(ofAccounts(seen.principal))
	switch {
	case !again:
		u.once(attempt)
		u.change("a", "", seen.All, f.Now, f.All)
		u.change("p", own, seen.Principal, f.Now, f.Principal)
		u.remember("p", own, secret, seen.secrets, f.Principal.Anew, f.RememberedSecrets)
		u.sameAsRead(seen, a.Right)
		u.guesses(seen, a, f)
		u.forget(seen, f.Forget)
	case f.Reserved.made():
		u.giveBack(own, seen, f)
	}
	if again && a.Slow {
		u.repeat(own, seen, f)
	}
	if again && a.Account != "" && (f.Accounts.Anew || !slices.Contains(seen.accounts, account)) {
		u.once(attempt)
		u.change("c", accounts, seen.Accounts, f.Now, f.Accounts)
		u.remember("c", accounts, account, seen.accounts, f.Accounts.Anew, f.RememberedAccounts)
	}
	if f.Turn != "" && f.Turn == seen.turn {
		u.endTurn(own, f.Turn)
	}
	return u
}

// Remembers says whether the secret that this work was done on is among the last that
// failed for the principal.
func (f Failures) Remembers(work string) bool {
	return f.salt != nil && slices.Contains(f.secrets, f.tag("secret", work))
}

// Clear takes all failures for the principal away, after a right secret.
func (p Principals) Clear(ctx context.Context, seen Failures, expires time.Time) error {
	u := p.failure(seen, expires)
	for i, attribute := range countAttributes {
		own := brief(seen.principal)
		u.remove("#c"+strconv.Itoa(i), attribute+own)
		u.remove("#g"+strconv.Itoa(i), attribute+own+guessesSuffix)
	}
	return failed("principals: clear failures", u.do(ctx))
}
