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
	// maxInfra is without tests and what tests alone import. A seventh of it is for
	// evidence: the stand-in for KMS, and the commands that export and verify the log,
	// ask the audit, print what is held of somebody, erase whom a file names, place and
	// release holds, or try a rule. Another part writes files for DynamoDB's import. A
	// fiftieth of it is what the benchmark sets beside ours: hellos, other libraries.
	maxInfra = 22_800
	maxBench = 3_600 // of them
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

// TestInfraIsInItsBudget holds what is around the product to a number of lines: all of
// infra without its tests and without infra/testkit, which TestOnlyTestsUseTheKits keeps
// for tests. Whoever adds a tool takes one away, or raises the number with a reason.
func TestInfraIsInItsBudget(t *testing.T) {
	if n := lines(t, "infra/") - lines(t, "infra/testkit/"); n > maxInfra {
		t.Errorf("infra has %d lines without tests, at most %d are allowed", n, maxInfra)
	}
}

// TestBenchmarkIsInItsBudget does the same for the benchmark alone.
func TestBenchmarkIsInItsBudget(t *testing.T) {
	if n := lines(t, "infra/bench/"); n > maxBench {
		t.Errorf("the benchmark has %d lines without tests, at most %d are allowed", n, maxBench)
	}
}

// lines counts those of the Go files below a folder, without tests.
func lines(t *testing.T, folder string) (n int) {
	t.Helper()
	for _, name := range goFiles(t) {
		if strings.HasPrefix(name, folder) && !strings.HasSuffix(name, "_test.go") {
			n += strings.Count(source(t, name), "\n")
		}
	}
	return n
}
