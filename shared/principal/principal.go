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
	found, err := d.check(ctx, store.Operator, source, name, func(hashes []string) bool {
		// A name without a password takes as long as one with a wrong password.
		return samePassword(password, hashes)
	})
	if err != nil {
		return nil, err
	}
	if found.Operations == nil {
		return operatorsOperations, nil
	}
	return found.Operations, nil
}

// The operations that principals of a kind may call when their entry does not list any.
var operatorsOperations = []string{"delete-customer-info", "set-temporary-allow"}

const (
	apiUsersOperation = "delete-customer"
	appsOperation     = "clean-customer-data"
)

// APIUser checks an API user's key and that the user may delete customers of the account. ErrRefused, *Locked.
func (d Directory) APIUser(ctx context.Context, source, name, key, account string) error {
	found, err := d.check(ctx, store.APIUser, source, name, func(hashes []string) bool { return sameSecret(key, hashes) })
	if err != nil {
		return err
	}
	if !slices.Contains(found.Accounts, account) || !allows(found, apiUsersOperation) {
		return ErrRefused
	}
	return nil
}

// App checks an app's secret and returns its tenant. ErrRefused, *Locked.
func (d Directory) App(ctx context.Context, source, key, secret string) (tenant string, err error) {
	found, err := d.check(ctx, store.App, source, key, func(hashes []string) bool { return sameSecret(secret, hashes) })
	if err != nil {
		return "", err
	}
	if found.TenantID == "" || !allows(found, appsOperation) {
		return "", ErrRefused
	}
	return found.TenantID, nil
}

// check finds a principal whose secret right accepts. Wrong secrets and unknown names are counted, and after too many of
// them nothing is looked at any more, right least of all, which may be slow.
func (d Directory) check(ctx context.Context, kind, source, name string, right func(hashes []string) bool) (*store.Principal, error) {
	if name == "" || len(name) > store.MaxName {
		return nil, ErrRefused
	}
	found, failures, err := d.Principals.Find(ctx, kind, name, network(source))
	if err != nil {
		return nil, err
	}
	now := d.Now()
	if left := d.Guard.locked(failures, now); left > 0 {
		return nil, &Locked{left}
	}
	var hashes []string
	if found != nil {
		hashes = found.Hashes
	}
	if right(hashes) {
		if !usable(found, now) {
			return nil, ErrRefused
		}
		return found, nil
	}
	err = d.Principals.CountFailure(ctx, failures, now, d.Guard.over(failures.All, d.Guard.Limit*sourceFactor, now),
		func(c store.Count) bool { return d.Guard.over(c, d.Guard.Limit, now) })
	if err != nil { // a guess is not let through, nor told apart, because it could not be counted
		slog.Error("failed", "cause", err.Error())
	}
	return nil, ErrRefused
}

func usable(p *store.Principal, now time.Time) bool {
	return p != nil && !p.Disabled && (p.ValidUntil.IsZero() || now.Before(p.ValidUntil))
}

func allows(p *store.Principal, operation string) bool {
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
	if found == nil || !now.Before(found.Expires) || found.TenantID == "" ||
		!usable(app, now) || app.TenantID != found.TenantID || !allows(app, appsOperation) {
		return "", "", ErrRefused
	}
	return found.AppKey, found.TenantID, nil
}
