// Package principal says who calls: operators by password, API users by key, apps by secret, and apps again by the
// token they were given. It knows nothing of HTTP.
package principal

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"github.com/alexedwards/argon2id"

	"customercare/shared/store"
)

// ErrRefused is every refusal: an unknown name, a wrong secret and a foreign account are told apart by nobody.
var ErrRefused = errors.New("principal: refused")

// Directory looks principals up, by one read each.
type Directory struct {
	Principals store.Principals
	Now        func() time.Time
}

// PasswordParams are those of every stored password: argon2id with 19 MB and 2 passes (OWASP Password Storage Cheat Sheet).
var PasswordParams = argon2id.Params{Memory: 19 << 10, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// decoy is hashed against for names that do not exist, so that they take as long as wrong passwords: it has the same
// parameters.
const decoy = "$argon2id$v=19$m=19456,t=2,p=1$Utfs9wFgq8WpmGb6AbH8Ew$DWfsJAOO2DqXQQbEyakMRrVcP+ajUJbCf2m9SSzWbTA"

// maxSecret bounds what is hashed.
const maxSecret = 1024

// Operator checks an operator's password. ErrRefused.
func (d Directory) Operator(ctx context.Context, name, password string) error {
	if len(password) > maxSecret {
		return ErrRefused
	}
	found, err := d.Principals.Find(ctx, store.Operator, name)
	if err != nil {
		return err
	}
	hash := decoy
	if found != nil && found.PasswordHash != "" {
		hash = found.PasswordHash
	}
	matches, err := argon2id.ComparePasswordAndHash(password, hash)
	if err != nil || !matches || hash == decoy {
		return ErrRefused
	}
	return nil
}

// APIUser checks an API user's key and that the user may work on the account. ErrRefused.
func (d Directory) APIUser(ctx context.Context, name, key, account string) error {
	found, err := d.Principals.Find(ctx, store.APIUser, name)
	if err != nil {
		return err
	}
	if found == nil || !matches(key, found.KeyHash) || !slices.Contains(found.Accounts, account) {
		return ErrRefused
	}
	return nil
}

// App checks an app's secret and returns its tenant. ErrRefused.
func (d Directory) App(ctx context.Context, key, secret string) (tenant string, err error) {
	found, err := d.Principals.Find(ctx, store.App, key)
	if err != nil {
		return "", err
	}
	if found == nil || !matches(secret, found.SecretHash) || found.TenantID == "" {
		return "", ErrRefused
	}
	return found.TenantID, nil
}

// IssueToken makes a token of 256 random bits for an app and its tenant, and stores its hash.
func (d Directory) IssueToken(ctx context.Context, appKey, tenant string, life time.Duration) (token string, created time.Time, err error) {
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails
	token = base64.RawURLEncoding.EncodeToString(random)
	created = d.Now()
	return token, created, d.Principals.PutToken(ctx, Hash(token), appKey, tenant, created.Add(life))
}

// Token finds the app and the tenant that a token speaks for. ErrRefused when it is unknown or expired: DynamoDB removes
// expired items only within days, so the clock decides.
func (d Directory) Token(ctx context.Context, token string) (appKey, tenant string, err error) {
	found, err := d.Principals.Find(ctx, store.Token, Hash(token))
	if err != nil {
		return "", "", err
	}
	if found == nil || !d.Now().Before(found.Expires) || found.TenantID == "" {
		return "", "", ErrRefused
	}
	return found.AppKey, found.TenantID, nil
}

// Hash is how generated keys, secrets and tokens are stored: SHA-256, hex. They have more than enough entropy to need
// no slow hash.
func Hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// matches compares in constant time.
func matches(secret, hash string) bool {
	return hash != "" && subtle.ConstantTimeCompare([]byte(Hash(secret)), []byte(hash)) == 1
}
