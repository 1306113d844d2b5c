package store

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

var (
	// countedOnce lets a write be sent again after a lost answer without a second effect.
	countedOnce = statement{
		set:       "attempt = :attempt",
		condition: "(attribute_not_exists(attempt) OR attempt <> :attempt)",
	}
	// salted gives the item its salt. Where another write came first with another salt,
	// the tags have to be made again.
	salted = statement{set: "salt = :salt", condition: "attribute_not_exists(salt)"}

	// oneMore counts a failure.
	//
	//	SET #lastAll = :now, #sinceAll = if_not_exists(#sinceAll, :now) ADD #nAll :one
	oneMore = statement{
		set: "#last$ = :now, #since$ = if_not_exists(#since$, :now)",
		add: "#n$ :one",
	}
	// oneAnew begins a count again, if nobody else has since it was read.
	//
	//	SET #lastAll = :now, #nAll = :one, #sinceAll = :now IF #sinceAll = :sinceAll
	oneAnew = statement{
		set:       "#last$ = :now, #n$ = :one, #since$ = :now",
		condition: "#since$ = :since$",
	}
	// firstLock, nextLock and noLock change the number of locks. A count without locks
	// has no such attribute.
	//
	//	SET #locksAll = :locksAll IF attribute_not_exists(#locksAll)
	//	SET #locksAll = :locksAll IF #locksAll = :wasAll
	//	REMOVE #locksAll IF #locksAll = :wasAll
	firstLock = statement{set: "#locks$ = :locks$", condition: "attribute_not_exists(#locks$)"}
	nextLock  = statement{set: "#locks$ = :locks$", condition: "#locks$ = :was$"}
	noLock    = statement{remove: "#locks$", condition: "#locks$ = :was$"}

	// tagAlone begins the tags again, with a count that does: oneAnew has the condition.
	//
	//	SET #tagsPrincipal = :tagsPrincipal
	tagAlone = statement{set: "#tags$ = :tags$"}
	// tagMore puts a tag behind the others, if no other write has put the same there.
	//
	//	SET #tagsPrincipal =
	//	    list_append(if_not_exists(#tagsPrincipal, :none), :tagsPrincipal)
	//	IF (attribute_not_exists(#tagsPrincipal) OR
	//	    NOT contains(#tagsPrincipal, :tagPrincipal))
	tagMore = statement{
		set:       "#tags$ = list_append(if_not_exists(#tags$, :none), :tags$)",
		condition: "(attribute_not_exists(#tags$) OR NOT contains(#tags$, :tag$))",
	}
	// tagLast does so where the first tags go to make room.
	//
	//	SET #tagsPrincipal = :tagsPrincipal
	//	IF as tagMore
	tagLast = statement{
		set:       "#tags$ = :tags$",
		condition: "(attribute_not_exists(#tags$) OR NOT contains(#tags$, :tag$))",
	}

	// oneRepeat and oneRepeatAnew count a repeat. Sent again after a lost answer they
	// count once more, which does no harm.
	//
	//	SET #sinceRepeats = if_not_exists(#sinceRepeats, :now) ADD #nRepeats :one
	//	SET #nRepeats = :one, #sinceRepeats = :now IF #sinceRepeats = :sinceRepeats
	oneRepeat     = statement{set: "#since$ = if_not_exists(#since$, :now)", add: "#n$ :one"}
	oneRepeatAnew = statement{set: "#n$ = :one, #since$ = :now", condition: "#since$ = :since$"}

	// stillOver is the condition on which another principal's count is dropped.
	//
	//	IF #lastOther0 = :lastOther0
	stillOver = statement{condition: "#last$ = :last$"}
)

// forgottenAtOnce bounds how many other principals' counts one write drops.
const forgottenAtOnce = 20

// maxCountTries is how often a failure is written together with its tags. Only another
// failure at the same moment keeps it from being written.
const maxCountTries = 8

