package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"customercare/infra/project"
)

// RunWith runs a command with DYNAMODB_ENDPOINT set to an engine of its own, or as it is
// when the variable is set already. It passes signals on, ends the engine after the
// command and gives the command's exit code; an error says why there is none.
func RunWith(args []string) (exitCode int, err error) {
	if len(args) == 0 {
		return 2, errors.New("usage: withengine command [argument ...]")
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	environment := os.Environ()
	if os.Getenv("DYNAMODB_ENDPOINT") == "" {
		server, err := startForCommand()
		if err != nil {
			return 1, err
		}
		defer server.Close()
		environment = append(environment, "DYNAMODB_ENDPOINT="+server.Endpoint)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = environment
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return 1, err
	}
	go func() {
		for sig := range signals {
			_ = cmd.Process.Signal(sig)
		}
	}()
	err = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code >= 0 {
		return code, nil
	}
	return 1, fmt.Errorf("%s: %w", args[0], err) // a signal ended it
}

// startForCommand starts an engine with the project's cache, and gives up on a signal.
func startForCommand() (*Server, error) {
	root, err := project.Root()
	if err != nil {
		return nil, err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	return Start(ctx, Options{CacheDir: filepath.Join(root, ".cache")})
}
