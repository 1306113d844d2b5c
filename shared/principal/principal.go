// Package principal says who calls: operators by password, API users by key, apps by secret, and apps again by the
// token they were given. It knows nothing of HTTP.
package principal

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
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
	found, err := d.check(ctx, store.Operator, source, name, "", func(p store.Principal) verdict {
		same, work := samePassword(password, p.Hashes)
		return verdict{same, same, work}
	})
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
// A right key with a foreign account is refused as a wrong key is, and nobody can tell one
// from the other; but it is no guess: the accounts that are the user's stay open, to them
// and to everybody else at the address. ErrRefused, *Locked.
func (d Directory) APIUser(ctx context.Context, source, name, key, account string) error {
	_, err := d.check(ctx, store.APIUser, source, name, account, func(p store.Principal) verdict {
		same, work := sameSecret(key, p.Hashes)
		return verdict{same && slices.Contains(p.Accounts, account) && allows(p, apiUsersOperation), same, work}
	})
	return err
}

// App checks an app's secret and returns its tenant. ErrRefused, *Locked.
func (d Directory) App(ctx context.Context, source, key, secret string) (tenant string, err error) {
	found, err := d.check(ctx, store.App, source, key, "", func(p store.Principal) verdict {
		same, work := sameSecret(secret, p.Hashes)
		return verdict{same && p.TenantID != "" && allows(p, appsOperation), same, work}
	})
	return found.TenantID, err
}

// verdict is what came of looking at a secret: whether its principal is let in, whether the
// secret is right, and the work done on it: the same for the same secret.
type verdict struct {
	in, right bool
	work      string
}

// check finds a principal that right lets in and that may still be used; right is as slow for
// a principal who is nobody. All refusals are counted alike for all that a caller can tell,
// also that of a right secret, so that neither time nor a lock tells them apart. account is
// what is asked for, "" for a kind without.
func (d Directory) check(ctx context.Context, kind, source, name, account string, right func(store.Principal) verdict) (store.Principal, error) {
	var nobody store.Principal
	if name == "" || len(name) > store.MaxName {
		return nobody, ErrRefused
	}
	address := network(source)
	found, failures, err := d.Principals.Find(ctx, kind, name, address)
	if err != nil {
		return nobody, err
	}
	p := nobody
	if found != nil {
		p = *found
	}
	a := attempt{Directory: d, seen: failures, now: d.Now(), slow: kind == store.Operator, account: account}
	look := func() verdict {
		v := right(p)
		v.in = v.in && usable(p, a.now)
		return v
	}
	switch {
	case address == "":
		if !look().in {
			err = ErrRefused
		}
	case kind == store.APIUser: // the look costs nothing, and decides whom a lock keeps out
		err = a.looked(ctx, look())
	default:
		err = a.guarded(ctx, look)
	}
	if err != nil {
		return nobody, err
	}
	return p, nil
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
