package stack

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Build compiles every function for this machine.
func Build(ctx context.Context, root, binDir string) error {
	return BuildUnder(ctx, root, "functions", binDir)
}

// BuildUnder compiles each folder under root/under with a main.go into
// binDir/<folder>/bootstrap, with the flags the deployment uses. What is up to date costs
// little.
func BuildUnder(ctx context.Context, root, under, binDir string) error {
	binDir, err := filepath.Abs(binDir)
	if err != nil {
		return err
	}
	// One go command for all is several times as fast as one for each; it names binaries
	// after their folders.
	all := filepath.Join(binDir, ".all")
	if err := os.MkdirAll(all, 0o755); err != nil {
		return err
	}
	args := append(append([]string{"build"}, flags...),
		"-o", all+string(filepath.Separator), "./"+filepath.ToSlash(under)+"/...")
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := cmd.CombinedOutput(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("build %s: %w\n%s", under, err, strings.TrimSpace(string(output)))
	}
	mains, err := filepath.Glob(filepath.Join(root, under, "*", "main.go"))
	for _, main := range mains {
		folder := filepath.Base(filepath.Dir(main))
		if err := place(filepath.Join(all, folder), filepath.Join(binDir, folder, "bootstrap")); err != nil {
			return fmt.Errorf("build %s: %w", folder, err)
		}
	}
	return err
}

// flags are those of GO_BUILD in the Makefile: what is tried and measured is what is
// deployed, but for the machine that it is built for.
var flags = []string{"-trimpath", "-buildvcs=false", "-tags", "lambda.norpc,nethttpomithttp2", "-ldflags=-s -w"}

// place gives the binary at from the name at as well. A process that still runs the
// binary of before is not disturbed, and where it is the same one nothing happens.
func place(from, at string) error {
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp(filepath.Dir(at), ".new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	fresh := filepath.Join(work, "bootstrap")
	if err := os.Link(from, fresh); err != nil {
		return err
	}
	return os.Rename(fresh, at)
}
