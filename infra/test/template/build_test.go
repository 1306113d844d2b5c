package template

import (
	"crypto/sha256"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"customercare/infra/testkit/dynamotest"
)

// Lambda takes up to 250 MB, but a start costs about 1.35 ms a MB: below 10 MB there is
// nothing to gain by another SDK.
const maxBinary = 10_000_000

// What is deployed by default runs on arm64, needs nothing but the kernel, is small,
// and is the same bytes wherever it is built.
func TestBinariesAreReproducible(t *testing.T) {
	here := packaged(t, dynamotest.Root())
	elsewhere := packaged(t, copied(t))
	if len(here) == 0 || len(here) != len(elsewhere) {
		t.Fatalf("%d files here, %d elsewhere", len(here), len(elsewhere))
	}
	for name, sum := range here {
		if elsewhere[name] != sum {
			t.Errorf("%s is different when it is built elsewhere", name)
		}
	}
	for name, f := range functions(t) {
		file := filepath.Join(dynamotest.Root(), ".cache", "lambda", name, "bootstrap")
		info, err := os.Stat(file)
		if err != nil {
			t.Error(err)
			continue
		}
		if info.Size() >= maxBinary || info.Mode()&0o111 == 0 {
			t.Errorf("%s: %d bytes, %s", name, info.Size(), info.Mode())
		}
		binary, err := elf.Open(file)
		if err != nil {
			t.Error(err)
			continue
		}
		if libraries, _ := binary.ImportedLibraries(); binary.Machine != elf.EM_AARCH64 || len(libraries) > 0 {
			t.Errorf("%s is for %s and wants %v", name, binary.Machine, libraries)
		}
		binary.Close()
		// What SAM deploys is built by another rule.
		out := t.TempDir()
		run(t, dynamotest.Root(), "build-"+f.ID, "ARTIFACTS_DIR="+out)
		if sum(t, filepath.Join(out, "bootstrap")) != here[filepath.Join(name, "bootstrap")] {
			t.Errorf("make build-%s builds other bytes than make build", f.ID)
		}
	}
}

// packaged makes binaries and zips in the tree at root and gives their sums by name.
func packaged(t *testing.T, root string) map[string]string {
	t.Helper()
	out := filepath.Join(root, ".cache", "lambda")
	if err := os.RemoveAll(out); err != nil {
		t.Fatal(err)
	}
	run(t, root, "package")
	sums := map[string]string{}
	for name := range functions(t) {
		for _, file := range []string{filepath.Join(name, "bootstrap"), name + ".zip"} {
			sums[file] = sum(t, filepath.Join(out, file))
		}
	}
	return sums
}

// run runs a command in a folder.
func run(t *testing.T, root string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "make", append([]string{"-C", root}, args...)...)
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make %s: %v\n%s", strings.Join(args, " "), err, said)
	}
}

// sum is a file's SHA-256.
func sum(t *testing.T, file string) string {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(content))
}

// copied is a copy of what the binaries are made from, without version control, at
// another path.
func copied(t *testing.T) string {
	t.Helper()
	to := t.TempDir()
	for _, part := range []string{"functions", "shared"} {
		if err := os.CopyFS(filepath.Join(to, part), os.DirFS(filepath.Join(dynamotest.Root(), part))); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"go.mod", "go.sum", "Makefile"} {
		content, err := os.ReadFile(filepath.Join(dynamotest.Root(), file))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, file), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return to
}
