package local

import (
	"os"
	"path/filepath"
	"testing"
)

// A run never writes over the log of another that still runs, and keeps the one of the
// run before.
func TestRunsHaveLogsOfTheirOwn(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "cache")
	open := func(want string) *logFile {
		t.Helper()
		l, err := openLog(folder)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		if filepath.Base(l.Name()) != want {
			t.Fatalf("%s is given, want %s", l.Name(), want)
		}
		if _, err := l.WriteString(want + " of this run"); err != nil {
			t.Fatal(err)
		}
		return l
	}
	holds := func(name, want string) {
		t.Helper()
		if text, err := os.ReadFile(filepath.Join(folder, name)); err != nil || string(text) != want {
			t.Errorf("%s holds %q, %v; want %q", name, text, err, want)
		}
	}
	first := open("run.log")
	open("run-2.log")
	open("run-3.log")
	holds("run.log", "run.log of this run")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "run.log"), []byte("of the run before"), 0o600); err != nil {
		t.Fatal(err)
	}
	open("run.log")
	holds("run.log", "run.log of this run")
	holds("run.log.1", "of the run before")
	holds("run-2.log", "run-2.log of this run")
	open("run-4.log")
}

func TestALogThatCannotBeIsSaid(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openLog(file); err == nil {
		t.Error("a log inside of a file")
	}
}
