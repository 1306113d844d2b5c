package principal

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/alexedwards/argon2id"
	"golang.org/x/crypto/argon2"
)

// passwordParams are those of every stored password: argon2id with 19 MB and 2 passes
// (OWASP Password Storage Cheat Sheet).
var passwordParams = argon2id.Params{Memory: 19 << 10, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// decoy is hashed against for names that do not exist, so that they take as long as wrong
// passwords: it has the same parameters.
const decoy = "$argon2id$v=19$m=19456,t=2,p=1$Utfs9wFgq8WpmGb6AbH8Ew$DWfsJAOO2DqXQQbEyakMRrVcP+ajUJbCf2m9SSzWbTA"

// maxSecret bounds what is hashed.
const maxSecret = 1024

// HashPasswords makes the hashes of an operator's passwords, one or, while they are being
// changed, two. All have one salt, so that a caller's password is hashed once to be
// compared with all. As long as one of the passwords is among standing, the hashes of
// before, the salt stays, so that the same passwords give the same hashes.
func HashPasswords(passwords, standing []string) []string {
	for _, hash := range standing {
		params, salt, _, err := argon2id.DecodeHash(hash)
		if err != nil || *params != passwordParams {
			continue
		}
		hashes := hashAll(passwords, salt)
		if slices.ContainsFunc(hashes, func(hash string) bool { return slices.Contains(standing, hash) }) {
			return hashes
		}
	}
	salt := make([]byte, passwordParams.SaltLength)
	_, _ = rand.Read(salt) // never fails
	return hashAll(passwords, salt)
}

// HashBeside makes the hash of an operator's new password, to be put beside the hashes of
// before. It has their salt where one of them can be read, for the reason that
// HashPasswords gives.
func HashBeside(password string, standing []string) string {
	for _, hash := range standing {
		if params, salt, _, err := argon2id.DecodeHash(hash); err == nil && *params == passwordParams {
			return hashAll([]string{password}, salt)[0]
		}
	}
	return HashPasswords([]string{password}, nil)[0]
}

// hashAll writes hashes as PHC strings.
func hashAll(passwords []string, salt []byte) []string {
	hashes := make([]string, len(passwords))
	for i, password := range passwords {
		p, encode := passwordParams, base64.RawStdEncoding.EncodeToString
		hashes[i] = fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
			argon2.Version, p.Memory, p.Iterations, p.Parallelism,
			encode(salt), encode(derive(password, salt, p)))
	}
	return hashes
}

func derive(password string, salt []byte, p argon2id.Params) []byte {
	return argon2.IDKey([]byte(password), salt, p.Iterations, p.Memory, p.Parallelism, p.KeyLength)
}

// samePassword says whether the password is one of those hashed, and gives its slow hash.
// It takes one slow hash, whatever the hashes are, none and unreadable ones included;
// only hashes that were not made by HashPasswords, with salts that differ, take one each.
func samePassword(password string, hashes []string) (same bool, work string) {
	key, keyFrom := []byte(nil), ""
	for _, hash := range hashes {
		params, salt, want, err := argon2id.DecodeHash(hash)
		if err != nil {
			continue
		}
		if this := fmt.Sprint(*params, salt); this != keyFrom {
			key, keyFrom = derive(password, salt, *params), this
		}
		same = subtle.ConstantTimeCompare(key, want) == 1 || same
	}
	if key == nil { // nobody, or nobody who can be looked at
		_, salt, _, _ := argon2id.DecodeHash(decoy)
		key = derive(password, salt, passwordParams)
	}
	return same, string(key)
}

// Hash is how generated keys, secrets and tokens are stored: SHA-256, hex. They have more
// than enough entropy to need no slow hash.
func Hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// sameSecret compares in constant time, and gives the secret's hash.
func sameSecret(secret string, hashes []string) (same bool, work string) {
	hash := Hash(secret)
	for _, want := range hashes {
		same = subtle.ConstantTimeCompare([]byte(hash), []byte(want)) == 1 || same
	}
	return same, hash
}
