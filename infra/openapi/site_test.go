package openapi

import (
	"bytes"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// Who reads a file while others write it, finds it whole.
func TestFilesAreWhole(t *testing.T) {
	dir, text := t.TempDir(), bytes.Repeat([]byte("x"), 1<<20)
	name := filepath.Join(dir, "page")
	if err := put(dir, "page", text); err != nil {
		t.Fatal(err)
	}
	var writers sync.WaitGroup
	for range 2 {
		writers.Go(func() {
			for range 20 {
				if err := put(dir, "page", text); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 50 {
		if got, err := os.ReadFile(name); err != nil || !bytes.Equal(got, text) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	}
	writers.Wait()
	all, err := os.ReadDir(dir)
	if err != nil || len(all) != 1 {
		t.Errorf("%v, %v", all, err)
	}
	if info, err := os.Stat(name); err != nil || info.Mode() != 0o644 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}
