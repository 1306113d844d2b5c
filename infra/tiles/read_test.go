package tiles

import (
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"customercare/infra/testkit/dynamotest"
)

// bytesRead is how many bytes this process has read from files so far.
func bytesRead(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		t.Skip("needs Linux")
	}
	first, _, _ := strings.Cut(string(text), "\n")
	n, err := strconv.ParseInt(strings.TrimPrefix(first, "rchar: "), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A check reads each bundle and each tile of leaves once, and for each of them the tiles
// above, which are 8 KB of each level: what it reads of a leaf does not grow with the
// log.
func TestCheckReadsEachLeafOnce(t *testing.T) {
	s, dir := newLog(t, dynamotest.Open(t)), t.TempDir()
	s.erase(t, 0, 1500)
	if _, err := s.export(t, dir).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	size, tiles := int64(0), int64(0)
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			size += info.Size()
		}
		if strings.Contains(path, "tile/0/") {
			tiles++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	before := bytesRead(t)
	r, err := s.check(dir).Run(t.Context())
	read := bytesRead(t) - before
	if err != nil || r.Bad+r.Missing != 0 {
		t.Fatalf("%+v, %v", r, err)
	}
	if most := size + tiles*(16<<10); read > most {
		t.Errorf("%d bytes are read of %d in %d tiles of leaves, at most %d are expected", read, size, tiles, most)
	}
	t.Logf("%d bytes are read of %d in %d tiles of leaves", read, size, tiles)
}
