// Package setup is what every measurement of the bench finds ready: the functions and the floors as binaries of this machine,
// and an engine of DynamoDB.
package setup

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"customercare/infra/local/engine"
)

// Setup is what a measurement works with.
type Setup struct {
	Root     string                           // of the repository
	Endpoint string                           // of an engine in memory, http://127.0.0.1:<port>; measurements use tables of their own in it
	Engine   string                           // its name and version
	Bin      string                           // the functions: <Bin>/<folder of functions/>/bootstrap
	Floors   string                           // the programs to compare with: <Floors>/<folder of infra/bench/floor/>/bootstrap
	Log      io.Writer                        // lines of the functions
	Say      func(format string, args ...any) // progress, one line
	Only     []int                            // the tables that are asked for; nil for all
}

// Wants says whether a table is asked for: what takes long and is not need not be measured.
func (s Setup) Wants(table int) bool { return s.Only == nil || slices.Contains(s.Only, table) }

// In is where the binaries of the repository at root are; it has nothing else yet.
func In(root string) Setup {
	bench := filepath.Join(root, ".cache", "bench")
	return Setup{Root: root, Bin: filepath.Join(bench, "functions"), Floors: filepath.Join(bench, "floors")}
}

// flags are the Makefile's GO_BUILD. Only the machine that is built for differs from what is deployed.
var flags = []string{"-trimpath", "-buildvcs=false", "-tags", "lambda.norpc", "-ldflags=-s -w"}

// Prepare builds all functions and floors and starts an engine in memory, which ends with end. ctx bounds Prepare
// only. What is up to date builds in a second.
func Prepare(ctx context.Context, root string, log io.Writer, say func(string, ...any)) (s Setup, end func(), err error) {
	s = In(root)
	s.Log, s.Say = log, say
	var database *engine.Server
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { return Build(ctx, s) })
	all.Go(func() (err error) {
		database, err = engine.Start(ctx, engine.Options{CacheDir: filepath.Join(root, ".cache")})
		return err
	})
	err = all.Wait()
	if database == nil {
		return s, func() {}, err
	}
	if err != nil {
		database.Close()
		return s, func() {}, err
	}
	s.Endpoint, s.Engine = database.Endpoint, database.Name
	return s, database.Close, nil
}

// Build compiles all functions and floors to where s says that they are.
func Build(ctx context.Context, s Setup) error {
	if err := build(ctx, s.Root, s.Bin, "./functions/..."); err != nil {
		return err
	}
	return build(ctx, s.Root, s.Floors, "./infra/bench/floor/...")
}

// build compiles the commands among packages to <dir>/<last element of its path>/bootstrap, in one go command, which is
// several times as fast as one for each.
func build(ctx context.Context, root, dir, packages string) error {
	flat := filepath.Join(dir, ".flat") // go build names binaries after their folders
	if err := os.MkdirAll(flat, 0o755); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", append(append([]string{"build"}, flags...), "-o", flat+string(filepath.Separator), packages)...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return fmt.Errorf("build %s: %w\n%s", packages, err, strings.TrimSpace(string(said)))
	}
	built, err := os.ReadDir(flat)
	if err != nil {
		return err
	}
	for _, program := range built {
		at := filepath.Join(dir, program.Name(), "bootstrap")
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			return err
		}
		// By another name first, so that a second bench in the same tree always finds one; renaming a file to itself leaves both.
		fresh := at + "." + strconv.Itoa(os.Getpid())
		if err := os.Link(filepath.Join(flat, program.Name()), fresh); err != nil {
			return err
		}
		if err := os.Rename(fresh, at); err != nil {
			return err
		}
		_ = os.Remove(fresh)
	}
	return nil
}
