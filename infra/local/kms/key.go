package kms

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/uuid"
)

// Key is a key for signatures, of the spec ECC_NIST_EDWARDS25519 (Ed25519).
type Key struct {
	ID      string
	ARN     string
	private ed25519.PrivateKey
}

// ID gives a key's id, which KMS makes up; here it follows from the name in the template,
// so that it is the same after a restart.
func ID(name string) string {
	sum := sha256.Sum256([]byte("key " + name))
	return uuid.UUID(sum[:16]).String()
}

// ARN gives a key's ARN.
func ARN(region, account, name string) string {
	return fmt.Sprintf("arn:aws:kms:%s:%s:key/%s", region, account, ID(name))
}

// Open gives the key that is kept in the folder as <name>.pem, and makes it the first
// time. With the empty folder it is made anew and kept nowhere. A file that holds no key
// is an error: a log must never be continued under another key than it began with.
func Open(folder, region, account, name string) (Key, error) {
	key := Key{ID: ID(name), ARN: ARN(region, account, name)}
	_, private, err := ed25519.GenerateKey(nil)
	if err == nil && folder != "" {
		private, err = keep(filepath.Join(folder, name+".pem"), private)
	}
	key.private = private
	return key, err
}

// Public is the half that verifies.
func (k Key) Public() ed25519.PublicKey { return k.private.Public().(ed25519.PublicKey) }

// keep gives the key in the file. Where there is no file, it writes fresh there first:
// whole, and never over a file that another process has written meanwhile.
func keep(file string, fresh ed25519.PrivateKey) (ed25519.PrivateKey, error) {
	key, err := readKey(file)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	text, err := encode(fresh)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, err
	}
	work, err := os.CreateTemp(filepath.Dir(file), ".new-*") // its mode is 0600
	if err != nil {
		return nil, err
	}
	defer os.Remove(work.Name())
	_, err = work.Write(text)
	if err := errors.Join(err, work.Sync(), work.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(work.Name(), file); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return readKey(file)
}

func readKey(file string) (ed25519.PrivateKey, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block != nil {
		parsed, _ := x509.ParsePKCS8PrivateKey(block.Bytes)
		if key, is := parsed.(ed25519.PrivateKey); is {
			if whole, err := encode(key); err == nil && bytes.Equal(text, whole) {
				return key, nil
			}
		}
	}
	return nil, fmt.Errorf("%s holds no Ed25519 key: put the file back as it was, "+
		"because a log that one key has signed cannot be continued with another", file)
}

// encode writes the key, and its public half behind it: so a byte that has changed in
// either is noticed.
func encode(key ed25519.PrivateKey) ([]byte, error) {
	private, err := x509.MarshalPKCS8PrivateKey(key)
	public, publicErr := x509.MarshalPKIXPublicKey(key.Public())
	return append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
		pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})...), errors.Join(err, publicErr)
}
