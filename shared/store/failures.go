package store

import "time"

// Failures are the attempts that failed from one source address: all of them, and those
// for one principal. Find reads them, CountFailure adds to them.
//
// They are one item of the principals' table, so that a failure is one write:
//
//	principal               key: "failures#" and a hash of the source address
//	n since last locks      All, see Count
//	n<p> ... locks<p>       Principal; <p> is a hash of the principal's key
//	tags<p>                 the last secrets that failed for the principal, see tag
//	attempt<p>              the reservation that took the last of locks<p>, see Reserve
//	turn<p>                 Turn, see TakeTurn
//	n<p>r since<p>r         Repeats
//	n<a> ... locks<a>       Accounts; <a> is one of "accounts#" and the principal's key
//	tags<a>                 the last accounts that were asked for
//	ng ... locksg           AllGuesses, from the first right secret on that failed
//	n<p>g ... locks<p>g     Guesses, likewise; tags<p>g, attempt<p>g as those without g
//	attempt                 the call that counted last, see countedOnce
//	salt                    of all tags, see tag
//	expires                 Unix seconds; the table's TTL
type Failures struct {
	All, Principal Count
	// AllGuesses and Guesses are those of All and Principal whose secret was wrong. Only
	// they keep a right secret out. Until a right secret fails they equal All and
	// Principal, and are not stored.
	AllGuesses, Guesses Count
	// Accounts counts the accounts that were asked for, for this principal, with secrets
	// that had failed before.
	Accounts Count
	// Repeats counts how often a secret that had failed before was looked at again.
	Repeats Count
	// Turn is until when no other attempt's secret is looked at, see TakeTurn.
	Turn time.Time
	// Others are the counts of the source's other principals and of their accounts. The
	// keys are hashes, which Failure.Forget takes.
	Others map[string]Count

	source, principal string
	salt              []byte              // nil where nothing has failed yet
	secrets           []string            // tags of the last secrets that failed
	lockedSecrets     []string            // tags of the last that were tried during a lock
	accounts          []string            // tags of the last accounts that were asked for
	apart, allApart   bool                // Guesses and AllGuesses are stored
	turn              string              // as it is stored
	attributes        map[string][]string // all that belong to each of Others
}

// Count is how many attempts failed since a time, when the last of them did, and to how
// many locks they have led.
type Count struct {
	N, Locks    int64
	Since, Last time.Time
}

// after is the count after one more failure.
func (c Count) after(change Change, now time.Time) Count {
	if change.Anew || c.N == 0 {
		c.N, c.Since = 0, now
	}
	return Count{N: c.N + 1, Locks: change.Locks, Since: c.Since, Last: now}
}

// Attempt is what failed. Its secret and its account are remembered as tags, see tag.
type Attempt struct {
	Secret  string // the work that was done on the secret: its hash, slow or not
	Account string // the account that was asked for, "" where the principal's kind has none
	Right   bool   // the secret is the principal's, so the failure is no guess
	Slow    bool   // the work was slow, so repeats are counted as well
	Locked  bool   // a lock refused the attempt, so a guess counts in Guesses alone
	Closed  bool   // that lock keeps right secrets out, so nothing counts
}

// Change is what a failure does to one count.
type Change struct {
	Anew  bool  // the count is over: it begins again, with this failure
	Locks int64 // how many locks there are from now on
}

// Failure is what one failed attempt does to the counts that were read.
type Failure struct {
	Now                      time.Time
	Expires                  time.Time // when the TTL may remove the item
	All, Principal, Accounts Change
	AllGuesses, Guesses      Change
	Repeats                  Change
	Forget                   []string    // keys of Failures.Others that are over: they go
	RememberedSecrets        int         // how many of the last secrets have a tag
	RememberedAccounts       int         // how many of the last accounts have one
	Reserved                 Reservation // the attempt's, or the zero value
	Before, BeforeGuesses    Count       // Principal and Guesses before it was reserved
	Turn                     string      // what TakeTurn gave, or ""
}

// Apart says that guesses are counted apart: Guesses and Principal may differ.
func (f Failures) Apart() bool { return f.apart }
