// Command withengine runs a command with a DynamoDB of its own: it starts the engine that ENGINE
// names (dynoxide by default) on a free port, sets DYNAMODB_ENDPOINT for the command, passes signals
// on, ends the engine after it and exits with its code. When DYNAMODB_ENDPOINT is set already it only
// runs the command.
//
//	go run ./infra/cmd/withengine go test ./...
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"customercare/infra/local/engine"
)

func main() {
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

func run(args []string) (int, error) {
	if len(args) == 0 {
		return 2, errors.New("usage: withengine command [argument ...]")
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)

	if os.Getenv("DYNAMODB_ENDPOINT") == "" {
		server, err := startDynamoDB(signals)
		if err != nil {
			return 1, err
		}
		defer server.Close()
		os.Setenv("DYNAMODB_ENDPOINT", server.Endpoint)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return 1, err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for {
		select {
		case sig := <-signals:
			_ = cmd.Process.Signal(sig)
		case err := <-done:
			var exit *exec.ExitError
			switch {
			case err == nil:
				return 0, nil
			case errors.As(err, &exit) && exit.ExitCode() >= 0:
				return exit.ExitCode(), nil
			default: // ended by a signal
				return 1, fmt.Errorf("%s: %w", args[0], err)
			}
		}
	}
}

// startDynamoDB starts the server, and gives up on a signal. The signal stays noted for the caller's loop only if
// it comes later.
func startDynamoDB(signals <-chan os.Signal) (*engine.Server, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	started := make(chan struct{})
	defer close(started)
	go func() {
		select {
		case <-signals:
			cancel()
		case <-started:
		}
	}()
	return engine.Start(ctx, engine.Options{CacheDir: filepath.Join(root(), ".cache")})
}

// root is the nearest folder upwards with a go.mod, so that the command works from any folder of the project.
func root() string {
	dir, err := os.Getwd()
	if err != nil {
		return "."
	}
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, "go.mod")); err == nil {
			return d
		}
		if d == filepath.Dir(d) {
			return dir
		}
	}
}
