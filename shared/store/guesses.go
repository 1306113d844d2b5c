package store

import (
	"slices"
	"time"
)

// guessesSuffix ends the attributes of AllGuesses and Guesses, behind those of All and
// Principal; no hash ends so. They are written from the first failure of a right secret on,
// beginning with what was counted until then.
const guessesSuffix = "g"

func (f *Failures) readGuesses(item object, own string) {
	f.AllGuesses, f.Guesses = f.All, f.Principal
	if _, f.allApart = item["n"+guessesSuffix]; f.allApart {
		f.AllGuesses = item.count(guessesSuffix)
	}
	if _, f.apart = item["n"+own+guessesSuffix]; f.apart {
		f.Guesses = item.count(own + guessesSuffix)
	}
	f.guessed = item.texts("tags" + own + guessesSuffix)
}

// guesses counts a failure that All and Principal count, too: a wrong secret where guesses
// are counted apart, a right one by counting apart from now on.
func (u *failureUpdate) guesses(seen Failures, a Attempt, f Failure) {
	own := brief(seen.principal)
	switch {
	case a.Right && !seen.apart:
		u.setApart("p", own, seen.Principal)
	case !a.Right && seen.apart && (f.Guesses.Anew || !slices.Contains(seen.guessed, seen.tag("secret", a.Secret))):
		u.change("g", own+guessesSuffix, seen.Guesses, f.Now, f.Guesses)
	}
	switch {
	case a.Right && !seen.allApart:
		u.setApart("a", "", seen.All)
	case !a.Right && seen.allApart:
		u.change("h", guessesSuffix, seen.AllGuesses, f.Now, f.AllGuesses)
	}
}

// sameAsRead makes the write depend on what guesses decides by: whether guesses are counted
// apart and, where right makes them so, how many there were.
func (u *failureUpdate) sameAsRead(seen Failures, right bool) {
	for _, c := range []struct {
		tag, of string
		apart   bool
		seen    Count
	}{{"p", brief(seen.principal), seen.apart, seen.Principal}, {"a", "", seen.allApart, seen.All}} {
		switch {
		case c.apart:
		case right:
			u.unchanged(c.tag, c.of, c.seen)
		default:
			u.names["#x"+c.tag] = "n" + c.of + guessesSuffix
			u.requirements = append(u.requirements, "attribute_not_exists(#x"+c.tag+")")
		}
	}
}

// lockedGuess counts an attempt that a lock refused, where the lock would have let a right
// secret in: else somebody who waits for such a lock could try any number of secrets. All
// and Principal stay as they are, so nobody is refused longer for it, and nobody can tell.
func (u *failureUpdate) lockedGuess(seen Failures, a Attempt, f Failure, attempt string) {
	secret := seen.tag("secret", a.Secret)
	if a.Right || a.Closed || slices.Contains(seen.secrets, secret) || slices.Contains(seen.guessed, secret) {
		return
	}
	own := brief(seen.principal)
	u.once(attempt)
	if seen.apart {
		u.change("g", own+guessesSuffix, seen.Guesses, f.Now, f.Guesses)
	} else {
		u.setApart("p", own, seen.Principal.after(f.Guesses, f.Now))
		u.unchanged("p", own, seen.Principal)
	}
	u.remember("g", own+guessesSuffix, secret, seen.guessed, f.Guesses.Anew, f.RememberedSecrets)
	if seen.allApart {
		u.change("h", guessesSuffix, seen.AllGuesses, f.Now, f.AllGuesses)
	}
}

// after is the count after one more failure.
func (c Count) after(change Change, now time.Time) Count {
	if change.Anew || c.N == 0 {
		c.N, c.Since = 0, now
	}
	return Count{N: c.N + 1, Locks: change.Locks, Since: c.Since, Last: now}
}

// setApart begins to count guesses apart from the count called tag, with those of c.
func (u *failureUpdate) setApart(tag, of string, c Count) {
	set := func(attribute, value string) {
		name := "#x" + tag + attribute
		u.names[name] = attribute + of + guessesSuffix
		u.set = append(u.set, name+" = if_not_exists("+name+", "+value+")")
	}
	n, since, last, locks := ":xn"+tag, ":xs"+tag, ":xl"+tag, ":xk"+tag
	u.values[n] = number(c.N)
	set("n", n)
	if c.N > 0 {
		u.values[since], u.values[last] = millis(c.Since), millis(c.Last)
		set("since", since)
		set("last", last)
	}
	if c.Locks > 0 { // none is no attribute
		u.values[locks] = number(c.Locks)
		set("locks", locks)
	}
}

// unchanged makes the write depend on a count being as it was read.
func (u *failureUpdate) unchanged(tag, of string, seen Count) {
	name, value := "#n"+tag, ":seen"+tag
	u.names[name] = "n" + of
	if seen.N == 0 {
		u.requirements = append(u.requirements, "attribute_not_exists("+name+")")
		return
	}
	u.only(name+" = "+value, value, number(seen.N))
}

// Apart says that guesses are counted apart: Guesses and Principal may differ.
func (f Failures) Apart() bool { return f.apart }
