// Package principal says who calls: operators by password, API users by key, apps by secret, and apps again by the
// token they were given. It knows nothing of HTTP.
package principal

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"customercare/shared/store"
)

// ErrRefused is every refusal: an unknown name, a wrong secret, a foreign account, an operation that is not allowed, and a
// principal that is disabled or not valid any more are told apart by nobody.
var ErrRefused = errors.New("principal: refused")

// Directory looks principals up, each by one round trip.
type Directory struct {
	Principals store.Principals
	Guard      Guard
	Now        func() time.Time
}

// Operator checks the password of an operator who calls from the address source, and gives the operations that the
// operator may call. ErrRefused, *Locked.
func (d Directory) Operator(ctx context.Context, source, name, password string) (operations []string, err error) {
	if len(password) > maxSecret {
		return nil, ErrRefused
	}
	found, err := d.check(ctx, store.Operator, source, name, "", func(p store.Principal) (bool, string) { return samePassword(password, p.Hashes) })
	if err != nil {
		return nil, err
	}
	if found.Operations == nil {
		return Operations[store.Operator], nil
	}
	return found.Operations, nil
}

const (
	apiUsersOperation = "delete-customer"
	appsOperation     = "clean-customer-data"
)

// Operations are all that the principals of a kind can be allowed to call, by the folders of the functions: those whose
// entry lists none may call all of them.
var Operations = map[string][]string{
	store.Operator: {"delete-customer-info", "set-temporary-allow"}, store.APIUser: {apiUsersOperation}, store.App: {appsOperation},
}

// APIUser checks an API user's key and that the user may delete customers of the account.
// A right key with a foreign account is refused and counted as a wrong key is, by the key:
// so it counts once, and does not lock out the accounts that are the user's, and nobody can
// tell it from a wrong key. ErrRefused, *Locked.
func (d Directory) APIUser(ctx context.Context, source, name, key, account string) error {
	_, err := d.check(ctx, store.APIUser, source, name, account, func(p store.Principal) (bool, string) {
		same, work := sameSecret(key, p.Hashes)
		return same && slices.Contains(p.Accounts, account) && allows(p, apiUsersOperation), work
	})
	return err
}

// App checks an app's secret and returns its tenant. ErrRefused, *Locked.
func (d Directory) App(ctx context.Context, source, key, secret string) (tenant string, err error) {
	found, err := d.check(ctx, store.App, source, key, "", func(p store.Principal) (bool, string) {
		same, work := sameSecret(secret, p.Hashes)
		return same && p.TenantID != "" && allows(p, appsOperation), work
	})
	return found.TenantID, err
}

// look says whether a principal is let in, and gives the work done on the secret: the same
// for the same secret, and as slow for a principal who is nobody.
type look func(store.Principal) (in bool, work string)

// check finds a principal that right lets in and that may still be used. All refusals are counted alike, also that of a
// right secret, so that neither time nor a lock tells them apart; after too many nothing is looked at any more, right
// least of all, which may be slow. account is what is asked for, "" for a kind without.
func (d Directory) check(ctx context.Context, kind, source, name, account string, right look) (store.Principal, error) {
	var nobody store.Principal
	if name == "" || len(name) > store.MaxName {
		return nobody, ErrRefused
	}
	address := network(source)
	found, failures, err := d.Principals.Find(ctx, kind, name, address)
	if err != nil {
		return nobody, err
	}
	now := d.Now()
	expires := now.Add(d.Guard.kept())
	reserved := time.Time{}
	if address != "" {
		if left := d.Guard.locked(failures, now); left > 0 {
			return nobody, &Locked{left}
		}
		if d.Guard.suspect(failures.Principal, now) {
			// For as long as an attempt may take; a failure makes the whole lock of it.
			lock := d.Guard.lock(failures.Principal.Locks + 1)
			until := now.Add(reservation - lock)
			if took, err := d.Principals.Reserve(ctx, failures, until, expires); err != nil {
				return nobody, err
			} else if !took {
				return nobody, &Locked{min(lock, reservation)}
			}
			reserved = until
		}
	}
	p := nobody
	if found != nil {
		p = *found
	}
	in, work := right(p) // before anything else is looked at: the slow hash always
	in = in && usable(p, now)
	switch {
	case in && !reserved.IsZero():
		err = d.Principals.Clear(ctx, failures, expires)
	case !in && address != "":
		err = d.count(ctx, failures, store.Attempt{Secret: work, Account: account}, now, reserved)
	}
	if err != nil { // a guess is not let through, nor told apart, because it could not be counted
		slog.Error("failed", "cause", err.Error())
	}
	if !in {
		return nobody, ErrRefused
	}
	return p, nil
}

// count counts a failed attempt; reserved is what it was reserved with, or the zero time.
func (d Directory) count(ctx context.Context, seen store.Failures, a store.Attempt, now, reserved time.Time) error {
	f := store.Failure{
		Now: now, Expires: now.Add(d.Guard.kept()), Reserved: reserved, Before: seen.Principal, Remembered: d.Guard.remembered(),
		All: d.Guard.next(seen.All, d.Guard.many(), now), Principal: d.Guard.next(seen.Principal, d.Guard.Limit, now),
		Accounts: d.Guard.next(seen.Accounts, d.Guard.many(), now),
	}
	if !reserved.IsZero() { // the next lock was taken with the reservation
		f.Principal = store.Change{Locks: seen.Principal.Locks}
	}
	for of, count := range seen.Others {
		if d.Guard.forgotten(count, d.Guard.Limit, now) {
			f.Forget = append(f.Forget, of)
		}
	}
	return d.Principals.CountFailure(ctx, seen, a, f)
}

func usable(p store.Principal, now time.Time) bool {
	return !p.Disabled && (p.ValidUntil == nil || now.Before(*p.ValidUntil))
}

func allows(p store.Principal, operation string) bool {
	return p.Operations == nil || slices.Contains(p.Operations, operation)
}

// IssueToken makes a token of 256 random bits for an app and its tenant, and stores its hash. The token names its app, so
// that one round trip finds both.
func (d Directory) IssueToken(ctx context.Context, appKey, tenant string, life time.Duration) (token string, created time.Time, err error) {
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails
	token = base64.RawURLEncoding.EncodeToString(random) + "." + base64.RawURLEncoding.EncodeToString([]byte(appKey))
	created = d.Now()
	return token, created, d.Principals.PutToken(ctx, Hash(token), appKey, tenant, created.Add(life))
}

// Token finds the app and the tenant that a token speaks for. ErrRefused when it is unknown or expired (DynamoDB removes
// expired items only within days, so the clock decides), and from the moment on in which its app is gone, disabled, not
// valid any more or another tenant's. Nobody guesses 256 bits: failures are not counted.
func (d Directory) Token(ctx context.Context, token string) (appKey, tenant string, err error) {
	_, encoded, _ := strings.Cut(token, ".")
	named, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil || len(named) == 0 || len(named) > store.MaxName {
		return "", "", ErrRefused
	}
	// The hash is of all of the token: nobody can put another app's name behind the random bits.
	found, app, err := d.Principals.FindToken(ctx, Hash(token), string(named))
	if err != nil {
		return "", "", err
	}
	now := d.Now()
	if found == nil || app == nil || !now.Before(found.Expires) || found.TenantID == "" ||
		!usable(*app, now) || app.TenantID != found.TenantID || !allows(*app, appsOperation) {
		return "", "", ErrRefused
	}
	return found.AppKey, found.TenantID, nil
}
