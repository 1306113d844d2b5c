package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

// RunWith runs a command with DYNAMODB_ENDPOINT set to an engine of its own, or as it is
// when the variable is set already. It passes signals on, ends the engine after the
// command and gives the command's exit code; an error says why there is none.
func RunWith(args []string) (exitCode int, err error) {
	if len(args) == 0 {
		return 2, errors.New("usage: withengine command [argument ...]")
	}
	ending := []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, ending...)
	environment := os.Environ()
	if os.Getenv("DYNAMODB_ENDPOINT") == "" {
		ctx, stop := signal.NotifyContext(context.Background(), ending...)
		server, err := Start(ctx, Options{})
		stop()
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