// CountFailure counts one more failure after those in seen, in one write. seen is what
// Find or Reserve gave, f what the caller decided by it.
//
//   - A secret that is among the last that failed counts nothing, except for an account
//     that was not asked for lately. It is a write nevertheless, so that a caller cannot
//     tell from the time. Of equal secrets at the same moment one counts.
//   - The same write drops some of the counts in f.Forget: the item does not grow.
//   - Where seen is no longer what stands there, the failure is only added: it changes no
//     lock, drops nothing, and begins nothing again.
//   - A write that is sent again after a lost answer counts once.
func (p Principals) CountFailure(ctx context.Context, seen Failures, a Attempt, f Failure) error {
	attempt := NewID(f.Now)
	err := p.failure(seen, a, f, attempt).send(ctx)
	for try := 1; ; try++ {
		item, conflict := conditionFailed(err)
		if !conflict {
			break
		}
		if object(item).text("attempt") == attempt { // the write whose answer was lost
			return nil
		}
		seen = readFailures(item, seen.source, seen.principal)
		f = f.added(seen)
		if try == maxCountTries {
			err = p.failureWithoutTags(seen, a, f, attempt).send(ctx)
			break
		}
		err = p.failure(seen, a, f, attempt).send(ctx)
	}
	api, ok := errors.AsType[smithy.APIError](err)
	if ok && api.ErrorCode() == "ValidationException" { // the item is full
		w := p.write(seen, f.Expires)
		w.count(w.at.all, seen.All, f.Now, Change{Locks: seen.All.Locks})
		err = w.send(ctx)
	}
	if _, counted := conditionFailed(err); counted {
		return nil
	}
	return failed("principals: count failure", err)
}

// added is what the failure does after others have changed the counts that it was decided
// by: it only adds to them as they are in seen.
func (f Failure) added(seen Failures) Failure {
	f.All = Change{Locks: seen.All.Locks}
	f.Principal = Change{Locks: seen.Principal.Locks}
	f.Accounts = Change{Locks: seen.Accounts.Locks}
	f.AllGuesses = Change{Locks: seen.AllGuesses.Locks}
	f.Guesses = Change{Locks: seen.Guesses.Locks}
	f.Repeats, f.Forget = Change{}, nil
	sameLast := seen.Principal.Last.UnixMilli() == f.Reserved.Principal.UnixMilli()
	if !sameLast || seen.Principal.Locks != f.Before.Locks+1 {
		f.Reserved = Reservation{} // it is somebody else's by now
	}
	return f
}

// failure is the write of one more failure after those in seen.
func (p Principals) failure(seen Failures, a Attempt, f Failure, attempt string) *failureWrite {
	w := p.write(seen, f.Expires)
	if seen.salt == nil {
		seen.salt = make([]byte, 16)
		_, _ = rand.Read(seen.salt) // never fails
		w.include(salted, place{}, object{":salt": &types.AttributeValueMemberB{Value: seen.salt}})
	}
	if a.Locked {
		w.lockedGuess(seen, a, f, attempt)
		return w
	}
	secret := seen.tag("secret", a.Secret)
	if f.Principal.Anew || !slices.Contains(seen.secrets, secret) {
		w.newSecret(seen, a, f, attempt, secret)
	} else {
		w.sameSecret(seen, a, f, attempt)
	}
	if f.Turn != "" && f.Turn == seen.turn {
		w.endTurn(f.Turn)
	}
	return w
}

// newSecret counts a secret that is not among the last that failed.
func (w *failureWrite) newSecret(seen Failures, a Attempt, f Failure, attempt, tag string) {
	w.once(attempt)
	w.count(w.at.all, seen.All, f.Now, f.All)
	w.count(w.at.principal, seen.Principal, f.Now, f.Principal)
	w.remember(w.at.principal, tag, seen.secrets, f.Principal.Anew, f.RememberedSecrets)
	w.guessesAsRead(seen, a.Right)
	w.countGuess(seen, a, f)
	w.forget(seen, f.Forget)
}

