package stack

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"customercare/infra/project"
)

// What is tried and measured must be what is deployed.
func TestFlagsAreTheMakefiles(t *testing.T) {
	root, err := project.Root()
	if err != nil {
		t.Fatal(err)
	}
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	_, line, found := strings.Cut(string(makefile), "\nGO_BUILD := CGO_ENABLED=0 go build ")
	if !found {
		t.Fatal("the Makefile has no GO_BUILD")
	}
	line, _, _ = strings.Cut(line, "\n")
	if got := strings.Join(flags, " "); got != strings.ReplaceAll(line, "'", "") {
		t.Errorf("functions are built with %s, the Makefile has %s", got, line)
	}
}
