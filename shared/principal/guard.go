package principal

import (
	"fmt"
	"net/netip"
	"time"

	"customercare/shared/store"
)

// Guard bounds guessing. Failures are counted by source address, and by principal within an address: so that a stranger
// who guesses locks out no address but their own, and a right secret from elsewhere still works. A refused attempt while
// the lock lasts costs no hash and no write.
type Guard struct {
	// Limit is how many failures for one principal from one address within Window lock that address out for that principal.
	Limit int64
	// Window is also the measure of the locks: the first lasts a fifth of it, each failure after a lock doubles the next, up
	// to twelve windows (with 5 minutes: 1 minute to 1 hour). After as long without a failure all is forgotten.
	Window time.Duration
}

// Limits is a Guard in a function's environment.
type Limits struct {
	Limit  int64         `env:"GUESS_LIMIT,required"`
	Window time.Duration `env:"GUESS_WINDOW,required"`
}

// sourceFactor is how many times Limit an address has for all principals together: many people share one behind a NAT.
const sourceFactor = 10

// network is the part of a source address that one caller cannot change at will: all of an IPv4 address, the first half of
// an IPv6 one (RFC 4291 leaves the other half to the host).
func network(source string) string {
	address, err := netip.ParseAddr(source)
	if err != nil || address.Unmap().Is4() {
		return source
	}
	return netip.PrefixFrom(address, 64).Masked().String()
}

// Locked says that nothing was looked at, because too many attempts have failed.
type Locked struct{ For time.Duration }

func (l *Locked) Error() string { return fmt.Sprintf("principal: locked out for %s", l.For) }

// locked is how long attempts after these failures are still refused; 0 when they are not.
func (g Guard) locked(seen store.Failures, now time.Time) time.Duration {
	return max(g.left(seen.Principal, g.Limit, now), g.left(seen.All, g.Limit*sourceFactor, now), 0)
}

func (g Guard) left(c store.Count, limit int64, now time.Time) time.Duration {
	if c.N < limit {
		return 0
	}
	return c.Last.Add(g.lock(c.N - limit)).Sub(now)
}

// lock is how long the lock after so many failures beyond the limit lasts.
func (g Guard) lock(beyond int64) time.Duration {
	longest := 12 * g.Window
	if beyond >= 6 {
		return longest
	}
	return min(longest, g.Window/5<<beyond)
}

// over says that a count begins anew with the next failure.
func (g Guard) over(c store.Count, limit int64, now time.Time) bool {
	switch {
	case c.N == 0:
		return false // there is none yet
	case c.N < limit:
		return now.Sub(c.Since) > g.Window
	}
	return now.Sub(c.Last) > g.lock(c.N-limit)+12*g.Window
}
