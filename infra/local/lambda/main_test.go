package lambda

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"customercare/infra/testkit/metrictest"
)

// transcript is a log that can be read while it is written.
type transcript struct{ metrictest.Log }

// holding waits until n invocations in all have said that they are at work.
func (l *transcript) holding(t *testing.T, n int) {
	t.Helper()
	eventually(t, fmt.Sprint(n, " invocations hold"),
		func() bool { return strings.Count(l.String(), "f: holding\n") >= n })
}

// eventually waits for a condition, however slow the machine is.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Minute); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("did not happen within 5 minutes: %s", what)
		}
	}
}

// release lets all go on that hold for the file.
func release(t *testing.T, file string) {
	t.Helper()
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// service runs the test function under the name F, in the folder f.
func service(t *testing.T, change func(*Function)) (*Service, *transcript) {
	t.Helper()
	self, err := os.Executable()
	dir := t.TempDir()
	if err := errors.Join(err, os.Mkdir(filepath.Join(dir, "f"), 0o755),
		os.Symlink(self, filepath.Join(dir, "f", "bootstrap"))); err != nil {
		t.Fatal(err)
	}
	f := Function{Name: "F", Folder: "f", Handler: "bootstrap", MemoryMB: 128, Timeout: 5 * time.Minute}
	if change != nil {
		change(&f)
	}
	log := &transcript{}
	s, err := New(Options{
		Account: Account{ID: "1", Region: "us-east-1"},
		BinDir:  dir, Workers: 3, Log: log,
	}, []Function{f})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, log
}

func call(t *testing.T, s *Service, do string) (string, error) {
	t.Helper()
	answer, err := s.Invoke(t.Context(), "F", []byte(`{"do":"`+do+`"}`))
	return string(answer), err
}
