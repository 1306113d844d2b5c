package principal

import (
	"net/netip"
	"time"

	"customercare/shared/store"
)

// Guard bounds guessing. Failures are counted by source address, and by principal within
// an address: who guesses locks out their own address, and a right secret from elsewhere
// still works. Attempts that are refused because of a lock cost no slow hash. An event
// without an address, as those of the Type TOKEN are (package authorizer), is not
// counted: there would be nobody to lock out but everybody.
//
// What is counted are secrets, not attempts: one that has failed before for the principal
// is no new guess, as long as it is among the last Limit of them. Accounts that are asked
// for with such a secret are counted apart: they may be many times Limit, because an
// account that is not the user's is more often a typo than a guess.
//
// An API user's right key that fails for its account counts like a wrong one for those
// who are refused, so that nobody can tell which it was. It does not count for those who
// are let in: a right key with an account of its user is kept out by wrong keys alone.
// For that the key is looked at before the locks; it takes no slow hash.
type Guard struct {
	// Limit is how many failures for one principal from one address within Window lock
	// that address out for that principal. When the lock is over, attempts are looked at
	// one at a time; a failure is the next lock, a right secret ends it all.
	Limit int64 `env:"GUESS_LIMIT,required"`
	// Window is also the measure of the locks: the first lasts a fifth of it, each
	// further one twice as long, up to twelve windows (with 5 minutes: 1 minute to 1
	// hour). After as long without a failure all is forgotten.
	Window time.Duration `env:"GUESS_WINDOW,required"`
}

// sourceFactor is how much higher than Limit two other limits are. One is of an address's
// failures for all principals together, because many people share an address behind a
// NAT. The other is of the accounts that are asked for with one principal's secret.
const sourceFactor = 10

// many is the limit of what has the higher one, see sourceFactor.
func (g Guard) many() int64 { return g.Limit * sourceFactor }

// maxRemembered is how many secrets of one principal are remembered at most, whatever
// Limit is: each takes room in the item.
const maxRemembered = 100

// remembered is how many failed secrets of one principal are remembered. A secret that
// fails again is told from a new one only while it is among them.
func (g Guard) remembered() int { return int(min(g.Limit, maxRemembered)) }

// rememberedAccounts is the same for accounts. It is as many as lock: if fewer were
// remembered, asking for a few accounts in turns would count each as new again, and lock.
func (g Guard) rememberedAccounts() int {
	return int(min(g.many(), maxRemembered*sourceFactor))
}

// Locked says that nothing was looked at, because too many attempts have failed.
type Locked struct{ For time.Duration }

func (l *Locked) Error() string { return "principal: locked out for " + l.For.String() }

// reservation is how long an attempt that is looked at alone keeps others waiting. It is
// longer than an attempt may take.
const reservation = 15 * time.Second

// network is the part of a source address that one caller cannot change at will: all of
// an IPv4 address, the first half of an IPv6 one, because RFC 4291 leaves the other half
// to the host. It is "" for what is no address.
func network(source string) string {
	address, err := netip.ParseAddr(source)
	if err != nil {
		return ""
	}
	address = address.Unmap().WithZone("")
	if address.Is4() {
		return address.String()
	}
	return netip.PrefixFrom(address, 64).Masked().String()
}

// locked is how long an attempt that is not let in is still refused after these failures;
// 0 when it is looked at. again says that the attempt's secret has failed before. Only
// such a secret is locked out by the count of accounts: a new secret is a guess, and
// counted as one.
func (g Guard) locked(seen store.Failures, again bool, now time.Time) time.Duration {
	wait := max(g.left(seen.Principal, g.Limit, now), g.left(seen.All, g.many(), now), 0)
	if again {
		wait = max(wait, g.left(seen.Accounts, g.many(), now))
	}
	return wait
}

// closed says whether a lock stands that wrong secrets alone would have led to. Such a
// lock keeps a right secret out, too.
func (g Guard) closed(seen store.Failures, now time.Time) bool {
	return min(g.left(seen.Principal, g.Limit, now), g.left(seen.Guesses, g.Limit, now)) > 0 ||
		min(g.left(seen.All, g.many(), now), g.left(seen.AllGuesses, g.many(), now)) > 0
}

// repeating says whether secrets that had failed were looked at again so often that the
// next ones are looked at one at a time.
func (g Guard) repeating(c store.Count, now time.Time) bool {
	return c.N >= g.many() && now.Sub(c.Since) <= g.Window
}

// left is how long the last lock of a count with this limit still stands; 0 or less when
// none does.
func (g Guard) left(c store.Count, limit int64, now time.Time) time.Duration {
	if c.N < limit {
		return 0
	}
	return c.Last.Add(g.lock(c.Locks)).Sub(now)
}

// lock is how long the lock with this number lasts: the first a fifth of Window, each
// further one twice as long, up to twelve windows.
func (g Guard) lock(locks int64) time.Duration {
	return min(12*g.Window, g.Window/5<<min(max(locks-1, 0), 6))
}

// forgotten says whether nothing has failed for so long that the count begins anew with
// the next failure.
func (g Guard) forgotten(c store.Count, limit int64, now time.Time) bool {
	if c.N < limit && c.Locks == 0 {
		return now.Sub(c.Since) > g.Window
	}
	return now.Sub(c.Last) > g.lock(c.Locks)+12*g.Window
}

// suspect says whether the next attempt for a principal with this count has to be
// reserved: a lock is over, and is not forgotten yet.
func (g Guard) suspect(c store.Count, now time.Time) bool {
	return c.N >= g.Limit && !g.forgotten(c, g.Limit, now)
}

// until is the time that a reservation writes down as the last failure, so that the next
// lock ends with the reservation. When the attempt fails, its own time takes that place,
// and the whole lock stands.
func (g Guard) until(c store.Count, now time.Time) time.Time {
	return now.Add(reservation - g.lock(c.Locks+1))
}

// nextGuess is what a wrong secret does to a count of wrong secrets alone. Its lock may
// stand while the count of all failures has none, and the other way round. So wrong
// secrets come while it stands, too, and unlike next it makes the lock longer with each
// of them, as with each that comes after the lock.
func (g Guard) nextGuess(c store.Count, limit int64, now time.Time) store.Change {
	switch {
	case limit == g.Limit && g.suspect(c, now):
		return store.Change{Locks: c.Locks + 1}
	case g.left(c, limit, now) > 0:
		return store.Change{Locks: c.Locks}
	}
	return g.next(c, limit, now)
}

// next is what a failure does to a count with this limit. When a lock is over, the count
// begins anew at zero, and so many failures as before lead to the next lock. That matters
// for the counts of a whole address. Those of one principal go on with one attempt at a
// time (suspect), which for an address would let the people of an office in one by one.
func (g Guard) next(c store.Count, limit int64, now time.Time) store.Change {
	switch {
	case c.N > 0 && g.forgotten(c, limit, now):
		return store.Change{Anew: true}
	case c.N >= limit, c.N > 0 && now.Sub(c.Since) > g.Window: // a lock is over, or a window after one
		return store.Change{Anew: true, Locks: c.Locks}
	case c.N+1 >= limit:
		return store.Change{Locks: c.Locks + 1}
	}
	return store.Change{Locks: c.Locks}
}

// kept is how long the counts have to be stored after a failure. No lock lasts longer,
// and none is remembered longer.
func (g Guard) kept() time.Duration { return 24*g.Window + time.Hour }
