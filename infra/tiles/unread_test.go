package tiles

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"customercare/infra/testkit/dynamotest"
)

// What cannot be read is named with the reason, and nobody is told that it was altered or
// is another log.
func TestWhatCannotBeReadIsNotCalledAltered(t *testing.T) {
	s := newLog(t, dynamotest.Open(t))
	s.erase(t, 0, 1)
	file, folder := filepath.Join(t.TempDir(), "file"), t.TempDir()
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(folder, "checkpoint"), 0o700); err != nil {
		t.Fatal(err)
	}
	for dir, reason := range map[string]string{file: "not a directory", folder: "is a directory"} {
		_, exported := s.export(t, dir).Run(t.Context())
		_, checked := s.check(dir).Run(t.Context())
		want := "the file " + filepath.Join(dir, "checkpoint") + " cannot be read: " + reason
		if fmt.Sprint(exported) != want || fmt.Sprint(checked) != want {
			t.Errorf("%v, %v, want %s", exported, checked, want)
		}
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != 1 {
		t.Errorf("%v, %v", left, err)
	}
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "tile"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.export(t, full).Run(t.Context()); err == nil || !strings.HasSuffix(err.Error(), "cannot be made: not a directory") {
		t.Error(err)
	}
}
