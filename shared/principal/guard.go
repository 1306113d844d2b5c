package principal

import (
	"net/netip"
	"time"

	"customercare/shared/store"
)

// Guard bounds guessing. Failures are counted by source address, and by principal within an address: who guesses locks out
// their own address, and a right secret from elsewhere still works. Attempts that are refused because of a lock cost no hash
// and no write. An event without an address (a TOKEN authorizer's; the template asks with REQUEST) is not counted: there
// would be nobody to lock out but everybody.
//
// What is counted are secrets, not attempts: one that has failed before for the principal is
// no new guess, as long as it is among the last Limit of them. Accounts that are asked for
// with such a secret are counted apart: they may be many times Limit, because an account
// that is not the user's is more often a typo than a guess.
type Guard struct {
	// Limit is how many failures for one principal from one address within Window lock that address out for that principal.
	// When the lock is over, attempts are looked at one at a time; a failure is the next lock, a right secret ends it all.
	Limit int64
	// Window is also the measure of the locks: the first lasts a fifth of it, each further one twice as long, up to twelve
	// windows (with 5 minutes: 1 minute to 1 hour). After as long without a failure all is forgotten.
	Window time.Duration
}

// Limits is a Guard in a function's environment.
type Limits struct {
	Limit  int64         `env:"GUESS_LIMIT,required"`
	Window time.Duration `env:"GUESS_WINDOW,required"`
}

// sourceFactor is how many times Limit an address has for all principals together, because many people share one behind a
// NAT, and for the accounts of one principal.
const sourceFactor = 10

// many is the limit of what is counted by sourceFactor.
func (g Guard) many() int64 { return g.Limit * sourceFactor }

// mostRemembered bounds what one principal takes of the item, whatever Limit is.
const mostRemembered = 100

// remembered is how many secrets, and how many accounts, are told from new ones.
func (g Guard) remembered() int { return int(min(g.Limit, mostRemembered)) }

// Locked says that nothing was looked at, because too many attempts have failed.
type Locked struct{ For time.Duration }

func (l *Locked) Error() string { return "principal: locked out for " + l.For.String() }

// reservation is how long an attempt that is looked at alone keeps others waiting: more than it may take.
const reservation = 15 * time.Second

// network is the part of a source address that one caller cannot change at will: all of an IPv4 address, the first half of
// an IPv6 one (RFC 4291 leaves the other half to the host). It is empty for what is no address.
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

// locked is how long attempts after these failures are still refused; 0 when they are not.
func (g Guard) locked(seen store.Failures, now time.Time) time.Duration {
	return max(g.left(seen.Principal, g.Limit, now), g.left(seen.All, g.many(), now), g.left(seen.Accounts, g.many(), now), 0)
}

func (g Guard) left(c store.Count, limit int64, now time.Time) time.Duration {
	if c.N < limit {
		return 0
	}
	return c.Last.Add(g.lock(c.Locks)).Sub(now)
}

// lock is how long the last of so many locks lasts.
func (g Guard) lock(locks int64) time.Duration {
	return min(12*g.Window, g.Window/5<<min(max(locks-1, 0), 6))
}

// forgotten says that nothing has failed for so long that a count is worth nothing any more.
func (g Guard) forgotten(c store.Count, limit int64, now time.Time) bool {
	if c.N < limit && c.Locks == 0 {
		return now.Sub(c.Since) > g.Window
	}
	return now.Sub(c.Last) > g.lock(c.Locks)+12*g.Window
}

// suspect says that an attempt for this principal has to be reserved: a lock is over, and nothing is forgotten yet.
func (g Guard) suspect(c store.Count, now time.Time) bool {
	return c.N >= g.Limit && !g.forgotten(c, g.Limit, now)
}

// next is what a failure does to a count of so many failures. One for all principals begins anew when its lock is over:
// an office must not be let in one at a time.
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

// kept is how long the item has to stay after a failure: no lock and no memory of one is longer.
func (g Guard) kept() time.Duration { return 24*g.Window + time.Hour }
