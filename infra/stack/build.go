package stack

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"
)

// Build compiles every function, each folder of functions/ with a main.go, for this machine into
// binDir/<folder>/bootstrap, with the flags the deployment uses. What is up to date costs little.
func Build(ctx context.Context, root, binDir string) error {
	mains, err := filepath.Glob(filepath.Join(root, "functions", "*", "main.go"))
	if err != nil {
		return err
	}
	binDir, err = filepath.Abs(binDir)
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(2) // go build works in parallel by itself
	for _, main := range mains {
		folder := filepath.Base(filepath.Dir(main))
		g.Go(func() error {
			return BuildFunction(ctx, root, "./functions/"+folder, filepath.Join(binDir, folder, "bootstrap"))
		})
	}
	return g.Wait()
}

// BuildFunction compiles one package of the module at root to the file out.
func BuildFunction(ctx context.Context, root, pkg, out string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags", "lambda.norpc", "-ldflags=-s -w", "-o", out, pkg)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("build %s: %w\n%s", pkg, err, strings.TrimSpace(string(said)))
	}
	return nil
}
