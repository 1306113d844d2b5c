package setup

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What is measured must be what is deployed.
func TestFlagsAreTheMakefiles(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join("..", "..", "..", "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	_, line, found := strings.Cut(string(makefile), "\nGO_BUILD := CGO_ENABLED=0 go build ")
	if !found {
		t.Fatal("the Makefile has no GO_BUILD")
	}
	line, _, _ = strings.Cut(line, "\n")
	if got := strings.Join(flags, " "); got != strings.ReplaceAll(line, "'", "") {
		t.Errorf("the bench builds with %s, the Makefile with %s", got, line)
	}
}
