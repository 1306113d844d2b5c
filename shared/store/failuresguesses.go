package store

import "slices"

// Guesses and AllGuesses are stored from the first failure of a right secret on, and
// begin with what Principal and All had counted until then.
var (
	// SET #nGuesses = if_not_exists(#nGuesses, :nGuesses)
	apartCount = statement{set: "#n$ = if_not_exists(#n$, :n$)"}
	// SET #sinceGuesses = if_not_exists(#sinceGuesses, :sinceGuesses),
	//     #lastGuesses = if_not_exists(#lastGuesses, :lastGuesses)
	apartTimes = statement{
		set: "#since$ = if_not_exists(#since$, :since$), #last$ = if_not_exists(#last$, :last$)",
	}
	// SET #locksGuesses = if_not_exists(#locksGuesses, :locksGuesses)
	apartLocks = statement{set: "#locks$ = if_not_exists(#locks$, :locks$)"}

	// notCounted and sameCount are conditions: the count is as it was read.
	//
	//	IF attribute_not_exists(#nAll)
	//	IF #nAll = :seenAll
	notCounted = statement{condition: "attribute_not_exists(#n$)"}
	sameCount  = statement{condition: "#n$ = :seen$"}
)

// countGuess counts the failure among the guesses. Guesses are counted apart from the
// first right secret that is refused: this call begins that if the secret is right.
func (w *failureWrite) countGuess(seen Failures, a Attempt, f Failure) {
	counted := slices.Contains(seen.lockedSecrets, seen.tag("secret", a.Secret))
	switch {
	case a.Right && !seen.apart:
		w.countApart(w.at.guesses, seen.Principal)
	case !a.Right && seen.apart && (f.Guesses.Anew || !counted):
		w.count(w.at.guesses, seen.Guesses, f.Now, f.Guesses)
	}
	switch {
	case a.Right && !seen.allApart:
		w.countApart(w.at.allGuesses, seen.All)
	case !a.Right && seen.allApart:
		w.count(w.at.allGuesses, seen.AllGuesses, f.Now, f.AllGuesses)
	}
}

// countApart begins a count of guesses, with what c has counted until now.
func (w *failureWrite) countApart(at place, c Count) {
	w.include(apartCount, at, object{":n$": number(c.N)})
	if c.N > 0 {
		w.include(apartTimes, at, object{":since$": millis(c.Since), ":last$": millis(c.Last)})
	}
	if c.Locks > 0 {
		w.include(apartLocks, at, object{":locks$": number(c.Locks)})
	}
}

// guessesAsRead lets the write fail where the counts that countGuess decides by have
// changed.
func (w *failureWrite) guessesAsRead(seen Failures, right bool) {
	switch {
	case seen.apart:
	case right:
		w.unchanged(w.at.principal, seen.Principal)
	default:
		w.include(notCounted, w.at.guesses, nil)
	}
	switch {
	case seen.allApart:
	case right:
		w.unchanged(w.at.all, seen.All)
	default:
		w.include(notCounted, w.at.allGuesses, nil)
	}
}

// unchanged makes the write depend on a count being as it was read.
func (w *failureWrite) unchanged(at place, seen Count) {
	if seen.N == 0 {
		w.include(notCounted, at, nil)
		return
	}
	w.include(sameCount, at, object{":seen$": number(seen.N)})
}

// lockedGuess counts an attempt that a lock refused, where the lock would have let a
// right secret in. Otherwise somebody who waits for such a lock could try any number of
// secrets. All and Principal stay as they are: nobody is refused longer for it, so nobody
// can tell.
func (w *failureWrite) lockedGuess(seen Failures, a Attempt, f Failure, attempt string) {
	secret := seen.tag("secret", a.Secret)
	known := slices.Contains(seen.secrets, secret) || slices.Contains(seen.lockedSecrets, secret)
	if a.Right || a.Closed || known {
		return
	}
	w.once(attempt)
	if seen.apart {
		w.count(w.at.guesses, seen.Guesses, f.Now, f.Guesses)
	} else {
		w.countApart(w.at.guesses, seen.Principal.after(f.Guesses, f.Now))
		w.unchanged(w.at.principal, seen.Principal)
	}
	w.remember(w.at.guesses, secret, seen.lockedSecrets, f.Guesses.Anew, f.RememberedSecrets)
	if seen.allApart {
		w.count(w.at.allGuesses, seen.AllGuesses, f.Now, f.AllGuesses)
	}
}
