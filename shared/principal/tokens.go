package principal

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"strings"
	"time"

	"customercare/shared/operation"
	"customercare/shared/store"
)

// Tokens gives apps tokens in place of their secrets, and finds whom a token speaks for.
type Tokens struct {
	Principals store.Principals
	Now        func() time.Time
}

// Issue makes a token of 256 random bits for an app that was let in, and its tenant, and
// stores the token's hash. The token names its app, so that Find needs one round trip.
func (t Tokens) Issue(
	ctx context.Context, appKey, tenant string, life time.Duration,
) (token string, created time.Time, err error) {
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails
	encode := base64.RawURLEncoding.EncodeToString
	token = encode(random) + "." + encode([]byte(appKey))
	created = t.Now()
	return token, created, t.Principals.PutToken(ctx, Hash(token), appKey, tenant, created.Add(life))
}

// Find gives the app and the tenant that a token speaks for. It is ErrNotLetIn when the
// token is unknown or expired, by the clock, because DynamoDB removes expired items only
// within days; and from the moment on in which its app is gone, disabled, not valid any
// more or another tenant's. Nobody guesses 256 bits: failures are not counted.
func (t Tokens) Find(ctx context.Context, token string) (appKey, tenant string, err error) {
	_, encoded, _ := strings.Cut(token, ".")
	named, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil || len(named) == 0 || len(named) > store.MaxName {
		return "", "", ErrNotLetIn
	}
	// The hash is of all of the token: nobody can put another app's name behind the
	// random bits.
	found, app, err := t.Principals.FindToken(ctx, Hash(token), string(named))
	if err != nil {
		return "", "", err
	}
	now := t.Now()
	if found == nil || app == nil || !now.Before(found.Expires) || found.TenantID == "" ||
		!usable(*app, now) || app.TenantID != found.TenantID ||
		!allows(*app, operation.CleanCustomerData.Name) {
		return "", "", ErrNotLetIn
	}
	return found.AppKey, found.TenantID, nil
}