// sameSecret counts what there is to count when a secret comes again: a repeat of slow
// work, and an account that was not asked for lately. Its reservation goes back.
func (w *failureWrite) sameSecret(seen Failures, a Attempt, f Failure, attempt string) {
	if f.Reserved.taken() {
		w.giveBack(seen, f)
	}
	if a.Slow {
		w.repeat(seen.Repeats, f)
	}
	account := seen.tag("account", a.Account)
	if a.Account != "" && (f.Accounts.Anew || !slices.Contains(seen.accounts, account)) {
		w.once(attempt)
		w.count(w.at.accounts, seen.Accounts, f.Now, f.Accounts)
		w.remember(w.at.accounts, account, seen.accounts, f.Accounts.Anew, f.RememberedAccounts)
	}
}

// failureWithoutTags is the write of a failure that other failures have kept from being
// written again and again. It has no condition that they could still break.
func (p Principals) failureWithoutTags(seen Failures, a Attempt, f Failure, attempt string) *failureWrite {
	w := p.write(seen, f.Expires)
	w.once(attempt)
	if !a.Locked {
		w.count(w.at.all, seen.All, f.Now, f.All)
		w.count(w.at.principal, seen.Principal, f.Now, f.Principal)
	}
	w.countGuess(seen, a, f)
	return w
}

func (w *failureWrite) once(attempt string) {
	w.include(countedOnce, place{}, object{":attempt": text(attempt)})
}

// count adds one failure to the count at this place, which was read as seen.
func (w *failureWrite) count(at place, seen Count, now time.Time, c Change) {
	if c.Anew {
		w.include(oneAnew, at, object{":now": millis(now), ":one": one, ":since$": millis(seen.Since)})
	} else {
		w.include(oneMore, at, object{":now": millis(now), ":one": one})
	}
	switch {
	case c.Locks == seen.Locks:
	case seen.Locks == 0:
		w.include(firstLock, at, object{":locks$": number(c.Locks)})
	case c.Locks == 0:
		w.include(noLock, at, object{":was$": number(seen.Locks)})
	default:
		w.include(nextLock, at, object{":locks$": number(c.Locks), ":was$": number(seen.Locks)})
	}
}

// remember puts a tag behind those that the count has, of which the last stay: atMost in
// all.
func (w *failureWrite) remember(at place, tag string, tags []string, anew bool, atMost int) {
	switch {
	case anew:
		w.include(tagAlone, at, object{":tags$": texts([]string{tag})})
	case len(tags) >= atMost:
		last := append(slices.Clone(tags[len(tags)-max(atMost-1, 0):]), tag)
		w.include(tagLast, at, object{":tags$": texts(last), ":tag$": text(tag)})
	default:
		w.include(tagMore, at, object{
			":tags$": texts([]string{tag}), ":tag$": text(tag), ":none": texts(nil),
		})
	}
}

func (w *failureWrite) repeat(seen Count, f Failure) {
	if f.Repeats.Anew {
		w.include(oneRepeatAnew, w.at.repeats, object{
			":now": millis(f.Now), ":one": one, ":since$": millis(seen.Since),
		})
		return
	}
	w.include(oneRepeat, w.at.repeats, object{":now": millis(f.Now), ":one": one})
}

// forget drops some of these counts of other principals, if they have not changed.
func (w *failureWrite) forget(seen Failures, others []string) {
	for i, hash := range others[:min(len(others), forgottenAtOnce)] {
		other := place{"Other" + strconv.Itoa(i), hash}
		for j, attribute := range seen.attributes[hash] {
			w.drop("#o"+strconv.Itoa(i)+"x"+strconv.Itoa(j), attribute)
		}
		w.include(stillOver, other, object{":last$": millis(seen.Others[hash].Last)})
	}
}

// Clear drops all failures for the principal, after a right secret.
func (p Principals) Clear(ctx context.Context, seen Failures, expires time.Time) error {
	w := p.write(seen, expires)
	for _, attribute := range []string{"n", "since", "last", "locks", "attempt", "tags"} {
		w.drop("#"+attribute, attribute+w.at.principal.suffix)
		w.drop("#"+attribute+"Guesses", attribute+w.at.guesses.suffix)
	}
	return failed("principals: clear failures", w.send(ctx))
}
