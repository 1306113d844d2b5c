package kms

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func open(t *testing.T, folder string) Key {
	t.Helper()
	key, err := Open(folder, "us-east-1", "123456789012", "LedgerKey")
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// A key that is kept is the same after each start, in a file that only its owner reads.
// One that is not is another each time, under the same id.
func TestKeysAreKept(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data")
	first := open(t, folder)
	if again := open(t, folder); !again.Public().Equal(first.Public()) || again.ARN != first.ARN {
		t.Error("another key after a restart")
	}
	files, err := os.ReadDir(folder)
	if err != nil || len(files) != 1 || files[0].Name() != "LedgerKey.pem" {
		t.Fatalf("%v, %v", files, err)
	}
	if info, err := files[0].Info(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	one, other := open(t, ""), open(t, "")
	if one.Public().Equal(other.Public()) || one.ID != other.ID || len(one.ID) != 36 ||
		one.ARN != "arn:aws:kms:us-east-1:123456789012:key/"+one.ID {
		t.Errorf("%s, %s", one.ARN, other.ARN)
	}
}

// Those who start at the same moment get the same key.
func TestKeysAreMadeOnce(t *testing.T) {
	folder := t.TempDir()
	keys := make([]Key, 8)
	var starts sync.WaitGroup
	for i := range keys {
		starts.Go(func() { keys[i], _ = Open(folder, "us-east-1", "123456789012", "LedgerKey") })
	}
	starts.Wait()
	for _, key := range keys {
		if key.private == nil || !key.Public().Equal(keys[0].Public()) {
			t.Error("two keys were made")
		}
	}
	if files, _ := os.ReadDir(folder); len(files) != 1 {
		t.Errorf("%v", files)
	}
}

// A file that holds no key stays as it is, and is said: with another key, nobody could
// tell the log that goes on from a forged one.
func TestDamagedKeysAreSaid(t *testing.T) {
	whole := filepath.Join(t.TempDir(), "LedgerKey.pem")
	open(t, filepath.Dir(whole))
	text, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(curve)
	if err != nil {
		t.Fatal(err)
	}
	other, err := encode(open(t, "").private)
	if err != nil {
		t.Fatal(err)
	}
	_, public, _ := strings.Cut(string(text), "-----BEGIN PUBLIC")
	private, _, _ := strings.Cut(string(other), "-----BEGIN PUBLIC")
	for name, damaged := range map[string]string{
		"empty": "", "cut": string(text[:len(text)/2]), "followed": string(text) + "more", "other text": "a log\n",
		"another kind of PEM": strings.ReplaceAll(string(text), "PRIVATE", "PUBLIC"),
		"the halves of two":   private + "-----BEGIN PUBLIC" + public,
		"another curve":       string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	} {
		file := filepath.Join(t.TempDir(), "LedgerKey.pem")
		if err := os.WriteFile(file, []byte(damaged), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(filepath.Dir(file), "us-east-1", "123456789012", "LedgerKey")
		if err == nil || !strings.Contains(err.Error(), file+" holds no Ed25519 key: put the file back") {
			t.Errorf("%s: %v", name, err)
		}
		if left, _ := os.ReadFile(file); string(left) != damaged {
			t.Errorf("%s: the file was changed", name)
		}
	}
	folder := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(folder, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(folder, "us-east-1", "123456789012", "LedgerKey"); err == nil {
		t.Error("a key inside of a file")
	}
}
