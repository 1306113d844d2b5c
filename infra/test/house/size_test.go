package house

import (
	"path/filepath"
	"strings"
	"testing"
)

// What files and parts may have: bytes of documents, lines of the others.
const (
	maxReadme       = 12 << 10
	maxContributing = 8 << 10
	maxFile         = 365
	maxHandler      = 150
	maxMain         = 50
	maxInfra        = 14_000 // without tests
	maxBench        = 3_600  // of them
)

func TestDocumentsAreShort(t *testing.T) {
	for name, most := range map[string]int{"README.md": maxReadme, "CONTRIBUTING.md": maxContributing} {
		if n := len(source(t, name)); n > most {
			t.Errorf("%s has %d bytes, at most %d are allowed", name, n, most)
		}
	}
}

func TestFilesAreShort(t *testing.T) {
	for _, name := range goFiles(t) {
		most := maxFile
		if folder, file := filepath.Split(name); strings.HasPrefix(folder, "functions/") {
			most = map[string]int{"main.go": maxMain, "handler.go": maxHandler}[file]
			if most == 0 {
				most = maxFile
			}
		}
		if n := strings.Count(source(t, name), "\n"); n > most {
			t.Errorf("%s has %d lines, at most %d are allowed", name, n, most)
		}
	}
}

// TestInfraIsNoLargerThanTheProduct holds what is around the product, without its tests,
// to a budget: whoever adds a tool takes one away, or raises the number with a reason.
func TestInfraIsNoLargerThanTheProduct(t *testing.T) {
	waits(t)
	infra, bench := 0, 0
	for _, name := range goFiles(t) {
		if !strings.HasPrefix(name, "infra/") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		n := strings.Count(source(t, name), "\n")
		infra += n
		if strings.HasPrefix(name, "infra/bench/") || strings.HasPrefix(name, "infra/cmd/bench/") {
			bench += n
		}
	}
	t.Logf("infra %d lines, of them the benchmark %d", infra, bench)
	if infra > maxInfra || bench > maxBench {
		t.Errorf("infra has %d lines, at most %d are allowed; the benchmark %d, at most %d", infra, maxInfra, bench, maxBench)
	}
}
